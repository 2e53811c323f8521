// Sums over the frames of a segment, a vector of frame-level values at a time.
#include "kernel.h"
#include "simd.h"

namespace em {
namespace EM_ARCH {

namespace {

EM_INLINE vd load_values(const float *p) {
  vfh part;
  std::memcpy(&part, p, sizeof part);
  return __builtin_convertvector(part, vd);
}

EM_INLINE void store_values(vd v, double *p) { std::memcpy(p, &v, sizeof v); }

EM_INLINE void means(const StatisticsJob &job, size_t v) {
  vd total{};
  for (size_t i = 0; i < job.frames; ++i) total += load_values(job.rows + i * job.values + v);
  store_values(total * (1.0 / job.frames), job.statistics + kMeanOf * job.values + v);
}

// Two passes: deviations are taken from the means.
EM_INLINE void everything(const StatisticsJob &job, size_t v) {
  const size_t n = job.values;
  const vd one = vd{} + 1.0, lowest = load_values(job.lowest + v);
  vd count{}, total{}, times{}, least = vd{} + 1e300, largest = vd{} - 1e300;
  for (size_t i = 0; i < job.frames; ++i) {
    const vd x = load_values(job.rows + i * n + v);
    const auto counts = x > lowest, lower = counts & (x < least), higher = counts & (x > largest);
    const vd weight = counts ? one : vd{};
    count += weight;
    total += counts ? x : vd{};
    times += weight * static_cast<double>(i);
    least = lower ? x : least;
    largest = higher ? x : largest;
  }
  const vd share = one / (count > 0.0 ? count : one), mean = total * share, time = times * share;
  vd square{}, cube{}, fourth{}, covariance{}, time_square{}, low{};
  for (size_t i = 0; i < job.frames; ++i) {
    const vd x = load_values(job.rows + i * n + v);
    const auto counts = x > lowest, is_low = counts & (x < mean * 0.5);
    const vd d = counts ? x - mean : vd{}, elapsed = counts ? static_cast<double>(i) - time : vd{}, dd = d * d;
    square += dd;
    cube += dd * d;
    fourth += dd * dd;
    covariance += elapsed * d;
    time_square += elapsed * elapsed;
    low += is_low ? one : vd{};
  }
  const vd sums[kStatisticCount] = {mean, count, least, largest, square, cube, fourth, covariance, time_square, low};
  for (size_t s = 0; s < kStatisticCount; ++s) store_values(sums[s], job.statistics + s * n + v);
}

}  // namespace

void statistics(const StatisticsJob &job) {
  for (size_t v = 0; v < job.values; v += kHalf) {
    if (job.only_means[v / kStatisticsStep])
      means(job, v);
    else
      everything(job, v);
  }
}

}  // namespace EM_ARCH
}  // namespace em
