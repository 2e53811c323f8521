// The C ABI: checks pointers, turns exceptions into statuses.
#include <cstdio>
#include <cstring>
#include <new>

#include "columns.h"
#include "error.h"
#include "extractor.h"

struct em_extractor {
  em::Extractor extractor;
};

namespace {

void put_message(char *message, size_t size, const char *text) {
  if (message && size) std::snprintf(message, size, "%s", text);
}

em_status create(const em_config &config, const char *const *names, size_t count, em_extractor **extractor,
                 char *message, size_t size) try {
  std::vector<std::string> columns;
  for (size_t i = 0; i < count; ++i) {
    if (!names[i]) throw em::Error(EM_ERROR_ARGUMENT, "names[" + std::to_string(i) + "] is null");
    columns.emplace_back(names[i]);
  }
  *extractor = new em_extractor{em::Extractor(config, columns)};
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

const char *em_instruction_set(void) {
  size_t count = 0;
  const em::Kernel *const *all = em::kernels(&count);
  for (size_t i = 0; i < count; ++i)
    if (all[i]->supported()) return all[i]->name;
  return all[count - 1]->name;
}

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

size_t em_functional_count(void) { return em::kFunctionalCount; }

const char *em_functional_name(size_t index) {
  return index < em::kFunctionalCount ? em::functional_name(static_cast<uint32_t>(index)) : nullptr;
}

em_status em_extractor_create(const em_config *config, const char *const *names, size_t count, em_extractor **extractor,
                              char *message, size_t message_size) {
  put_message(message, message_size, "");
  if (!extractor) return EM_ERROR_ARGUMENT;
  *extractor = nullptr;
  if (!config || !names) {
    put_message(message, message_size, "config and names must not be null");
    return EM_ERROR_ARGUMENT;
  }
  if (config->struct_size != sizeof(em_config)) {
    put_message(message, message_size, "struct_size: not this version's em_config; call em_config_init first");
    return EM_ERROR_CONFIG;
  }
  return create(*config, names, count, extractor, message, message_size);
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

em_status em_extractor_finish(em_extractor *e, float *rows, size_t capacity, size_t *n_rows) {
  if (!e || !n_rows || (capacity && !rows)) return EM_ERROR_ARGUMENT;
  return e->extractor.finish(rows, capacity, n_rows);
}

void em_extractor_reset(em_extractor *e) {
  if (e) e->extractor.reset();
}
