#include "../block.h"

namespace em {
namespace EM_ARCH {

void f0(Block &block, vf *out) {
  const Tables &t = block.tables;
  constexpr float kSilence = 1e-6f;  // mean square: -60 dBFS
  const vi voiced =
      (block.pitch_lag > 0.0f) & (block.pitch_height >= t.voicing_threshold) & (block.pitch_mean_square >= kSilence);
  const vf lag = voiced ? block.pitch_lag : splat(1.0f);
  *out = voiced ? clamp(t.sample_rate / lag, t.f0_min_hz, t.f0_max_hz) : vf{};
}

}  // namespace EM_ARCH
}  // namespace em
