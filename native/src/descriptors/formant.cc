// Resonances of a linear-prediction envelope fitted to the low band of the spectrum only (selective linear
// prediction, Makhoul 1975): the order then suits the band, whatever the sample rate.
#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

constexpr int kMaxOrder = 32;
constexpr float kSilence = 1e-9f;

EM_INLINE void autocorrelation(const Tables &t, const vf *power, vf *r) {
  const uint32_t columns = t.lpc_order + 1;
  for (uint32_t m = 0; m < columns; m += 4) {
    const uint32_t count = columns - m < 4 ? columns - m : 4;
    vf sum[4] = {};
    for (uint32_t k = 0; k <= t.lpc_bins; ++k) {
      const vf p = power[k] * (k == 0 || k == t.lpc_bins ? 1.0f : 2.0f);
      const float *cosines = t.lpc_cosines + static_cast<size_t>(k) * columns + m;
      for (uint32_t i = 0; i < count; ++i) sum[i] += p * cosines[i];
    }
    for (uint32_t i = 0; i < count; ++i) r[m + i] = sum[i];
  }
}

// Levinson-Durbin recursion: a[0] = 1 and the predictor polynomial a[1..order].
EM_INLINE void levinson(const vf *r, uint32_t order, vf *a) {
  vf error = r[0];
  a[0] = splat(1.0f);
  for (uint32_t i = 1; i <= order; ++i) {
    vf sum = r[i];
    for (uint32_t j = 1; j < i; ++j) sum += a[j] * r[i - j];
    const vf reflection = -sum / error;
    for (uint32_t j = 1; j <= i / 2; ++j) {
      const vf low = a[j], high = a[i - j];
      a[j] = low + reflection * high;
      if (j != i - j) a[i - j] = high + reflection * low;
    }
    a[i] = reflection;
    error *= 1.0f - reflection * reflection;
  }
}

// |A|^2 on the band's bins: b[0] + 2 sum b[m] cos(pi k m / K), b the autocorrelation of a.
EM_INLINE void inverse_envelope(const Tables &t, const vf *a, vf *d) {
  const uint32_t order = t.lpc_order;
  vf b[kMaxOrder + 1];
  for (uint32_t m = 0; m <= order; ++m) {
    vf sum{};
    for (uint32_t i = 0; i + m <= order; ++i) sum += a[i] * a[i + m];
    b[m] = m == 0 ? sum : sum * 2.0f;
  }
  for (uint32_t k = 0; k <= t.lpc_bins; ++k) {
    const float *cosines = t.lpc_cosines + static_cast<size_t>(k) * (order + 1);
    vf sum = b[0];
    for (uint32_t m = 1; m <= order; ++m) sum += b[m] * cosines[m];
    d[k] = maximum(sum, splat(1e-12f));
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
  const vf left = natural_log(dip.before), middle = natural_log(dip.at), right = natural_log(dip.after);
  const vf curve = left - middle * 2.0f + right;
  const vf shift = (left - right) * 0.5f / (curve > 0.0f ? curve : splat(1.0f));
  const vf hz = (dip.bin + clamp(shift, -0.5f, 0.5f)) * (t.sample_rate / static_cast<float>(t.fft.n));
  return dip.bin > 0.0f ? hz : vf{};
}

}  // namespace

void formant(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf r[kMaxOrder + 1] = {}, a[kMaxOrder + 1] = {};
  autocorrelation(t, block.emphasised, r);
  const vi silent = r[0] < kSilence;
  r[0] = silent ? splat(1.0f) : r[0] * 1.0001f;
  levinson(r, t.lpc_order, a);
  vf *d = block.scratch;
  inverse_envelope(t, a, d);

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
