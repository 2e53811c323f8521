/* One bare real FFT a frame by FFTW, for ctypes. */
#include <fftw3.h>
#include <stdlib.h>

typedef struct {
  fftwf_plan plan;
  float *in; /* an aligned copy of a frame, where the signal's own address is not as aligned as the plan wants */
  fftwf_complex *out;
  int n;
} yardstick;

const char *yardstick_version(void) { return fftwf_version; }

/* The plan is made once and kept in the file `wisdom`, so that every process of a run has the same. */
yardstick *yardstick_create(int n, const char *wisdom) {
  yardstick *y = calloc(1, sizeof *y);
  if (!y) return NULL;
  y->n = n;
  y->in = fftwf_alloc_real((size_t)n);
  y->out = fftwf_alloc_complex((size_t)n / 2 + 1);
  fftwf_import_wisdom_from_filename(wisdom);
  if (y->in && y->out) y->plan = fftwf_plan_dft_r2c_1d(n, y->in, y->out, FFTW_PATIENT);
  if (!y->plan) return NULL;
  fftwf_export_wisdom_to_filename(wisdom);
  return y;
}

void yardstick_run(yardstick *y, const float *signal, size_t frames, size_t hop) {
  for (size_t t = 0; t < frames; ++t) {
    float *frame = (float *)signal + t * hop; /* r2c out of place leaves its input alone */
    if (fftwf_alignment_of(frame) != fftwf_alignment_of(y->in)) {
      for (int i = 0; i < y->n; ++i) y->in[i] = frame[i];
      frame = y->in;
    }
    fftwf_execute_dft_r2c(y->plan, frame, y->out);
  }
}
