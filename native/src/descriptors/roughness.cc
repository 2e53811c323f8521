#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void roughness(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf sum{};
  each_pair(tonal, [&](size_t i, size_t, vf beating) { sum += tonal.strong_amplitude[i] * beating; });
  *out = ratio_or_zero(sum, square_root(strongest_energy(tonal)));
}

}  // namespace EM_ARCH
}  // namespace em
