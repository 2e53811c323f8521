/* edgemood: streaming low-level descriptors of music. The only public header; C99 and C++17.
 *
 * Every function that can fail returns an em_status. Handles are opaque and owned by the caller, who destroys
 * them; buffers belong to the caller. One extractor may be used by one thread at a time; different extractors
 * are independent. Nothing here prints, exits, throws or keeps global state. */
#ifndef EDGEMOOD_EDGEMOOD_H
#define EDGEMOOD_EDGEMOOD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define EM_API
#else
#define EM_API __attribute__((visibility("default")))
#endif

/* Grows by one whenever a caller compiled against an older header would break. */
#define EM_ABI_VERSION 1

typedef enum em_status {
  EM_OK = 0,
  EM_ERROR_ARGUMENT = 1,   /* a null pointer, an unknown name, a size that does not fit */
  EM_ERROR_CONFIG = 2,     /* a configuration value out of range; the message names it */
  EM_ERROR_CAPACITY = 3,   /* the output buffer is smaller than em_extractor_max_rows says; nothing was consumed */
  EM_ERROR_NOT_FINITE = 4, /* NaN or infinity among the samples; nothing was consumed */
  EM_ERROR_MEMORY = 5,     /* out of memory */
  EM_ERROR_FINISHED = 6    /* pushed to after finish; em_extractor_reset first */
} em_status;

typedef enum em_output {
  EM_OUTPUT_FRAMES = 0,  /* one row a frame, every hop_length samples */
  EM_OUTPUT_SEGMENTS = 1 /* one row of functionals a segment, every segment_hop frames */
} em_output;

typedef enum em_window { EM_WINDOW_HANN = 0, EM_WINDOW_HAMMING = 1, EM_WINDOW_RECTANGULAR = 2 } em_window;

typedef enum em_mel_edges {
  EM_MEL_EDGES_EXACT = 0, /* triangles with their exact corner frequencies */
  EM_MEL_EDGES_BINS = 1   /* corners rounded down to FFT bins, as python_speech_features does */
} em_mel_edges;

/* Set by em_config_init to the defaults given; change what you like afterwards. */
typedef struct em_config {
  uint32_t struct_size;    /* sizeof(em_config), set by em_config_init */
  uint32_t output;         /* em_output; EM_OUTPUT_SEGMENTS */
  uint32_t sample_rate;    /* Hz; 22050; 4000 to 192000 */
  uint32_t frame_length;   /* samples; 662 (30 ms); 16 to n_fft */
  uint32_t hop_length;     /* samples; 551 (25 ms); 1 to 65536 */
  uint32_t n_fft;          /* a power of two; 1024; 32 to 16384 */
  uint32_t window;         /* em_window; EM_WINDOW_HANN (periodic) */
  float preemphasis;       /* of the MFCC and the formants; 0.97; 0 to 1 */
  uint32_t n_mels;         /* mel filters; 40; 1 to 256 */
  float mel_fmin_hz;       /* 20 */
  float mel_fmax_hz;       /* 10000; at most sample_rate / 2 */
  uint32_t mel_edges;      /* em_mel_edges; EM_MEL_EDGES_EXACT */
  float f0_min_hz;         /* 55 */
  float f0_max_hz;         /* 1000; at most sample_rate / 4 */
  float voicing_threshold; /* of the normalised autocorrelation; 0.45; 0 to 1 */
  uint32_t lpc_order;      /* 12; 4 to 32 */
  float lpc_fmax_hz;       /* upper edge of the band the LPC models; 5500 */
  uint32_t segment_frames; /* frames in a segment; 120 (3 s) */
  uint32_t segment_hop;    /* frames from one segment to the next; 40 (1 s) */
} em_config;

typedef struct em_extractor em_extractor;

/* One column a frame can have. Strings are static. */
typedef struct em_descriptor_info {
  const char *name; /* "zcr"; families are numbered: "mfcc_0", "mfcc_1" ... */
  const char *unit;
  float minimum, maximum; /* the range that input within [-1, 1] can give; infinite where unbounded */
  const char *summary;    /* what it is, in a phrase */
  const char *source;     /* where its formula comes from */
  int absent_is_zero;     /* 1: a value of 0 means "none in this frame", and functionals skip such frames */
} em_descriptor_info;

EM_API uint32_t em_abi_version(void);
EM_API const char *em_version(void);
/* The version of the descriptors' values: grows when any of them changes. */
EM_API const char *em_feature_version(void);
/* Which instruction set the dispatcher picked: "x86-64-v3", "baseline", ... */
EM_API const char *em_instruction_set(void);
EM_API const char *em_status_name(em_status status);

EM_API em_status em_config_init(em_config *config);

/* The frame-level descriptors this build knows. A family (mfcc) is given by its first coefficient. */
EM_API size_t em_descriptor_count(void);
EM_API em_status em_descriptor_get(size_t index, em_descriptor_info *info);
/* The functionals that can be appended to a descriptor's name: "mean", "sd", ... */
EM_API size_t em_functional_count(void);
EM_API const char *em_functional_name(size_t index);

/* A named set ("lld50"): its ordered column names. *names points to static storage. EM_ERROR_ARGUMENT where
 * there is no such set. */
EM_API em_status em_set_get(const char *set, const char *const **names, size_t *count);

/* An extractor of the named columns, in the order given. For EM_OUTPUT_FRAMES the names are descriptors
 * ("mfcc_1", "f0"); for EM_OUTPUT_SEGMENTS descriptor and functional ("mfcc_1_mean", "f0_voiced_share").
 * On failure *extractor is null and `message` (may be null) holds a sentence that names what is wrong. */
EM_API em_status em_extractor_create(const em_config *config, const char *const *names, size_t count,
                                     em_extractor **extractor, char *message, size_t message_size);
EM_API void em_extractor_destroy(em_extractor *extractor);

/* Columns of a row. */
EM_API size_t em_extractor_columns(const em_extractor *extractor);
/* The most rows that pushing n_samples more can give (n_samples = 0: that finish can give). */
EM_API size_t em_extractor_max_rows(const em_extractor *extractor, size_t n_samples);
/* Samples that one row covers, and samples from the start of one row to the start of the next. */
EM_API size_t em_extractor_row_length(const em_extractor *extractor);
EM_API size_t em_extractor_row_hop(const em_extractor *extractor);

/* Takes mono samples, nominally in [-1, 1], and writes the rows they complete: row-major
 * [*n_rows][em_extractor_columns]. Rows are bit-equal however the samples were cut into pushes. No allocation.
 * EM_ERROR_NOT_FINITE leaves the extractor as it was and sets *n_rows to the index of the bad sample. */
EM_API em_status em_extractor_push(em_extractor *extractor, const float *samples, size_t n_samples, float *rows,
                                   size_t capacity_rows, size_t *n_rows);
/* Writes the rows still held back (frames are computed in blocks). Samples short of a whole row are dropped. */
EM_API em_status em_extractor_finish(em_extractor *extractor, float *rows, size_t capacity_rows, size_t *n_rows);
/* Back to the state after create. */
EM_API void em_extractor_reset(em_extractor *extractor);

#ifdef __cplusplus
}
#endif
#endif
