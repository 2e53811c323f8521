// Real FFT of kLanes frames at once, structure of arrays: re[i][lane], im[i][lane].
// A real sequence of n samples is a complex one of m = n / 2 (even samples real, odd imaginary), stored in
// bit-reversed order by the loader, transformed in place by decimation in time (radix 4, one radix-2 pass first where
// log2 m is odd; Cooley and Tukey 1965), and untangled into the n / 2 + 1 bins of the real transform.
#pragma once
#include "simd.h"
#include "tables.h"

namespace em {
namespace EM_ARCH {

EM_INLINE void complex_fft(const FftTables &fft, vf *re, vf *im) {
  const uint32_t m = fft.m;
  uint32_t h = 1;
  if (__builtin_ctz(m) & 1) {
    for (uint32_t i = 0; i < m; i += 2) {
      const vf ar = re[i], ai = im[i], br = re[i + 1], bi = im[i + 1];
      re[i] = ar + br, im[i] = ai + bi, re[i + 1] = ar - br, im[i + 1] = ai - bi;
    }
    h = 2;
  }
  const float *w = fft.twiddles;
  for (; h < m; h *= 4) {
    for (uint32_t j = 0; j < h; ++j, w += 6) {
      for (uint32_t i = j; i < m; i += 4 * h) {
        const vf r0 = re[i], r1 = re[i + h], r2 = re[i + 2 * h], r3 = re[i + 3 * h];
        const vf i0 = im[i], i1 = im[i + h], i2 = im[i + 2 * h], i3 = im[i + 3 * h];
        const vf ar = r1 * w[2] - i1 * w[3], ai = r1 * w[3] + i1 * w[2];  // w^2: bit-reversed order swaps 1 and 2
        const vf br = r2 * w[0] - i2 * w[1], bi = r2 * w[1] + i2 * w[0];
        const vf cr = r3 * w[4] - i3 * w[5], ci = r3 * w[5] + i3 * w[4];
        const vf sr = r0 + ar, si = i0 + ai, dr = r0 - ar, di = i0 - ai;
        const vf tr = br + cr, ti = bi + ci, ur = br - cr, ui = bi - ci;
        re[i] = sr + tr, im[i] = si + ti;
        re[i + h] = dr + ui, im[i + h] = di - ur;
        re[i + 2 * h] = sr - tr, im[i + 2 * h] = si - ti;
        re[i + 3 * h] = dr - ui, im[i + 3 * h] = di + ur;
      }
    }
  }
}

// Bins k and m - k of the real transform, from the complex one, handed to `use(k, re, im)`.
template <typename Use>
EM_INLINE void untangle(const FftTables &fft, const vf *re, const vf *im, Use use) {
  const uint32_t m = fft.m;
  use(0u, re[0] + im[0], vf{});
  use(m, re[0] - im[0], vf{});
  for (uint32_t k = 1; k <= m / 2; ++k) {
    const float wr = fft.untangle[2 * k], wi = fft.untangle[2 * k + 1];
    const vf er = (re[k] + re[m - k]) * 0.5f, ei = (im[k] - im[m - k]) * 0.5f;   // even samples
    const vf orr = (im[k] + im[m - k]) * 0.5f, oi = (re[m - k] - re[k]) * 0.5f;  // odd samples
    const vf tr = orr * wr - oi * wi, ti = orr * wi + oi * wr;
    use(k, er + tr, ei + ti);
    use(m - k, er - tr, ti - ei);
  }
}

}  // namespace EM_ARCH
}  // namespace em
