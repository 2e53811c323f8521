// How to get from one sample rate to another: the filters, computed once, in double.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "fft_plan.h"
#include "tables.h"

namespace em {

class ResamplePlan {
 public:
  // Throws Error where this way of resampling does not suit the rates. Equal ones need no plan.
  ResamplePlan(uint32_t rate_in, uint32_t rate_out);
  ResamplePlan(const ResamplePlan &) = delete;
  ResamplePlan &operator=(const ResamplePlan &) = delete;

  const ResampleTables &tables() const { return tables_; }
  uint32_t lead() const { return lead_; }  // samples of a block before the time of its first output

 private:
  struct Shape;
  static Shape best_shape(uint32_t rate_in, uint32_t rate_out);
  void plan_filter(uint32_t rate_in, uint32_t rate_out, uint32_t half);
  void plan_interpolation();

  ResampleTables tables_;
  uint32_t lead_ = 0;
  std::unique_ptr<FftPlan> forward_, inverse_;
  std::vector<float> response_, taps_;
};

}  // namespace em
