/* edgemood: streaming low-level descriptors of music. The only public header; C99 and C++17.
 *
 * Errors. Every function that can fail returns an em_status; it has no other effect than its comment says where that
 * is not EM_OK. Null pointers are refused or ignored as said. Nothing here prints, exits, aborts on input, lets an
 * exception out, or touches signals, locale or files.
 *
 * Ownership. An extractor belongs to the caller from em_extractor_create until em_extractor_destroy, a resampler from
 * em_resampler_create until em_resampler_destroy. Buffers, the configuration and names handed in stay the caller's and
 * are not kept after the call. Strings and arrays handed out are static and constant: they are never freed and live as
 * long as the library is loaded.
 *
 * Threads. There is no mutable global state: every function may be called from any number of threads at once, the
 * first call included, except that calls on one and the same extractor or resampler must not overlap. Either is bound
 * to no thread; hand it over by whatever orders memory (a mutex, a queue, a join). Calls on const em_extractor may
 * overlap one another, and so on const em_resampler. Nothing locks or waits. None of it is for signal handlers.
 *
 * Memory. em_extractor_create and em_resampler_create allocate all that is ever needed, by the C++ operator new; push,
 * drain, finish and reset allocate nothing. */
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

/* Grows by one whenever a program compiled against an older header would break: a function gone or its parameters
 * changed, a struct of another size or layout, an enumerator of another value, a promise of these comments taken back.
 * What only adds (a function, an enumerator at the end, a name of a set, descriptor or functional) leaves it. It is
 * the number in the library's soname, libedgemood.so.1, so the loader never pairs a program with another ABI. */
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

/* Set by em_config_init to the defaults given; change what you like afterwards. Values out of range are refused by
 * em_extractor_create. Plain data: copy it freely. */
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
  float mel_fmin_hz;       /* 20; 0 or more */
  float mel_fmax_hz;       /* 10000; above mel_fmin_hz, at most sample_rate / 2 */
  uint32_t mel_edges;      /* em_mel_edges; EM_MEL_EDGES_EXACT */
  float f0_min_hz;         /* 55; 20 or more */
  float f0_max_hz;         /* 1000; above f0_min_hz, at most sample_rate / 4 */
  float voicing_threshold; /* of the normalised autocorrelation; 0.5; 0 to 1 */
  uint32_t lpc_order;      /* 12; 4 to 32 */
  float lpc_fmax_hz;       /* upper edge of the band the LPC models; 5500; more than sample_rate / 2 counts as that; at
                            * least 2 * lpc_order FFT bins, of sample_rate / n_fft each */
  uint32_t segment_frames; /* frames in a segment; 120 (3 s); 1 to 100000, and below 2^31 samples */
  uint32_t segment_hop;    /* frames from one segment to the next; 40 (1 s); as segment_frames */
} em_config;

typedef struct em_extractor em_extractor;

/* One column a frame can have. */
typedef struct em_descriptor_info {
  const char *name; /* "zcr"; families are numbered: "mfcc_0", "mfcc_1" ... */
  const char *unit;
  float minimum, maximum; /* the range that input within [-1, 1] can give; infinite where unbounded */
  const char *summary;    /* what it is, in a phrase */
  const char *source;     /* where its formula comes from */
  int absent_is_zero;     /* 1: a value of 0 means "none in this frame", and functionals skip such frames */
} em_descriptor_info;

/* The EM_ABI_VERSION that the library was built with; other than the header's, the two do not fit. Cannot fail. */
EM_API uint32_t em_abi_version(void);
/* The release, "0.1.0". Static; never null. */
EM_API const char *em_version(void);
/* The version of the descriptors' values: grows when any of them changes. Static; never null. */
EM_API const char *em_feature_version(void);
/* The instruction set that this processor makes the library use: "x86-64-v3", "baseline" ... Static; never null. */
EM_API const char *em_instruction_set(void);
/* A phrase for a status, in English; "unknown status" for any other number. Static; never null. */
EM_API const char *em_status_name(em_status status);

/* Fills in the defaults. EM_ERROR_ARGUMENT: `config` is null. */
EM_API em_status em_config_init(em_config *config);

/* How many frame-level descriptors this build knows. A family (mfcc) counts once, by its first member. */
EM_API size_t em_descriptor_count(void);
/* Describes one; its strings are static. EM_ERROR_ARGUMENT: `info` is null, or `index` is not below the count; `info`
 * is left as it was. */
