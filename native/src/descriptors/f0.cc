#include "../block.h"

namespace em {
namespace EM_ARCH {

void f0(Block &block, vf *out) {
  const PitchTables &p = block.tables.pitch;
  constexpr float kSilence = 1e-6f;  // mean square: -60 dBFS
  const vi voiced =
      (block.pitch.lag > 0.0f) & (block.pitch.height >= p.voicing_threshold) & (block.pitch.mean_square >= kSilence);
  const vf lag = voiced ? block.pitch.lag : splat(1.0f);
  *out = voiced ? clamp(p.lag_rate_hz / lag, p.f0_min_hz, p.f0_max_hz) : vf{};
}

}  // namespace EM_ARCH
}  // namespace em
