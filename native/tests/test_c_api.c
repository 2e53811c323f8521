/* The public header as a C99 program sees it. */
#include <edgemood/edgemood.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { kSamples = 22050 * 8 };

static float signal[kSamples];

static void make_signal(void) {
  uint32_t seed = 1;
  for (int i = 0; i < kSamples; ++i) {
    seed = seed * 1664525u + 1013904223u;
    const double noise = (double)(seed >> 8) / (1 << 24) - 0.5;
    signal[i] = (float)(0.4 * sin(2 * 3.14159265358979 * 220.0 * i / 22050.0) + 0.05 * noise);
  }
}

static em_extractor *make(uint32_t output, const char *const *names, size_t count) {
  em_config config;
  CHECK(em_config_init(&config) == EM_OK);
  config.output = output;
  em_extractor *extractor = NULL;
  char message[200];
  CHECK(em_extractor_create(&config, names, count, &extractor, message, sizeof message) == EM_OK);
  return extractor;
}

static em_extractor *make_lld50(void) {
  const char *const *names = NULL;
  size_t count = 0;
  CHECK(em_set_get("lld50", &names, &count) == EM_OK);
  CHECK(count == 50);
  return make(EM_OUTPUT_SEGMENTS, names, count);
}

/* All rows of the signal, pushed `chunk` samples at a time. */
static size_t run(em_extractor *e, size_t chunk, float *rows, size_t capacity) {
  size_t total = 0, got = 0;
  const size_t columns = em_extractor_columns(e);
  for (size_t at = 0; at < kSamples; at += chunk) {
    const size_t n = kSamples - at < chunk ? kSamples - at : chunk;
    CHECK(em_extractor_push(e, signal + at, n, rows + total * columns, capacity - total, &got) == EM_OK);
    total += got;
  }
  CHECK(em_extractor_finish(e, rows + total * columns, capacity - total, &got) == EM_OK);
  return total + got;
}

static void test_chunks(void) {
  static const size_t chunks[] = {kSamples, 1, 7, 220, 551, 4409, 100000};
  em_extractor *e = make_lld50();
  const size_t columns = em_extractor_columns(e), expected = em_extractor_max_rows(e, kSamples);
  const size_t bytes = expected * columns * sizeof(float);
  float *whole = malloc(bytes), *rows = malloc(bytes);
  CHECK(run(e, kSamples, whole, expected) == expected && expected > 3);
  for (size_t i = 0; i < sizeof chunks / sizeof *chunks; ++i) {
    em_extractor_reset(e);
    CHECK(run(e, chunks[i], rows, expected) == expected);
    CHECK(memcmp(whole, rows, bytes) == 0);
  }
  free(whole);
  free(rows);
  em_extractor_destroy(e);
}

static void test_values(void) {
  static const char *const names[] = {"f0", "zcr"};
  em_extractor *e = make(EM_OUTPUT_FRAMES, names, 2);
  const size_t capacity = em_extractor_max_rows(e, kSamples);
  float *rows = malloc(capacity * 2 * sizeof(float));
  const size_t count = run(e, 4096, rows, capacity);
  CHECK(count == (kSamples - em_extractor_row_length(e)) / em_extractor_row_hop(e) + 1);
  for (size_t i = 0; i < count; ++i) CHECK(fabsf(rows[2 * i] - 220.0f) < 1.0f);
  free(rows);
  em_extractor_destroy(e);
}

static void test_segment_descriptors(void) {
  em_descriptor_info info;
  CHECK(em_segment_descriptor_count() == 3);
  for (size_t i = 0; i < em_segment_descriptor_count(); ++i) {
    CHECK(em_segment_descriptor_get(i, &info) == EM_OK && info.minimum < info.maximum && !info.absent_is_zero);
    em_extractor_destroy(make(EM_OUTPUT_SEGMENTS, &info.name, 1));
  }
  CHECK(em_segment_descriptor_get(3, &info) == EM_ERROR_ARGUMENT);
  CHECK(em_segment_descriptor_get(0, NULL) == EM_ERROR_ARGUMENT);
}

