#include "../strongest.h"

namespace em {
namespace EM_ARCH {

void roughness_vassilakis(Block &block, vf *out) {
  constexpr float kLogLeast = -69.0775528f;  // 1e-30, of a product
  const Tonal &tonal = block.tonal;
  vf logs[kStrongest], sum{};
  for (size_t i = 0; i < kStrongest; ++i) logs[i] = natural_log(maximum(tonal.strong_amplitude[i], splat(1e-30f)));
  each_pair(tonal, [&](size_t i, size_t j, vf beating) {
    const vf level = maximum(logs[i] + logs[j], splat(kLogLeast));
    const vf weaker = tonal.strong_amplitude[i], both = weaker + tonal.strong_amplitude[j];
    const vf fluctuation = maximum(ratio_or_zero(weaker * 2.0f, both), splat(1e-30f));
    sum += natural_exp(level * 0.1f + natural_log(fluctuation) * 3.11f) * beating;
  });
  *out = maximum(sum * 0.5f, vf{});
}

}  // namespace EM_ARCH
}  // namespace em
