#include "pooling.h"

#include <algorithm>
#include <cmath>

namespace em {

namespace {

constexpr uint32_t bit(Functional f) { return 1u << f; }

double mean_of(const std::vector<double> &x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

double median_of(std::vector<double> &x) {
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  if (x.size() % 2) return *middle;
  return 0.5 * (*middle + *std::max_element(x.begin(), middle));
}

// Least squares of x against t.
double slope_of(const std::vector<double> &t, const std::vector<double> &x, double mean) {
  const double centre = mean_of(t);
  double product = 0, square = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    product += (t[i] - centre) * (x[i] - mean);
    square += (t[i] - centre) * (t[i] - centre);
  }
  return square > 0 ? product / square : 0;
}

double share_below(const std::vector<double> &x, double limit) {
  const auto below = std::count_if(x.begin(), x.end(), [=](double v) { return v < limit; });
  return static_cast<double>(below) / static_cast<double>(x.size());
}

}  // namespace

struct Pooling::Statistics {
  double value[kFunctionalCount] = {};

  void moments(const std::vector<double> &x) {
    const double mean = value[kMean], count = static_cast<double>(x.size());
    double m2 = 0, m3 = 0, m4 = 0, largest = 0;
    for (const double v : x) {
      const double d = v - mean, square = d * d;
      m2 += square;
      m3 += square * d;
      m4 += square * square;
      largest = std::max(largest, std::fabs(v));
    }
    m2 /= count;
    const double sd = std::sqrt(m2);
    value[kSd] = sd;
    if (sd <= 1e-7 * largest) return;
    value[kSkewness] = m3 / count / (m2 * sd);
    value[kKurtosis] = m4 / count / (m2 * m2) - 3.0;
  }
};

Pooling::Pooling(const Plan &plan)
    : length_(plan.config().segment_frames),
      hop_(plan.config().segment_hop),
      values_(plan.values()),
      frame_s_(static_cast<double>(plan.config().hop_length) / plan.config().sample_rate),
      ring_(static_cast<size_t>(values_) * 2 * length_) {
  present_.reserve(length_);
  times_.reserve(length_);
  sorted_.reserve(length_);
  uint32_t row_column = 0;
  for (const Column &column : plan.columns()) {
    const uint32_t value = plan.value_index(column);
    auto group = std::find_if(groups_.begin(), groups_.end(), [=](const Group &g) { return g.value == value; });
    if (group == groups_.end()) {
      const bool absent = descriptor_row(column.descriptor).info.absent_is_zero != 0;
      group = groups_.insert(groups_.end(), {value, absent, {}, 0});
    }
    group->wanted.emplace_back(column.functional, row_column++);
    group->mask |= 1u << column.functional;
  }
}

bool Pooling::push(const float *values, size_t stride, float *row) {
  const size_t at = frames_ % length_;
  for (size_t v = 0; v < values_; ++v) {
    float *ring = ring_.data() + v * 2 * length_;
    ring[at] = ring[at + length_] = values[v * stride];
  }
  ++frames_;
  if (frames_ < length_ || (frames_ - length_) % hop_ != 0) return false;
  const size_t oldest = frames_ % length_;
  for (const Group &group : groups_) pool(group, ring_.data() + group.value * 2 * length_ + oldest, row);
  return true;
}

void Pooling::pool(const Group &group, const float *values, float *row) {
  present_.clear();
  times_.clear();
  for (uint32_t i = 0; i < length_; ++i) {
    if (group.absent_is_zero && !(values[i] > 0)) continue;
    present_.push_back(values[i]);
    times_.push_back(i * frame_s_);
  }
  Statistics s;
  if (!present_.empty()) {
    const auto extremes = std::minmax_element(present_.begin(), present_.end());
    s.value[kMin] = *extremes.first;
    s.value[kMax] = *extremes.second;
    s.value[kRange] = s.value[kMax] - s.value[kMin];
    s.value[kMean] = mean_of(present_);
    if (group.mask & (bit(kSd) | bit(kSkewness) | bit(kKurtosis))) s.moments(present_);
    if (group.mask & bit(kSlope)) s.value[kSlope] = slope_of(times_, present_, s.value[kMean]);
    if (group.mask & bit(kLowShare)) s.value[kLowShare] = share_below(present_, 0.5 * s.value[kMean]);
    if (group.mask & bit(kMedian)) {
      sorted_.assign(present_.begin(), present_.end());
      s.value[kMedian] = median_of(sorted_);
    }
  }
  if (group.mask & bit(kVoicedShare)) {
    const auto voiced = std::count_if(values, values + length_, [](float v) { return v > 0; });
    s.value[kVoicedShare] = static_cast<double>(voiced) / length_;
  }
  for (const auto &[functional, column] : group.wanted) row[column] = static_cast<float>(s.value[functional]);
}

}  // namespace em
