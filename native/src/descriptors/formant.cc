// Resonances of a linear-prediction envelope fitted to the low band of the spectrum only (selective linear
// prediction, Makhoul 1975): the order then suits the band, whatever the sample rate.
#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

constexpr int kMaxOrder = 32;
constexpr double kSilence = 1e-9;

// In double: a spectrum of a few harmonics leaves the normal equations close to singular, and the envelope's dips are
// small differences of large numbers.
EM_INLINE void autocorrelation(const Tables &t, const vf *power, int half, vd *r) {
  for (uint32_t m = 0; m < t.lpc_stride; m += 4) {
    vd sum[4] = {};
    for (uint32_t k = 0; k <= t.lpc_bins; ++k) {
      const vd p = widen(power + k, half) * (k == 0 || k == t.lpc_bins ? 1.0 : 2.0);
      const double *cosines = t.lpc_cosines + static_cast<size_t>(k) * t.lpc_stride + m;
      for (uint32_t i = 0; i < 4; ++i) sum[i] += p * cosines[i];
    }
    for (uint32_t i = 0; i < 4; ++i) r[m + i] = sum[i];
  }
}

// Levinson-Durbin recursion: a[0] = 1 and the predictor polynomial a[1..order].
EM_INLINE void levinson(const vd *r, uint32_t order, vd *a) {
  vd error = r[0];
  a[0] = vd{} + 1.0;
  for (uint32_t i = 1; i <= order; ++i) {
    vd sum = r[i];
    for (uint32_t j = 1; j < i; ++j) sum += a[j] * r[i - j];
    const vd reflection = -sum / error;
    for (uint32_t j = 1; j <= i / 2; ++j) {
      const vd low = a[j], high = a[i - j];
      a[j] = low + reflection * high;
      if (j != i - j) a[i - j] = high + reflection * low;
    }
    a[i] = reflection;
    error *= 1.0 - reflection * reflection;
  }
}

// |A|^2 on the band's bins: b[0] + 2 sum b[m] cos(pi k m / K), b the autocorrelation of a.
EM_INLINE void inverse_envelope(const Tables &t, const vd *a, int half, vf *d) {
  const uint32_t order = t.lpc_order;
  vd b[kMaxOrder + 4] = {};
  for (uint32_t m = 0; m <= order; ++m) {
    for (uint32_t i = 0; i + m <= order; ++i) b[m] += a[i] * a[i + m];
    if (m > 0) b[m] *= 2.0;
  }
  for (uint32_t k = 0; k <= t.lpc_bins; ++k) {
    const double *cosines = t.lpc_cosines + static_cast<size_t>(k) * t.lpc_stride;
    vd sum{};
    for (uint32_t m = 0; m < t.lpc_stride; m += 4)
      for (uint32_t i = 0; i < 4; ++i) sum += b[m + i] * cosines[m + i];
    narrow(sum, d + k, half);
  }
}

struct Dip {
  vf bin, before, at, after;
};

EM_INLINE void keep(Dip &dip, vi mask, uint32_t k, const vf *d) {
  dip.bin = mask ? splat(static_cast<float>(k)) : dip.bin;
  dip.before = mask ? d[k - 1] : dip.before;
  dip.at = mask ? d[k] : dip.at;
  dip.after = mask ? d[k + 1] : dip.after;
}

EM_INLINE vf frequency(const Tables &t, const Dip &dip) {
  constexpr float kFloor = 1e-12f;
  const vf left = natural_log(maximum(dip.before, splat(kFloor)));
  const vf middle = natural_log(maximum(dip.at, splat(kFloor)));
  const vf right = natural_log(maximum(dip.after, splat(kFloor)));
  const vf curve = left - middle * 2.0f + right;
  const vf shift = (left - right) * 0.5f / (curve > 0.0f ? curve : splat(1.0f));
  const vf hz = (dip.bin + clamp(shift, -0.5f, 0.5f)) * (t.sample_rate / static_cast<float>(t.fft.n));
  return dip.bin > 0.0f ? hz : vf{};
}

}  // namespace

void formant(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf *d = block.scratch, power{};
  for (int half = 0; half < 2; ++half) {
    vd r[kMaxOrder + 4] = {}, a[kMaxOrder + 1] = {};
    autocorrelation(t, block.emphasised, half, r);
    narrow(r[0], &power, half);
    r[0] = r[0] < kSilence ? vd{} + 1.0 : r[0] * 1.0001;
    levinson(r, t.lpc_order, a);
    inverse_envelope(t, a, half, d);
  }
  const vi silent = power < static_cast<float>(kSilence);

  const Dip none = {vf{}, splat(1.0f), splat(1.0f), splat(1.0f)};
  Dip first = none, second = none;
  for (uint32_t k = t.formant_first_bin; k < t.lpc_bins; ++k) {
    const vi dip = (d[k] < d[k - 1]) & (d[k] <= d[k + 1]) & ~silent;
    const vi is_second = dip & (first.bin > 0.0f) & (second.bin == 0.0f);
    keep(second, is_second, k, d);
    keep(first, dip & (first.bin == 0.0f), k, d);
  }
  out[0] = frequency(t, first);
  out[1] = frequency(t, second);
}

}  // namespace EM_ARCH
}  // namespace em
