#include "input.h"

#include <algorithm>
#include <cmath>

namespace fuzz {

namespace {

constexpr double kMaxPitchWork = 4e6;      // lags times samples, for tables made once
constexpr double kMaxFrameWork = 1 << 17;  // points transformed
constexpr double kMaxSamples = 1 << 16;
constexpr uint32_t kMaxSegmentFrames = 2000;

struct WholeField {
  uint32_t em_config::*field;
  uint32_t low, high;
};
const WholeField kWholeFields[] = {{&em_config::output, 0, 2},           {&em_config::sample_rate, 3900, 60000},
                                   {&em_config::frame_length, 15, 2100}, {&em_config::hop_length, 0, 2100},
                                   {&em_config::window, 0, 3},           {&em_config::n_mels, 0, 257},
                                   {&em_config::mel_edges, 0, 2},        {&em_config::lpc_order, 3, 33},
                                   {&em_config::segment_frames, 0, 40},  {&em_config::segment_hop, 0, 40}};

struct RealField {
  float em_config::*field;
  float low, high;
};
const RealField kRealFields[] = {
    {&em_config::preemphasis, -0.01f, 1.01f}, {&em_config::mel_fmin_hz, -1, 3000},
    {&em_config::mel_fmax_hz, 0, 20000},      {&em_config::f0_min_hz, 19, 2000},
    {&em_config::f0_max_hz, 19, 8000},        {&em_config::voicing_threshold, -0.01f, 1.01f},
    {&em_config::lpc_fmax_hz, 0, 30000}};

constexpr uint32_t kAnyBits = 250;  // of 256 choices, those from here take a field's bits as they come

// Pulls the fields that depend on one another together: most configurations drawn at random would be refused.
void fit(em_config &c) {
  const float nyquist_hz = static_cast<float>(c.sample_rate) / 2;
  c.frame_length = std::min(c.frame_length, c.n_fft);
  c.mel_fmax_hz = std::min(c.mel_fmax_hz, nyquist_hz);
  c.mel_fmin_hz = std::min(c.mel_fmin_hz, c.mel_fmax_hz / 2);
  c.f0_max_hz = std::min(c.f0_max_hz, nyquist_hz / 2);
  c.f0_min_hz = std::min(c.f0_min_hz, c.f0_max_hz / 2);
  c.lpc_fmax_hz = std::min(c.lpc_fmax_hz, nyquist_hz);
}

// The numbers of its name as they are or others, of which not all are known.
std::string segment_name_from(Bytes &bytes, size_t descriptor) {
  em_descriptor_info info;
  em_segment_descriptor_get(descriptor, &info);
  std::string name = info.name;
  name.back() = static_cast<char>('0' + bytes.u8() % 10);
  return name;
}

std::string name_from(Bytes &bytes, const em_config &config) {
  const uint32_t how = bytes.u8();
  std::string name;
  if (how >= kAnyBits) {
    for (uint32_t left = how - kAnyBits + bytes.u8() % 20; left > 0; --left) name += static_cast<char>(bytes.u8());
    return name;
  }
  em_descriptor_info info;
  const size_t known = em_descriptor_count(), which = how % (known + em_segment_descriptor_count());
  if (which >= known) return segment_name_from(bytes, which - known);
  em_descriptor_get(which, &info);
  name = info.name;
  const size_t stem = name.find_last_not_of("0123456789") + 1;
  if (stem < name.size()) name = name.substr(0, stem) + std::to_string(bytes.u8() % 40);
  const uint32_t functional = bytes.u8();
  if (config.output == EM_OUTPUT_SEGMENTS) name += '_';
  if (config.output == EM_OUTPUT_SEGMENTS) name += em_functional_name(functional % em_functional_count());
  return name;
}

float wave(uint32_t kind, uint32_t step, size_t i) {
  const double phase = std::fmod(static_cast<double>(i) * (step + 1) / 4096.0, 1.0);
  switch (kind % 6) {
    case 0:
      return static_cast<float>(std::sin(6.283185307179586 * phase));
    case 1:
      return phase < 0.5 ? 1.0f : -1.0f;
    case 2:
      return static_cast<float>(static_cast<int32_t>((i * 2654435761u) ^ (i * i * 40503u) ^ step)) / 2147483648.0f;
    case 3:
      return i % (step + 1) == 0 ? 1.0f : 0.0f;
    case 4:
      return 1.0f;
    default:
      return static_cast<float>(2 * phase - 1);
  }
}

// In samples; 0 where the configuration is refused anyway.
double longest_period(const em_config &c) {
  return c.f0_min_hz >= 20 && c.sample_rate <= 192000 ? c.sample_rate / static_cast<double>(c.f0_min_hz) : 0;
}

}  // namespace

em_config config_from(Bytes &bytes) {
  em_config config;
  em_config_init(&config);
  uint32_t changed = bytes.u32();
  const auto next_bit = [&changed] {
    const bool bit = changed & 1;
    changed >>= 1;
    return bit;
  };
  for (const WholeField &f : kWholeFields) {
    if (!next_bit()) continue;
    const uint32_t how = bytes.u8();  // where it is small, so may the value be
    config.*f.field = how >= kAnyBits ? bytes.u32() : f.low + (bytes.u16() % (f.high - f.low + 1) >> how % 12);
  }
  for (const RealField &f : kRealFields) {
    if (!next_bit()) continue;
    const bool any = bytes.u8() >= kAnyBits;
    config.*f.field = any ? bytes.any_float() : f.low + (f.high - f.low) * static_cast<float>(bytes.u16()) / 65535.0f;
  }
  if (next_bit()) config.n_fft = 1u << bytes.u8() % 16;
  if (next_bit()) config.n_fft = bytes.u32();
  if (next_bit()) config.struct_size = bytes.u32();
  if (!next_bit()) fit(config);
  return config;
}

std::vector<const char *> Names::pointers() const {
  std::vector<const char *> all;
  all.reserve(text.size());
  for (const std::string &name : text) all.push_back(all.size() == null ? nullptr : name.c_str());
  return all;
}

Names names_from(Bytes &bytes, const em_config &config) {
  Names names;
  names.null = bytes.u8() < kAnyBits ? SIZE_MAX : bytes.u8();
  const uint32_t count = bytes.u8() % 16;
  static const char *const kSets[] = {"harmony", "lld84", "lld50"};
  if (count >= 13) {
    const char *const *set = nullptr;
    size_t size = 0;
    em_set_get(kSets[count - 13], &set, &size);
    names.text.assign(set, set + size);
  }
  for (uint32_t i = 0; i < count && count < 13; ++i) names.text.push_back(name_from(bytes, config));
  return names;
}

std::vector<float> samples_from(Bytes &bytes, size_t n) {
  static const float kLoudness[] = {1.0f,   0.5f,  1e-3f,    1.0f / 32768, 0.0f,  1e-12f,
                                    1e-40f, 10.0f, 32768.0f, 1e10f,        1e19f, 3.4e38f};
  const uint32_t kind = bytes.u8(), step = bytes.u16();
  const float loudness = kLoudness[bytes.u8() % (sizeof kLoudness / sizeof *kLoudness)];
  std::vector<float> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = loudness * wave(kind, step, i);
  for (uint32_t pokes = bytes.u8() % 8; n > 0 && pokes > 0; --pokes) {
    const size_t at = static_cast<size_t>(bytes.u32()) % n;
    x[at] = bytes.any_float();
  }
  if (kind >= kAnyBits)
    for (size_t i = 0; i < n && !bytes.empty(); ++i) x[i] = bytes.any_float();
  return x;
}

bool too_big(const em_config &c) {
  return 3 * longest_period(c) * longest_period(c) > kMaxPitchWork ||
         (c.segment_frames > kMaxSegmentFrames && c.segment_frames <= 100000);
}

size_t affordable_samples(const em_config &c, const Names &names) {
  const bool pitch = std::any_of(names.text.begin(), names.text.end(), [](const std::string &name) {
    return name.compare(0, 2, "f0") == 0 || name.compare(0, 3, "hnr") == 0;
  });
  const bool tonal = std::any_of(names.text.begin(), names.text.end(), [](const std::string &name) {
    return name.find("chroma") != std::string::npos || name.find("tonal") != std::string::npos ||
           name.find("rough") != std::string::npos || name.find("harmon") != std::string::npos ||
           name.find("peak") != std::string::npos;
  });
  const double period = pitch ? longest_period(c) : 0, tonal_span = tonal ? 0.22 * std::min(c.sample_rate, 192000u) : 0;
  // The pitch's transform is 4 to 8 periods long.
  const double frames = std::floor(kMaxFrameWork / (c.n_fft + 8 * period + 2 * tonal_span));
  const double samples = frames * c.hop_length + std::max({1.0 * c.frame_length, 3 * period, tonal_span});
  return frames < 1 ? 0 : static_cast<size_t>(std::min(samples, kMaxSamples));
}

}  // namespace fuzz
