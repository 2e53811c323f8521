// Every kernel this processor supports against the baseline one: same samples, all descriptors, odd configurations.
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../src/error.h"
#include "../src/extractor.h"
#include "check.h"

namespace {

std::vector<std::string> all_columns(const em_config &config) {
  std::vector<std::string> names;
  for (uint32_t d = 0; d < em::kDescriptorCount; ++d) {
    const em::DescriptorRow &row = em::descriptor_row(d);
    const uint32_t last = row.family ? em::last_member(d, config) : 0;
    if (!row.family) names.emplace_back(row.stem);
    for (uint32_t i = row.first; row.family && i <= last; ++i)
      names.push_back(std::string(row.stem) + "_" + std::to_string(i));
  }
  return names;
}

std::vector<float> music(uint32_t sample_rate, size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> noise(0.0f, 0.01f);
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) {
    const double t = static_cast<double>(i) / sample_rate;
    double value = 0;
    for (int h = 1; h <= 6; ++h) value += 0.2 / h * std::sin(2 * 3.14159265358979 * (150 + 40 * t) * h * t);
    x[i] = static_cast<float>(value) + noise(random);
  }
  return x;
}

std::vector<float> rows_of(em::Extractor &extractor, const std::vector<float> &x) {
  std::vector<float> rows(extractor.max_rows(x.size()) * extractor.columns());
  size_t got = 0, more = 0;
  CHECK(extractor.push(x.data(), x.size(), rows.data(), rows.size(), &got) == EM_OK);
  float *rest = rows.data() + got * extractor.columns();
  CHECK(extractor.finish(rest, rows.size(), &more) == EM_OK);
  CHECK((got + more) * extractor.columns() == rows.size());
  return rows;
}

void compare(const em_config &config, size_t n_samples, const std::vector<std::string> &names) {
  const std::vector<float> x = music(config.sample_rate, n_samples);
  size_t count = 0;
  const em::Kernel *const *kernels = em::kernels(&count);
  em::Extractor baseline(config, names, kernels[count - 1]);
  const std::vector<float> expected = rows_of(baseline, x);
  for (size_t k = 0; k + 1 < count; ++k) {
    if (!kernels[k]->supported()) continue;
    em::Extractor extractor(config, names, kernels[k]);
    const std::vector<float> rows = rows_of(extractor, x);
    CHECK(rows.size() == expected.size() && !rows.empty());
    size_t apart = 0;
    for (size_t i = 0; i < rows.size(); ++i)
      apart += !(std::fabs(rows[i] - expected[i]) <= 2e-3f * std::fmax(1.0f, std::fabs(expected[i])));
    // Discrete choices (a roll-off bin, a pitch candidate) may fall the other way in a rare frame.
    CHECK(apart * 500 <= rows.size());
  }
}

void compare(const em_config &config, size_t n_samples) { compare(config, n_samples, all_columns(config)); }
void compare(const em_config &config) { compare(config, config.sample_rate * 3); }

void compare_set(const char *set, uint32_t hop_length, uint32_t segment_frames) {
  em_config config;
  em_config_init(&config);
  config.hop_length = hop_length;
  config.segment_frames = segment_frames;
  config.segment_hop = 3;
  const char *const *names = nullptr;
  size_t count = 0;
  CHECK(em_set_get(set, &names, &count) == EM_OK);
  compare(config, config.sample_rate * 5, std::vector<std::string>(names, names + count));
}

em_config with(uint32_t rate, uint32_t frame, uint32_t hop, uint32_t n_fft) {
  em_config config;
  em_config_init(&config);
  config.output = EM_OUTPUT_FRAMES;
  config.sample_rate = rate;
  config.frame_length = frame;
  config.hop_length = hop;
  config.n_fft = n_fft;
  config.mel_fmax_hz = static_cast<float>(rate) / 2;
  return config;
}

}  // namespace

int main() {
  compare(with(22050, 662, 551, 1024));
  compare(with(16000, 400, 160, 512));
  compare(with(44100, 2048, 441, 2048));
  compare(with(8000, 199, 801, 256));                // gaps between frames
  compare(with(22050, 1023, 1, 1024), 1400 + 2000);  // a frame a sample: 2000 of them are 125 blocks of 16 lanes
  for (uint32_t n_fft = 128; n_fft <= 16384; n_fft *= 2) compare(with(16000, n_fft * 3 / 4, 400, n_fft));
  compare_set("lld50", 551, 120);
  compare_set("lld84", 551, 120);
  compare_set("lld84", 551, 33);
  compare_set("harmony", 2204, 30);
  return checks_report();
}
