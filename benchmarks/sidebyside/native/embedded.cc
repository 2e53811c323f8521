#include "embedded.h"

#include <edgemood/edgemood.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Embedded {
  em_extractor *extractor = nullptr;
  std::vector<float> rows;
};

std::vector<std::string> split(const char *text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

bool set(em_config &config, const std::string &name, const char *value) {
  // clang-format off
#define FIELD(field) {#field, &em_config::field}
  // clang-format on
  static const std::map<std::string, uint32_t em_config::*> whole = {
      FIELD(output), FIELD(sample_rate), FIELD(frame_length), FIELD(hop_length),  FIELD(n_fft),         FIELD(window),
      FIELD(n_mels), FIELD(mel_edges),   FIELD(lpc_order),    FIELD(segment_hop), FIELD(segment_frames)};
  static const std::map<std::string, float em_config::*> real = {
      FIELD(preemphasis), FIELD(mel_fmin_hz),       FIELD(mel_fmax_hz), FIELD(f0_min_hz),
      FIELD(f0_max_hz),   FIELD(voicing_threshold), FIELD(lpc_fmax_hz)};
#undef FIELD
  if (const auto field = whole.find(name); field != whole.end()) {
    config.*field->second = static_cast<uint32_t>(std::strtoul(value, nullptr, 10));
  } else if (const auto other = real.find(name); other != real.end()) {
    config.*other->second = std::strtof(value, nullptr);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void *embedded_create(const char *settings, const char *columns) {
  em_config config;
  em_config_init(&config);
  for (const std::string &setting : split(settings)) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || !set(config, setting.substr(0, equals), setting.c_str() + equals + 1)) {
      std::fprintf(stderr, "no such setting: %s\n", setting.c_str());
      return nullptr;
    }
  }
  const std::vector<std::string> parts = split(columns);
  std::vector<const char *> names;
  for (const std::string &part : parts) names.push_back(part.c_str());
  char message[256];
  Embedded *e = new Embedded;
  if (em_extractor_create(&config, names.data(), names.size(), &e->extractor, message, sizeof message) != EM_OK) {
    std::fprintf(stderr, "%s\n", message);
    delete e;
    return nullptr;
  }
  return e;
}

size_t embedded_run(void *handle, const float *samples, size_t n_samples, size_t chunk) {
  Embedded &e = *static_cast<Embedded *>(handle);
  if (chunk == 0) chunk = std::max<size_t>(n_samples, 1);
  const size_t capacity = std::max(em_extractor_max_rows(e.extractor, chunk), em_extractor_max_rows(e.extractor, 0));
  size_t total = 0, rows = 0;
  for (size_t start = 0; start <= n_samples; start += chunk) {
    const size_t n = std::min(chunk, n_samples - start);
    const size_t needed = std::max(capacity, em_extractor_max_rows(e.extractor, n)) * em_extractor_columns(e.extractor);
    if (e.rows.size() < needed) e.rows.resize(needed);
    const size_t room = e.rows.size() / em_extractor_columns(e.extractor);
    if (em_extractor_push(e.extractor, samples + start, n, e.rows.data(), room, &rows) != EM_OK) return 0;
    total += rows;
  }
  const size_t last = em_extractor_max_rows(e.extractor, 0);
  e.rows.resize(std::max(e.rows.size(), last * em_extractor_columns(e.extractor)));
  if (em_extractor_finish(e.extractor, e.rows.data(), last, &rows) != EM_OK) return 0;
  em_extractor_reset(e.extractor);
  return total + rows;
}

void embedded_destroy(void *handle) {
  Embedded *e = static_cast<Embedded *>(handle);
  em_extractor_destroy(e->extractor);
  delete e;
}

const char *embedded_instruction_set(void) { return em_instruction_set(); }
