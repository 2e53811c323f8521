// What a descriptor's kernel sees: kLanes consecutive frames and the stages computed from them.
#pragma once
#include "simd.h"
#include "tables.h"

namespace em {
namespace EM_ARCH {

struct Block {
  const Tables &tables;
  const float *signal;   // start of lane 0's span; lane l starts hop_length * l later
  const vf *power;       // [bins], kSpectrum
  const vf *magnitude;   // [bins], kSpectrum
  vf magnitude_sum;      // kSpectrum
  vf energy;             // kSpectrum
  const vf *emphasised;  // [bins], kEmphasised
  vf pitch_lag;          // samples, kPitch; 0 where there is no candidate
  vf pitch_height;       // normalised autocorrelation there
  vf pitch_mean_square;  // of the pitch frame less its mean
  float *previous;       // [bins] of the frame before lane 0; the flux kernel keeps it
  bool first;            // lane 0 is the first frame of the signal
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
