#include "../block.h"

namespace em {
namespace EM_ARCH {

void zcr(Block &block, vf *out) {
  const Tables &t = block.tables;
  for (int lane = 0; lane < kLanes; ++lane) {
    const float *x = block.signal + static_cast<size_t>(lane) * t.hop_length + t.frame_offset;
    int32_t crossings = 0;
    for (size_t i = 1; i < t.frame_length; ++i) crossings += (x[i] >= 0.0f) != (x[i - 1] >= 0.0f);
    (*out)[lane] = static_cast<float>(crossings) / static_cast<float>(t.frame_length - 1);
  }
}

}  // namespace EM_ARCH
}  // namespace em
