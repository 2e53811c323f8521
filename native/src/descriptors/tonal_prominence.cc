#include "../block.h"

namespace em {
namespace EM_ARCH {

void tonal_prominence(Block &block, vf *out) {
  constexpr float kFloor = 1e-10f, kLogFloor = -23.0258509f;
  const uint32_t count = block.tables.tonal.count;
  vf sum{}, logs{};
  for (size_t k = 0; k < count; ++k) {
    sum += maximum(block.tonal.power[k], splat(kFloor));
    logs += maximum(block.tonal.log_power[k], splat(kLogFloor));
  }
  const float scale = 1.0f / static_cast<float>(count ? count : 1);
  *out = count ? maximum(natural_log(sum * scale) - logs * scale, vf{}) : vf{};
}

}  // namespace EM_ARCH
}  // namespace em
