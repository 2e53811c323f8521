// Streaming: cuts the samples into blocks of frames, runs a kernel over each, hands the frames on as rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  em_status finish(float *rows, size_t capacity_rows, size_t *n_rows);
  void reset();

 private:
  struct AlignedDelete {
    void operator()(float *p) const;
  };
  using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;
  static AlignedFloats aligned_floats(size_t count);

  uint64_t rows_of(uint64_t samples) const;
  void take(const float *samples, size_t count);
  void run_blocks();
  void run_kernel(size_t start, uint32_t frames);

  Plan plan_;
  const Kernel *kernel_;
  std::optional<Pooling> pooling_;
  size_t block_need_, block_hop_, capacity_;
  std::vector<uint32_t> row_values_;  // for frame output: which value each column is
  std::vector<float> signal_, emphasised_, previous_;
  AlignedFloats workspace_, values_;

  size_t filled_ = 0, skip_ = 0;  // samples buffered; samples to drop before the next frame (hop > span)
  float last_sample_ = 0;
  uint64_t samples_ = 0, frames_ = 0, rows_ = 0;
  bool finished_ = false;
  float *out_ = nullptr;  // where the next row goes, during push and finish
};

}  // namespace em
