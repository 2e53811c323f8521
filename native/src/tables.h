// Everything the kernels look up, as plain pointers: kernels are compiled for several instruction sets and must not
// emit inline functions that another translation unit could pick up.
#pragma once
#include <cstddef>
#include <cstdint>

namespace em {

struct FftTables {
  uint32_t n = 0;                      // real length, a power of two
  uint32_t m = 0;                      // n / 2, the complex length
  const uint32_t *reversed = nullptr;  // [m] bit reversal
  const float *twiddles = nullptr;     // per radix-4 pass, per j: w, w^2, w^3 as (re, im) pairs
  const float *untangle = nullptr;     // [m / 2 + 1] exp(-2 pi i k / n) as (re, im) pairs
};

struct MelFilter {
  uint32_t first, count;  // bins
  const float *weights;
};

struct Tables {
  float sample_rate = 0;
  uint32_t hop_length = 0;
  uint32_t stages = 0;  // bits of Stage that the chosen columns need

  // Short frame
  uint32_t frame_length = 0, frame_offset = 0;  // offset of the short frame in the span
  uint32_t bins = 0;                            // n_fft / 2 + 1
  const float *window = nullptr;                // padded with zeros to a whole number of vectors
  FftTables fft;

  // MFCC
  uint32_t n_mels = 0, n_mfcc = 0;  // n_mfcc: coefficients 0 .. n_mfcc - 1 are computed
  const MelFilter *mel = nullptr;
  const float *dct = nullptr;  // [n_mfcc][n_mels]

  // Pitch
  uint32_t pitch_length = 0, pitch_offset = 0, lag_min = 0, lag_max = 0;
  const float *pitch_window = nullptr;
  FftTables pitch_fft;
  const float *window_correction = nullptr;  // [lag_max + 2] r_w(0) / r_w(lag)
  const float *octave_bonus = nullptr;       // [lag_max + 2]
  float f0_min_hz = 0, f0_max_hz = 0, voicing_threshold = 0;

  // Formants
  uint32_t lpc_order = 0, lpc_bins = 0, formant_first_bin = 0;  // lpc_bins: K of docs/descriptors.md
  uint32_t lpc_stride = 0;                                      // lpc_order + 1 rounded up to a multiple of 4
  const double *lpc_cosines = nullptr;                          // [K + 1][lpc_stride], zeros from column order + 1 on
};

// What must be computed before a descriptor can be.
enum Stage : uint32_t {
  kSignal = 0,
  kSpectrum = 1,    // power, magnitude, energy of the short frame
  kEmphasised = 2,  // power spectrum of the pre-emphasised short frame
  kPitch = 4,       // best lag and its height
};

}  // namespace em
