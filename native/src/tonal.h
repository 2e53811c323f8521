// The tonal frame: a spectrum at the low rate, fine enough to tell neighbouring notes apart, its peaks and their
// chroma. Peaks fall into other bins in every lane: they are gathered, so that what costs is done once a peak.
#pragma once
#include "block.h"
#include "fft.h"
#include "kernel.h"
#include "low_rate.h"

namespace em {
namespace EM_ARCH {

// Neighbouring bins are never both peaks. One more, since a candidate is written before it is known to be one.
EM_INLINE size_t most_peaks(const TonalTables &t) { return (t.count + 1) / 2 + 1; }

EM_INLINE size_t tonal_vectors(const TonalTables &t) {
  return t.length ? t.fft.n + t.count + 2 + 3 * most_peaks(t) + kPairs : 0;
}

// Bins of the local maxima, [peak][lane]; how many a lane has.
EM_INLINE vi find_peaks(const TonalTables &t, const vf *power, int32_t *bins) {
  constexpr float kSilence = 1e-10f;
  int32_t count[kLanes] = {};
  for (size_t k = 0; k < t.count; ++k) {
    const vf *at = power + k;
    const vi peak = (at[0] > at[-1]) & (at[0] >= at[1]) & (at[0] > kSilence);
    for (int l = 0; l < kLanes; ++l) {
      bins[count[l] * kLanes + l] = static_cast<int32_t>(k);
      count[l] -= peak[l];  // a true lane is -1
    }
  }
  vi found;
  std::memcpy(&found, count, sizeof found);
  return found;
}

struct Peak {
  vf frequency, amplitude;
};

// Between the bins, by the parabola through the logarithms. `bins` holds the lanes' peaks number i.
EM_INLINE Peak refine_peak(const TonalTables &t, const vf *log_power, const int32_t *bins, vi valid) {
  float left[kLanes], middle[kLanes], right[kLanes], bin[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    const int32_t k = valid[l] ? bins[l] : 0;
    left[l] = log_power[k - 1][l], middle[l] = log_power[k][l], right[l] = log_power[k + 1][l];
    bin[l] = static_cast<float>(k + static_cast<int32_t>(t.first));
  }
  const vf before = load(left), at = load(middle), after = load(right);
  const vf curve = before - at * 2.0f + after, slope = before - after;
  const vf shift = clamp(slope * 0.5f / (curve < 0.0f ? curve : splat(-1.0f)), -0.5f, 0.5f);
  const vf amplitude = natural_exp((at - slope * shift * 0.25f) * 0.5f);
  return {(load(bin) + shift) * t.bin_hz, valid ? amplitude : vf{}};
}

// Each peak's amplitude is dealt to the two nearest of the twelve classes, the nearer the more.
EM_INLINE void add_to_chroma(const Peak &peak, vf *chroma) {
  constexpr float kSemitonesPerNeper = 17.3123405f, kReferenceHz = 440.0f;
  constexpr int32_t kOctaves = 5;  // below the reference: more than the band holds
  const vf pitch = natural_log(peak.frequency * (1.0f / kReferenceHz)) * kSemitonesPerNeper;
  const vi below = whole_below(pitch);
  const vf upper = peak.amplitude * (pitch - __builtin_convertvector(below, vf)), lower = peak.amplitude - upper;
  float *shares = reinterpret_cast<float *>(chroma);
  for (int l = 0; l < kLanes; ++l) {
    const auto nearest = static_cast<uint32_t>(below[l] + kOctaves * 12) % kPitchClasses;
    shares[nearest * kLanes + l] += lower[l];
    shares[(nearest + 1) % kPitchClasses * kLanes + l] += upper[l];
  }
}

EM_INLINE void keep_strongest(const Peak &peak, Tonal &tonal) {
  vf frequency = peak.frequency, amplitude = peak.amplitude;
  for (size_t i = 0; i < kStrongest; ++i) {
    vf &f = tonal.strong_frequency[i], &a = tonal.strong_amplitude[i];
    const vi stronger = amplitude > a;  // of equal ones the lower stays
    const vf weaker_frequency = stronger ? f : frequency, weaker_amplitude = stronger ? a : amplitude;
    f = stronger ? frequency : f;
    a = stronger ? amplitude : a;
    frequency = weaker_frequency, amplitude = weaker_amplitude;
  }
}

// To shares of their sum, and those of the frame before.
EM_INLINE void finish_chroma(Tonal &tonal, uint32_t frames, float *memory) {
  vf total{};
  for (const vf share : tonal.chroma) total += share;
  const vi audible = total > 1e-9f;
  const vf scale = audible ? 1.0f / (audible ? total : splat(1.0f)) : vf{};
  for (size_t c = 0; c < kPitchClasses; ++c) {
    tonal.chroma[c] = minimum(tonal.chroma[c] * scale, splat(1.0f));
    tonal.before[c] = shift_in(memory[c], tonal.chroma[c]);
    memory[c] = tonal.chroma[c][frames - 1];
  }
}

// How much two partials beat, by the curve that Sethares fitted to Plomp and Levelt's.
EM_INLINE void beat(const Tonal &tonal, vf *beating) {
  for (size_t i = 0; i < kStrongest; ++i)
    for (size_t j = 0; j < i; ++j) {
      const vf a = tonal.strong_frequency[i], b = tonal.strong_frequency[j];
      const vf low = minimum(a, b), high = maximum(a, b);
      const vf x = (high - low) * 0.24f / (low * 0.0207f + 18.96f);
      *beating++ = natural_exp(x * -3.5f) - natural_exp(x * -5.75f);
    }
}

// `work`: tonal_vectors.
EM_INLINE Tonal find_tonal(const KernelJob &job, const LowRate &low, vf *work) {
  const TonalTables &t = job.tables->tonal;
  vf *spectrum = work, *log_power = spectrum + t.fft.n + 1, *frequency = log_power + t.count + 1;
  vf *amplitude = frequency + most_peaks(t), *bins = amplitude + most_peaks(t), *beating = bins + most_peaks(t);
  const LowFrames frames = low_frames(job, low, t.offset, t.length);
  const auto tile = [&](size_t n, vf *rows) {
    load_low_tile(frames, t.window, n, rows);
    return true;
  };
  real_fft(t.fft, spectrum, tile, [=](size_t k, vf re, vf im) { spectrum[k] = re * re + im * im; });
  const vf *power = spectrum + t.first;

  Tonal tonal = {};
  tonal.power = power, tonal.log_power = log_power, tonal.frequency = frequency, tonal.amplitude = amplitude;
  if (!t.count) return tonal;
  const vf *const from = power - 1;  // both neighbours of the band too
  vf *const to = log_power - 1;
  for (size_t k = 0; k < t.count + 2; ++k) to[k] = natural_log(maximum(from[k], splat(1e-20f)));
  const vi count = find_peaks(t, power, reinterpret_cast<int32_t *>(bins));
  for (int l = 0; l < kLanes; ++l)
    tonal.peaks = static_cast<uint32_t>(count[l]) > tonal.peaks ? static_cast<uint32_t>(count[l]) : tonal.peaks;
  for (uint32_t i = 0; i < tonal.peaks; ++i) {
    const vi valid = count > static_cast<int32_t>(i);
    const Peak peak = refine_peak(t, log_power, reinterpret_cast<const int32_t *>(bins + i), valid);
    frequency[i] = peak.frequency, amplitude[i] = peak.amplitude;
    add_to_chroma(peak, tonal.chroma);
    keep_strongest(peak, tonal);
  }
  finish_chroma(tonal, job.frames, job.chroma);
  if (job.tables->stages & kBeating) beat(tonal, beating);
  tonal.beating = beating;
  return tonal;
}

}  // namespace EM_ARCH
}  // namespace em
