// Functionals over the frames of a segment. docs/descriptors.md defines them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan.h"

namespace em {

class Pooling {
 public:
  explicit Pooling(const Plan &plan);
  void reset() { frames_ = 0; }
  // Takes one frame's values, `stride` apart; true where it completes a segment, whose row is then written.
  bool push(const float *values, size_t stride, float *row);

 private:
  struct Statistics;
  struct Group {  // the functionals wanted of one frame-level value
    uint32_t value;
    bool absent_is_zero;
    std::vector<std::pair<uint32_t, uint32_t>> wanted;  // (functional, column of the row)
    uint32_t mask;                                      // of the functionals
  };
  void pool(const Group &group, const float *values, float *row);

  uint32_t length_, hop_, values_;
  double frame_s_;
  uint64_t frames_ = 0;
  std::vector<Group> groups_;
  std::vector<float> ring_;  // [values][2 * length]: each frame twice, so that a segment is always contiguous
  std::vector<double> present_, times_, sorted_;
};

}  // namespace em
