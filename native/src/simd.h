// A vector of one value per frame ("lane"): every kernel computes kLanes frames at once, all lanes alike, so that a
// frame's result does not depend on the lane it falls into. Compiled once per instruction set, in namespace
// em::EM_ARCH.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace em {
namespace EM_ARCH {

#if defined(__AVX512VL__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
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
#define EM_METHOD inline __attribute__((always_inline))

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

EM_INLINE void store(vf v, float *p) { std::memcpy(p, &v, sizeof v); }

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

// e^x for x clamped to -87 .. 88, relative error below 2e-7 max(1, |x|): x = n ln 2 + r, e^r by its series.
EM_INLINE vf natural_exp(vf x) {
  x = clamp(x, -87.0f, 88.0f);
  const vf turns = x * 1.44269504f;
  const vi n = __builtin_convertvector(turns + (turns < 0.0f ? splat(-0.5f) : splat(0.5f)), vi);
  const vf whole = __builtin_convertvector(n, vf);
  const vf r = (x - whole * 0.693145751953125f) - whole * 1.42860677e-6f;
  vf p = r * (1.0f / 5040.0f) + (1.0f / 720.0f);
  p = p * r + (1.0f / 120.0f);
  p = p * r + (1.0f / 24.0f);
  p = p * r + (1.0f / 6.0f);
  p = p * r + 0.5f;
  return (p * r * r + r + 1.0f) * (vf)((n + 127) << 23);
}

// The greatest whole number not above x, for |x| below 2^31.
EM_INLINE vi whole_below(vf x) {
  const vi n = __builtin_convertvector(x, vi);
  return n + (__builtin_convertvector(n, vf) > x);  // a true lane is -1
}

// rows[f][0..kLanes) -> columns[n][0..kLanes). First the 4 x 4 blocks, each within a quarter of a register, then the
// quarters among each other.
#if defined(__AVX512VL__)
EM_INLINE void transpose(vf *r) {
  vf t[16];
  for (int g = 0; g < 16; g += 4) {
    const vf a = __builtin_shufflevector(r[g], r[g + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const vf b = __builtin_shufflevector(r[g], r[g + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const vf c = __builtin_shufflevector(r[g + 2], r[g + 3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    const vf d =
        __builtin_shufflevector(r[g + 2], r[g + 3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    t[g] = __builtin_shufflevector(a, c, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    t[g + 1] = __builtin_shufflevector(a, c, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    t[g + 2] = __builtin_shufflevector(b, d, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    t[g + 3] = __builtin_shufflevector(b, d, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
  for (int c = 0; c < 4; ++c) {
    const vf a = __builtin_shufflevector(t[c], t[c + 4], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const vf b = __builtin_shufflevector(t[c], t[c + 4], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    const vf d = __builtin_shufflevector(t[c + 8], t[c + 12], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    const vf e =
        __builtin_shufflevector(t[c + 8], t[c + 12], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    r[c] = __builtin_shufflevector(a, d, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    r[c + 8] = __builtin_shufflevector(a, d, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    r[c + 4] = __builtin_shufflevector(b, e, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    r[c + 12] = __builtin_shufflevector(b, e, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  }
}
// The even and the odd elements of the 2 * kLanes in a and b.
EM_INLINE void split_two(vf a, vf b, vf *parts) {
  parts[0] = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  parts[1] = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
// Every third of the 3 * kLanes in a, b and c, from the first, the second and the third.
EM_INLINE void split_three(vf a, vf b, vf c, vf *parts) {
  const vf s = __builtin_shufflevector(a, b, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, -1, -1, -1, -1, -1);
  const vf t = __builtin_shufflevector(a, b, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, -1, -1, -1, -1, -1);
  const vf u = __builtin_shufflevector(a, b, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, -1, -1, -1, -1, -1, -1);
  parts[0] = __builtin_shufflevector(s, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29);
  parts[1] = __builtin_shufflevector(t, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30);
  parts[2] = __builtin_shufflevector(u, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31);
}
EM_INLINE vf shift_in(float first, vf v) {
  return __builtin_shufflevector(splat(first), v, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}
#elif defined(__AVX2__)
EM_INLINE void transpose(vf *r) {
  vf t[8];
  for (int g = 0; g < 8; g += 4) {
    const vf a = __builtin_shufflevector(r[g], r[g + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    const vf b = __builtin_shufflevector(r[g], r[g + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    const vf c = __builtin_shufflevector(r[g + 2], r[g + 3], 0, 8, 1, 9, 4, 12, 5, 13);
    const vf d = __builtin_shufflevector(r[g + 2], r[g + 3], 2, 10, 3, 11, 6, 14, 7, 15);
    t[g] = __builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13);
    t[g + 1] = __builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15);
    t[g + 2] = __builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13);
    t[g + 3] = __builtin_shufflevector(b, d, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int c = 0; c < 4; ++c) {
    r[c] = __builtin_shufflevector(t[c], t[c + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[c + 4] = __builtin_shufflevector(t[c], t[c + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}
EM_INLINE void split_two(vf a, vf b, vf *parts) {
  parts[0] = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  parts[1] = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
EM_INLINE void split_three(vf a, vf b, vf c, vf *parts) {
  const vf s = __builtin_shufflevector(a, b, 0, 3, 6, 9, 12, 15, -1, -1);
  const vf t = __builtin_shufflevector(a, b, 1, 4, 7, 10, 13, -1, -1, -1);
  const vf u = __builtin_shufflevector(a, b, 2, 5, 8, 11, 14, -1, -1, -1);
  parts[0] = __builtin_shufflevector(s, c, 0, 1, 2, 3, 4, 5, 10, 13);
  parts[1] = __builtin_shufflevector(t, c, 0, 1, 2, 3, 4, 8, 11, 14);
  parts[2] = __builtin_shufflevector(u, c, 0, 1, 2, 3, 4, 9, 12, 15);
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
EM_INLINE void split_two(vf a, vf b, vf *parts) {
  parts[0] = __builtin_shufflevector(a, b, 0, 2, 4, 6);
  parts[1] = __builtin_shufflevector(a, b, 1, 3, 5, 7);
}
EM_INLINE void split_three(vf a, vf b, vf c, vf *parts) {
  const vf s = __builtin_shufflevector(a, b, 0, 3, 6, -1);
  const vf t = __builtin_shufflevector(a, b, 1, 4, 7, -1);
  const vf u = __builtin_shufflevector(a, b, 2, 5, -1, -1);
  parts[0] = __builtin_shufflevector(s, c, 0, 1, 2, 5);
  parts[1] = __builtin_shufflevector(t, c, 0, 1, 2, 6);
  parts[2] = __builtin_shufflevector(u, c, 0, 1, 4, 7);
}
EM_INLINE vf shift_in(float first, vf v) { return __builtin_shufflevector(splat(first), v, 0, 4, 5, 6); }
#endif

}  // namespace EM_ARCH
}  // namespace em
