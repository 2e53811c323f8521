// Any rates, channels, sound and cuts: the promises of em_resampler_*, as fuzz_extractor.cc holds those of the
// extractor.
#include <algorithm>
#include <cmath>

#include "guarded.h"
#include "input.h"

namespace {

using fuzz::Guarded;

constexpr size_t kMaxSamples = 1 << 15;
constexpr float kLoudest = 1e12f;  // an average beyond is refused

struct Setting {
  uint32_t rate_in, rate_out, channels;
  bool low_latency;
};

Setting setting_from(fuzz::Bytes &bytes) {
  static const uint32_t kRates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 192000};
  const auto rate = [&bytes] {
    const uint32_t how = bytes.u8();
    if (how >= 240) return bytes.u32();
    return how >= 200 ? bytes.u16() * 16 : kRates[how % (sizeof kRates / sizeof *kRates)];
  };
  const uint32_t rate_in = rate(), rate_out = rate(), how = bytes.u8();
  return {rate_in, rate_out, how >= 250 ? bytes.u16() : how % 8, bytes.u8() % 2 != 0};
}

em_resampler *create(const Setting &s, bool low_latency) {
  char message[48 + 1];
  message[48] = 'g';
  em_resampler *r = nullptr;
  const em_status status = em_resampler_create(s.rate_in, s.rate_out, s.channels, low_latency, &r, message, 48);
  PROMISE(status == EM_OK || status == EM_ERROR_CONFIG);
  PROMISE((status == EM_OK) == (r != nullptr) && (status == EM_OK) == (message[0] == 0));
  PROMISE(std::memchr(message, 0, 48) && message[48] == 'g');
  return r;
}

// Of one frame: whether it has to be refused, has to be taken, or is too near the limit to say.
enum class Verdict { kTake, kRefuse, kUnsure };

Verdict judge(const float *frame, uint32_t channels) {
  double size = 0;
  for (uint32_t c = 0; c < channels; ++c) {
    if (!std::isfinite(frame[c])) return Verdict::kRefuse;
    size += std::fabs(frame[c]);
  }
  if (size < 0.999 * kLoudest * channels) return Verdict::kTake;
  return channels == 1 && size > 1.001 * kLoudest ? Verdict::kRefuse : Verdict::kUnsure;
}

// Refuses what it must at the right frame; makes the sound good. False where a frame is too near the limit to judge.
bool refusals(em_resampler *r, uint32_t channels, std::vector<float> &sound) {
  const size_t n = sound.size() / channels, most = em_resampler_max_output(r, n);
  size_t got = 7, bad = n;
  for (size_t i = 0; i < n; ++i) {
    const Verdict verdict = judge(&sound[i * channels], channels);
    if (verdict == Verdict::kUnsure) return false;
    if (verdict == Verdict::kTake) continue;
    bad = std::min(bad, i);
  }
  if (most > 0) {
    Guarded out(most - 1);
    PROMISE(em_resampler_push(r, sound.data(), n, out.data(), most - 1, &got) == EM_ERROR_CAPACITY && got == 0);
    PROMISE(out.untouched_from(0));
  }
  if (bad < n) {
    Guarded out(most);
    PROMISE(em_resampler_push(r, sound.data(), n, out.data(), most, &got) == EM_ERROR_NOT_FINITE && got == bad);
    PROMISE(out.untouched_from(out.size()));
    for (size_t i = 0; i < n; ++i)
      if (judge(&sound[i * channels], channels) == Verdict::kRefuse) std::fill_n(&sound[i * channels], channels, 0.0f);
  }
  PROMISE(em_resampler_max_output(r, n) == most);
  PROMISE(em_resampler_push(r, nullptr, 1, nullptr, 0, &got) == EM_ERROR_ARGUMENT);
  return true;
}

// All samples of the sound, cut as `cuts` says: 0 is no cut.
Guarded run(em_resampler *r, uint32_t channels, const std::vector<float> &sound, fuzz::Bytes &cuts) {
  const size_t n = sound.size() / channels;
  Guarded out(em_resampler_max_output(r, n));
  size_t done = 0, got = 7;
  for (size_t at = 0; at < n;) {
    const uint32_t cut = cuts.u16();
    const size_t count = cut == 0 ? n - at : std::min<size_t>(n - at, cut), most = em_resampler_max_output(r, count);
    PROMISE(em_resampler_push(r, &sound[at * channels], count, out.data() + done, most, &got) == EM_OK && got <= most);
    done += got, at += count;
    PROMISE(out.untouched_from(done));
  }
  const size_t held = em_resampler_max_output(r, 0);
  PROMISE(done + held == out.size());
  if (held > 0) PROMISE(em_resampler_finish(r, out.data(), held - 1, &got) == EM_ERROR_CAPACITY && got == 0);
  PROMISE(em_resampler_finish(r, out.data() + done, held, &got) == EM_OK && got == held);
  PROMISE(out.untouched_from(out.size()));
  PROMISE(em_resampler_finish(r, nullptr, 0, &got) == EM_ERROR_FINISHED && got == 0);
  PROMISE(em_resampler_push(r, nullptr, 0, nullptr, 0, &got) == EM_ERROR_FINISHED && got == 0);
  return out;
}

void check_sound(const em_resampler *r, const Setting &s, const std::vector<float> &sound, const Guarded &out) {
  const size_t frames = sound.size() / s.channels;
  const double exact = static_cast<double>(frames) * s.rate_out / s.rate_in;
  PROMISE(std::fabs(static_cast<double>(out.size()) - exact) <= 0.5 + 1e-6);
  float loudest = 0;
  for (const float x : sound) loudest = std::fmax(loudest, std::fabs(x));
  PROMISE(em_resampler_peak(r) >= 0 && em_resampler_peak(r) <= loudest * 1.0001f);
  for (size_t i = 0; i < out.size(); ++i) PROMISE(std::isfinite(out.at(i)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::Bytes bytes(data, size);
  const Setting setting = setting_from(bytes);
  em_resampler *r = create(setting, setting.low_latency);
  if (!r) return 0;
  PROMISE(setting.channels > 0);

  const size_t n = bytes.u32() % (kMaxSamples / setting.channels + 1);
  fuzz::Bytes cuts = bytes, none(nullptr, 0);
  std::vector<float> sound = fuzz::samples_from(bytes, n * setting.channels);
  if (refusals(r, setting.channels, sound)) {
    const Guarded whole = run(r, setting.channels, sound, none);
    check_sound(r, setting, sound, whole);
    em_resampler_reset(r);
    PROMISE(run(r, setting.channels, sound, cuts) == whole);
    em_resampler *other = create(setting, !setting.low_latency);
    PROMISE(other && run(other, setting.channels, sound, bytes) == whole);
    em_resampler_destroy(other);
  }
  em_resampler_destroy(r);
  return 0;
}
