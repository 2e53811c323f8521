#include "pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace em {

namespace {

typedef void (*SegmentFunction)(const SegmentFrames &, double *);
const SegmentFunction kWholes[] = {
#define EM_SEGMENT(name, ...) name,
#include "segment/table.inc"
#undef EM_SEGMENT
};

}  // namespace

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
    if (column.functional == kOfSegment) {
      wanted_.push_back({add_whole(plan, column), kOfSegment});
      continue;
    }
    const uint32_t value = plan.value_index(column);
    wanted_.push_back({value, column.functional});
    const bool may_be_absent = descriptor_row(column.descriptor).info.absent_is_zero;
    if (may_be_absent) lowest_[value] = 0;
    if (may_be_absent || (column.functional != kMean && column.functional != kDeltaSd))
      only_means_[value / kStatisticsStep] = 0;
  }
  sorted_.reserve(length_);
}

// Where in whole_values_ the column will be.
uint32_t Pooling::add_whole(const Plan &plan, const Column &column) {
  for (const Whole &whole : wholes_)
    if (whole.descriptor == column.descriptor) return whole.start + column.member;
  const auto start = static_cast<uint32_t>(whole_values_.size());
  wholes_.push_back({column.descriptor, plan.value_index(column), start});
  whole_values_.resize(start + segment_row(column.descriptor).members);
  if (column.descriptor == k_modulation) modulation_.emplace(plan.config(), *kernel_);
  return start + column.member;
}

bool Pooling::push(const float *values, size_t stride, float *row) {
  float *first = ring_.data() + frames_ % length_ * stride_, *second = first + static_cast<size_t>(length_) * stride_;
  for (size_t v = 0; v < values_; ++v) first[v] = second[v] = values[v * stride];
  ++frames_;
  if (frames_ < length_ || (frames_ - length_) % hop_ != 0) return false;
  const float *frames = ring_.data() + frames_ % length_ * stride_;
  kernel_->statistics({frames, lowest_.data(), length_, stride_, only_means_.data(), statistics_.data()});
  for (const Whole &whole : wholes_)
    kWholes[whole.descriptor]({frames + whole.value, statistics_.data() + kMeanOf * stride_ + whole.value, stride_,
                               modulation_ ? &*modulation_ : nullptr},
                              whole_values_.data() + whole.start);
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
  if (wanted.functional == kOfSegment) return whole_values_[v];
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
    case kDeltaSd:
      return delta_sd(v, frames);
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

// Of the steps between neighbouring frames that both count.
double Pooling::delta_sd(uint32_t value, const float *frames) const {
  const auto each_step = [&](auto use) {
    for (size_t i = 1; i < length_; ++i) {
      const float before = frames[(i - 1) * stride_ + value], x = frames[i * stride_ + value];
      if (before > lowest_[value] && x > lowest_[value]) use(static_cast<double>(x) - before);
    }
  };
  double steps = 0, sum = 0, squares = 0;
  each_step([&](double step) { ++steps, sum += step; });
  if (steps == 0) return 0;
  const double mean = sum / steps;
  each_step([&](double step) { squares += (step - mean) * (step - mean); });
  return std::sqrt(squares / steps);
}

}  // namespace em
