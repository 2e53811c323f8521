// Resonances of a linear-prediction envelope fitted to the low band of the spectrum only (selective linear
// prediction, Makhoul 1975): the order then suits the band, whatever the sample rate.
//
// With K the band's last bin, the cosines of bins k, K - k, K/2 - k and K/2 + k are the same but for signs and, for odd
// lags, an exchange with the sine: both transforms between spectrum and lags take four bins at a time.
#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

constexpr uint32_t kMaxLags = 36;  // of the highest order, 32, in whole quads
constexpr double kSilence = 1e-9;

// In double: a spectrum of a few harmonics leaves the normal equations close to singular, and the envelope's dips are
// small differences of large numbers.
EM_INLINE void autocorrelation(const LpcTables &lpc, const vf *power, vf *folded, int half, vd *r) {
  const uint32_t last = lpc.bins, middle = last / 2, rows = lpc.rows;
  if (half == 0) {
    for (size_t k = 0; k < rows; ++k) {
      const float weight =
          k == 0 || 2 * k == middle ? 1.0f : 2.0f;  // bins at the ends count once, middles appear twice
      const vf outer = power[k] + power[last - k], inner = power[middle - k] + power[middle + k];
      folded[4 * k] = (outer + inner) * weight;
      folded[4 * k + 1] = (outer - inner) * weight;
      folded[4 * k + 2] = (power[k] - power[last - k]) * weight;
      folded[4 * k + 3] = (power[middle - k] - power[middle + k]) * weight;
    }
  }
  for (size_t quad = 0; quad < lpc.quads; ++quad) {
    const LpcTerms *terms = lpc.terms + quad;
    vd sum[4] = {};
    for (size_t k = 0; k < rows; ++k, terms += lpc.quads) {
      sum[0] += widen(folded + 4 * k, half) * terms->cos0;
      if (4 * quad == lpc.order) continue;
      const vd outer = widen(folded + 4 * k + 2, half), inner = widen(folded + 4 * k + 3, half);
      sum[1] += outer * terms->cos1 + inner * terms->sin1;
      sum[2] += widen(folded + 4 * k + 1, half) * terms->cos2;
      sum[3] += outer * terms->cos3 + inner * terms->sin3;
    }
    for (size_t i = 0; i < 4; ++i) r[4 * quad + i] = sum[i];
  }
}

// Levinson-Durbin recursion: a[0] = 1 and the predictor polynomial a[1..order].
EM_INLINE void levinson(const vd *r, uint32_t order, vd *a) {
  vd error = r[0];
  a[0] = vd{} + 1.0;
  for (size_t i = 1; i <= order; ++i) {
    vd sum = r[i];
    for (size_t j = 1; j < i; ++j) sum += a[j] * r[i - j];
    const vd reflection = -sum / error;
    for (size_t j = 1; j <= i / 2; ++j) {
      const vd low = a[j], high = a[i - j];
      a[j] = low + reflection * high;
      if (j != i - j) a[i - j] = high + reflection * low;
    }
    a[i] = reflection;
    error *= 1.0 - reflection * reflection;
  }
}

// |A|^2 on the band's bins: b[0] + 2 sum b[m] cos(pi k m / K), b the autocorrelation of a.
EM_INLINE void inverse_envelope(const LpcTables &lpc, const vd *a, int half, vf *d) {
  const uint32_t last = lpc.bins, middle = last / 2;
  vd b[kMaxLags];
  for (size_t m = 0; m < 4 * lpc.quads; ++m) {
    vd sum{};
    for (size_t i = 0; i + m <= lpc.order; ++i) sum += a[i] * a[i + m];
    b[m] = m > 0 ? sum * 2.0 : sum;
  }
  const LpcTerms *t = lpc.terms;
  for (size_t k = 0; k < lpc.rows; ++k) {
    vd even{}, between{}, outer{}, inner{};
    for (size_t m = 0; m <= lpc.order; m += 4, ++t) {
      even += b[m] * t->cos0;
      if (m == lpc.order) continue;
      between += b[m + 2] * t->cos2;
      outer += b[m + 1] * t->cos1 + b[m + 3] * t->cos3;
      inner += b[m + 1] * t->sin1 + b[m + 3] * t->sin3;
    }
    const vd sum = even + between, difference = even - between;
    narrow(sum + outer, d + k, half);
    narrow(sum - outer, d + last - k, half);
    narrow(difference + inner, d + middle - k, half);
    narrow(difference - inner, d + middle + k, half);
  }
}

// The peak's frequency by a parabola through the logarithms of the dip of |A|^2 and its neighbours.
EM_INLINE vf frequency(const Tables &t, const vf *d, vf bin) {
  constexpr float kFloor = 1e-12f;
  vf before = splat(1.0f), at = before, after = before;
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto k = static_cast<uint32_t>(bin[lane]);
    if (k == 0) continue;
    before[lane] = d[k - 1][lane], at[lane] = d[k][lane], after[lane] = d[k + 1][lane];
  }
  const vf left = natural_log(maximum(before, splat(kFloor)));
  const vf middle = natural_log(maximum(at, splat(kFloor)));
  const vf right = natural_log(maximum(after, splat(kFloor)));
  const vf curve = left - middle * 2.0f + right;
  const vf shift = (left - right) * 0.5f / (curve > 0.0f ? curve : splat(1.0f));
  const vf hz = (bin + clamp(shift, -0.5f, 0.5f)) * (t.sample_rate / static_cast<float>(t.fft.n));
  return bin > 0.0f ? hz : vf{};
}

}  // namespace

void formant(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf *d = block.scratch, *folded = d + t.lpc.bins + 1, power{};
  for (int half = 0; half < 2; ++half) {
    vd r[kMaxLags] = {}, a[kMaxLags];
    autocorrelation(t.lpc, block.emphasised, folded, half, r);
    narrow(r[0], &power, half);
    r[0] = r[0] < kSilence ? vd{} + 1.0 : r[0] * 1.0001;
    levinson(r, t.lpc.order, a);
    inverse_envelope(t.lpc, a, half, d);
  }

  vf first{}, second{};                          // from the top down: the last two dips met are the lowest
  vi above = d[t.lpc.bins] < d[t.lpc.bins - 1];  // whether the bin above k lies below it
  for (size_t k = t.lpc.bins - 1; k >= t.lpc.first_bin; --k) {
    const vi falls = d[k] < d[k - 1], dip = falls & ~above;
    second = dip ? first : second;
    first = dip ? splat(static_cast<float>(k)) : first;
    above = falls;
  }
  const vi silent = power < static_cast<float>(kSilence);
  out[0] = frequency(t, d, silent ? vf{} : first);
  out[1] = frequency(t, d, silent ? vf{} : second);
}

}  // namespace EM_ARCH
}  // namespace em
