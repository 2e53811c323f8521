#include "plan.h"

#include <algorithm>
#include <cmath>

#include "error.h"
#include "filter.h"

namespace em {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr uint32_t kPadding = 16;         // vectors may read this far past a table's end
constexpr double kLowRatePerF0 = 7;       // the low rate of the pitch stage, in highest F0s
constexpr uint32_t kLeastPitchFft = 128;  // tiles of its passes are whole vectors
constexpr double kOctaveCost = 0.03;      // of height, an octave
constexpr double kJumpCost = 0.0035;      // of height, an octave in a second
constexpr double kLowPass = 0.36, kKaiserBeta = 3.4;
constexpr double kTonalFrameS = 0.14, kTonalMinHz = 80, kTonalMaxHz = 2400;
constexpr double kTonalBand = 0.33;  // of the low rate: what the low-pass leaves

uint32_t round_up(uint32_t n, uint32_t multiple) { return (n + multiple - 1) / multiple * multiple; }

double hz_to_mel(double hz) { return 2595.0 * std::log10(1.0 + hz / 700.0); }
double mel_to_hz(double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); }

uint32_t pitch_fft_length(uint32_t least) {
  uint32_t power = kLeastPitchFft;
  while (power < least) power *= 2;
  return power;
}

// Of a continuous Hann window, normalised; lag as a share of its length (Boersma 1993, eq. 8).
double hann_autocorrelation(double lag) {
  if (lag >= 1) return 0;
  const double angle = 2 * kPi * lag;
  return (1 - lag) * (2.0 / 3.0 + std::cos(angle) / 3.0) + std::sin(angle) / (2 * kPi);
}

}  // namespace

Plan::Plan(const em_config &config, const std::vector<std::string> &names) : config_(config) {
  check_config(config_);
  plan_columns(names);
  tables_.sample_rate = static_cast<float>(config_.sample_rate);
  tables_.hop_length = config_.hop_length;
  tables_.frame_length = config_.frame_length;
  span_ = config_.frame_length;
  if (tables_.stages & (kPitch | kTonal)) plan_low_rate();
  tables_.frame_offset = (span_ - config_.frame_length) / 2;
  plan_spectrum();
  if (tables_.n_log_mel || tables_.stages & kLogMel) plan_mel();
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
    const bool whole = column.functional == kOfSegment;
    if (whole && column.descriptor == k_modulation && config_.segment_frames > kMostModulationFrames)
      throw Error(EM_ERROR_CONFIG, "segment_frames = " + std::to_string(config_.segment_frames) + ": '" + name +
                                       "' takes at most " + std::to_string(kMostModulationFrames));
    const uint32_t descriptor = whole ? segment_row(column.descriptor).needs : column.descriptor;
    descriptors_.push_back(descriptor);
    tables_.stages |= descriptor_row(descriptor).stages;
    if (whole) continue;
    if (column.descriptor == k_mfcc) tables_.n_mfcc = std::max(tables_.n_mfcc, column.member + 1);
    if (column.descriptor == k_log_mel) tables_.n_log_mel = std::max(tables_.n_log_mel, column.member + 1);
  }
  std::sort(descriptors_.begin(), descriptors_.end());
  descriptors_.erase(std::unique(descriptors_.begin(), descriptors_.end()), descriptors_.end());
  value_start_.assign(kDescriptorCount, 0);
  for (const uint32_t descriptor : descriptors_) {
    value_start_[descriptor] = values_;
    values_ += family_size(tables_, descriptor);
  }
}

uint32_t Plan::value_index(const Column &column) const {
  if (column.functional == kOfSegment) return value_start_[segment_row(column.descriptor).needs];
  return value_start_[column.descriptor] + column.member;
}

const float *Plan::make_window(uint32_t kind, uint32_t length, double scale) {
  float *window = floats(length + kPadding);
  for (uint32_t i = 0; i < length; ++i) {
    const double cosine = std::cos(2.0 * kPi * i / length);
    window[i] = static_cast<float>(scale * (kind == EM_WINDOW_HANN      ? 0.5 - 0.5 * cosine
                                            : kind == EM_WINDOW_HAMMING ? 0.54 - 0.46 * cosine
                                                                        : 1.0));
  }
  return window;
}

FftTables Plan::make_fft(uint32_t n) {
  ffts_.push_back(std::make_unique<FftPlan>(n));
  return ffts_.back()->tables();
}

