// The resampler: every kernel against the baseline one, however the frames are cut, as files and live, and what it does
// with what it cannot use.
#include <edgemood/edgemood.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "../src/error.h"
#include "../src/resampler.h"
#include "check.h"

namespace {

constexpr double kPi = 3.14159265358979323846;

std::vector<float> noise(size_t n) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> x(n);
  for (float &value : x) value = uniform(random);
  return x;
}

// Pushes pieces of the given length, finishes.
std::vector<float> resampled(em::Resampler &resampler, const std::vector<float> &x, uint32_t channels, size_t piece) {
  const size_t frames = x.size() / channels;
  std::vector<float> out(resampler.max_output(frames));
  size_t got = 0, count = 0;
  for (size_t i = 0; i < frames; i += piece) {
    CHECK(resampler.push(x.data() + i * channels, std::min(piece, frames - i), out.data() + got, out.size() - got,
                         &count) == EM_OK);
    got += count;
    CHECK(i + std::min(piece, frames - i) <= uint64_t{got} * x.size() / out.size() + resampler.latency() + 3);
  }
  CHECK(resampler.finish(out.data() + got, out.size() - got, &count) == EM_OK);
  CHECK(got + count == out.size());
  CHECK(resampler.finish(out.data(), out.size(), &count) == EM_ERROR_FINISHED);
  return out;
}

bool near(const std::vector<float> &a, const std::vector<float> &b, float tolerance) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [=](float x, float y) { return std::fabs(x - y) <= tolerance; });
}

void kernels_agree(uint32_t rate_in, uint32_t rate_out, uint32_t channels) {
  const std::vector<float> x = noise(channels * 70001);
  size_t count = 0;
  const em::Kernel *const *kernels = em::kernels(&count);
  em::Resampler baseline(rate_in, rate_out, channels, false, kernels[count - 1]);
  const std::vector<float> expected = resampled(baseline, x, channels, x.size());
  CHECK(expected.size() == (2 * 70001ull * rate_out + rate_in) / (2ull * rate_in));
  for (size_t k = 0; k < count; ++k) {
    if (!kernels[k]->supported()) continue;
    em::Resampler whole(rate_in, rate_out, channels, false, kernels[k]);
    const std::vector<float> at_once = resampled(whole, x, channels, x.size());
    CHECK(near(at_once, expected, 2e-6f));
    whole.reset();
    CHECK(resampled(whole, x, channels, 4099) == at_once);
    em::Resampler live(rate_in, rate_out, channels, true, kernels[k]);
    CHECK(live.latency() <= whole.latency());
    CHECK(resampled(live, x, channels, 441) == at_once);
  }
}

// Of a tone at the same frequency: the delay is none from the first sample to the last.
void tone_stays(uint32_t rate_in, uint32_t rate_out) {
  std::vector<float> x(rate_in / 2);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(std::sin(2 * kPi * 1000 * i / rate_in));
  em::Resampler resampler(rate_in, rate_out, 1, false);
  const std::vector<float> y = resampled(resampler, x, 1, 1000);
  for (size_t k = 200; k + 200 < y.size(); ++k)
    CHECK(std::fabs(y[k] - std::sin(2 * kPi * 1000 * static_cast<double>(k) / rate_out)) < 2e-6);
}

// What becomes of a full-scale tone away from the ends: its gain, and as amplitudes all that is not the tone, and all.
struct Heard {
  double gain, rest, all;
};

Heard heard(uint32_t rate_in, uint32_t rate_out, double hz) {
  const auto tone = [hz](size_t i, uint32_t rate) { return std::sin(2 * kPi * hz * static_cast<double>(i) / rate); };
  std::vector<float> x(rate_in / 2);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(tone(i, rate_in));
  em::Resampler resampler(rate_in, rate_out, 1, false);
  const std::vector<float> y = resampled(resampler, x, 1, x.size());
  const size_t from = y.size() / 4, to = y.size() - from;
  double product = 0, square = 0, rest = 0, all = 0;
  for (size_t k = from; k < to; ++k) product += y[k] * tone(k, rate_out), square += std::pow(tone(k, rate_out), 2);
  for (size_t k = from; k < to; ++k)
    rest += std::pow(y[k] - product / square * tone(k, rate_out), 2), all += std::pow(y[k], 2);
  const double share = 2.0 / static_cast<double>(to - from);
  return {product / square, std::sqrt(rest * share), std::sqrt(all * share)};
}

