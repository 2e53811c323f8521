// The signal at a low rate, for the stages that look at low frequencies only: low-pass, decimate, cut into frames.
#pragma once
#include "kernel.h"
#include "simd.h"

namespace em {
namespace EM_ARCH {

constexpr uint32_t kStep = kStepVectors * kLanes;  // low-rate samples that are computed together

EM_INLINE size_t low_rate_bytes(const Tables &t) {
  const size_t samples = low_rate_samples(t, kLanes) + static_cast<size_t>(t.low.decimation) * phase_samples(t, kLanes);
  return t.low.length ? samples * sizeof(float) : 0;
}

// x[i * decimation + p] -> phases[p][i]
EM_INLINE void split_phases(const float *x, uint32_t count, uint32_t decimation, float *phases) {
  if (decimation == 2) {
    for (size_t i = 0; i < count; i += kLanes) {
      vf parts[2];
      split_two(load(x + 2 * i), load(x + 2 * i + kLanes), parts);
      for (size_t p = 0; p < 2; ++p) store(parts[p], phases + p * count + i);
    }
  } else if (decimation == 3) {
    for (size_t i = 0; i < count; i += kLanes) {
      vf parts[3];
      split_three(load(x + 3 * i), load(x + 3 * i + kLanes), load(x + 3 * i + 2 * kLanes), parts);
      for (size_t p = 0; p < 3; ++p) store(parts[p], phases + p * count + i);
    }
  } else {
    for (size_t i = 0; i < count; ++i)
      for (size_t p = 0; p < decimation; ++p) phases[p * count + i] = x[i * decimation + p];
  }
}

// y[i] = sum over k of taps[k] x[i * decimation + k]: one short filter a polyphase component.
EM_INLINE void decimate(const Tables &t, const float *x, float *y, float *phases) {
  const LowRateTables &p = t.low;
  const uint32_t count = phase_samples(t, kLanes);
  if (p.decimation == 1) {
    std::memcpy(y, x, low_rate_samples(t, kLanes) * sizeof(float));
    return;
  }
  split_phases(x, count, p.decimation, phases);
  for (size_t i = 0; i < low_rate_samples(t, kLanes); i += kStep) {
    vf sum[kStepVectors] = {};
    for (size_t phase = 0; phase < p.decimation; ++phase) {
      const float *from = phases + phase * count + i;
      for (size_t k = 0; k < kPhaseTaps; ++k) {
        const float tap = p.taps[k * p.decimation + phase];
        for (size_t v = 0; v < kStepVectors; ++v) sum[v] += load(from + k + v * kLanes) * tap;
      }
    }
    std::memcpy(y + i, sum, sizeof sum);
  }
}

EM_INLINE float sum_of(const float *x, uint32_t n) {
  vf sums{};
  uint32_t i = 0;
#pragma GCC unroll 4
  for (; i + kLanes <= n; i += kLanes) sums += load(x + i);
  float sum = 0;
  for (int l = 0; l < kLanes; ++l) sum += sums[l];
  for (; i < n; ++i) sum += x[i];
  return sum;
}

struct LowRate {
  const float *samples;
  uint32_t first;  // which of the low-rate samples of the signal they begin with, counted from the phase
};

// The low-rate sample nearest to where a lane's frame, `offset` samples into its span, should start.
EM_INLINE uint32_t low_rate_index(const KernelJob &job, uint32_t offset, uint32_t lane) {
  const uint32_t decimation = job.tables->low.decimation;
  return (job.phase + lane * job.tables->hop_length + offset + decimation / 2) / decimation;
}

// `work`: low_rate_bytes.
EM_INLINE LowRate low_rate(const KernelJob &job, float *work) {
  const Tables &t = *job.tables;
  const uint32_t first = low_rate_index(job, t.low.offset, 0);
  decimate(t, job.signal + first * t.low.decimation - job.phase, work, work + low_rate_samples(t, kLanes));
  return {work, first};
}

struct LowFrames {
  const float *start[kLanes];
  vf mean;  // of each lane
};

EM_INLINE LowFrames low_frames(const KernelJob &job, const LowRate &low, uint32_t offset, uint32_t length) {
  LowFrames frames;
  for (int l = 0; l < kLanes; ++l) {
    frames.start[l] = low.samples + (low_rate_index(job, offset, static_cast<uint32_t>(l)) - low.first);
    frames.mean[l] = sum_of(frames.start[l], length) / static_cast<float>(length);
  }
  return frames;
}

// Samples n .. n + kLanes - 1 of all frames, less their means and windowed, one vector a sample.
EM_INLINE void load_low_tile(const LowFrames &frames, const float *weights, size_t n, vf *rows) {
  const vf window = load(weights + n);
  for (int l = 0; l < kLanes; ++l) rows[l] = (load(frames.start[l] + n) - frames.mean[l]) * window;
  transpose(rows);
}

}  // namespace EM_ARCH
}  // namespace em
