#include <algorithm>
#include <cmath>
#include <iterator>

#include "../segment.h"

namespace em {

namespace {

// How well the notes of an octave fit a key, from its tonic up (Krumhansl and Kessler 1982).
constexpr double kMajor[kPitchClasses] = {6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr double kMinor[kPitchClasses] = {6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

// Of a profile whose tonic is `tonic`, but for what all tonics share: the chroma's own spread and mean.
double correlation(const double *chroma, const double *profile, uint32_t tonic) {
  double sum = 0, squares = 0, product = 0;
  for (uint32_t i = 0; i < kPitchClasses; ++i) sum += profile[i];
  for (uint32_t i = 0; i < kPitchClasses; ++i) {
    const double d = profile[i] - sum / kPitchClasses;
    squares += d * d;
    product += d * chroma[(i + tonic) % kPitchClasses];
  }
  return product / std::sqrt(squares);
}

}  // namespace

void mean_chroma(const SegmentFrames &frames, double *chroma) {
  double sum = 0;
  for (uint32_t i = 0; i < kPitchClasses; ++i) sum += frames.means[i];
  for (uint32_t i = 0; i < kPitchClasses; ++i) chroma[i] = sum > 1e-9 ? frames.means[i] / sum : 0;
}

void relative_chroma(const SegmentFrames &frames, double *out) {
  double chroma[kPitchClasses], best[kPitchClasses];
  mean_chroma(frames, chroma);
  for (uint32_t k = 0; k < kPitchClasses; ++k)
    best[k] = std::max(correlation(chroma, kMajor, k), correlation(chroma, kMinor, k));
  const auto tonic = static_cast<uint32_t>(std::max_element(std::begin(best), std::end(best)) - best);
  for (uint32_t i = 0; i < kPitchClasses; ++i) out[i] = chroma[(i + tonic) % kPitchClasses];
}

}  // namespace em
