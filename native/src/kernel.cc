// The stages that descriptors share, and the loop over descriptors, for one instruction set.
#include "kernel.h"

#include "block.h"
#include "fft.h"

namespace em {
namespace EM_ARCH {

namespace {

EM_INLINE uint32_t round_up(uint32_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

struct Frames {
  const float *start;  // of lane 0
  uint32_t hop, length;
  const float *window;
};

// Reads kLanes frames, less `offset`, windowed, into bit-reversed order with zeros behind. Returns the sum of squares:
// of the windowed samples, or where kCentred of the samples before the window.
template <bool kCentred>
EM_INLINE vf load_frames(const Frames &frames, vf offset, const FftTables &fft, vf *re, vf *im) {
  vf squares{};
  const uint32_t end = round_up(frames.length);
  for (uint32_t n = 0; n < end; n += kLanes) {
    vf rows[kLanes];
    for (int l = 0; l < kLanes; ++l) rows[l] = load(frames.start + static_cast<size_t>(l) * frames.hop + n);
    transpose(rows);
    for (uint32_t j = 0; j < kLanes; ++j) {
      const vf centred = kCentred ? rows[j] - offset : rows[j];
      const vf value = centred * frames.window[n + j];
      if (kCentred) {
        if (n + j < frames.length) squares += centred * centred;
      } else {
        squares += value * value;
      }
      vf *half = j & 1 ? im : re;
      half[fft.reversed[(n + j) / 2]] = value;
    }
  }
  for (uint32_t i = end / 2; i < fft.m; ++i) re[fft.reversed[i]] = im[fft.reversed[i]] = vf{};
  return squares;
}

// |X|^2 / n in bins 0 .. n/2; returns the energy of the windowed frames.
EM_INLINE vf power_spectrum(const Frames &frames, const FftTables &fft, vf *re, vf *im, vf *power) {
  const vf energy = load_frames<false>(frames, vf{}, fft, re, im);
  complex_fft(fft, re, im);
  const float scale = 1.0f / static_cast<float>(fft.n);
  untangle(fft, re, im, [=](uint32_t k, vf r, vf i) { power[k] = (r * r + i * i) * scale; });
  return energy;
}

EM_INLINE float sum_of(const float *x, uint32_t n) {
  vf sums{};
  uint32_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sums += load(x + i);
  float sum = 0;
  for (int l = 0; l < kLanes; ++l) sum += sums[l];
  for (; i < n; ++i) sum += x[i];
  return sum;
}

struct Candidate {
  vf score, lag, height;  // lag 0 where there is none
};

// Boersma's autocorrelation method: the window's own autocorrelation divided out, every local maximum refined by a
// parabola, the best kept.
EM_INLINE Candidate best_candidate(const Tables &t, const vf *autocorrelation) {
  const vf r0 = autocorrelation[0];
  const vf scale = 1.0f / (r0 > 0.0f ? r0 : splat(1.0f));
  Candidate best = {splat(-1e30f), vf{}, vf{}};
  vf before = autocorrelation[t.lag_min - 1] * t.window_correction[t.lag_min - 1] * scale;
  vf at = autocorrelation[t.lag_min] * t.window_correction[t.lag_min] * scale;
  for (uint32_t lag = t.lag_min; lag <= t.lag_max; ++lag) {
    const vf after = autocorrelation[lag + 1] * t.window_correction[lag + 1] * scale;
    const vi peak = (at > before) & (at >= after);
    const vf curve = before - at * 2.0f + after;
    const vf shift = (before - after) * 0.5f / (peak ? curve : splat(-1.0f));
    const vf height = at - (before - after) * shift * 0.25f;
    const vf score = height + t.octave_bonus[lag];
    const vi better = peak & (score > best.score);
    best.score = better ? score : best.score;
    best.lag = better ? shift + static_cast<float>(lag) : best.lag;
    best.height = better ? height : best.height;
    before = at;
    at = after;
  }
  return best;
}

EM_INLINE void pitch(const Tables &t, Block &block, vf *re, vf *im, vf *power) {
  const Frames frames = {block.signal + t.pitch_offset, t.hop_length, t.pitch_length, t.pitch_window};
  vf mean{};
  for (int l = 0; l < kLanes; ++l) mean[l] = sum_of(frames.start + static_cast<size_t>(l) * frames.hop, frames.length);
  const float per_sample = 1.0f / static_cast<float>(frames.length);
  block.pitch_mean_square = load_frames<true>(frames, mean * per_sample, t.pitch_fft, re, im) * per_sample;
  const FftTables &fft = t.pitch_fft;
  complex_fft(fft, re, im);
  untangle(fft, re, im, [=](uint32_t k, vf r, vf i) { power[k] = r * r + i * i; });
  for (uint32_t i = 0; i < fft.m; ++i) {  // the spectrum is even: its transform is the autocorrelation
    const uint32_t even = 2 * i, odd = 2 * i + 1;
    re[fft.reversed[i]] = power[even <= fft.m ? even : fft.n - even];
    im[fft.reversed[i]] = power[odd <= fft.m ? odd : fft.n - odd];
  }
  complex_fft(fft, re, im);
  untangle(fft, re, im, [=](uint32_t k, vf r, vf) { power[k] = r; });

  const Candidate best = best_candidate(t, power);
  const vi found = (best.lag > 0.0f) & (block.pitch_mean_square >= 1e-12f);
  block.pitch_lag = found ? best.lag : vf{};
  block.pitch_height = clamp(best.height, 1e-4f, 1.0f - 1e-4f);
}

size_t scratch_vectors(const Tables &t) { return t.n_mels > t.lpc_bins + 1 ? t.n_mels : t.lpc_bins + 1; }

size_t workspace_bytes(const Tables &t) {
  const size_t m = t.fft.m > t.pitch_fft.m ? t.fft.m : t.pitch_fft.m;
  const size_t bins = t.bins, pitch_bins = t.pitch_fft.m + 1;
  return (2 * m + 3 * bins + pitch_bins + scratch_vectors(t)) * sizeof(vf);
}

typedef void (*DescriptorKernel)(Block &, vf *);
const DescriptorKernel kTable[] = {
#define EM_DESCRIPTOR(name, ...) name,
#define EM_FAMILY(name, ...) name,
#include "descriptors/table.inc"
#undef EM_DESCRIPTOR
#undef EM_FAMILY
};

void run(const KernelJob &job) {
  const Tables &t = *job.tables;
  const size_t m = t.fft.m > t.pitch_fft.m ? t.fft.m : t.pitch_fft.m;
  vf *re = static_cast<vf *>(job.workspace), *im = re + m;
  vf *power = im + m, *magnitude = power + t.bins, *emphasised = magnitude + t.bins;
  vf *pitch_power = emphasised + t.bins, *scratch = pitch_power + t.pitch_fft.m + 1;
  Block block = {t,    job.signal, power, magnitude,    vf{},      vf{},   emphasised,
                 vf{}, vf{},       vf{},  job.previous, job.first, scratch};

  const Frames frames = {job.signal + t.frame_offset, t.hop_length, t.frame_length, t.window};
  if (t.stages & kSpectrum) {
    block.energy = power_spectrum(frames, t.fft, re, im, power);
    for (uint32_t k = 0; k < t.bins; ++k) {
      magnitude[k] = square_root(power[k]);
      block.magnitude_sum += magnitude[k];
    }
  }
  if (t.stages & kEmphasised) {
    Frames emphasised_frames = frames;
    emphasised_frames.start = job.emphasised + t.frame_offset;
    power_spectrum(emphasised_frames, t.fft, re, im, emphasised);
  }
  if (t.stages & kPitch) pitch(t, block, re, im, pitch_power);

  float *values = job.values;
  for (uint32_t d = 0; d < job.descriptor_count; ++d) {
    const uint32_t members = family_size(t, job.descriptors[d]);
    kTable[job.descriptors[d]](block, reinterpret_cast<vf *>(values));
    values += static_cast<size_t>(members) * kLanes;
  }
}

bool supported() {
#if defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace

extern const Kernel kernel;
const Kernel kernel = {EM_ARCH_NAME, kLanes, supported, workspace_bytes, run};

}  // namespace EM_ARCH
}  // namespace em
