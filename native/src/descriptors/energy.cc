#include "../block.h"

namespace em {
namespace EM_ARCH {

// Summed while the frame is windowed for the FFT.
void energy(Block &block, vf *out) { *out = block.energy; }

}  // namespace EM_ARCH
}  // namespace em
