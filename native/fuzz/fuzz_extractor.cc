// Any configuration, columns, samples and cuts: statuses are the promised ones, nothing is written beyond what was
// given, and rows do not depend on the cuts. Bytes mean what input.h says.
#include <cmath>

#include "guarded.h"
#include "input.h"

namespace {

using fuzz::Guarded;

struct Signal {
  std::vector<float> samples;
  size_t first_bad;  // index of the first NaN or infinity, or the size
  bool nominal;      // within [-1, 1]
};

Signal examined(std::vector<float> samples) {
  Signal signal = {std::move(samples), 0, true};
  while (signal.first_bad < signal.samples.size() && std::isfinite(signal.samples[signal.first_bad]))
    ++signal.first_bad;
  for (const float x : signal.samples) signal.nominal &= std::fabs(x) <= 1.0f;
  return signal;
}

size_t rows_expected(const em_extractor *e, size_t n) {
  const size_t length = em_extractor_row_length(e), hop = em_extractor_row_hop(e);
  PROMISE(length > 0 && hop > 0);
  return n < length ? 0 : (n - length) / hop + 1;
}

// Too little room, and samples that are no numbers: refused, and nothing is taken or written.
void refusals(em_extractor *e, Signal &signal) {
  const size_t n = signal.samples.size(), columns = em_extractor_columns(e), most = em_extractor_max_rows(e, n);
  size_t got = 7;
  if (most > 0) {
    Guarded rows((most - 1) * columns);
    PROMISE(em_extractor_push(e, signal.samples.data(), n, rows.data(), most - 1, &got) == EM_ERROR_CAPACITY);
    PROMISE(got == 0 && rows.untouched_from(0));
  }
  if (signal.first_bad < n) {
    Guarded rows(most * columns);
    PROMISE(em_extractor_push(e, signal.samples.data(), n, rows.data(), most, &got) == EM_ERROR_NOT_FINITE);
    PROMISE(got == signal.first_bad && rows.untouched_from(rows.size()));
    for (float &x : signal.samples)
      if (!std::isfinite(x)) x = 0;
  }
  PROMISE(em_extractor_max_rows(e, n) == most);
  PROMISE(em_extractor_push(e, nullptr, 1, nullptr, 0, &got) == EM_ERROR_ARGUMENT);
  PROMISE(em_extractor_push(e, nullptr, 0, nullptr, 0, nullptr) == EM_ERROR_ARGUMENT);
}

void finish(em_extractor *e, Guarded &rows, size_t done) {
  const size_t columns = em_extractor_columns(e), held = em_extractor_max_rows(e, 0);
  size_t got = 7;
  if (held > 0) PROMISE(em_extractor_finish(e, rows.data(), held - 1, &got) == EM_ERROR_CAPACITY && got == 0);
  PROMISE(em_extractor_finish(e, rows.data() + done * columns, held, &got) == EM_OK && got == held);
  PROMISE((done + got) * columns == rows.size() && rows.untouched_from(rows.size()));
  PROMISE(em_extractor_finish(e, nullptr, 0, &got) == EM_ERROR_FINISHED && got == 0);
  PROMISE(em_extractor_push(e, nullptr, 0, nullptr, 0, &got) == EM_ERROR_FINISHED && got == 0);
}

// All rows of the samples, cut as `cuts` says: 0 is no cut.
Guarded run(em_extractor *e, const std::vector<float> &samples, fuzz::Bytes &cuts) {
  const size_t columns = em_extractor_columns(e), expected = rows_expected(e, samples.size());
  PROMISE(em_extractor_max_rows(e, samples.size()) == expected);
  Guarded rows(expected * columns);
  size_t done = 0;
  for (size_t at = 0; at < samples.size();) {
    const uint32_t cut = cuts.u16();
    const size_t left = samples.size() - at, n = cut == 0 ? left : (cut < left ? cut : left);
    const size_t most = em_extractor_max_rows(e, n);
    size_t got = 7;
    PROMISE(em_extractor_push(e, &samples[at], n, rows.data() + done * columns, most, &got) == EM_OK && got <= most);
    done += got, at += n;
    if (cut % 5 == 4) {
      PROMISE(em_extractor_drain(e, rows.data() + done * columns, em_extractor_max_rows(e, 0), &got) == EM_OK);
      done += got;
      PROMISE(em_extractor_max_rows(e, 0) == 0);
    }
    PROMISE(rows.untouched_from(done * columns));
  }
  finish(e, rows, done);
  return rows;
}

void check_ranges(const Guarded &rows, const fuzz::Names &names, const em_config &config) {
  for (size_t i = 0; i < rows.size(); ++i) PROMISE(std::isfinite(rows.at(i)));
  if (config.output != EM_OUTPUT_FRAMES) return;
  for (size_t d = 0; d < em_descriptor_count(); ++d) {
    em_descriptor_info info;
    PROMISE(em_descriptor_get(d, &info) == EM_OK);
    for (size_t c = 0; c < names.text.size(); ++c) {
      if (names.text[c] != info.name) continue;
      for (size_t i = c; i < rows.size(); i += names.text.size())
        PROMISE(rows.at(i) >= info.minimum && rows.at(i) <= info.maximum);
    }
  }
}

em_extractor *create(const em_config &config, const fuzz::Names &names) {
  const std::vector<const char *> pointers = names.pointers();
  char message[48 + 1];
  message[48] = 'g';
  em_extractor *e = nullptr;
  const em_status status = em_extractor_create(&config, pointers.data(), pointers.size(), &e, message, 48);
  PROMISE(status == EM_OK || status == EM_ERROR_ARGUMENT || status == EM_ERROR_CONFIG);
  PROMISE((status == EM_OK) == (e != nullptr) && (status == EM_OK) == (message[0] == 0));
  PROMISE(std::memchr(message, 0, 48) && message[48] == 'g');
  if (e) PROMISE(em_extractor_columns(e) == names.text.size());
  return e;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::Bytes bytes(data, size);
  const em_config config = fuzz::config_from(bytes);
  const fuzz::Names names = fuzz::names_from(bytes, config);
  if (fuzz::too_big(config)) return 0;
  em_extractor *e = create(config, names);
  if (!e) return 0;

  const size_t n = bytes.u32() % (fuzz::affordable_samples(config, names) + 1);
  fuzz::Bytes cuts = bytes;  // the samples' bytes once more
  Signal signal = examined(fuzz::samples_from(bytes, n));
  refusals(e, signal);
  fuzz::Bytes none(nullptr, 0);
  const Guarded whole = run(e, signal.samples, none);
  if (signal.nominal) check_ranges(whole, names, config);

  em_extractor_reset(e);
  PROMISE(run(e, signal.samples, cuts) == whole);
  em_extractor_reset(e);
  PROMISE(run(e, signal.samples, bytes) == whole);
  em_extractor_destroy(e);
  return 0;
}
