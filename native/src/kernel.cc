// The stages that descriptors share, and the loop over descriptors, for one instruction set.
#include "kernel.h"

#include "block.h"
#include "fft.h"
#include "mel.h"
#include "pitch.h"
#include "tonal.h"

namespace em {
namespace EM_ARCH {

namespace {

struct Frames {
  const float *start;  // of lane 0
  uint32_t hop, length;
  const float *window;  // padded with zeros
};

// Asks for cache lines a few at a time: more at once than the processor can wait for would stop it.
struct Prefetch {
  const float *next, *end;

  EM_METHOD void step() {
    constexpr int kLines = kLanes / 4, kLine = 16;  // floats
    if (next >= end) return;
    for (int i = 0; i < kLines; ++i) __builtin_prefetch(next + i * kLine);
    next += kLines * kLine;
  }
};

// Samples n .. n + kLanes - 1 of all frames: windowed, one vector a sample.
EM_INLINE bool load_tile(const Frames &frames, size_t n, vf *rows) {
  if (n >= frames.length) return false;
  const vf window = load(frames.window + n);
  for (int l = 0; l < kLanes; ++l) {
    const float *x = frames.start + static_cast<size_t>(l) * frames.hop + n;
    rows[l] = load(x) * window;
  }
  transpose(rows);
  return true;
}

// |X|^2 / n in bins 0 .. n/2 (the window carries the square root of 1 / n). Takes n vectors.
EM_INLINE void power_spectrum(const Frames &frames, const FftTables &fft, vf *power, Prefetch &prefetch) {
  const auto tile = [&](size_t n, vf *rows) {
    prefetch.step();
    return load_tile(frames, n, rows);
  };
  real_fft(fft, power, tile, [=](size_t k, vf re, vf im) { power[k] = re * re + im * im; });
}

EM_INLINE void spectra(const KernelJob &job, Block &block, vf *power, vf *magnitude, vf *emphasised) {
  const Tables &t = *job.tables;
  Frames frames = {nullptr, t.hop_length, t.frame_length, t.window};
  Prefetch prefetch = {job.next, job.next + (job.next ? static_cast<size_t>(kLanes) * t.hop_length : 0)};
  if (t.stages & kSpectrum) {
    frames.start = job.signal + t.frame_offset;
    power_spectrum(frames, t.fft, power, prefetch);
    for (size_t k = 0; k < t.bins; ++k) {
      magnitude[k] = square_root(power[k]);
      block.magnitude_sum += magnitude[k];
    }
  }
  if (t.stages & kEmphasised) {
    frames.start = job.emphasised + t.frame_offset;
    power_spectrum(frames, t.fft, emphasised, prefetch);
  }
}

size_t scratch_vectors(const Tables &t) {
  const size_t formants = t.lpc.bins + 1 + 4 * t.lpc.rows;
  return t.n_mels > formants ? t.n_mels : formants;
}

// The spectra are made in place: behind the bins of the plain one there is room for the magnitudes.
size_t workspace_bytes(const Tables &t) {
  const size_t vectors =
      t.n_mels + 2 * t.bins + t.fft.n + scratch_vectors(t) + pitch_vectors(t.pitch) + tonal_vectors(t.tonal);
  return vectors * sizeof(vf) + low_rate_bytes(t);
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
  vf *power = static_cast<vf *>(job.workspace), *magnitude = power + t.bins, *emphasised = magnitude + t.bins;
  vf *scratch = emphasised + t.fft.n;
  vf *log_mel = scratch + scratch_vectors(t), *work = log_mel + t.n_mels, *tonal_work = work + pitch_vectors(t.pitch);
  Block block = {t,  job.signal, power,        magnitude, vf{},       emphasised, log_mel,
                 {}, {},         job.previous, job.first, job.frames, scratch};
  spectra(job, block, power, magnitude, emphasised);
  if (t.stages & kLogMel) log_mel_spectrum(t, emphasised, t.n_mels, log_mel);
  if (t.stages & (kPitch | kTonal)) {
    const LowRate low = low_rate(job, reinterpret_cast<float *>(tonal_work + tonal_vectors(t.tonal)));
    if (t.stages & kPitch) block.pitch = find_pitch(job, low, work);
    if (t.stages & kTonal) block.tonal = find_tonal(job, low, tonal_work);
  }

  float *values = job.values;
  for (size_t d = 0; d < job.descriptor_count; ++d) {
    const uint32_t members = family_size(t, job.descriptors[d]);
    kTable[job.descriptors[d]](block, reinterpret_cast<vf *>(values));
    values += static_cast<size_t>(members) * kLanes;
  }
}

template <bool kSignal, bool kEmphasis>
EM_INLINE bool take_samples(const Intake &in) {
  constexpr int32_t kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
  const float *const x = in.samples;  // locals: a store to a float could be one to the job itself
  float *const signal = in.signal, *const emphasised = in.emphasised;
  const size_t count = in.count;
  const float a = in.preemphasis;
  float last = in.last_sample;
  vi largest{};
  size_t i = 0;
  const auto one = [&] {
    int32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    bits &= kMagnitude;
    largest[0] = bits > largest[0] ? bits : largest[0];
    if (kSignal) signal[i] = x[i];
    if (kEmphasis) emphasised[i] = x[i] - a * last;
    last = x[i];
  };
  if (count) one(), ++i;
  for (; i + kLanes <= count; i += kLanes) {
    const vf v = load(x + i);
    const vi bits = (vi)v & kMagnitude;
    largest = bits > largest ? bits : largest;
    if (kSignal) store(v, signal + i);
    if (kEmphasis) store(v - load(x + i - 1) * a, emphasised + i);
  }
  if (i) last = x[i - 1];
  for (; i < count; ++i) one();
  bool finite = true;
  for (int l = 0; l < kLanes; ++l) finite &= largest[l] < kInfinity;
  return finite;
}

bool take(const Intake &in) {
  if (in.signal) return in.emphasised ? take_samples<true, true>(in) : take_samples<true, false>(in);
  return in.emphasised ? take_samples<false, true>(in) : take_samples<false, false>(in);
}

bool supported() {
#if defined(__AVX512VL__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace

void statistics(const StatisticsJob &job);
void modulation(const ModulationJob &job);
uint32_t mix(const MixJob &job);
size_t resample_bytes(const ResampleTables &t);
void resample(const ResampleJob &job);

extern const Kernel kernel;
const Kernel kernel = {EM_ARCH_NAME, kLanes,     supported, workspace_bytes, run,     take,
                       statistics,   modulation, mix,       resample_bytes,  resample};

}  // namespace EM_ARCH
}  // namespace em
