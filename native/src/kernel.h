// The seam between the portable code and the kernels that are compiled once per instruction set.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tables.h"

namespace em {

// The whole table, in its order, as numbers.
enum Descriptor : uint32_t {
#define EM_DESCRIPTOR(name, ...) k_##name,
#define EM_FAMILY(name, ...) k_##name,
#include "descriptors/table.inc"
#undef EM_DESCRIPTOR
#undef EM_FAMILY
  kDescriptorCount
};

struct KernelJob {
  const Tables *tables;
  const uint32_t *descriptors;  // the ones to compute, ascending
  uint32_t descriptor_count;
  const float *signal;      // start of the first frame's span
  const float *emphasised;  // the same, pre-emphasised
  const float *next;        // the samples that come next, to be brought near meanwhile; may be null
  uint32_t phase;           // place of that start in the signal, modulo the pitch decimation
  float *previous;          // [bins], kept between jobs
  PitchPath *path;          // the same; zeros at first
  float *chroma;            // [kPitchClasses], the same; zeros at first
  bool first;               // the first frame of the signal is among them
  uint32_t frames;  // 1 to lanes: those behind are not there yet, and leave nothing in previous, path and chroma
  void *workspace;  // Kernel::workspace_bytes, aligned to 64
  float *values;    // [values][lanes]: for each descriptor its members in order
};

// Samples to copy and pre-emphasise into buffers, either of which may be null.
struct Intake {
  const float *samples;
  size_t count;
  float preemphasis, last_sample;  // the one before the first
  float *signal, *emphasised;
};

// Of each value, over the frames in which it counts: d is its deviation from the mean, e that of the frame's number.
enum Statistic : uint32_t {
  kMeanOf,
  kCountOf,
  kLeastOf,
  kLargestOf,
  kSumD2,
  kSumD3,
  kSumD4,
  kSumED,
  kSumE2,
  kCountLow,  // below half the mean
  kStatisticCount
};

struct StatisticsJob {
  const float *rows;    // [frames][values], values a multiple of kStatisticsStep
  const float *lowest;  // [values]: a value counts where it is larger
  uint32_t frames, values;
  const uint8_t *only_means;  // [values / kStatisticsStep]: these values always count, and kMeanOf is all that is asked
  double *statistics;         // [kStatisticCount][values]
};
constexpr uint32_t kStatisticsStep = 8;

struct ModulationJob {
  const float *even, *odd;       // [half][kMelGroups] sums and differences of a segment's mirrored frames
  const float *cosines, *sines;  // [half][bins]
  uint32_t half, bins;           // bins: a multiple of kModulationStep
  float *power;                  // [kMelGroups][bins]
};
constexpr uint32_t kModulationStep = 16;

// Interleaved frames to the mean of their channels.
struct MixJob {
  const float *frames;
  size_t count;
  uint32_t channels;
  float *mono;
};

struct ResampleJob {
  const ResampleTables *tables;
  const float *signal;  // start of the first block; lanes - 1 hops and one block are read
  uint32_t blocks;      // wanted, up to lanes
  void *workspace;      // Kernel::resample_bytes, aligned to 64, zeros at first
  float *out;           // [blocks][outputs]
};

struct Kernel {
  const char *name;
  uint32_t lanes;
  bool (*supported)();
  size_t (*workspace_bytes)(const Tables &);
  void (*run)(const KernelJob &);
  // False where a sample is NaN or infinite.
  bool (*take)(const Intake &);
  void (*statistics)(const StatisticsJob &);
  void (*modulation)(const ModulationJob &);
  // The bits of the largest magnitude; those of NaN are the largest of all.
  uint32_t (*mix)(const MixJob &);
  size_t (*resample_bytes)(const ResampleTables &);
  void (*resample)(const ResampleJob &);
};

// Members of a descriptor that a kernel writes.
inline uint32_t family_size(const Tables &tables, uint32_t descriptor) {
  switch (descriptor) {
    case k_mfcc:
      return tables.n_mfcc;
    case k_log_mel:
      return tables.n_log_mel;
    case k_formant:
      return 2;
    case k_chroma:
      return kPitchClasses;
    case k_mel_envelope:
      return kMelGroups;
    case k_band_level:
      return kLevelBands;
    default:
      return 1;
  }
}

// Best first; the last is the baseline, which every processor supports.
const Kernel *const *kernels(size_t *count);
// The first that this processor supports.
const Kernel *best_kernel();

}  // namespace em
