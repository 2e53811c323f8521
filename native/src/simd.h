// A vector of one value per frame ("lane"): every kernel computes kLanes frames at once, all lanes alike, so that a
// frame's result does not depend on the lane it falls into. Compiled once per instruction set, in namespace
// em::EM_ARCH.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace em {
namespace EM_ARCH {

#if defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));
// Doubles for half of the lanes: as wide as the registers that vf fills.
constexpr int kHalf = kLanes / 2;
typedef float vfh __attribute__((vector_size(kHalf * 4)));
typedef double vd __attribute__((vector_size(kHalf * 8)));

#define EM_INLINE static inline __attribute__((always_inline))

EM_INLINE vf splat(float value) { return vf{} + value; }

EM_INLINE vf load(const float *p) {
  vf v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Half `half` (0 or 1) of v as doubles, and back.
EM_INLINE vd widen(const vf *v, int half) {
  vfh part;
  std::memcpy(&part, reinterpret_cast<const char *>(v) + half * sizeof part, sizeof part);
  return __builtin_convertvector(part, vd);
}
EM_INLINE void narrow(vd v, vf *to, int half) {
  const vfh part = __builtin_convertvector(v, vfh);
  std::memcpy(reinterpret_cast<char *>(to) + half * sizeof part, &part, sizeof part);
}

EM_INLINE vf maximum(vf a, vf b) { return a > b ? a : b; }
EM_INLINE vf minimum(vf a, vf b) { return a < b ? a : b; }
EM_INLINE vf clamp(vf v, float low, float high) { return minimum(maximum(v, splat(low)), splat(high)); }

EM_INLINE vf square_root(vf v) {
  vf r;
  for (int l = 0; l < kLanes; ++l) r[l] = __builtin_sqrtf(v[l]);
  return r;
}

// Natural logarithm of positive normal numbers, absolute error below 2e-7 * max(1, |ln x|): x = 2^e m with m in
// [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)) by its series.
EM_INLINE vf natural_log(vf x) {
  vi bits = (vi)x;                       // a bit cast: vectors of one size
  const vi shifted = bits - 0x3f3504f3;  // sqrt(1/2)
  const vi exponent = shifted >> 23;
  bits = bits - (exponent << 23);
  const vf m = (vf)bits;
  const vf e = __builtin_convertvector(exponent, vf);
  const vf s = (m - 1.0f) / (m + 1.0f);
  const vf q = s * s;
  vf p = q * (1.0f / 9.0f) + (1.0f / 7.0f);
  p = p * q + (1.0f / 5.0f);
  p = p * q + (1.0f / 3.0f);
  const vf tail = e * 1.42860677e-6f + s * q * p * 2.0f;  // ln 2 split in two: the high part is exact in e * high
  return (s * 2.0f + tail) + e * 0.693145751953125f;
}

// rows[f][0..kLanes) -> columns[n][0..kLanes)
#if defined(__AVX2__)
EM_INLINE void transpose(vf *r) {
  vf t[8], s[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[2 * i + 1] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int h = 0; h < 8; h += 4) {
    for (int i = 0; i < 2; ++i) {
      s[h + 2 * i] = __builtin_shufflevector(t[h + i], t[h + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      s[h + 2 * i + 1] = __builtin_shufflevector(t[h + i], t[h + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = __builtin_shufflevector(s[i], s[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(s[i], s[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
EM_INLINE vf shift_in(float first, vf v) {
  return __builtin_shufflevector(splat(first), v, 0, 8, 9, 10, 11, 12, 13, 14);
}
#else
EM_INLINE void transpose(vf *r) {
  const vf a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const vf c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}
EM_INLINE vf shift_in(float first, vf v) { return __builtin_shufflevector(splat(first), v, 0, 4, 5, 6); }
#endif

}  // namespace EM_ARCH
}  // namespace em