// More than the header promises: the pass-band to 0.00001 dB without delay, and -130 dB for images, rounding and what
// would fold back.
void only_the_band_passes(uint32_t rate_in, uint32_t rate_out) {
  const double nyquist_in = rate_in / 2.0, nyquist_out = rate_out / 2.0, least = std::pow(10.0, -130 / 20.0);
  for (const double share : {0.02, 0.4, 0.8, 0.91, 0.913}) {
    const Heard h = heard(rate_in, rate_out, share * nyquist_out);
    CHECK(std::fabs(20 * std::log10(h.gain)) < 1e-5 && h.rest < least);
  }
  for (const double share : {0.001, 0.01, 0.1, 0.4, 0.7, 0.99})
    CHECK(heard(rate_in, rate_out, nyquist_out + share * (nyquist_in - nyquist_out)).all < least);
}

void refusals_leave_it_alone() {
  std::vector<float> x = noise(2 * 100000), bad = x;
  em::Resampler untouched(44100, 22050, 2, false), resampler(44100, 22050, 2, false);
  const std::vector<float> expected = resampled(untouched, x, 2, 100000);
  std::vector<float> out(expected.size());
  size_t first = 0, count = 0, rest = 0;
  CHECK(resampler.push(x.data(), 30000, out.data(), out.size(), &first) == EM_OK);
  const float peak = resampler.peak();
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  std::vector<float> lost(out.size());
  for (const float nonsense : {nan, infinity, -infinity, 2.1e12f, -2.1e12f}) {
    bad[2 * 95432 + 1] = bad[2 * 95999] = nonsense;
    CHECK(resampler.push(bad.data() + 2 * 30000, 70000, lost.data(), lost.size(), &count) == EM_ERROR_NOT_FINITE);
    CHECK(count == 65432);
    CHECK(resampler.peak() == peak);
  }
  CHECK(resampler.push(x.data(), 70000, lost.data(), resampler.max_output(70000) - 1, &count) == EM_ERROR_CAPACITY);
  CHECK(count == 0);
  CHECK(resampler.push(x.data() + 2 * 30000, 70000, out.data() + first, out.size() - first, &count) == EM_OK);
  CHECK(resampler.finish(nullptr, 0, &rest) == EM_ERROR_CAPACITY);
  CHECK(resampler.finish(out.data() + first + count, out.size() - first - count, &rest) == EM_OK);
  CHECK(out == expected);
  CHECK(resampler.push(x.data(), 1, out.data(), out.size(), &count) == EM_ERROR_FINISHED);
}

void equal_rates_average() {
  const std::vector<float> x = noise(5 * 1001);
  em::Resampler resampler(22050, 22050, 5, false);
  const std::vector<float> y = resampled(resampler, x, 5, 100);
  CHECK(y.size() == 1001);
  float peak = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const float *f = x.data() + 5 * i;
    CHECK(std::fabs(y[i] - (f[0] + f[1] + f[2] + f[3] + f[4]) / 5) < 1e-6f);
    peak = std::max(peak, std::fabs(y[i]));
  }
  CHECK(resampler.peak() == peak);
}

