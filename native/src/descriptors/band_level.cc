#include "../block.h"

namespace em {
namespace EM_ARCH {

void band_level(Block &block, vf *out) {
  const Tables &t = block.tables;
  vf total{};
  for (size_t b = 0; b < kLevelBands; ++b) {
    vf sums[2] = {};  // one would wait for itself at every step
    for (size_t k = t.level_edges[b]; k < t.level_edges[b + 1]; ++k) sums[k % 2] += block.power[k];
    out[b] = maximum(sums[0] + sums[1], splat(1e-10f));
    total += out[b];
  }
  const vf log_total = natural_log(total);
  for (size_t b = 0; b < kLevelBands; ++b) out[b] = minimum(natural_log(out[b]) - log_total, vf{});
}

}  // namespace EM_ARCH
}  // namespace em