/* A chord of A major: its mean chroma from the tonic up has the triad at 0, 4 and 7. */
static void test_harmony(void) {
  static const char *const names[] = {"relative_chroma_0", "relative_chroma_4", "relative_chroma_7",
                                      "relative_chroma_3", "chroma_0_mean"};
  static float chord[22050 * 4];
  for (int i = 0; i < 22050 * 4; ++i)
    for (int k = 0; k < 3; ++k)
      chord[i] += (float)(0.2 * sin(2 * 3.14159265358979 * 220.0 * pow(2.0, (k == 0 ? 0 : 4 + 3 * (k - 1)) / 12.0) * i /
                                    22050));
  em_extractor *e = make(EM_OUTPUT_SEGMENTS, names, 5);
  float rows[20];
  size_t got = 0;
  CHECK(em_extractor_push(e, chord, 22050 * 4, rows, 4, &got) == EM_OK && got >= 1);
  for (int i = 0; i < 3; ++i) CHECK(fabsf(rows[i] - 1.0f / 3) < 0.05f);
  CHECK(rows[3] < 0.02f && fabsf(rows[4] - rows[0]) < 1e-5f);
  em_extractor_destroy(e);
}

static void test_refusals(void) {
  static const char *const unknown[] = {"mfcc_99_mean"}, *const null_name[] = {NULL}, *const good[] = {"zcr_mean"};
  em_config config;
  em_config_init(&config);
  em_extractor *e = NULL;
  char message[200];
  CHECK(em_extractor_create(&config, unknown, 1, &e, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(e == NULL && strstr(message, "mfcc_99_mean"));
  CHECK(em_extractor_create(&config, null_name, 1, &e, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(strstr(message, "names[0]"));
  CHECK(em_extractor_create(&config, good, 0, &e, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(strstr(message, "column"));
  CHECK(em_extractor_create(NULL, good, 1, &e, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(strcmp(message, "config is null") == 0);
  CHECK(em_extractor_create(&config, NULL, 1, &e, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(strcmp(message, "names is null") == 0);
  CHECK(em_extractor_create(&config, good, 1, NULL, message, sizeof message) == EM_ERROR_ARGUMENT);
  CHECK(strcmp(message, "extractor is null") == 0);
  CHECK(em_extractor_create(&config, good, 1, NULL, NULL, 0) == EM_ERROR_ARGUMENT);
  config.n_fft = 1000;
  CHECK(em_extractor_create(&config, good, 1, &e, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(strstr(message, "n_fft"));
  em_config_init(&config);
  config.f0_min_hz = 19.9f;
  CHECK(em_extractor_create(&config, good, 1, &e, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(strstr(message, "f0_min_hz") && strstr(message, "20"));
  em_config_init(&config);
  config.hop_length = 65536;
  config.segment_hop = 65536; /* their product is 0 where a size_t has 32 bits */
  CHECK(em_extractor_create(&config, good, 1, &e, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(strstr(message, "segment_hop"));
  config.struct_size = 4;
  CHECK(em_extractor_create(&config, good, 1, &e, NULL, 0) == EM_ERROR_CONFIG);
  CHECK(em_config_init(NULL) == EM_ERROR_ARGUMENT);
  em_descriptor_info info;
  CHECK(em_descriptor_get(em_descriptor_count(), &info) == EM_ERROR_ARGUMENT);
  CHECK(em_functional_name(em_functional_count()) == NULL);
  CHECK(em_extractor_columns(NULL) == 0);
  em_extractor_destroy(NULL);
  em_extractor_reset(NULL);
}

/* Half the sample rate is the most that lpc_fmax_hz counts as: the default serves at 8 kHz. */
static void test_lpc_band(void) {
  static const char *const names[] = {"formant_1", "formant_2"};
  static const float edges_hz[] = {4000.0f, 5500.0f, 8001.0f, 1e30f};
  static float expected[4000], rows[4000];
  em_config config;
  em_config_init(&config);
  config.output = EM_OUTPUT_FRAMES;
  config.sample_rate = 8000;
  config.mel_fmax_hz = 4000.0f;
  em_extractor *e = NULL;
  char message[200];
  size_t got = 0;
  for (size_t i = 0; i < sizeof edges_hz / sizeof *edges_hz; ++i) {
    config.lpc_fmax_hz = edges_hz[i];
    CHECK(em_extractor_create(&config, names, 2, &e, message, sizeof message) == EM_OK);
    CHECK(em_extractor_push(e, signal, 16000, i ? rows : expected, 2000, &got) == EM_OK && got > 10);
    CHECK(i == 0 || memcmp(rows, expected, got * 2 * sizeof(float)) == 0);
    em_extractor_destroy(e);
  }
  config.frame_length = config.n_fft = 32; /* 16 bins below half the rate: too few for 12 poles, whatever is asked */
  config.lpc_fmax_hz = 8000.0f;
  CHECK(em_extractor_create(&config, names, 2, &e, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(strstr(message, "lpc_fmax_hz"));
  config.lpc_fmax_hz = 100.0f;
  CHECK(em_extractor_create(&config, names, 2, &e, message, sizeof message) == EM_ERROR_CONFIG);
  CHECK(strstr(message, "lpc_fmax_hz"));
}

static void test_streaming_errors(void) {
  static const char *const names[] = {"energy"};
  em_extractor *e = make(EM_OUTPUT_FRAMES, names, 1);
  float bad[3] = {0.0f, 0.0f, 0.0f}, rows[64], row = 0.0f;
  size_t got = 0;
  bad[2] = (float)NAN;
  CHECK(em_extractor_push(e, bad, 3, rows, 64, &got) == EM_ERROR_NOT_FINITE && got == 2);
  bad[2] = (float)INFINITY;
  CHECK(em_extractor_push(e, bad, 3, rows, 64, &got) == EM_ERROR_NOT_FINITE);
  CHECK(em_extractor_max_rows(e, 661) == 0);
  CHECK(em_extractor_max_rows(e, SIZE_MAX) == (SIZE_MAX - 662) / 551 + 1);
  CHECK(em_extractor_push(e, signal, SIZE_MAX, rows, 64, &got) == EM_ERROR_CAPACITY && got == 0);
  CHECK(em_extractor_push(e, signal, 22050, &row, 1, &got) == EM_ERROR_CAPACITY && got == 0);
  CHECK(em_extractor_push(e, signal, 22050, rows, 64, &got) == EM_OK);
  CHECK(em_extractor_max_rows(e, SIZE_MAX) >= SIZE_MAX / 551 - 64); /* 22050 samples more than SIZE_MAX */
  CHECK(em_extractor_push(e, NULL, 1, rows, 64, &got) == EM_ERROR_ARGUMENT);
  CHECK(em_extractor_push(e, NULL, 0, rows, 64, &got) == EM_OK);
  CHECK(em_extractor_finish(e, rows, 64, &got) == EM_OK);
  CHECK(em_extractor_finish(e, rows, 64, &got) == EM_ERROR_FINISHED);
  CHECK(em_extractor_push(e, signal, 1, rows, 64, &got) == EM_ERROR_FINISHED);
  em_extractor_destroy(e);
}

int main(void) {
  CHECK(em_abi_version() == EM_ABI_VERSION);
  CHECK(strlen(em_version()) > 0 && strlen(em_instruction_set()) > 0 && strlen(em_feature_version()) > 0);
  for (int s = EM_OK; s <= EM_ERROR_FINISHED; ++s) CHECK(strcmp(em_status_name((em_status)s), "unknown status") != 0);
  make_signal();
  test_chunks();
  test_values();
  test_segment_descriptors();
  test_harmony();
  test_refusals();
  test_lpc_band();
  test_streaming_errors();
  return checks_report();
}
