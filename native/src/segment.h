// Descriptors of a segment that are made of several values of its frames. docs/descriptors.md defines them.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel.h"
#include "modulation.h"

namespace em {

// The whole table, in its order, as numbers.
enum SegmentDescriptor : uint32_t {
#define EM_SEGMENT(name, ...) k_##name,
#include "segment/table.inc"
#undef EM_SEGMENT
  kSegmentDescriptorCount
};

struct SegmentFrames {
  const float *values;  // of the first frame, the first member of the family needed
  const double *means;  // over the frames, from that member on
  size_t stride;        // from frame to frame
  Modulation *modulation;
};

// One function a descriptor: writes its members. Defined in segment/<name>.cc.
#define EM_SEGMENT(name, ...) void name(const SegmentFrames &frames, double *out);
#include "segment/table.inc"
#undef EM_SEGMENT

// Mean chroma as shares of its sum; zeros where there is none.
void mean_chroma(const SegmentFrames &frames, double *chroma);

}  // namespace em
