// Streaming: cuts the samples into blocks of frames, runs a kernel over each, hands the frames on as rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aligned.h"
#include "plan.h"
#include "pooling.h"

namespace em {

class Extractor {
 public:
  // Throws Error. `kernel`: null for the best this processor supports.
  Extractor(const em_config &config, const std::vector<std::string> &names, const Kernel *kernel = nullptr);

  size_t columns() const { return plan_.columns().size(); }
  size_t row_length() const;
  size_t row_hop() const;
  size_t max_rows(size_t n_samples) const;
  em_status push(const float *samples, size_t n_samples, float *rows, size_t capacity_rows, size_t *n_rows);
  em_status drain(float *rows, size_t capacity_rows, size_t *n_rows);
  em_status finish(float *rows, size_t capacity_rows, size_t *n_rows);
  void reset();

 private:
  struct Counters {
    float last_sample = 0;
    size_t start = 0, filled = 0;  // where the buffered samples begin and end
    size_t skip = 0;               // samples to drop before the next frame (hop > span)
    uint64_t samples = 0, frames = 0, rows = 0;
    PitchPath path = {};
    float chroma[kPitchClasses] = {};  // of the last frame
    bool finished = false;
  };
  // All that push changes.
  struct State : Counters {
    AlignedFloats signal,
        emphasised;          // buffered samples, as they came and pre-emphasised; empty where no stage reads them
    AlignedFloats previous;  // the kernel's, from block to block
  };

  uint64_t rows_of(uint64_t samples) const;
  bool take(const float *samples, size_t count);
  void keep(float last_sample, size_t count);
  void save();
  void restore();
  void run_blocks();
  void complete_segments();
  void drop(size_t samples);
  void move_to_front();
  void run_kernel(uint32_t frames);

  Plan plan_;
  const Kernel *kernel_;
  std::optional<Pooling> pooling_, saved_pooling_;
  size_t block_need_, block_hop_, capacity_;
  std::vector<uint32_t> row_offsets_;  // for frame output: where each column lies in values_
  AlignedFloats workspace_, values_;
  State state_, saved_;          // saved_: before a push of several pieces, in case a later one is refused
  const float *next_ = nullptr;  // samples of the next block, during push
  float *out_ = nullptr;         // where the next row goes, during push and drain
};

}  // namespace em
