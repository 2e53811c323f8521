// Pitch by autocorrelation (Boersma 1993) at a low sample rate: the fundamental and its first harmonics lie below 2
// kHz, and the cost goes with the rate (low_rate.h). Window, power spectrum, and back: the autocorrelation,
// divided by the window's own, has its highest peak at the period.
#pragma once
#include "block.h"
#include "fft.h"
#include "kernel.h"
#include "low_rate.h"

namespace em {
namespace EM_ARCH {

EM_INLINE size_t pitch_vectors(const PitchTables &p) { return p.length ? p.fft.n + p.lag_fft.n + p.lag_max + 4 : 0; }

// Autocorrelation at lags 0 .. lag_max + 3, half a low-rate sample apart, from the power spectrum: an even sequence, to
// be padded with as many zeros, whose cosine transform comes from a real FFT of half its length (Cooley, Lewis, Welch
// 1970). Even lags are real parts, odd ones sums of imaginary parts.
EM_INLINE void autocorrelation(const PitchTables &p, const vf *power, vf *data, vf *correlation) {
  const uint32_t m = p.lag_fft.n, bins = m / 2, last = p.lag_max + 3;
  vf sums[4] = {};  // of lag 1; one sum would wait for itself at every step
  for (size_t j = 0; j < bins; j += 4)
    for (size_t i = 0; i < 4; ++i) sums[i] += power[j + i] * p.lag_cosines[j + i];
  const auto tile = [&](size_t n, vf *rows) {
    const float *weights = p.lag_weights + n;
    if (n < bins)
      for (size_t i = 0; i < kLanes; ++i) rows[i] = power[n + i] * weights[i];
    else
      for (size_t i = 0; i < kLanes; ++i) rows[i] = power[m - n - i] * weights[i];
    return true;
  };
  real_fft(p.lag_fft, data, tile, [=](size_t k, vf re, vf im) {
    if (2 * k <= last) correlation[2 * k] = re;
    if (2 * k + 1 <= last) correlation[2 * k + 1] = im;
  });
  vf odd = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  correlation[1] = odd;
  for (size_t lag = 3; lag <= last; lag += 2) {
    odd -= correlation[lag];
    correlation[lag] = odd;
  }
}

constexpr int kCandidates = 4;
constexpr int32_t kLagBits = 0xfff;

// Where a frame may have its period, the strongest first.
struct Candidates {
  vf lag[kCandidates], height[kCandidates], score[kCandidates];  // score: kNone where there is none
};
constexpr float kNone = -1e3f;
constexpr float kPathKept = 0.8f;  // from frame to frame

// 1 / x to about 1 %, for x > 0: exponent negated by a subtraction of the bits, then one step of Newton's.
EM_INLINE vf rough_reciprocal(vf x) {
  const vf guess = (vf)(0x7ef311c7 - (vi)x);
  return guess * (2.0f - x * guess);
}

// The highest local maxima of each lane, as scores whose last bits are the lag: sorting moves both at once. Between
// short lags a peak stands well above its samples: its height is that of the parabola, roughly.
EM_INLINE void select_peaks(const PitchTables &p, const vf *correlation, vf scale, vf *keys) {
  for (int c = 0; c < kCandidates; ++c) keys[c] = splat(kNone);
  vf before = correlation[p.lag_min - 1] * p.window_correction[p.lag_min - 1];
  vf at = correlation[p.lag_min] * p.window_correction[p.lag_min];
  for (size_t lag = p.lag_min; lag <= p.lag_max; ++lag) {
    const vf after = correlation[lag + 1] * p.window_correction[lag + 1];
    const vi peak = (at > before) & (at >= after);
    const vf slope = before - after, curve = maximum(at * 2.0f - before - after, splat(1e-30f));
    const vf height = at + slope * slope * 0.125f * rough_reciprocal(curve);
    const vf score = height * scale + p.octave_bonus[lag];
    const vi key = ((vi)score & ~kLagBits) | static_cast<int32_t>(lag);
    vf next = peak ? (vf)key : splat(kNone);
    for (int c = 0; c < kCandidates; ++c) {
      const vf higher = maximum(keys[c], next);
      next = minimum(keys[c], next);
      keys[c] = higher;
    }
    before = at;
    at = after;
  }
}

// Each peak between the samples: the autocorrelation half a lag to either side by Lagrange's six points, then a
// parabola through the highest of the three and its neighbours.
EM_INLINE Candidates refine_peaks(const PitchTables &p, const vf *correlation, vf scale, const vf *keys) {
  Candidates found;
  for (int c = 0; c < kCandidates; ++c) {
    vf r[7], lag, bonus;  // around the peak, r[3]
    for (int l = 0; l < kLanes; ++l) {
      const int32_t k = keys[c][l] > kNone ? ((vi)keys[c])[l] & kLagBits : static_cast<int32_t>(p.lag_min);
      for (int i = 0; i < 7; ++i) r[i][l] = correlation[k + i - 3][l] * p.window_correction[k + i - 3];
      lag[l] = static_cast<float>(k), bonus[l] = p.octave_bonus[k];
    }
    constexpr float kNear = 75.0f / 128.0f, kNext = -25.0f / 256.0f, kFar = 3.0f / 256.0f;
    const vf early = (r[2] + r[3]) * kNear + (r[1] + r[4]) * kNext + (r[0] + r[5]) * kFar;
    const vf late = (r[3] + r[4]) * kNear + (r[2] + r[5]) * kNext + (r[1] + r[6]) * kFar;
    const vi is_early = (early > r[3]) & (early >= late), is_late = (late > r[3]) & (late > early);
    const vf before = is_early ? r[2] : is_late ? r[3] : early, after = is_early ? r[3] : is_late ? r[4] : late;
    const vf at = is_early ? early : is_late ? late : r[3];
    const vf curve = before - at * 2.0f + after, slope = before - after;
    const vi peak = (keys[c] > kNone) & (curve < 0.0f);
    const vf shift = slope * 0.5f / (peak ? curve : splat(-1.0f));
    found.lag[c] = lag + (shift + (is_early ? splat(-1.0f) : is_late ? splat(1.0f) : vf{})) * 0.5f;
    found.height[c] = (at - slope * shift * 0.25f) * scale;
    const vi allowed = peak & (found.lag[c] >= p.shortest_lag);
    found.score[c] = allowed ? found.height[c] + bonus : splat(kNone);
  }
  return found;
}

typedef float Four __attribute__((vector_size(16)));
static_assert(sizeof(Four) == kCandidates * sizeof(float) && sizeof(PitchPath) == 3 * sizeof(Four), "one number each");

EM_INLINE Four larger(Four a, Four b) { return a > b ? a : b; }
EM_INLINE Four magnitude(Four v) { return v < 0.0f ? -v : v; }

// The best path through the candidates up to now ends at the one to take (Viterbi without looking ahead). A jump costs
// height, less where the frame it comes from is hardly periodic; what a path has gathered leaks away, so that a wrong
// one is left after a few frames.
EM_INLINE int follow_path(const PitchTables &p, Four score, Four height, Four log_lag, PitchPath &path) {
  Four total, from_lag, from_weight, best;
  std::memcpy(&total, path.total, sizeof total);
  std::memcpy(&from_lag, path.log_lag, sizeof from_lag);
  std::memcpy(&from_weight, path.weight, sizeof from_weight);
  best = Four{} + kNone;
  for (int i = 0; i < kCandidates; ++i)
    best = larger(best, total[i] - from_weight[i] * magnitude(log_lag - from_lag[i]));
  total = best + score;
  int chosen = 0;
  for (int i = 1; i < kCandidates; ++i) chosen = total[i] > total[chosen] ? i : chosen;
  const Four share = height * (1.0f / (p.voicing_threshold > 0.0f ? p.voicing_threshold : 1.0f));
  const Four weight = (share < 0.0f ? Four{} : share > 1.0f ? Four{} + 1.0f : share) * p.jump_cost;
  const bool none = score[chosen] <= kNone * 0.5f;  // nothing to go on from
  total = none ? Four{} : larger((total - total[chosen]) * kPathKept, Four{} + kNone);
  const Four next_weight = none ? Four{} : weight;
  std::memcpy(path.total, &total, sizeof total);
  std::memcpy(path.log_lag, &log_lag, sizeof log_lag);
  std::memcpy(path.weight, &next_weight, sizeof next_weight);
  return none ? -1 : chosen;
}

EM_INLINE Pitch choose(const PitchTables &p, const Candidates &found, uint32_t frames, PitchPath &path) {
  vf log_lag[kCandidates];
  for (int c = 0; c < kCandidates; ++c) log_lag[c] = natural_log(maximum(found.lag[c], splat(1.0f)));
  Pitch pitch{};
  for (uint32_t l = 0; l < frames; ++l) {
    Four score, height, logs;
    for (int c = 0; c < kCandidates; ++c)
      score[c] = found.score[c][l], height[c] = found.height[c][l], logs[c] = log_lag[c][l];
    const int chosen = follow_path(p, score, height, logs, path);
    if (chosen < 0) continue;
    pitch.lag[l] = found.lag[chosen][l];
    pitch.height[l] = height[chosen];
  }
  pitch.height = clamp(pitch.height, 1e-4f, 1.0f - 1e-4f);
  return pitch;
}

EM_INLINE Pitch follow_pitch(const PitchTables &p, const vf *correlation, uint32_t frames, PitchPath &path) {
  const vf r0 = correlation[0], mean_square = r0 * p.mean_square_scale;
  const vi audible = (mean_square >= 1e-12f) & (mean_square <= 1e30f);  // absurd samples overflow
  const vf scale = audible ? 1.0f / (audible ? r0 : splat(1.0f)) : vf{};
  vf keys[kCandidates];
  select_peaks(p, correlation, scale, keys);
  for (vf &key : keys) key = audible ? key : splat(kNone);
  Pitch pitch = choose(p, refine_peaks(p, correlation, scale, keys), frames, path);
  pitch.mean_square = mean_square;
  return pitch;
}

// `work`: pitch_vectors.
EM_INLINE Pitch find_pitch(const KernelJob &job, const LowRate &low, vf *work) {
  const PitchTables &p = job.tables->pitch;
  vf *power = work, *data = power + p.fft.n, *correlation = data + p.lag_fft.n;
  const LowFrames frames = low_frames(job, low, p.offset, p.length);
  const auto tile = [&](size_t n, vf *rows) {
    if (n >= p.length) return false;
    load_low_tile(frames, p.window, n, rows);
    return true;
  };
  real_fft(p.fft, power, tile, [=](size_t k, vf re, vf im) { power[k] = re * re + im * im; });
  autocorrelation(p, power, data, correlation);
  return follow_pitch(p, correlation, job.frames, *job.path);
}

}  // namespace EM_ARCH
}  // namespace em
