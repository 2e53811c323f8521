#include "../block.h"

namespace em {
namespace EM_ARCH {

void spectral_rolloff(Block &block, vf *out) {
  const Tables &t = block.tables;
  const vf threshold = block.magnitude_sum * 0.85f;
  vf cumulated{};
  vi below{};
  for (size_t k = 0; k < t.bins; ++k) {
    cumulated += block.magnitude[k];
    below -= cumulated < threshold;  // a true lane is -1
  }
  *out = __builtin_convertvector(below, vf) * (t.sample_rate / static_cast<float>(t.fft.n));
}

}  // namespace EM_ARCH
}  // namespace em
