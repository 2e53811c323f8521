// Names of columns, and the descriptor table as data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "edgemood/edgemood.h"
#include "kernel.h"
#include "segment.h"

namespace em {

enum Functional : uint32_t {
  kMean,
  kMin,
  kMax,
  kMedian,
  kSd,
  kRange,
  kSkewness,
  kKurtosis,
  kSlope,
  kLowShare,
  kVoicedShare,
  kDeltaSd,
  kFunctionalCount,
  kOfSegment  // none: the column is a segment's own
};

struct DescriptorRow {
  em_descriptor_info info;  // its name is the first column's: "mfcc_0", "zcr"
  const char *stem;         // "mfcc", "zcr"
  bool family;
  uint32_t first;  // number of a family's first member
  uint32_t stages;
};

const DescriptorRow &descriptor_row(uint32_t descriptor);
struct SegmentRow {
  em_descriptor_info info;  // its name is the first column's: "modulation_1_1"
  const char *stem;
  uint32_t first, members;
  uint32_t columns;  // of members whose names have two numbers; 0: one number
  uint32_t needs;    // the frame-level family
};

const SegmentRow &segment_row(uint32_t descriptor);
std::string segment_column_name(uint32_t descriptor, uint32_t member);
// Number of the last member of a frame-level family.
uint32_t last_member(uint32_t descriptor, const em_config &config);
const char *functional_name(uint32_t functional);

struct Column {
  uint32_t descriptor;
  uint32_t member;      // from 0
  uint32_t functional;  // kFunctionalCount for a frame-level column; kOfSegment: `descriptor` is a SegmentDescriptor
};

// Throws Error naming the column where it is not known. Of mfcc and log_mel there are `n_mels` members.
Column parse_column(const std::string &name, bool with_functional, const em_config &config);

}  // namespace em
