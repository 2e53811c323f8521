#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

constexpr float kFloor = 1e-10f, kLn2 = 0.69314718f;
constexpr uint32_t kFactors = 64;  // below 2 each, so that their product does not overflow

}  // namespace

// The sum of logarithms is that of a product: exponents add up as integers, mantissas are multiplied.
void spectral_flatness(Block &block, vf *out) {
  const uint32_t bins = block.tables.bins;
  vi exponents{};
  vf logs{}, sum{};
  for (size_t start = 0; start < bins; start += 4 * kFactors) {
    const uint32_t end = bins - start < 4 * kFactors ? bins : start + 4 * kFactors;
    vf products[4] = {splat(1.0f), splat(1.0f), splat(1.0f), splat(1.0f)};  // one would wait for itself at every step
    const auto take = [&](uint32_t k, vf &product) __attribute__((always_inline)) {
      const vf p = maximum(block.power[k], splat(kFloor));
      const vi bits = (vi)p;
      exponents += bits >> 23;
      product *= (vf)((bits & 0x7fffff) | 0x3f800000);
      sum += p;
    };
    uint32_t k = start;
    for (; k + 4 <= end; k += 4)
      for (size_t i = 0; i < 4; ++i) take(k + i, products[i]);
    for (; k < end; ++k) take(k, products[k % 4]);
    for (const vf &product : products) logs += natural_log(product);
  }
  const float scale = 1.0f / static_cast<float>(bins);
  const vf mean_log = logs * scale + (__builtin_convertvector(exponents, vf) * scale - 127.0f) * kLn2;
  const vf ratio = mean_log - natural_log(sum * scale);
  for (int lane = 0; lane < kLanes; ++lane) (*out)[lane] = __builtin_expf(ratio[lane]);
  *out = minimum(*out, splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
