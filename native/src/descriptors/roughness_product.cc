#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void roughness_product(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf sum{};
  each_pair(tonal, [&](size_t i, size_t j, vf beating) {
    sum += tonal.strong_amplitude[i] * tonal.strong_amplitude[j] * beating;
  });
  *out = ratio_or_zero(sum, strongest_energy(tonal));
}

}  // namespace EM_ARCH
}  // namespace em