EM_API em_status em_descriptor_get(size_t index, em_descriptor_info *info);
/* How many descriptors of a whole segment this build knows: columns without a functional, of EM_OUTPUT_SEGMENTS only.
 * A family (relative_chroma) counts once, by its first member. */
EM_API size_t em_segment_descriptor_count(void);
/* Describes one, as em_descriptor_get does. */
EM_API em_status em_segment_descriptor_get(size_t index, em_descriptor_info *info);
/* How many functionals can be appended to a descriptor's name. */
EM_API size_t em_functional_count(void);
/* One of them, "mean", "sd" ... Static; null where `index` is not below the count. */
EM_API const char *em_functional_name(size_t index);

/* A named set ("lld50", "lld84", "harmony"): its ordered column names. *names points to a static array of *count static
 * strings. EM_ERROR_ARGUMENT: there is no such set, or a pointer is null; *names and *count are left as they were. */
EM_API em_status em_set_get(const char *set, const char *const **names, size_t *count);

/* An extractor of the named columns, in the order given; a name may be repeated. For EM_OUTPUT_FRAMES the names are
 * descriptors ("mfcc_1", "f0"); for EM_OUTPUT_SEGMENTS descriptor and functional ("mfcc_1_mean", "f0_voiced_share")
 * or a descriptor of the segment ("relative_chroma_0").
 * The caller owns *extractor. Configuration and names are copied.
 * On failure *extractor is null and `message` (may be null; at most `message_size` bytes, its terminating null
 * included) holds a sentence that names what is wrong; on success an empty one.
 * EM_ERROR_ARGUMENT: a null pointer, no names, an unknown name. EM_ERROR_CONFIG: a field out of range, or a struct
 * that em_config_init did not fill. EM_ERROR_MEMORY. */
EM_API em_status em_extractor_create(const em_config *config, const char *const *names, size_t count,
                                     em_extractor **extractor, char *message, size_t message_size);
/* Frees an extractor; the handle is invalid from then on. Null is ignored. Cannot fail. */
EM_API void em_extractor_destroy(em_extractor *extractor);

/* Columns of a row: the `count` of create. 0 for null. */
EM_API size_t em_extractor_columns(const em_extractor *extractor);
/* The most rows that pushing n_samples more can give (n_samples = 0: that finish can give): the rows that all samples
 * until then make, less those written. Samples beyond 2^64 - 1 and rows beyond
 * SIZE_MAX count as that many. 0 for null. */
EM_API size_t em_extractor_max_rows(const em_extractor *extractor, size_t n_samples);
/* Samples that one row covers. 0 for null. */
EM_API size_t em_extractor_row_length(const em_extractor *extractor);
/* Samples from the start of one row to the start of the next. 0 for null. */
EM_API size_t em_extractor_row_hop(const em_extractor *extractor);

/* Takes mono samples, nominally in [-1, 1], and writes the rows they complete: row-major
 * [*n_rows][em_extractor_columns], never more than em_extractor_max_rows(extractor, n_samples). Rows are bit-equal
 * however the samples were cut into pushes; some come a few frames late, since frames are computed in blocks.
 * Finite samples far outside [-1, 1] (powers beyond a float) may give rows that are not finite, nothing worse.
 * `samples` may be null where n_samples is 0, `rows` where capacity_rows is 0; they must not overlap.
 * In every case of failure the extractor is as it was.
 * EM_ERROR_ARGUMENT: another null pointer; *n_rows and `rows` are left as they were.
 * EM_ERROR_CAPACITY: capacity_rows is below em_extractor_max_rows(extractor, n_samples); *n_rows is 0.
 * EM_ERROR_FINISHED: finish came before; *n_rows is 0.
 * EM_ERROR_NOT_FINITE: *n_rows is the index of the first bad sample; what `rows` holds then is of no use. */
EM_API em_status em_extractor_push(em_extractor *extractor, const float *samples, size_t n_samples, float *rows,
                                   size_t capacity_rows, size_t *n_rows);
/* Writes the rows whose samples are all there though the block they are computed in is not full,
 * em_extractor_max_rows(extractor, 0) of them: for who cannot wait for a frame. Rows do not change by it, but a block
 * that is not full costs as much as one that is. Segments never wait. Errors as those of push. */
