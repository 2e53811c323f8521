#include "../block.h"

namespace em {
namespace EM_ARCH {

// From the spectrum (Parseval).
void energy(Block &block, vf *out) {
  const uint32_t last = block.tables.bins - 1;
  vf sums[4] = {};
  for (size_t k = 0; k < last; k += 4)
    for (size_t i = 0; i < 4; ++i) sums[i] += block.power[k + i];
  *out = ((sums[0] + sums[1]) + (sums[2] + sums[3])) * 2.0f - block.power[0] + block.power[last];
}

}  // namespace EM_ARCH
}  // namespace em
