#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void strongest_peak_share(Block &block, vf *out) {
  const vf a = block.tonal.strong_amplitude[0];
  *out = minimum(ratio_or_zero(a * a, strongest_energy(block.tonal)), splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
