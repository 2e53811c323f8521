// One extractor a thread, any number of threads: they create, push, look things up and destroy at once, the very first
// use of the dispatcher among it, and get what a single thread gets. Meant for ThreadSanitizer (preset tsan).
#include <edgemood/edgemood.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace {

constexpr int kThreads = 8, kRounds = 3;
constexpr size_t kSamples = 22050 * 4;  // or a second of stereo at twice the rate

using Rows = std::vector<float>;

// Threads start together: the last to arrive opens the gate.
class Gate {
 public:
  void wait() {
    if (++arrived_ == kThreads) open_ = true;
    while (!open_) std::this_thread::yield();
  }

 private:
  std::atomic<int> arrived_{0};
  std::atomic<bool> open_{false};
};

std::vector<float> signal(int kind) {
  std::vector<float> x(kSamples);
  for (size_t i = 0; i < kSamples; ++i)
    x[i] = 0.5f * static_cast<float>(std::sin(0.02 * (kind + 1) * static_cast<double>(i)));
  return x;
}

em_extractor *create() {
  em_config config;
  const char *const *names = nullptr;
  size_t count = 0;
  em_extractor *extractor = nullptr;
  if (em_config_init(&config) != EM_OK || em_set_get("lld50", &names, &count) != EM_OK) return nullptr;
  return em_extractor_create(&config, names, count, &extractor, nullptr, 0) == EM_OK ? extractor : nullptr;
}

// All rows of `x`, or none where a call fails.
Rows rows_of(em_extractor *e, const std::vector<float> &x, size_t chunk) {
  const size_t columns = em_extractor_columns(e);
  Rows rows(em_extractor_max_rows(e, x.size()) * columns);
  size_t done = 0, got = 0;
  for (size_t at = 0; at < x.size(); at += chunk) {
    const size_t n = std::min(chunk, x.size() - at);
    if (em_extractor_push(e, &x[at], n, rows.data() + done, (rows.size() - done) / columns, &got) != EM_OK) return {};
    done += got * columns;
  }
  if (em_extractor_finish(e, rows.data() + done, (rows.size() - done) / columns, &got) != EM_OK) return {};
  return done + got * columns == rows.size() ? rows : Rows{};
}

bool equal(const Rows &a, const Rows &b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// One second of stereo at 44.1 kHz, brought to 22.05 kHz by a resampler of its own.
Rows resampled(const std::vector<float> &x) {
  em_resampler *r = nullptr;
  if (em_resampler_create(44100, 22050, 2, 0, &r, nullptr, 0) != EM_OK) return {};
  Rows out(em_resampler_max_output(r, 44100));
  size_t got = 0, rest = 0;
  const bool pushed = em_resampler_push(r, x.data(), 44100, out.data(), out.size(), &got) == EM_OK;
  const bool finished = em_resampler_finish(r, out.data() + got, out.size() - got, &rest) == EM_OK;
  em_resampler_destroy(r);
  return pushed && finished && got + rest == out.size() ? out : Rows{};
}

// Reads every table of the library, and is refused.
bool lookups() {
  bool good = em_abi_version() == EM_ABI_VERSION && *em_version() && *em_feature_version();
  em_descriptor_info info;
  for (size_t i = 0; i < em_descriptor_count(); ++i) good &= em_descriptor_get(i, &info) == EM_OK && *info.name;
  for (size_t i = 0; i < em_functional_count(); ++i) good &= *em_functional_name(i) != 0;
  const char *const unknown[] = {"no_such_column"};
  em_config config;
  char message[100];
  em_extractor *none = nullptr;
  em_config_init(&config);
  good &= em_extractor_create(&config, unknown, 1, &none, message, sizeof message) == EM_ERROR_ARGUMENT;
  return good && std::strstr(message, unknown[0]) && *em_status_name(EM_ERROR_ARGUMENT);
}

struct Outcome {
  Rows rows, sound;
  std::string instruction_set;
  bool good = true;
};

void live(int index, Gate &gate, Outcome &outcome) {
  const std::vector<float> x = signal(index);
  gate.wait();
  outcome.instruction_set = em_instruction_set();
  for (int round = 0; round < kRounds; ++round) {
    em_extractor *e = create();
    const Rows rows = rows_of(e, x, 220 + static_cast<size_t>(97 * index));
    em_extractor_reset(e);
    outcome.good = outcome.good && lookups() && equal(rows, rows_of(e, x, kSamples));
    em_extractor_destroy(e);
    outcome.rows = rows;
    outcome.sound = resampled(x);
  }
}

void test_many_at_once() {
  Gate gate;
  std::vector<Outcome> outcomes(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back(live, i, std::ref(gate), std::ref(outcomes[static_cast<size_t>(i)]));
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < kThreads; ++i) {  // against one thread, only now: nothing may have been set up for them
    const Outcome &outcome = outcomes[static_cast<size_t>(i)];
    em_extractor *e = create();
    CHECK(outcome.good);
    CHECK(outcome.instruction_set == em_instruction_set());
    CHECK(equal(outcome.rows, rows_of(e, signal(i), 4096)));
    CHECK(equal(outcome.sound, resampled(signal(i))));
    em_extractor_destroy(e);
  }
}

// Created here, fed there, finished and destroyed by yet another thread: an extractor is bound to none.
void test_handing_over() {
  const std::vector<float> x = signal(0);
  em_extractor *e = create();
  const size_t columns = em_extractor_columns(e);
  Rows rows(em_extractor_max_rows(e, kSamples) * columns);
  size_t pushed = 0, finished = 0;
  em_status push_status = EM_ERROR_MEMORY, finish_status = EM_ERROR_MEMORY;
  std::thread([&] {
    push_status = em_extractor_push(e, x.data(), x.size(), rows.data(), rows.size() / columns, &pushed);
  }).join();
  std::thread([&] {
    finish_status = em_extractor_finish(e, rows.data() + pushed * columns, rows.size() / columns - pushed, &finished);
    em_extractor_destroy(e);
  }).join();
  CHECK(push_status == EM_OK && finish_status == EM_OK);
  CHECK((pushed + finished) * columns == rows.size());
  em_extractor *alone = create();
  CHECK(equal(rows, rows_of(alone, x, 551)));
  em_extractor_destroy(alone);
}

}  // namespace

int main() {
  test_many_at_once();  // first: it races the first use
  test_handing_over();
  return checks_report();
}