void Plan::plan_spectrum() {
  tables_.bins = config_.n_fft / 2 + 1;
  tables_.window = make_window(config_.window, config_.frame_length, std::sqrt(1.0 / config_.n_fft));
  tables_.fft = make_fft(config_.n_fft);
  uint32_t bin = 0;
  for (uint32_t b = 0; b < kLevelBands; ++b) {  // 0, 200, 400 .. 6400 Hz
    const double low_hz = b ? 100.0 * (1u << b) : 0.0;
    while (bin < tables_.bins && 1.0 * bin * config_.sample_rate / config_.n_fft < low_hz) ++bin;
    tables_.level_edges[b] = bin;
  }
  tables_.level_edges[kLevelBands] = tables_.bins;
}

void Plan::plan_mel() {
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
    float *weights = floats(width + 1);  // the kernel takes two at a time
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
}

void Plan::plan_mfcc() {
  const uint32_t count = config_.n_mels;
  // Groups of four coefficients: [n_mfcc / 4][half][4]; in the middle of an odd number of filters odd ones are zero.
  const uint32_t half = (count + 1) / 2;
  float *dct = floats(static_cast<size_t>(round_up(tables_.n_mfcc, 4)) * half);
  tables_.dct = dct;
  for (uint32_t i = 0; i < tables_.n_mfcc; ++i) {
    const double scale = std::sqrt((i == 0 ? 1.0 : 2.0) / count);
    for (uint32_t j = 0; j < half; ++j) {
      const bool is_middle_of_odd = i % 2 && 2 * j + 1 == count;
      const double cosine = is_middle_of_odd ? 0.0 : std::cos(kPi * i * (j + 0.5) / count);
      dct[(i / 4 * half + j) * 4 + i % 4] = static_cast<float>(scale * cosine);
    }
  }
}

// Low-pass for a decimation: sinc under a Kaiser window, down by 6 dB at kLowPass of the low rate and by 40 dB from
// half of it on. A partial that folded back would be out of tune with the others, and its period a longer one.
void Plan::plan_decimation() {
  LowRateTables &p = tables_.low;
  p.decimation = std::max(1u, static_cast<uint32_t>(config_.sample_rate / (kLowRatePerF0 * config_.f0_max_hz)));
  const uint32_t count = p.decimation > 1 ? kPhaseTaps * p.decimation : 1;
  float *taps = floats(count);
  p.taps = taps;
  double sum = 0;
  std::vector<double> h(count);
  for (uint32_t i = 0; i < count; ++i) {
    const double x = (2.0 * i - (count - 1)) / std::max(1u, count),
                 at = kLowPass * (2.0 * i - (count - 1)) / p.decimation;
    h[i] = (at == 0 ? 1.0 : std::sin(kPi * at) / (kPi * at)) * bessel_i0(kKaiserBeta * std::sqrt(1 - x * x));
    sum += h[i];
  }
  for (uint32_t i = 0; i < count; ++i) taps[i] = static_cast<float>(h[i] / sum);
  low_taps_ = count;
}

// Which samples of the span each frame covers.
void Plan::plan_low_rate() {
  LowRateTables &low = tables_.low;
  plan_decimation();
  if (tables_.stages & kPitch) plan_pitch();
  if (tables_.stages & kTonal) plan_tonal();
  const auto covered = [&](uint32_t length) { return (length - 1) * low.decimation + low_taps_; };
  const auto each_frame = [&](auto use) {
    if (tables_.pitch.length) use(tables_.pitch);
    if (tables_.tonal.length) use(tables_.tonal);
  };
  each_frame([&](auto &f) { span_ = std::max(span_, covered(f.length) + low.decimation / 2 * 2); });
  low.offset = span_;
  each_frame([&](auto &f) { low.offset = std::min(low.offset, f.offset = (span_ - covered(f.length)) / 2); });
  each_frame([&](auto &f) {
    const uint32_t later = f.offset - low.offset;
    low.length = std::max(low.length, f.length + (later + low.decimation - 1) / low.decimation);
  });
}

void Plan::plan_tonal() {
  TonalTables &t = tables_.tonal;
  const double low_rate = static_cast<double>(config_.sample_rate) / tables_.low.decimation;
  const double power = std::round(std::log2(kTonalFrameS * low_rate));
  t.length = 1u << static_cast<uint32_t>(std::clamp(power, 5.0, 14.0));  // what FftPlan takes
  t.window = make_window(EM_WINDOW_HANN, t.length, std::sqrt(1.0 / t.length));
  t.fft = make_fft(t.length);
  t.bin_hz = static_cast<float>(low_rate / t.length);
  t.first = static_cast<uint32_t>(std::ceil(kTonalMinHz * t.length / low_rate));
  const auto end = static_cast<uint32_t>(std::min(kTonalMaxHz, kTonalBand * low_rate) * t.length / low_rate);
  t.count = end > t.first ? end - t.first : 0;
}

