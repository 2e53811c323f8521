#include "modulation.h"

#include <cmath>

namespace em {

namespace {

constexpr double kTurn = 2 * 3.14159265358979323846;
constexpr double kEdgesHz[kModulationBands + 1] = {0.5, 1.5, 3.5, 7.8, 15.8};
constexpr double kFloor = 1e-4;

}  // namespace

Modulation::Modulation(const em_config &config, const Kernel &kernel)
    : kernel_(&kernel), frames_(config.segment_frames), half_((frames_ + 1) / 2) {
  const auto tables = std::make_shared<Tables>();
  const double span = 1.0 * config.hop_length * frames_;
  uint32_t bin = 0, first = 0;
  for (uint32_t b = 0; b <= kModulationBands; ++b) {
    while (bin <= frames_ / 2 && bin * 1.0 * config.sample_rate / span < kEdgesHz[b]) ++bin;
    if (b == 0) first = bin;
    tables->edges[b] = bin - first;
  }
  bins_ = (bin - first + kModulationStep - 1) / kModulationStep * kModulationStep;

  std::vector<double> cosine(2 * frames_), sine(2 * frames_);  // half-way between frames: time from the middle of one
  for (uint32_t i = 0; i < 2 * frames_; ++i) {
    cosine[i] = std::cos(kTurn * i / (2.0 * frames_));
    sine[i] = std::sin(kTurn * i / (2.0 * frames_));
  }
  for (uint32_t n = 0; n < frames_; ++n) tables->window.push_back(static_cast<float>(0.5 - 0.5 * cosine[2 * n + 1]));
  for (uint32_t n = 0; n < half_; ++n)
    for (uint32_t b = 0; b < bins_; ++b) {
      const uint64_t place = static_cast<uint64_t>(first + b) * (2 * n + 1) % (2 * frames_);
      tables->cosines.push_back(static_cast<float>(cosine[place]));
      tables->sines.push_back(static_cast<float>(sine[place]));
    }
  tables_ = tables;
  even_.resize(static_cast<size_t>(half_) * kMelGroups);
  odd_.resize(even_.size());
  power_.resize(static_cast<size_t>(kMelGroups) * bins_);
}

// The frames mirror each other about the segment's middle, where cosines are even and sines odd.
void Modulation::run(const float *envelopes, size_t stride, double *out) {
  const Tables &t = *tables_;
  for (uint32_t g = 0; g < kMelGroups; ++g) {
    double sum = 0;
    for (uint32_t n = 0; n < frames_; ++n) sum += envelopes[n * stride + g];
    const double mean = sum / frames_;
    for (uint32_t n = 0; n < half_; ++n) {
      const uint32_t mirror = frames_ - 1 - n;
      const double weight = n == mirror ? 0.5 * t.window[n] : t.window[n];  // the middle of an odd number, twice below
      const double a = envelopes[n * stride + g] - mean, b = envelopes[mirror * stride + g] - mean;
      even_[n * kMelGroups + g] = static_cast<float>((a + b) * weight);
      odd_[n * kMelGroups + g] = static_cast<float>((a - b) * weight);
    }
  }
  kernel_->modulation({even_.data(), odd_.data(), t.cosines.data(), t.sines.data(), half_, bins_, power_.data()});
  for (uint32_t g = 0; g < kMelGroups; ++g)
    for (uint32_t b = 0; b < kModulationBands; ++b) {
      double sum = 0;
      for (uint32_t i = t.edges[b]; i < t.edges[b + 1]; ++i) sum += power_[static_cast<size_t>(g) * bins_ + i];
      const uint32_t count = t.edges[b + 1] - t.edges[b];
      *out++ = std::log((count ? sum / count / frames_ : 0.0) + kFloor);
    }
}

}  // namespace em