void c_interface() {
  em_resampler *r = nullptr;
  char message[128] = "x";
  CHECK(em_resampler_create(44100, 22050, 2, 0, nullptr, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(std::strcmp(message, "resampler is null") == 0);
  const uint32_t unfit[][3] = {{44100, 22050, 0}, {44100, 22050, 1025}, {999, 500, 1},     {22050, 44100, 1},
                               {44100, 999, 1},   {44100, 44099, 1},    {23700, 22050, 1}, {0, 0, 0}};
  for (const auto &u : unfit) {
    CHECK(em_resampler_create(u[0], u[1], u[2], 0, &r, message, sizeof message) == EM_ERROR_CONFIG);
    CHECK(!r && message[0]);
  }
  CHECK(em_resampler_create(44100, 44099, 1, 0, &r, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(std::strstr(message, "from 44100 to 44099 Hz") && std::strstr(message, "to 0.92 of rate_in"));
  // Promised to any pair: the corners of what the message and the header name.
  const uint32_t promised[][2] = {{25000, 23000}, {499000, 459000}, {500000, 459000}, {30000, 1000}, {499000, 17000}};
  for (const auto &p : promised) {
    CHECK(em_resampler_create(p[0], p[1], 1, 0, &r, message, sizeof message) == EM_OK);
    em_resampler_destroy(r);
  }
  CHECK(em_resampler_create(44100, 22050, 2, 1, &r, message, sizeof message) == EM_OK);
  CHECK(r && !message[0]);
  float frames[20] = {0.5f, -0.25f}, out[10] = {};
  size_t count = 7;
  CHECK(em_resampler_push(nullptr, frames, 10, out, 10, &count) == EM_ERROR_ARGUMENT);
  CHECK(em_resampler_push(r, nullptr, 10, out, 10, &count) == EM_ERROR_ARGUMENT);
  CHECK(em_resampler_push(r, frames, 10, nullptr, 10, &count) == EM_ERROR_ARGUMENT);
  CHECK(em_resampler_push(r, frames, 10, out, 10, nullptr) == EM_ERROR_ARGUMENT);
  CHECK(count == 7);
  CHECK(em_resampler_max_output(r, 10) == 5);
  CHECK(em_resampler_max_output(r, SIZE_MAX) == SIZE_MAX / 2 + 1);  // no sum or product wraps
  CHECK(em_resampler_push(r, frames, SIZE_MAX, out, 10, &count) == EM_ERROR_CAPACITY && count == 0);
  CHECK(em_resampler_push(r, frames, 10, out, 10, &count) == EM_OK && count == 0);
  CHECK(em_resampler_peak(r) == 0.125f);
  CHECK(em_resampler_max_output(r, SIZE_MAX) >= SIZE_MAX / 2);  // ten frames more than SIZE_MAX
  CHECK(em_resampler_finish(r, out, 10, nullptr) == EM_ERROR_ARGUMENT);
  CHECK(em_resampler_finish(r, out, 10, &count) == EM_OK && count == 5);
  em_resampler_reset(r);
  CHECK(em_resampler_peak(r) == 0.0f && em_resampler_max_output(r, 0) == 0 && em_resampler_latency(r) > 0);
  CHECK(em_resampler_finish(r, nullptr, 0, &count) == EM_OK && count == 0);
  em_resampler_destroy(r);
  em_resampler_destroy(nullptr);
  em_resampler_reset(nullptr);
  CHECK(em_resampler_max_output(nullptr, 5) == 0 && em_resampler_latency(nullptr) == 0);
  CHECK(em_resampler_peak(nullptr) == 0.0f);
}

}  // namespace

int main() {
  const uint32_t pairs[][2] = {{44100, 22050}, {48000, 22050}, {44100, 16000}, {48000, 16000}, {88200, 22050},
                               {96000, 16000}, {32000, 22050}, {44100, 11025}, {24000, 22050}};
  for (const auto &pair : pairs) {
    kernels_agree(pair[0], pair[1], 1);
    tone_stays(pair[0], pair[1]);
    only_the_band_passes(pair[0], pair[1]);
  }
  for (uint32_t channels = 2; channels <= 8; ++channels) kernels_agree(44100, 22050, channels);
  refusals_leave_it_alone();
  equal_rates_average();
  c_interface();
  return checks_report();
}
