// Fourier transform of a segment's envelopes at a few frequencies, a vector of them at a time.
#include "kernel.h"
#include "simd.h"

namespace em {
namespace EM_ARCH {

static_assert(kModulationStep % kLanes == 0, "whole vectors");

void modulation(const ModulationJob &job);

void modulation(const ModulationJob &job) {
  for (size_t b = 0; b < job.bins; b += kLanes) {
    vf re[kMelGroups] = {}, im[kMelGroups] = {};
    for (size_t n = 0; n < job.half; ++n) {
      const vf cosine = load(job.cosines + n * job.bins + b), sine = load(job.sines + n * job.bins + b);
      for (size_t g = 0; g < kMelGroups; ++g) {
        re[g] += cosine * job.even[n * kMelGroups + g];
        im[g] += sine * job.odd[n * kMelGroups + g];
      }
    }
    for (size_t g = 0; g < kMelGroups; ++g) store(re[g] * re[g] + im[g] * im[g], job.power + g * job.bins + b);
  }
}

}  // namespace EM_ARCH
}  // namespace em
