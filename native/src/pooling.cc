#include "pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace em {

Pooling::Pooling(const Plan &plan, const Kernel &kernel)
    : kernel_(&kernel),
      length_(plan.config().segment_frames),
      hop_(plan.config().segment_hop),
      values_(plan.values()),
      stride_((values_ + kStatisticsStep - 1) / kStatisticsStep * kStatisticsStep),
      frame_s_(static_cast<double>(plan.config().hop_length) / plan.config().sample_rate),
      ring_(static_cast<size_t>(stride_) * 2 * length_),
      lowest_(stride_, -std::numeric_limits<float>::infinity()),
      only_means_(stride_ / kStatisticsStep, 1),
      statistics_(static_cast<size_t>(stride_) * kStatisticCount, 1.0) {
  for (const Column &column : plan.columns()) {
    const uint32_t value = plan.value_index(column);
    wanted_.push_back({value, column.functional});
    const bool may_be_absent = descriptor_row(column.descriptor).info.absent_is_zero;
    if (may_be_absent) lowest_[value] = 0;
    if (may_be_absent || column.functional != kMean) only_means_[value / kStatisticsStep] = 0;
  }
  sorted_.reserve(length_);
}

bool Pooling::push(const float *values, size_t stride, float *row) {
  float *first = ring_.data() + frames_ % length_ * stride_, *second = first + static_cast<size_t>(length_) * stride_;
  for (size_t v = 0; v < values_; ++v) first[v] = second[v] = values[v * stride];
  ++frames_;
  if (frames_ < length_ || (frames_ - length_) % hop_ != 0) return false;
  const float *frames = ring_.data() + frames_ % length_ * stride_;
  kernel_->statistics({frames, lowest_.data(), length_, stride_, only_means_.data(), statistics_.data()});
  for (size_t c = 0; c < wanted_.size(); ++c) row[c] = static_cast<float>(functional(wanted_[c], frames));
  return true;
}

double Pooling::median(uint32_t value, const float *frames) {
  sorted_.clear();
  for (uint32_t i = 0; i < length_; ++i) {
    const float x = frames[static_cast<size_t>(i) * stride_ + value];
    if (x > lowest_[value]) sorted_.push_back(x);
  }
  const auto middle = sorted_.begin() + static_cast<std::ptrdiff_t>(sorted_.size() / 2);
  std::nth_element(sorted_.begin(), middle, sorted_.end());
  if (sorted_.size() % 2) return *middle;
  return 0.5 * (*middle + *std::max_element(sorted_.begin(), middle));
}

// 0 where no frame counts.
double Pooling::functional(const Wanted &wanted, const float *frames) {
  const uint32_t v = wanted.value;
  const auto of = [&](Statistic s) { return statistics_[static_cast<size_t>(s) * stride_ + v]; };
  const double count = of(kCountOf), variance = of(kSumD2) / count, sd = std::sqrt(variance);
  if (count == 0 && wanted.functional != kVoicedShare) return 0;
  // Rounding only: no shape to speak of.
  const bool steady = sd <= 1e-7 * std::max(std::fabs(of(kLargestOf)), std::fabs(of(kLeastOf)));
  switch (wanted.functional) {
    case kMin:
      return of(kLeastOf);
    case kMax:
      return of(kLargestOf);
    case kRange:
      return of(kLargestOf) - of(kLeastOf);
    case kMean:
      return of(kMeanOf);
    case kSd:
      return sd;
    case kSkewness:
      return steady ? 0 : of(kSumD3) / count / (variance * sd);
    case kKurtosis:
      return steady ? 0 : of(kSumD4) / count / (variance * variance) - 3.0;
    case kSlope:
      return of(kSumE2) > 0 ? of(kSumED) / of(kSumE2) / frame_s_ : 0;
    case kLowShare:
      return of(kCountLow) / count;
    case kMedian:
      return median(v, frames);
    default:
      return voiced_share(v, frames);
  }
}

double Pooling::voiced_share(uint32_t value, const float *frames) const {
  uint32_t voiced = 0;
  for (uint32_t i = 0; i < length_; ++i) voiced += frames[static_cast<size_t>(i) * stride_ + value] > 0;
  return static_cast<double>(voiced) / length_;
}

}  // namespace em
