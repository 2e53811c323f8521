#include "../segment.h"

namespace em {

void modulation(const SegmentFrames &frames, double *out) { frames.modulation->run(frames.values, frames.stride, out); }

}  // namespace em
