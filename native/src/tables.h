// Everything the kernels look up, as plain pointers: kernels are compiled for several instruction sets and must not
// emit inline functions that another translation unit could pick up.
#pragma once
#include <cstddef>
#include <cstdint>

namespace em {

struct FftTables {
  uint32_t n = 0;            // a power of two: first_radix times a power of 4
  uint32_t first_radix = 0;  // 4 or 8
  const uint32_t *order =
      nullptr;  // [n / first_radix] where the first pass puts the transform of sample i, i + stride ...
  const float *twiddles = nullptr;  // per later pass, per j: what Twiddle in fft.h names
};

struct MelFilter {
  uint32_t first, count;  // bins
  const float *weights;
};

// The candidates of the last frame: height gathered on the best path to each, less that of the best; natural logarithm
// of the lag; what a jump from it costs, per neper.
struct PitchPath {
  float total[4], log_lag[4], weight[4];
};

constexpr uint32_t kPhaseTaps = 8;      // of the decimation filter, a low-rate sample
constexpr uint32_t kLagsPerSample = 2;  // of the autocorrelation, a low-rate sample

// The signal at the low rate, of which pitch and tonal frames are cut.
struct LowRateTables {
  uint32_t decimation = 1;      // from the sample rate to the low rate
  const float *taps = nullptr;  // [kPhaseTaps * decimation] low-pass
  uint32_t offset = 0;          // from the start of the span to that of the earliest frame, samples
  uint32_t length = 0;          // low-rate samples from there to the end of the latest; 0: no stage needs them
};

struct PitchTables {
  uint32_t length = 0;  // of the frame, low-rate samples
  uint32_t offset = 0;  // from the start of the span, samples
  const float *window = nullptr;
  FftTables fft, lag_fft;
  const float *lag_weights = nullptr, *lag_cosines = nullptr;  // [lag_fft.n] of autocorrelation()
  float lag_rate_hz = 0;                                       // lags a second
  uint32_t lag_min = 0, lag_max = 0;
  float shortest_lag = 0;                    // of the highest F0; refined lags below it are refused
  const float *window_correction = nullptr;  // [lag_max + 4] r_w(0) / r_w(lag)
  const float *octave_bonus = nullptr;       // [lag_max + 4]
  float mean_square_scale = 0;               // from the autocorrelation at lag 0
  float jump_cost = 0;                       // per neper
  float f0_min_hz = 0, f0_max_hz = 0, voicing_threshold = 0;
};

constexpr uint32_t kPitchClasses = 12;

struct TonalTables {
  uint32_t length = 0;  // of the frame and its FFT, low-rate samples
  uint32_t offset = 0;  // from the start of the span, samples
  const float *window = nullptr;
  FftTables fft;
  uint32_t first = 0, count = 0;  // bins of the band
  float bin_hz = 0;
};

// Of lags 4q .. 4q + 3 at bin k: cosines of pi k m / K, and for odd m those of K/2 - k, which are sines but for the
// sign.
struct LpcTerms {
  double cos0, cos1, sin1, cos2, cos3, sin3;
};

struct LpcTables {
  uint32_t order = 0, bins = 0, first_bin = 0;  // bins: K of docs/descriptors.md, even
  uint32_t rows = 0, quads = 0;                 // K / 4 + 1; of lags
  const LpcTerms *terms = nullptr;              // [rows][quads]
};

constexpr uint32_t kLevelBands = 7;
constexpr uint32_t kMelGroups = 5;  // of mel_envelope

struct Tables {
  float sample_rate = 0;
  uint32_t hop_length = 0;
  uint32_t stages = 0;  // bits of Stage that the chosen columns need

  // Short frame
  uint32_t frame_length = 0, frame_offset = 0;  // offset of the short frame in the span
  uint32_t bins = 0;                            // n_fft / 2 + 1
  const float *window = nullptr;                // padded with zeros to a whole number of vectors
  FftTables fft;

  uint32_t level_edges[kLevelBands + 1] = {};  // first bin of each band of band_level, and the end of the last

  // MFCC and log-mel spectrum
  uint32_t n_mels = 0, n_mfcc = 0;  // n_mfcc: coefficients 0 .. n_mfcc - 1 are computed
  uint32_t n_log_mel = 0;           // filters 0 .. n_log_mel - 1 of the plain spectrum are computed
  const MelFilter *mel = nullptr;
  const float *dct = nullptr;  // [ceil(n_mfcc / 4)][ceil(n_mels / 2)][4]

  LowRateTables low;
  PitchTables pitch;
  TonalTables tonal;

  LpcTables lpc;
};

// How far the low-rate stages read, here for the kernels and for whoever makes room for them; `lanes` of a vector.
// Static, so that each translation unit keeps to its own instruction set.
constexpr uint32_t kStepVectors = 4;  // of low-rate samples, computed together

// Samples at the low rate from the start of lane 0's frames to the end of the last lane's, in whole steps.
static inline uint32_t low_rate_samples(const Tables &t, uint32_t lanes) {
  const uint32_t most = (lanes - 1) * t.hop_length / t.low.decimation + 1 + t.low.length;
  const uint32_t step = kStepVectors * lanes;
  return (most + lanes + step - 1) / step * step;  // tiles read up to a vector past a frame
}

// Of a polyphase component of the signal, in whole vectors: the filter reads past the last sample.
static inline uint32_t phase_samples(const Tables &t, uint32_t lanes) {
  return low_rate_samples(t, lanes) + (kPhaseTaps + lanes - 1) / lanes * lanes;
}

// Samples from the start of lane 0's span to the last that the decimation reads.
static inline size_t low_rate_samples_read(const Tables &t, uint32_t lanes) {
  const LowRateTables &low = t.low;
  if (!low.length) return 0;
  const size_t first = low.offset + low.decimation / 2;  // at most: a frame starts at the nearest low-rate sample
  return first + static_cast<size_t>(low.decimation) * phase_samples(t, lanes);
}

// A filter by FFT over blocks of the signal, which leaves every n-th sample, then an interpolation between those.
struct ResampleTables {
  FftTables forward, inverse;
  uint32_t bins = 0;                // that pass; the inverse has at least twice as many
  const float *response = nullptr;  // [bins] real: the filter has no delay
  uint32_t hop = 0;                 // samples from block to block
  uint32_t outputs = 0;             // of a block
  uint32_t offset = 0;              // filtered samples before those that output 0 is made of
  uint32_t step = 1, phases = 1;    // from output to output: filtered samples, step / phases of them
  uint32_t n_taps = 0;              // of the interpolation, even; 0: none, phases is 1
  const float *taps = nullptr;      // [phases][n_taps]
};

// What must be computed before a descriptor can be.
enum Stage : uint32_t {
  kSignal = 1,      // the samples themselves
  kSpectrum = 2,    // power, magnitude of the short frame
  kEmphasised = 4,  // power spectrum of the pre-emphasised short frame
  kPitch = 8,       // best lag and its height
  kTonal = 16,      // spectral peaks of the tonal frame, chroma
  kBeating = 32,    // of the strongest peaks, each with each
  kLogMel = 64,     // natural logarithms of what the mel filters pass of the pre-emphasised spectrum
};

}  // namespace em
