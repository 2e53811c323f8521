#include "../block.h"

namespace em {
namespace EM_ARCH {

namespace {

// Sine and cosine of a class's angle on the circle of fifths, of minor thirds, of major thirds (of half the radius).
constexpr float kHalf3 = 0.8660254f, kQuarter3 = 0.4330127f;
constexpr float kAxes[6][kPitchClasses] = {
    {0, -0.5f, kHalf3, -1, kHalf3, -0.5f, 0, 0.5f, -kHalf3, 1, -kHalf3, 0.5f},
    {1, -kHalf3, 0.5f, 0, -0.5f, kHalf3, -1, kHalf3, -0.5f, 0, 0.5f, -kHalf3},
    {0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1},
    {1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0},
    {0, kQuarter3, -kQuarter3, 0, kQuarter3, -kQuarter3, 0, kQuarter3, -kQuarter3, 0, kQuarter3, -kQuarter3},
    {0.5f, -0.25f, -0.25f, 0.5f, -0.25f, -0.25f, 0.5f, -0.25f, -0.25f, 0.5f, -0.25f, -0.25f}};

}  // namespace

void tonal_centroid_change(Block &block, vf *out) {
  const Tonal &tonal = block.tonal;
  vf here{}, before{}, distance{};
  for (size_t c = 0; c < kPitchClasses; ++c) here += tonal.chroma[c], before += tonal.before[c];
  for (const auto &axis : kAxes) {
    vf step{};
    for (size_t c = 0; c < kPitchClasses; ++c) step += (tonal.chroma[c] - tonal.before[c]) * axis[c];
    distance += step * step;
  }
  *out = (here > 0.0f) & (before > 0.0f) ? square_root(distance) : vf{};
}

}  // namespace EM_ARCH
}  // namespace em
