#include <algorithm>
#include <cmath>

#include "../segment.h"

namespace em {

void chroma_interval(const SegmentFrames &frames, double *out) {
  constexpr double kTurn = 2 * 3.14159265358979323846;
  double chroma[kPitchClasses];
  mean_chroma(frames, chroma);
  for (uint32_t k = 1; k <= kPitchClasses / 2; ++k) {
    double re = 0, im = 0;
    for (uint32_t n = 0; n < kPitchClasses; ++n) {
      const double angle = kTurn * (k * n % kPitchClasses) / kPitchClasses;
      re += chroma[n] * std::cos(angle);
      im += chroma[n] * std::sin(angle);
    }
    *out++ = std::min(1.0, std::hypot(re, im));
  }
}

}  // namespace em
