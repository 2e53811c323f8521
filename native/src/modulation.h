// Power of a segment's envelopes in bands of modulation frequencies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "edgemood/edgemood.h"
#include "kernel.h"

namespace em {

constexpr uint32_t kModulationBands = 4;
constexpr uint32_t kMostModulationFrames = 2000;  // of a segment: the tables grow with the square

class Modulation {
 public:
  Modulation(const em_config &config, const Kernel &kernel);
  // `envelopes`: kMelGroups values of each frame, `stride` apart. Writes [kMelGroups][kModulationBands].
  void run(const float *envelopes, size_t stride, double *out);

 private:
  struct Tables {
    uint32_t edges[kModulationBands + 1];       // bins, from the first one computed on
    std::vector<float> window, cosines, sines;  // [frames], [half][bins] twice
  };

  const Kernel *kernel_;
  uint32_t frames_, half_, bins_;  // half_: frames and their mirror images; bins_: in whole steps
  std::shared_ptr<const Tables> tables_;
  std::vector<float> even_, odd_, power_;
};

}  // namespace em
