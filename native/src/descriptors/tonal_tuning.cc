#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

// Sine and cosine of pi x, |x| <= 1/2, by their series.
EM_INLINE void half_turn(vf x, vf *sine, vf *cosine) {
  const vf t = x * 3.14159265f, q = t * t;
  vf s = q * (-1.0f / 39916800.0f) + (1.0f / 362880.0f);
  s = s * q - (1.0f / 5040.0f);
  s = s * q + (1.0f / 120.0f);
  s = s * q - (1.0f / 6.0f);
  vf c = q * (1.0f / 479001600.0f) - (1.0f / 3628800.0f);
  c = c * q + (1.0f / 40320.0f);
  c = c * q - (1.0f / 720.0f);
  c = c * q + (1.0f / 24.0f);
  c = c * q - 0.5f;
  *sine = (s * q + 1.0f) * t;
  *cosine = c * q + 1.0f;
}

}  // namespace

// The length of the mean of the peaks as vectors that turn once a semitone.
void tonal_tuning(Block &block, vf *out) {
  constexpr float kSemitonesPerNeper = 17.3123405f;
  const Tonal &tonal = block.tonal;
  vf total{}, x{}, y{};
  for (size_t i = 0; i < tonal.peaks; ++i) {
    const vf a = tonal.amplitude[i], pitch = natural_log(tonal.frequency[i] * (1.0f / 440.0f)) * kSemitonesPerNeper;
    const vf turn = pitch - __builtin_convertvector(whole_below(pitch + 0.5f), vf);  // from -1/2 to 1/2
    vf sine, cosine;
    half_turn(turn, &sine, &cosine);
    total += a;
    x += a * (1.0f - sine * sine * 2.0f);
    y += a * (sine * cosine * 2.0f);
  }
  *out = minimum(square_root(x * x + y * y) / maximum(total, splat(1e-12f)), splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
