// Every allocation is made in create and given back by destroy; push, finish and reset make none.
#include <edgemood/edgemood.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

#include "check.h"

namespace {

long made, freed;

void *allocated(size_t size, size_t alignment) {
  ++made;
  void *memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void release(void *memory) {
  freed += memory != nullptr;
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
}

}  // namespace

void *operator new(size_t size) { return allocated(size, 16); }
void *operator new[](size_t size) { return allocated(size, 16); }
void *operator new(size_t size, std::align_val_t alignment) { return allocated(size, static_cast<size_t>(alignment)); }
void *operator new[](size_t size, std::align_val_t alignment) {
  return allocated(size, static_cast<size_t>(alignment));
}
void operator delete(void *memory) noexcept { release(memory); }
void operator delete[](void *memory) noexcept { release(memory); }
void operator delete(void *memory, size_t) noexcept { release(memory); }
void operator delete[](void *memory, size_t) noexcept { release(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void *memory, size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void *memory, size_t, std::align_val_t) noexcept { release(memory); }

namespace {

void stream(em_extractor *e, std::vector<float> &x, std::vector<float> &rows, size_t chunk) {
  const size_t capacity = rows.size() / em_extractor_columns(e);
  size_t got = 0;
  for (size_t at = 0; at < x.size(); at += chunk) {
    const size_t n = x.size() - at < chunk ? x.size() - at : chunk;
    CHECK(em_extractor_push(e, &x[at], n, rows.data(), capacity, &got) == EM_OK);
  }
  x[7] = std::numeric_limits<float>::infinity();
  CHECK(em_extractor_push(e, x.data(), 9, rows.data(), capacity, &got) == EM_ERROR_NOT_FINITE);
  x[7] = 0;
  CHECK(em_extractor_finish(e, rows.data(), capacity, &got) == EM_OK);
  em_extractor_reset(e);
}

void test(uint32_t output, const char *const *names, size_t count) {
  std::vector<float> x(22050 * 5);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.5f * static_cast<float>(std::sin(0.03 * static_cast<double>(i)));
  em_config config;
  em_config_init(&config);
  config.output = output;
  const long before = made, balance = made - freed;
  em_extractor *e = nullptr;
  CHECK(em_extractor_create(&config, names, count, &e, nullptr, 0) == EM_OK);
  CHECK(made > before);
  std::vector<float> rows(em_extractor_max_rows(e, x.size()) * count);
  const long created = made;
  for (const size_t chunk : {x.size(), size_t{220}, size_t{4409}}) stream(e, x, rows, chunk);
  CHECK(made == created);
  std::vector<float>().swap(rows);
  em_extractor_destroy(e);
  CHECK(made - freed == balance);
}

void test_resampler() {
  std::vector<float> x(2 * 44100, 0.25f);
  const long before = made, balance = made - freed;
  em_resampler *r = nullptr;
  CHECK(em_resampler_create(44100, 22050, 2, 1, &r, nullptr, 0) == EM_OK);
  CHECK(made > before);
  std::vector<float> out(em_resampler_max_output(r, 44100));
  const long created = made;
  size_t got = 0;
  for (size_t at = 0; at < 44100; at += 441)
    CHECK(em_resampler_push(r, &x[2 * at], 441, out.data(), out.size(), &got) == EM_OK);
  x[7] = std::numeric_limits<float>::infinity();
  CHECK(em_resampler_push(r, x.data(), 441, out.data(), out.size(), &got) == EM_ERROR_NOT_FINITE);
  CHECK(em_resampler_finish(r, out.data(), out.size(), &got) == EM_OK);
  em_resampler_reset(r);
  CHECK(made == created);
  std::vector<float>().swap(out);
  em_resampler_destroy(r);
  CHECK(made - freed == balance);
}

void test_refusal() {
  const char *const names[] = {"zcr_mean", "no_such_column"};
  em_config config;
  em_config_init(&config);
  const long balance = made - freed;
  em_extractor *e = nullptr;
  CHECK(em_extractor_create(&config, names, 2, &e, nullptr, 0) == EM_ERROR_ARGUMENT);
  CHECK(made - freed == balance);
}

}  // namespace

int main() {
  const char *const *set = nullptr;
  size_t count = 0;
  CHECK(em_set_get("lld50", &set, &count) == EM_OK);
  test(EM_OUTPUT_SEGMENTS, set, count);
  for (const char *more : {"lld84", "harmony"}) {
    CHECK(em_set_get(more, &set, &count) == EM_OK);
    test(EM_OUTPUT_SEGMENTS, set, count);
  }
  const char *const frames[] = {"mfcc_3", "f0", "hnr", "formant_2", "spectral_flux", "zcr"};
  test(EM_OUTPUT_FRAMES, frames, 6);
  test_resampler();
  test_refusal();
  return checks_report();
}
