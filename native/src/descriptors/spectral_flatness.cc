#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

constexpr float kFloor = 1e-10f;
}  // namespace

void spectral_flatness(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf logs{}, sum{};
  for (uint32_t k = 0; k < t.bins; ++k) {
    const vf p = maximum(block.power[k], splat(kFloor));
    logs += natural_log(p);
    sum += p;
  }
  const float scale = 1.0f / static_cast<float>(t.bins);
  const vf ratio = logs * scale - natural_log(sum * scale);
  for (int lane = 0; lane < kLanes; ++lane) (*out)[lane] = __builtin_expf(ratio[lane]);
  *out = minimum(*out, splat(1.0f));
}

}  // namespace EM_ARCH
}  // namespace em
