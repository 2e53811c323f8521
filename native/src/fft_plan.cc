#include "fft_plan.h"

#include <cmath>

namespace em {

FftPlan::FftPlan(uint32_t n) {
  uint32_t passes = 0;  // radix-4 passes after the first
  while (n >> (2 * (passes + 2))) ++passes;
  const uint32_t first_radix = n >> (2 * passes);

  order_.resize(n / first_radix);
  for (uint32_t i = 0; i < order_.size(); ++i) {
    for (uint32_t p = 0; p < passes; ++p) order_[i] = order_[i] * 4 + (i >> (2 * p)) % 4;
    order_[i] *= first_radix;
  }

  for (uint32_t h = first_radix; h < n; h *= 4)
    for (uint32_t j = 1; j < h / 2; ++j) {
      const double angle = -2.0 * 3.14159265358979323846 * j / (4.0 * h);
      for (const double value : {std::cos(angle), std::sin(angle), std::cos(2 * angle), std::tan(2 * angle),
                                 std::cos(3 * angle), std::tan(3 * angle)})
        twiddles_.push_back(static_cast<float>(value));
    }
  tables_ = {n, first_radix, order_.data(), twiddles_.data()};
}

}  // namespace em
