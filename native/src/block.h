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

constexpr uint32_t kStrongest = 10;
constexpr uint32_t kPairs = kStrongest * (kStrongest - 1) / 2;

// Of each tonal frame.
struct Tonal {
  const vf *power;                  // [tables.tonal.count], the band's
  const vf *log_power;              // natural logarithms, of at least 1e-20
  uint32_t peaks;                   // of the lane that has most
  const vf *frequency, *amplitude;  // [peaks], Hz ascending; where a lane has fewer the amplitude is 0
  vf strong_frequency[kStrongest], strong_amplitude[kStrongest];  // the strongest first; 0 where there are fewer
  const vf *beating;                                              // [kPairs], kBeating
  vf chroma[kPitchClasses], before[kPitchClasses];                // of this frame and the one before
};

struct Block {
  const Tables &tables;
  const float *signal;   // start of lane 0's span; lane l starts hop_length * l later
  const vf *power;       // [bins], kSpectrum
  const vf *magnitude;   // [bins], kSpectrum
  vf magnitude_sum;      // kSpectrum
  const vf *emphasised;  // [bins], kEmphasised
  const vf *log_mel;     // [n_mels], kLogMel
  Pitch pitch;           // kPitch
  Tonal tonal;           // kTonal
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
