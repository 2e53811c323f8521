// Functionals over the frames of a segment. docs/descriptors.md defines them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernel.h"
#include "plan.h"

namespace em {

class Pooling {
 public:
  Pooling(const Plan &plan, const Kernel &kernel);
  void reset() { frames_ = 0; }
  // Goes on from where `other`, made from the same plan, is.
  void take_state(const Pooling &other) { frames_ = other.frames_, ring_ = other.ring_; }
  // Frames taken, all in all, when the next row comes.
  uint64_t next_row() const { return frames_ < length_ ? length_ : length_ + ((frames_ - length_) / hop_ + 1) * hop_; }
  // Takes one frame's values, `stride` apart; true where it completes a segment, whose row is then written.
  bool push(const float *values, size_t stride, float *row);

 private:
  struct Wanted {  // a column of the row
    uint32_t value, functional;
  };
  struct Whole {                        // a descriptor of the segment
    uint32_t descriptor, value, start;  // start: of its members in whole_values_
  };
  uint32_t add_whole(const Plan &plan, const Column &column);
  double median(uint32_t value, const float *frames);
  double voiced_share(uint32_t value, const float *frames) const;
  double delta_sd(uint32_t value, const float *frames) const;
  double functional(const Wanted &wanted, const float *frames);

  const Kernel *kernel_;
  uint32_t length_, hop_, values_, stride_;  // stride_: values_ in whole steps of the kernel
  double frame_s_;
  uint64_t frames_ = 0;
  std::vector<Wanted> wanted_;
  std::vector<float> ring_;          // [2 * length][stride]: each frame twice, so that a segment is always contiguous
  std::vector<float> lowest_;        // [stride] a frame counts where its value is larger: than 0 for what may be absent
  std::vector<uint8_t> only_means_;  // [stride / kStatisticsStep]
  std::vector<double> statistics_, sorted_;
  std::vector<Whole> wholes_;
  std::vector<double> whole_values_;
  std::optional<Modulation> modulation_;
};

}  // namespace em
