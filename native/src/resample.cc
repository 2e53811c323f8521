// Mixing down and resampling for one instruction set: an FFT filter over kLanes consecutive blocks of the signal, one a
// lane, then a short interpolation where the rates ask for one.
#include "kernel.h"

#include "fft.h"

namespace em {
namespace EM_ARCH {

namespace {

EM_INLINE vi magnitude_bits(vf x) { return (vi)x & 0x7fffffff; }

EM_INLINE float mean(const float *frame, uint32_t channels, float gain) {
  float sum = frame[0];
  for (uint32_t c = 1; c < channels; ++c) sum += frame[c];
  return sum * gain;
}

// Frames i .. i + kLanes - 1.
template <uint32_t kChannels>
EM_INLINE vf means(const MixJob &job, size_t i) {
  const float *frames = job.frames + i * kChannels;
  if (kChannels == 1) return load(frames);
  vf parts[2];
  split_two(load(frames), load(frames + kLanes), parts);
  return (parts[0] + parts[1]) * 0.5f;
}

template <uint32_t kChannels>
EM_INLINE uint32_t mix_channels(const MixJob &job) {
  vi largest{};
  const auto take = [&largest](vi bits) { largest = bits > largest ? bits : largest; };
  size_t i = 0;
  if (kChannels) {
    for (; i + kLanes <= job.count; i += kLanes) {
      const vf x = means<kChannels ? kChannels : 1>(job, i);
      take(magnitude_bits(x));
      store(x, job.mono + i);
    }
  }
  const uint32_t channels = kChannels ? kChannels : job.channels;
  const float gain = 1.0f / static_cast<float>(channels);
  for (; i < job.count; ++i) {
    const float x = mean(job.frames + i * channels, channels, gain);
    take(magnitude_bits(splat(x)));
    job.mono[i] = x;
  }
  uint32_t bits = 0;
  for (int l = 0; l < kLanes; ++l)
    bits = static_cast<uint32_t>(largest[l]) > bits ? static_cast<uint32_t>(largest[l]) : bits;
  return bits;
}

// Lane l holds the block that starts at signal + l * hop.
EM_INLINE void forward(const ResampleTables &t, const float *signal, vf *data, vf *hartley) {
  const uint32_t n = t.inverse.n, stored = t.bins;
  const size_t hop = t.hop;
  const float *response = t.response;
  real_fft(
      t.forward, data,
      [=](uint32_t at, vf *rows) {
        for (int l = 0; l < kLanes; ++l) rows[l] = load(signal + l * hop + at);
        transpose(rows);
        return true;
      },
      [=](size_t k, vf re, vf im) {
        if (k >= stored) return;
        const vf a = re * response[k], b = im * response[k];
        hartley[k] = a - b;
        if (k) hartley[n - k] = a + b;
      });
}

// The Hartley transform is its own inverse; a real FFT gives it.
EM_INLINE void backward(const ResampleTables &t, const vf *hartley, vf *data) {
  const uint32_t n = t.inverse.n;
  real_fft(
      t.inverse, data,
      [=](uint32_t at, vf *rows) {
        for (int i = 0; i < kLanes; ++i) rows[i] = hartley[at + i];
        return true;
      },
      [=](size_t k, vf re, vf im) {
        data[k] = re - im;
        if (k && 2 * k < n) data[n - k] = re + im;
      });
}

// A place among the filtered samples: a whole one and so many phases.
struct Place {
  uint32_t whole, phase;
};

EM_INLINE vf interpolated(const ResampleTables &t, const vf *filtered, const Place &at) {
  const vf *x = filtered + at.whole;
  const float *taps = t.taps + static_cast<size_t>(at.phase) * t.n_taps;
  vf even = x[0] * taps[0], odd = x[1] * taps[1];
  for (uint32_t i = 2; i < t.n_taps; i += 2) even += x[i] * taps[i], odd += x[i + 1] * taps[i + 1];
  return even + odd;
}

// Lane l goes to out + l * outputs.
template <bool kInterpolate>
EM_INLINE void emit(const ResampleTables &t, const vf *filtered, uint32_t lanes, float *out) {
  for (uint32_t start = 0; start < t.outputs; start += kLanes) {
    // the last tile ends with the block: some of it a second time
    const uint32_t first = start + kLanes <= t.outputs ? start : t.outputs - kLanes;
    const uint64_t phases = static_cast<uint64_t>(first) * t.step;
    Place at = {static_cast<uint32_t>(phases / t.phases), static_cast<uint32_t>(phases % t.phases)};
    vf rows[kLanes];
    for (vf &row : rows) {
      row = kInterpolate ? interpolated(t, filtered, at) : filtered[at.whole];
      at.phase += t.step;
      for (; at.phase >= t.phases; at.phase -= t.phases) ++at.whole;
    }
    transpose(rows);
    for (uint32_t l = 0; l < lanes; ++l) store(rows[l], out + static_cast<size_t>(l) * t.outputs + first);
  }
}

}  // namespace

uint32_t mix(const MixJob &job) {
  if (job.channels == 1) return mix_channels<1>(job);
  return job.channels == 2 ? mix_channels<2>(job) : mix_channels<0>(job);
}

size_t resample_bytes(const ResampleTables &t) { return (t.forward.n + t.inverse.n) * sizeof(vf); }

void resample(const ResampleJob &job) {
  const ResampleTables &t = *job.tables;
  vf *hartley = static_cast<vf *>(job.workspace), *data = hartley + t.inverse.n;
  forward(t, job.signal, data, hartley);
  backward(t, hartley, data);
  if (t.n_taps)
    emit<true>(t, data + t.offset, job.blocks, job.out);
  else
    emit<false>(t, data + t.offset, job.blocks, job.out);
}

}  // namespace EM_ARCH
}  // namespace em
