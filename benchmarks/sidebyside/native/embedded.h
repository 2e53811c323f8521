// What a head unit does with the C library, wrapped for the benchmarks.
#pragma once
#include <stddef.h>

extern "C" {
// `settings`: "sample_rate=16000,n_fft=512,...", fields of em_config; `columns`: names joined by commas. Null on error,
// which is printed.
void *embedded_create(const char *settings, const char *columns);
// Pushes the samples, `chunk` at a time (0: all at once), finishes and resets. Returns the rows it got, 0 on error.
size_t embedded_run(void *extractor, const float *samples, size_t n_samples, size_t chunk);
void embedded_destroy(void *extractor);
const char *embedded_instruction_set(void);
}
