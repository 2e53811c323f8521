/* Runs the extractor over made-up sound, between two marks for count_instructions.c: extract lld50|mfcc SECONDS.
 * lld50 is the shipped configuration; mfcc what speech tools compute (16 kHz, 25/10 ms, 512-point FFT, 26 mel, 13
 * coefficients). Prints the number of samples, of rows, and a sum of all values that keeps the work from being
 * removed. */
#include <edgemood/edgemood.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kPiece = 4096, kCoefficients = 13, kMark = 0x454d0000 };

/* Three sawtooth voices that glide, and noise: voiced, bright and never periodic for long. */
static float sample(uint32_t i, uint32_t *phase, uint32_t *noise) {
  static const uint32_t step[3] = {26843546u, 33820000u, 40190000u}; /* about 140, 170, 200 Hz at 22,050 */
  int32_t sum = 0;
  for (int v = 0; v < 3; ++v) {
    phase[v] += step[v] + (i >> 3) % 20000u * (64u << v);
    sum += (int32_t)phase[v] >> 19;
  }
  *noise = *noise * 1664525u + 1013904223u;
  return (float)(sum + ((int32_t)*noise >> 22)) / 32768.0f;
}

static em_extractor *create(const char *what, uint32_t *sample_rate) {
  static char names[kCoefficients][8];
  const char *mfcc[kCoefficients], *const *columns = mfcc;
  size_t count = kCoefficients;
  em_config config;
  em_config_init(&config);
  if (strcmp(what, "lld50") == 0) {
    if (em_set_get(what, &columns, &count) != EM_OK) return NULL;
  } else {
    config.output = EM_OUTPUT_FRAMES;
    config.sample_rate = 16000;
    config.frame_length = 400;
    config.hop_length = 160;
    config.n_fft = 512;
    config.n_mels = 26;
    config.mel_fmin_hz = 0;
    config.mel_fmax_hz = 8000;
    for (int i = 0; i < kCoefficients; ++i) {
      snprintf(names[i], sizeof names[i], "mfcc_%d", i);
      mfcc[i] = names[i];
    }
  }
  *sample_rate = config.sample_rate;
  em_extractor *extractor = NULL;
  char message[200] = "";
  if (em_extractor_create(&config, columns, count, &extractor, message, sizeof message) != EM_OK)
    fprintf(stderr, "extract: %s\n", message);
  return extractor;
}

int main(int argc, char **argv) {
  const long seconds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
  if (seconds < 1 || seconds > 3600 || (strcmp(argv[1], "lld50") != 0 && strcmp(argv[1], "mfcc") != 0)) {
    fprintf(stderr, "usage: extract lld50|mfcc SECONDS\n");
    return 2;
  }
  uint32_t sample_rate = 0, phase[3] = {0, 0, 0}, noise = 1;
  em_extractor *extractor = create(argv[1], &sample_rate);
  if (!extractor) return 1;
  const size_t columns = em_extractor_columns(extractor), capacity = em_extractor_max_rows(extractor, kPiece) + 64;
  const size_t n = sample_rate * (size_t)seconds;
  float *rows = malloc(capacity * columns * sizeof *rows), *sound = malloc(n * sizeof *sound);
  for (size_t i = 0; sound && i < n; ++i) sound[i] = sample((uint32_t)i, phase, &noise);
  size_t total = 0, got = 0;
  double sum = 0;
  em_status status = rows && sound ? EM_OK : EM_ERROR_MEMORY;
  close(kMark);
  for (size_t at = 0; at < n && status == EM_OK; at += kPiece) {
    const size_t piece = n - at < kPiece ? n - at : kPiece;
    status = em_extractor_push(extractor, sound + at, piece, rows, capacity, &got);
    for (size_t i = 0; i < got * columns; ++i) sum += rows[i];
    total += got;
  }
  close(kMark + 1);
  printf("%zu samples, %zu rows, sum %g\n", n, total, sum);
  if (status != EM_OK) fprintf(stderr, "extract: %s\n", em_status_name(status));
  free(sound);
  free(rows);
  em_extractor_destroy(extractor);
  return status != EM_OK;
}
