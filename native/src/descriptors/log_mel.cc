#include "../mel.h"

namespace em {
namespace EM_ARCH {

void log_mel(Block &block, vf *out) { log_mel_spectrum(block.tables, block.power, block.tables.n_log_mel, out); }

}  // namespace EM_ARCH
}  // namespace em
