#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void inharmonicity(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  const vf least = tonal.strong_amplitude[0] * 0.1f;
  vf lowest = splat(1e9f);
  for (size_t i = 0; i < kStrongest; ++i) {
    const vf f = tonal.strong_frequency[i];
    lowest = (tonal.strong_amplitude[i] > least) & (f < lowest) ? f : lowest;
  }
  vf sum{};
  for (size_t i = 0; i < kStrongest; ++i) {
    const vf harmonic = tonal.strong_frequency[i] / lowest, a = tonal.strong_amplitude[i];
    const vf off = harmonic - __builtin_convertvector(whole_below(harmonic + 0.5f), vf);
    sum += (off < 0.0f ? -off : off) * a * a;
  }
  *out = minimum(ratio_or_zero(sum * 2.0f, strongest_energy(tonal)), splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