EM_API em_status em_extractor_drain(em_extractor *extractor, float *rows, size_t capacity_rows, size_t *n_rows);
/* Ends the signal and writes the rows still held back, em_extractor_max_rows(extractor, 0) of them. Samples short of a
 * whole row are dropped. Errors as those of push; after EM_ERROR_CAPACITY it can be called again. */
EM_API em_status em_extractor_finish(em_extractor *extractor, float *rows, size_t capacity_rows, size_t *n_rows);
/* Back to the state after create, at any time. Null is ignored. Cannot fail. */
EM_API void em_extractor_reset(em_extractor *extractor);

/* Brings interleaved sound to the extractor's sample rate, mono. */
typedef struct em_resampler em_resampler;

/* A resampler from rate_in to rate_out, both in Hz, that averages `channels` channels (1 to 1024). Where the rates are
 * equal it only averages. Else the filter's phase is linear and its delay made up for: output k is the signal at time
 * k / rate_out. What lies below 0.913 of half of rate_out passes to within 0.0001 dB, what lies above half of rate_out
 * is down by 120 dB or more. Rates from 1000 to 1000000 Hz; rate_out from 1/30 to 0.92 of rate_in, in a ratio of whole
 * numbers up to 500 or so (24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400, 192000 to 22050 or 16000).
 * `low_latency`: 0 for files; not 0 gives every sample as soon as it can be told, em_resampler_latency after it came,
 * and costs more in small pushes. The samples are the same.
 * The caller owns *resampler. On failure *resampler is null and `message` as em_extractor_create leaves it.
 * EM_ERROR_ARGUMENT: a null pointer. EM_ERROR_CONFIG: a rate or number of channels out of range, or rates that do not
 * suit. EM_ERROR_MEMORY. */
EM_API em_status em_resampler_create(uint32_t rate_in, uint32_t rate_out, uint32_t channels, int low_latency,
                                     em_resampler **resampler, char *message, size_t message_size);
/* Frees a resampler; the handle is invalid from then on. Null is ignored. Cannot fail. */
EM_API void em_resampler_destroy(em_resampler *resampler);

/* The most samples that pushing n_frames more can give (n_frames = 0: that finish will give): those of the whole time
 * until then, in number frames * rate_out / rate_in to the nearest whole one, less those written. Frames beyond
 * 2^64 - 1 and samples beyond SIZE_MAX count as that many. 0 for null. */
EM_API size_t em_resampler_max_output(const em_resampler *resampler, size_t n_frames);
/* Frames by which output lags behind input at most. 0 for null. */
EM_API size_t em_resampler_latency(const em_resampler *resampler);
/* The largest magnitude of an average so far. 0 for null. */
EM_API float em_resampler_peak(const em_resampler *resampler);

/* Takes frames of one sample a channel, nominally in [-1, 1], and writes the mono samples they complete, never more
 * than em_resampler_max_output(resampler, n_frames). Samples are bit-equal however the frames were cut into pushes.
 * `frames` may be null where n_frames is 0, `out` where capacity is 0; they must not overlap.
 * In every case of failure the resampler is as it was.
 * EM_ERROR_ARGUMENT: another null pointer; *n_out and `out` are left as they were.
 * EM_ERROR_CAPACITY: capacity, in samples, is below em_resampler_max_output(resampler, n_frames); *n_out is 0.
 * EM_ERROR_FINISHED: finish came before; *n_out is 0.
 * EM_ERROR_NOT_FINITE: the average of a frame is NaN, infinite or beyond 1e12; *n_out is the index of the first such
 * frame; what `out` holds then is of no use. */
EM_API em_status em_resampler_push(em_resampler *resampler, const float *frames, size_t n_frames, float *out,
                                   size_t capacity, size_t *n_out);
/* Ends the signal and writes the samples still held back, em_resampler_max_output(resampler, 0) of them. Errors as
 * those of push; after EM_ERROR_CAPACITY it can be called again. */
EM_API em_status em_resampler_finish(em_resampler *resampler, float *out, size_t capacity, size_t *n_out);
/* Back to the state after create, at any time. Null is ignored. Cannot fail. */
EM_API void em_resampler_reset(em_resampler *resampler);

#ifdef __cplusplus
}
#endif
#endif
