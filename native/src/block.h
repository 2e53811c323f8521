// What a descriptor's kernel sees: kLanes consecutive frames and the stages computed from them.
#pragma once
#include "simd.h"
#include "tables.h"

namespace em {
namespace EM_ARCH {

// The strongest period of each frame.
struct Pitch {
  vf lag;          // in units of 1 / lag_rate_hz; 0 where there is no candidate
  vf height;       // normalised autocorrelation there
  vf mean_square;  // of the pitch frame less its mean, as its window weighs it
};

struct Block {
  const Tables &tables;
  const float *signal;   // start of lane 0's span; lane l starts hop_length * l later
  const vf *power;       // [bins], kSpectrum
  const vf *magnitude;   // [bins], kSpectrum
  vf magnitude_sum;      // kSpectrum
  const vf *emphasised;  // [bins], kEmphasised
  Pitch pitch;           // kPitch
  float *previous;       // [bins] of the frame before lane 0; the flux kernel keeps it
  bool first;            // lane 0 is the first frame of the signal
  uint32_t frames;       // lanes that hold one
  vf *scratch;           // scratch_vectors(tables) vectors
};

// One kernel a descriptor (or family): writes its values, one vector a member. Defined in descriptors/<name>.cc.
#define EM_DESCRIPTOR(name, ...) void name(Block &block, vf *out);
#define EM_FAMILY(name, ...) void name(Block &block, vf *out);
#include "descriptors/table.inc"
#undef EM_DESCRIPTOR
#undef EM_FAMILY

}  // namespace EM_ARCH
}  // namespace em
