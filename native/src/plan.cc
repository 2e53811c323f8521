#include "plan.h"

#include <algorithm>
#include <cmath>

#include "error.h"

namespace em {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr uint32_t kPadding = 16;  // vectors may read this far past a window's end

double hz_to_mel(double hz) { return 2595.0 * std::log10(1.0 + hz / 700.0); }
double mel_to_hz(double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); }

uint32_t power_of_two_at_least(uint32_t n) {
  uint32_t power = 32;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

Plan::Plan(const em_config &config, const std::vector<std::string> &names) : config_(config) {
  check_config(config_);
  plan_columns(names);
  tables_.sample_rate = static_cast<float>(config_.sample_rate);
  tables_.hop_length = config_.hop_length;
  tables_.frame_length = config_.frame_length;
  span_ = config_.frame_length;
  if (tables_.stages & kPitch) plan_pitch();
  tables_.frame_offset = (span_ - config_.frame_length) / 2;
  tables_.pitch_offset = (span_ - std::min(span_, tables_.pitch_length)) / 2;
  plan_spectrum();
  if (tables_.n_mfcc) plan_mfcc();
  if (std::count(descriptors_.begin(), descriptors_.end(), k_formant)) plan_formants();
}

float *Plan::floats(size_t count) {
  float_tables_.emplace_back(new float[count]());
  return float_tables_.back().get();
}

void Plan::plan_columns(const std::vector<std::string> &names) {
  if (names.empty()) throw Error(EM_ERROR_ARGUMENT, "no columns asked for");
  for (const std::string &name : names) {
    const Column column = parse_column(name, config_.output == EM_OUTPUT_SEGMENTS, config_);
    columns_.push_back(column);
    descriptors_.push_back(column.descriptor);
    tables_.stages |= descriptor_row(column.descriptor).stages;
    if (column.descriptor == k_mfcc) tables_.n_mfcc = std::max(tables_.n_mfcc, column.member + 1);
  }
  std::sort(descriptors_.begin(), descriptors_.end());
  descriptors_.erase(std::unique(descriptors_.begin(), descriptors_.end()), descriptors_.end());
  value_start_.assign(kDescriptorCount, 0);
  for (const uint32_t descriptor : descriptors_) {
    value_start_[descriptor] = values_;
    values_ += family_size(tables_, descriptor);
  }
}

uint32_t Plan::value_index(const Column &column) const { return value_start_[column.descriptor] + column.member; }

const float *Plan::make_window(uint32_t kind, uint32_t length) {
  float *window = floats(length + kPadding);
  for (uint32_t i = 0; i < length; ++i) {
    const double cosine = std::cos(2.0 * kPi * i / length);
    window[i] = static_cast<float>(kind == EM_WINDOW_HANN      ? 0.5 - 0.5 * cosine
                                   : kind == EM_WINDOW_HAMMING ? 0.54 - 0.46 * cosine
                                                               : 1.0);
  }
  return window;
}

FftTables Plan::make_fft(uint32_t n) {
  FftTables fft;
  fft.n = n;
  fft.m = n / 2;
  uint32_t bits = 0;
  while ((1u << bits) < fft.m) ++bits;

  index_tables_.emplace_back(new uint32_t[fft.m]());
  uint32_t *reversed = index_tables_.back().get();
  for (uint32_t i = 0; i < fft.m; ++i)
    for (uint32_t b = 0; b < bits; ++b) reversed[i] |= ((i >> b) & 1u) << (bits - 1 - b);
  fft.reversed = reversed;

  float *twiddles = floats(6 * fft.m);
  fft.twiddles = twiddles;
  for (uint32_t h = bits & 1 ? 2 : 1; h < fft.m; h *= 4)
    for (uint32_t j = 0; j < h; ++j)
      for (uint32_t power = 1; power <= 3; ++power) {
        const double angle = -2.0 * kPi * power * j / (4.0 * h);
        *twiddles++ = static_cast<float>(std::cos(angle));
        *twiddles++ = static_cast<float>(std::sin(angle));
      }

  float *untangle = floats(2 * (fft.m / 2 + 1));
  fft.untangle = untangle;
  for (uint32_t k = 0; k <= fft.m / 2; ++k) {
    untangle[2 * k] = static_cast<float>(std::cos(2.0 * kPi * k / n));
    untangle[2 * k + 1] = static_cast<float>(-std::sin(2.0 * kPi * k / n));
  }
  return fft;
}

void Plan::plan_spectrum() {
  tables_.bins = config_.n_fft / 2 + 1;
  tables_.window = make_window(config_.window, config_.frame_length);
  tables_.fft = make_fft(config_.n_fft);
}

void Plan::plan_mfcc() {
  const uint32_t count = config_.n_mels, bins = tables_.bins;
  tables_.n_mels = count;
  const double low = hz_to_mel(config_.mel_fmin_hz), high = hz_to_mel(config_.mel_fmax_hz);
  std::vector<double> corners(count + 2);  // in bins
  for (uint32_t j = 0; j < corners.size(); ++j) {
    const double hz = mel_to_hz(low + (high - low) * j / (count + 1));
    corners[j] = config_.mel_edges == EM_MEL_EDGES_BINS
                     ? std::floor((config_.n_fft + 1) * hz / config_.sample_rate + 1e-9)
                     : hz * config_.n_fft / config_.sample_rate;
  }
  for (uint32_t j = 0; j < count; ++j) {
    const double left = corners[j], top = corners[j + 1], right = corners[j + 2];
    const auto first = static_cast<uint32_t>(std::ceil(left));
    const auto last = std::min(bins - 1, static_cast<uint32_t>(std::floor(right)));
    const uint32_t width = last >= first ? last - first + 1 : 0;
    float *weights = floats(width + 1);
    for (uint32_t i = 0; i < width; ++i) {
      const double k = first + i;
      weights[i] = static_cast<float>(k < top     ? (k - left) / (top - left)
                                      : k < right ? (right - k) / (right - top)
                                      : k == top  ? 1.0
                                                  : 0.0);
    }
    mel_.push_back({first, width, weights});
  }
  tables_.mel = mel_.data();

  float *dct = floats(static_cast<size_t>(tables_.n_mfcc) * count);
  tables_.dct = dct;
  for (uint32_t i = 0; i < tables_.n_mfcc; ++i) {
    const double scale = std::sqrt((i == 0 ? 1.0 : 2.0) / count);
    for (uint32_t j = 0; j < count; ++j) *dct++ = static_cast<float>(scale * std::cos(kPi * i * (j + 0.5) / count));
  }
}

void Plan::plan_pitch() {
  const double rate = config_.sample_rate;
  Tables &t = tables_;
  t.f0_min_hz = config_.f0_min_hz;
  t.f0_max_hz = config_.f0_max_hz;
  t.voicing_threshold = config_.voicing_threshold;
  t.pitch_length = static_cast<uint32_t>(std::ceil(3.0 * rate / config_.f0_min_hz));
  t.lag_min = static_cast<uint32_t>(std::floor(rate / config_.f0_max_hz));
  t.lag_max = static_cast<uint32_t>(std::ceil(rate / config_.f0_min_hz));
  span_ = std::max(span_, t.pitch_length);
  t.pitch_window = make_window(EM_WINDOW_HANN, t.pitch_length);
  t.pitch_fft = make_fft(power_of_two_at_least(t.pitch_length + t.lag_max + 1));

  float *correction = floats(t.lag_max + 2), *bonus = floats(t.lag_max + 2);
  t.window_correction = correction;
  t.octave_bonus = bonus;
  std::vector<double> window(t.pitch_length), r(t.lag_max + 2);
  for (uint32_t i = 0; i < t.pitch_length; ++i) window[i] = 0.5 - 0.5 * std::cos(2.0 * kPi * i / t.pitch_length);
  for (uint32_t lag = 0; lag < r.size(); ++lag)
    for (uint32_t i = 0; i + lag < t.pitch_length; ++i) r[lag] += window[i] * window[i + lag];
  for (uint32_t lag = 0; lag < r.size(); ++lag) {
    correction[lag] = static_cast<float>(r[0] / r[lag]);
    bonus[lag] = lag ? static_cast<float>(-0.03 * std::log2(config_.f0_min_hz * lag / rate)) : 0.0f;
  }
}

void Plan::plan_formants() {
  Tables &t = tables_;
  const double bin_hz = static_cast<double>(config_.sample_rate) / config_.n_fft;
  t.lpc_order = config_.lpc_order;
  t.lpc_bins = std::min(config_.n_fft / 2, static_cast<uint32_t>(std::lround(config_.lpc_fmax_hz / bin_hz)));
  t.formant_first_bin = std::max(1u, static_cast<uint32_t>(std::ceil(90.0 / bin_hz)));
  t.lpc_stride = (t.lpc_order + 1 + 3) / 4 * 4;
  lpc_cosines_.assign(static_cast<size_t>(t.lpc_bins + 1) * t.lpc_stride, 0.0);
  for (uint32_t k = 0; k <= t.lpc_bins; ++k)
    for (uint32_t m = 0; m <= t.lpc_order; ++m) lpc_cosines_[k * t.lpc_stride + m] = std::cos(kPi * k * m / t.lpc_bins);
  t.lpc_cosines = lpc_cosines_.data();
}

}  // namespace em
