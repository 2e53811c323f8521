// The C ABI: checks pointers, turns exceptions into statuses.
#include <cstdio>
#include <cstring>
#include <new>

#include "columns.h"
#include "error.h"
#include "extractor.h"
#include "resampler.h"

struct em_extractor {
  em::Extractor extractor;
};

struct em_resampler {
  em::Resampler resampler;
};

namespace {

void put_message(char *message, size_t size, const char *text) {
  if (message && size) std::snprintf(message, size, "%s", text);
}

em_status null_argument(char *message, size_t size, const char *name) {
  if (message && size) std::snprintf(message, size, "%s is null", name);
  return EM_ERROR_ARGUMENT;
}

template <typename Make>
em_status guarded(char *message, size_t size, Make make) try {
  make();
  return EM_OK;
} catch (const em::Error &error) {
  put_message(message, size, error.what());
  return error.status;
} catch (const std::bad_alloc &) {
  put_message(message, size, "out of memory");
  return EM_ERROR_MEMORY;
}

}  // namespace

uint32_t em_abi_version(void) { return EM_ABI_VERSION; }
const char *em_version(void) { return EDGEMOOD_VERSION; }
const char *em_feature_version(void) { return "3"; }

const char *em_instruction_set(void) { return em::best_kernel()->name; }

const char *em_status_name(em_status status) {
  switch (status) {
    case EM_OK:
      return "ok";
    case EM_ERROR_ARGUMENT:
      return "invalid argument";
    case EM_ERROR_CONFIG:
      return "configuration value out of range";
    case EM_ERROR_CAPACITY:
      return "output buffer too small";
    case EM_ERROR_NOT_FINITE:
      return "a sample is NaN or infinite";
    case EM_ERROR_MEMORY:
      return "out of memory";
    case EM_ERROR_FINISHED:
      return "already finished";
  }
  return "unknown status";
}

size_t em_descriptor_count(void) { return em::kDescriptorCount; }

em_status em_descriptor_get(size_t index, em_descriptor_info *info) {
  if (!info || index >= em::kDescriptorCount) return EM_ERROR_ARGUMENT;
  *info = em::descriptor_row(static_cast<uint32_t>(index)).info;
  return EM_OK;
}

size_t em_segment_descriptor_count(void) { return em::kSegmentDescriptorCount; }

em_status em_segment_descriptor_get(size_t index, em_descriptor_info *info) {
  if (!info || index >= em::kSegmentDescriptorCount) return EM_ERROR_ARGUMENT;
  *info = em::segment_row(static_cast<uint32_t>(index)).info;
  return EM_OK;
}

size_t em_functional_count(void) { return em::kFunctionalCount; }

const char *em_functional_name(size_t index) {
  return index < em::kFunctionalCount ? em::functional_name(static_cast<uint32_t>(index)) : nullptr;
}

em_status em_extractor_create(const em_config *config, const char *const *names, size_t count, em_extractor **extractor,
                              char *message, size_t message_size) {
  put_message(message, message_size, "");
  if (!extractor) return null_argument(message, message_size, "extractor");
  *extractor = nullptr;
  if (!config) return null_argument(message, message_size, "config");
  if (!names) return null_argument(message, message_size, "names");
  if (config->struct_size != sizeof(em_config)) {
    put_message(message, message_size, "struct_size: not this version's em_config; call em_config_init first");
    return EM_ERROR_CONFIG;
  }
  return guarded(message, message_size, [=] {
    std::vector<std::string> columns;
    for (size_t i = 0; i < count; ++i) {
      if (!names[i]) throw em::Error(EM_ERROR_ARGUMENT, "names[" + std::to_string(i) + "] is null");
      columns.emplace_back(names[i]);
    }
    *extractor = new em_extractor{em::Extractor(*config, columns)};
  });
}

void em_extractor_destroy(em_extractor *extractor) { delete extractor; }

size_t em_extractor_columns(const em_extractor *e) { return e ? e->extractor.columns() : 0; }
size_t em_extractor_max_rows(const em_extractor *e, size_t n) { return e ? e->extractor.max_rows(n) : 0; }
size_t em_extractor_row_length(const em_extractor *e) { return e ? e->extractor.row_length() : 0; }
size_t em_extractor_row_hop(const em_extractor *e) { return e ? e->extractor.row_hop() : 0; }

em_status em_extractor_push(em_extractor *e, const float *samples, size_t n, float *rows, size_t capacity,
                            size_t *n_rows) {
  if (!e || !n_rows || (n && !samples) || (capacity && !rows)) return EM_ERROR_ARGUMENT;
  return e->extractor.push(samples, n, rows, capacity, n_rows);
}

em_status em_extractor_drain(em_extractor *e, float *rows, size_t capacity, size_t *n_rows) {
  if (!e || !n_rows || (capacity && !rows)) return EM_ERROR_ARGUMENT;
  return e->extractor.drain(rows, capacity, n_rows);
}

em_status em_extractor_finish(em_extractor *e, float *rows, size_t capacity, size_t *n_rows) {
  if (!e || !n_rows || (capacity && !rows)) return EM_ERROR_ARGUMENT;
  return e->extractor.finish(rows, capacity, n_rows);
}

void em_extractor_reset(em_extractor *e) {
  if (e) e->extractor.reset();
}

em_status em_resampler_create(uint32_t rate_in, uint32_t rate_out, uint32_t channels, int low_latency,
                              em_resampler **resampler, char *message, size_t message_size) {
  put_message(message, message_size, "");
  if (!resampler) return null_argument(message, message_size, "resampler");
  *resampler = nullptr;
  return guarded(message, message_size,
                 [=] { *resampler = new em_resampler{em::Resampler(rate_in, rate_out, channels, low_latency != 0)}; });
}

void em_resampler_destroy(em_resampler *resampler) { delete resampler; }

size_t em_resampler_max_output(const em_resampler *r, size_t n) { return r ? r->resampler.max_output(n) : 0; }
size_t em_resampler_latency(const em_resampler *r) { return r ? r->resampler.latency() : 0; }
float em_resampler_peak(const em_resampler *r) { return r ? r->resampler.peak() : 0; }

em_status em_resampler_push(em_resampler *r, const float *frames, size_t n, float *out, size_t capacity,
                            size_t *n_out) {
  if (!r || !n_out || (n && !frames) || (capacity && !out)) return EM_ERROR_ARGUMENT;
  return r->resampler.push(frames, n, out, capacity, n_out);
}

em_status em_resampler_finish(em_resampler *r, float *out, size_t capacity, size_t *n_out) {
  if (!r || !n_out || (capacity && !out)) return EM_ERROR_ARGUMENT;
  return r->resampler.finish(out, capacity, n_out);
}

void em_resampler_reset(em_resampler *r) {
  if (r) r->resampler.reset();
}
