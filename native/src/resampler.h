// Streaming: interleaved frames at one sample rate to mono samples at another.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "aligned.h"
#include "edgemood/edgemood.h"
#include "kernel.h"
#include "resample_plan.h"

namespace em {

class Resampler {
 public:
  // Throws Error. `kernel`: null for the best this processor supports.
  Resampler(uint32_t rate_in, uint32_t rate_out, uint32_t channels, bool low_latency, const Kernel *kernel = nullptr);

  size_t max_output(size_t n_frames) const;
  size_t latency() const;
  float peak() const { return state_.peak; }
  em_status push(const float *frames, size_t n_frames, float *out, size_t capacity, size_t *n_out);
  em_status finish(float *out, size_t capacity, size_t *n_out);
  void reset();

 private:
  // All that push changes, but for the buffered samples.
  struct State {
    uint64_t frames = 0, written = 0;
    size_t filled = 0;  // samples buffered
    float peak = 0;
    bool finished = false;
  };

  uint64_t outputs_of(uint64_t frames) const;
  bool mix(const float *frames, size_t count, float *mono);
  size_t first_bad(const float *frames);
  void keep(size_t count, float *out);
  void run(uint32_t blocks, float *out);

  uint32_t rate_in_, rate_out_, channels_;
  bool low_latency_;
  const Kernel *kernel_;
  std::optional<ResamplePlan> plan_;  // none where the rates are equal
  State state_;
  AlignedFloats mono_, saved_mono_, workspace_, last_outputs_;
};

}  // namespace em
