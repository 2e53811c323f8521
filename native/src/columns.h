// Names of columns, and the descriptor table as data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "edgemood/edgemood.h"
#include "kernel.h"

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
  kFunctionalCount
};

struct DescriptorRow {
  em_descriptor_info info;  // its name is the first column's: "mfcc_0", "zcr"
  const char *stem;         // "mfcc", "zcr"
  bool family;
  uint32_t first;  // number of a family's first member
  uint32_t stages;
};

const DescriptorRow &descriptor_row(uint32_t descriptor);
const char *functional_name(uint32_t functional);

struct Column {
  uint32_t descriptor;
  uint32_t member;      // from 0
  uint32_t functional;  // kFunctionalCount for a frame-level column
};

// Throws Error naming the column where it is not known. Of mfcc and log_mel there are `n_mels` members.
Column parse_column(const std::string &name, bool with_functional, const em_config &config);

}  // namespace em
