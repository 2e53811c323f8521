// Real FFT of kLanes frames at once: decimation in time over real data (Sorensen, Jones, Heideman, Burrus 1987), radix
// 4 after a first pass of radix 4 or 8. A transform of length h lies in h vectors as a half-complex sequence: the real
// part of bin k at k, its imaginary part at h - k. Every pass turns four neighbouring transforms into one, in place;
// the last one hands its bins to the caller instead of storing them.
#pragma once
#include "simd.h"
#include "tables.h"

namespace em {
namespace EM_ARCH {

EM_INLINE void real_dft4(const vf *x, vf *out) {
  const vf a = x[0] + x[2], b = x[1] + x[3];
  out[0] = a + b, out[2] = a - b;
  out[1] = x[0] - x[2], out[3] = x[3] - x[1];
}

EM_INLINE void real_dft8(const vf *x, vf *out) {
  constexpr float kSqrtHalf = 0.70710678f;
  const vf a = x[0] + x[4], b = x[0] - x[4], c = x[2] + x[6], d = x[2] - x[6];
  const vf e = x[1] + x[5], f = x[1] - x[5], g = x[3] + x[7], h = x[3] - x[7];
  const vf even = a + c, odd = e + g, difference = f - h, sum = f + h;
  out[0] = even + odd, out[4] = even - odd;
  out[2] = a - c, out[6] = g - e;
  out[1] = b + difference * kSqrtHalf, out[3] = b - difference * kSqrtHalf;
  out[7] = -d - sum * kSqrtHalf, out[5] = d - sum * kSqrtHalf;
}

// The first pass. `tile(n, vectors)` writes samples n .. n + kLanes - 1 or, where all of them are zero, returns false.
template <size_t kRadix, typename Tile>
EM_INLINE void first_pass(const FftTables &fft, Tile tile, vf *data) {
  const size_t stride = fft.n / kRadix;
  for (size_t n = 0; n < stride; n += kLanes) {
    vf tiles[kRadix][kLanes];
    for (size_t r = 0; r < kRadix; ++r)
      if (!tile(n + r * stride, tiles[r]))
        for (vf &vector : tiles[r]) vector = vf{};
    const size_t columns = stride < kLanes ? stride : static_cast<size_t>(kLanes);
    for (size_t c = 0; c < columns; ++c) {
      vf x[kRadix];
      for (size_t r = 0; r < kRadix; ++r) x[r] = tiles[r][c];
      if (kRadix == 4)
        real_dft4(x, data + fft.order[n + c]);
      else
        real_dft8(x, data + fft.order[n + c]);
    }
  }
}

struct Twiddle {
  float w1r, w1i, c2, t2, c3, t3;  // w^1; real part of w^2 and w^3, and imaginary over real part
};

// Bins j, h - j, h + j and 2h - j of the four transforms of length h at x. A product with w^2 or w^3 is c (z + i t z):
// the factor c rides on the sums behind it.
template <typename Use>
EM_INLINE void butterfly(const vf *x, size_t h, size_t j, const Twiddle &w, Use use) {
  const vf r0 = x[j], r1 = x[h + j], r2 = x[2 * h + j], r3 = x[3 * h + j];
  const vf i0 = x[h - j], i1 = x[2 * h - j], i2 = x[3 * h - j], i3 = x[4 * h - j];
  const vf ar = r2 - i2 * w.t2, ai = i2 + r2 * w.t2;
  const vf br = r1 * w.w1r - i1 * w.w1i, bi = i1 * w.w1r + r1 * w.w1i;
  const vf cr = r3 - i3 * w.t3, ci = i3 + r3 * w.t3;
  const vf sr = r0 + ar * w.c2, si = i0 + ai * w.c2, dr = r0 - ar * w.c2, di = i0 - ai * w.c2;
  const vf pr = br + cr * w.c3, pi = bi + ci * w.c3, mr = cr * w.c3 - br, mi = bi - ci * w.c3;
  use(j, sr + pr, si + pi);
  use(h - j, dr - mi, mr - di);
  use(h + j, dr + mi, mr + di);
  use(2 * h - j, sr - pr, pi - si);
}

// The bins whose inputs are real: 0, h, 2h from bin 0 of the four, h/2 and 3h/2 from bin h/2.
template <typename Use>
EM_INLINE void real_butterflies(const vf *x, size_t h, Use use) {
  constexpr float kSqrtHalf = 0.70710678f;
  const vf a0 = x[0], a1 = x[h], a2 = x[2 * h], a3 = x[3 * h];
  const vf even = a0 + a2, odd = a1 + a3;
  use(0u, even + odd, vf{});
  use(h, a0 - a2, a3 - a1);
  use(2 * h, even - odd, vf{});
  const size_t half = h / 2;
  const vf b0 = x[half], b1 = x[h + half], b2 = x[2 * h + half], b3 = x[3 * h + half];
  const vf difference = (b1 - b3) * kSqrtHalf, sum = (b1 + b3) * kSqrtHalf;
  use(half, b0 + difference, -b2 - sum);
  use(h + half, b0 - difference, b2 - sum);
}

template <size_t kH>
struct Length {
  static constexpr size_t h = kH;
};

// Calls body(Length<h>()): with a length known to the compiler, addresses are constants.
template <typename Body>
EM_INLINE void with_length(size_t h, Body body) {
  switch (h) {
    case 4:
      return body(Length<4>());
    case 8:
      return body(Length<8>());
    case 16:
      return body(Length<16>());
    case 32:
      return body(Length<32>());
    case 64:
      return body(Length<64>());
    case 128:
      return body(Length<128>());
    case 256:
      return body(Length<256>());
    case 512:
      return body(Length<512>());
    case 1024:
      return body(Length<1024>());
    case 2048:
      return body(Length<2048>());
    default:
      return body(Length<4096>());
  }
}

template <size_t h>
EM_INLINE void middle_pass(size_t n, const Twiddle *twiddles, vf *data) {
  for (size_t start = 0; start < n; start += 4 * h) {
    vf *x = data + start;
    real_butterflies(x, h, [x](size_t k, vf re, vf im) {
      x[k] = re;
      if (k != 0 && k != 2 * h) x[4 * h - k] = im;
    });
  }
  for (size_t j = 1; j < h / 2; ++j) {
    const Twiddle w = twiddles[j - 1];
    for (size_t start = 0; start < n; start += 4 * h) {
      vf *x = data + start;
      butterfly(x, h, j, w, [x](size_t k, vf re, vf im) { x[k] = re, x[4 * h - k] = im; });
    }
  }
}

constexpr size_t kCacheBytes = 32768;  // of the L1 cache

// All but the first and the last; a function of its own, since all transforms share it. The last pass's twiddles.
static __attribute__((noinline)) const Twiddle *middle_passes(const FftTables &fft, vf *data) {
  const size_t quarter = fft.n / 4, length = fft.n * sizeof(vf) <= kCacheBytes / 2 ? fft.n : quarter;
  const Twiddle *twiddles = nullptr;
  for (vf *part = data; part < data + fft.n; part += length) {  // what does not stay in the cache, a quarter at a time
    twiddles = reinterpret_cast<const Twiddle *>(fft.twiddles);
    for (size_t h = fft.first_radix; h < quarter; h *= 4) {
      with_length(h, [&](auto at) { middle_pass<at.h>(length, twiddles, part); });
      twiddles += h / 2 - 1;
    }
  }
  return twiddles;
}

// Transforms the samples that `tile` gives and hands bins 0 .. n/2 to `use(k, re, im)`. `data` holds n vectors; `use`
// may put bin k into data[k].
template <typename Tile, typename Use>
EM_INLINE void real_fft(const FftTables &fft, vf *data, Tile tile, Use use) {
  if (fft.first_radix == 4)
    first_pass<4>(fft, tile, data);
  else
    first_pass<8>(fft, tile, data);
  const Twiddle *twiddles = middle_passes(fft, data);
  with_length(fft.n / 4, [&](auto at) {
    real_butterflies(data, at.h, use);
    for (size_t j = 1; j < at.h / 2; ++j) butterfly(data, at.h, j, twiddles[j - 1], use);
  });
}

}  // namespace EM_ARCH
}  // namespace em
