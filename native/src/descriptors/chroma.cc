#include "../block.h"

namespace em {
namespace EM_ARCH {

void chroma(Block &block, vf *out) {
  for (size_t c = 0; c < kPitchClasses; ++c) out[c] = block.tonal.chroma[c];
}

}  // namespace EM_ARCH
}  // namespace em