void Plan::plan_pitch() {
  PitchTables &p = tables_.pitch;
  const double low_rate = static_cast<double>(config_.sample_rate) / tables_.low.decimation;
  const double lag_rate = low_rate * kLagsPerSample;
  p.f0_min_hz = config_.f0_min_hz;
  p.f0_max_hz = config_.f0_max_hz;
  p.voicing_threshold = config_.voicing_threshold;
  p.jump_cost = static_cast<float>(kJumpCost / std::log(2.0) * config_.sample_rate / config_.hop_length);
  p.lag_rate_hz = static_cast<float>(lag_rate);
  p.length = static_cast<uint32_t>(std::ceil(3.0 * low_rate / config_.f0_min_hz));
  p.lag_min = static_cast<uint32_t>(std::floor(lag_rate / config_.f0_max_hz));
  p.shortest_lag = static_cast<float>(lag_rate / config_.f0_max_hz * 0.999);
  p.lag_max = static_cast<uint32_t>(std::ceil(lag_rate / config_.f0_min_hz));
  p.window = make_window(EM_WINDOW_HANN, p.length, 1.0);
  // What wraps around into the lags searched are the ends of the frame, which the window has all but silenced.
  p.fft = make_fft(pitch_fft_length(p.length * 4 / 5 + p.lag_max / kLagsPerSample + 2));
  p.lag_fft = make_fft(p.fft.n / 2 * kLagsPerSample);

  const uint32_t m = p.lag_fft.n;
  float *weights = floats(m), *cosines = floats(m);
  p.lag_weights = weights;
  p.lag_cosines = cosines;
  for (uint32_t j = 0; j < m; ++j) {
    const double sine = std::sin(kPi * j / m);
    weights[j] = static_cast<float>(2 * j < m ? 0.5 - sine : 2 * j > m ? 0.5 + sine : 1.0);
    cosines[j] = static_cast<float>((j ? 1.0 : 0.5) * std::cos(kPi * j / m));
  }
  plan_lags();
}

// What divides the window out, and what a candidate loses for an octave.
void Plan::plan_lags() {
  PitchTables &p = tables_.pitch;
  const uint32_t count = p.lag_max + 4;
  float *correction = floats(count), *bonus = floats(count);
  p.window_correction = correction;
  p.octave_bonus = bonus;
  for (uint32_t lag = 0; lag < count; ++lag) {
    const double at = static_cast<double>(lag) / kLagsPerSample;
    correction[lag] =
        static_cast<float>(1 / (hann_autocorrelation(at / p.length) + hann_autocorrelation((p.fft.n - at) / p.length)));
    bonus[lag] = lag ? static_cast<float>(-kOctaveCost * std::log2(config_.f0_min_hz * lag / p.lag_rate_hz)) : 0.0f;
  }
  // r(0) is half the sum of |X|^2 over the whole FFT; a Hann window's mean square is 3/8.
  p.mean_square_scale = static_cast<float>(2.0 / p.fft.n / (0.375 * p.length));
}

void Plan::plan_formants() {
  LpcTables &lpc = tables_.lpc;
  const double bin_hz = static_cast<double>(config_.sample_rate) / config_.n_fft;
  lpc.order = config_.lpc_order;
  const double fmax_hz = std::min<double>(config_.lpc_fmax_hz, config_.sample_rate / 2.0);
  lpc.bins = 2 * static_cast<uint32_t>(std::lround(fmax_hz / bin_hz / 2));
  lpc.first_bin = std::max(1u, static_cast<uint32_t>(std::ceil(90.0 / bin_hz)));
  lpc.rows = lpc.bins / 4 + 1;
  lpc.quads = lpc.order / 4 + 1;
  const auto cosine = [&](uint32_t k, uint32_t m) { return std::cos(kPi * k * m / lpc.bins); };
  for (uint32_t k = 0; k < lpc.rows; ++k) {
    for (uint32_t m = 0; m < 4 * lpc.quads; m += 4) {
      const uint32_t mirror = lpc.bins / 2 - k;
      lpc_terms_.push_back({cosine(k, m), cosine(k, m + 1), cosine(mirror, m + 1), cosine(k, m + 2), cosine(k, m + 3),
                            cosine(mirror, m + 3)});
    }
  }
  lpc.terms = lpc_terms_.data();
}

}  // namespace em
