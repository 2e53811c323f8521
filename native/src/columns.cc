#include "columns.h"

#include <cstdlib>
#include <limits>

#include "error.h"

namespace em {

namespace {

constexpr float kUnbounded = std::numeric_limits<float>::infinity();
constexpr float kNyquist = kUnbounded;  // depends on the sample rate

const DescriptorRow kRows[] = {
#define EM_DESCRIPTOR(name, stages, unit, low, high, summary, source, absent) \
  {{#name, unit, low, high, summary, source, absent}, #name, false, 0, stages},
#define EM_FAMILY(name, first, stages, unit, low, high, summary, source, absent) \
  {{#name "_" #first, unit, low, high, summary, source, absent}, #name, true, first, stages},
#include "descriptors/table.inc"
#undef EM_DESCRIPTOR
#undef EM_FAMILY
};

const SegmentRow kSegmentRows[] = {
#define EM_SEGMENT(name, first, members, columns, needs, unit, low, high, summary, source) \
  {{columns ? #name "_1_1" : #name "_" #first, unit, low, high, summary, source, 0},       \
   #name,                                                                                  \
   first,                                                                                  \
   members,                                                                                \
   columns,                                                                                \
   k_##needs},
#include "segment/table.inc"
#undef EM_SEGMENT
};

const char *const kFunctionals[] = {"mean",     "min",      "max",   "median",    "sd",           "range",
                                    "skewness", "kurtosis", "slope", "low_share", "voiced_share", "delta_sd"};
static_assert(sizeof kFunctionals / sizeof *kFunctionals == kFunctionalCount, "one name a functional");

// Parses "relative_chroma_3" or "modulation_2_1".
bool parse_segment_descriptor(const std::string &name, Column &column) {
  for (uint32_t d = 0; d < kSegmentDescriptorCount; ++d)
    for (uint32_t member = 0; member < kSegmentRows[d].members; ++member)
      if (name == segment_column_name(d, member)) return column = {d, member, kOfSegment}, true;
  return false;
}

// Parses "mfcc_12" or "zcr" at the whole of `name`.
bool parse_descriptor(const std::string &name, const em_config &config, Column &column) {
  for (uint32_t d = 0; d < kDescriptorCount; ++d) {
    const DescriptorRow &row = kRows[d];
    if (!row.family) {
      if (name == row.stem) return column.descriptor = d, column.member = 0, true;
      continue;
    }
    const std::string prefix = std::string(row.stem) + "_";
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    const std::string digits = name.substr(prefix.size());
    if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto number = static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 10));
    if (std::to_string(number) != digits || number < row.first || number > last_member(d, config)) continue;
    return column.descriptor = d, column.member = number - row.first, true;
  }
  return false;
}

}  // namespace

uint32_t last_member(uint32_t descriptor, const em_config &config) {
  switch (descriptor) {
    case k_formant:
      return 2;
    case k_mel_envelope:
      return kMelGroups;
    case k_band_level:
      return kLevelBands;
    case k_chroma:
      return kPitchClasses - 1;
    default:
      return config.n_mels - 1;
  }
}

const DescriptorRow &descriptor_row(uint32_t descriptor) { return kRows[descriptor]; }

const SegmentRow &segment_row(uint32_t descriptor) { return kSegmentRows[descriptor]; }

std::string segment_column_name(uint32_t descriptor, uint32_t member) {
  const SegmentRow &row = kSegmentRows[descriptor];
  const std::string stem = std::string(row.stem) + "_";
  if (!row.columns) return stem + std::to_string(row.first + member);
  return stem + std::to_string(1 + member / row.columns) + "_" + std::to_string(1 + member % row.columns);
}

const char *functional_name(uint32_t functional) { return kFunctionals[functional]; }

Column parse_column(const std::string &name, bool with_functional, const em_config &config) {
  Column column{};
  if (!with_functional) {
    column.functional = kFunctionalCount;
    if (parse_descriptor(name, config, column)) return column;
    throw Error(EM_ERROR_ARGUMENT, "no descriptor is called '" + name + "'");
  }
  if (parse_segment_descriptor(name, column)) return column;
  for (uint32_t f = 0; f < kFunctionalCount; ++f) {
    const std::string suffix = std::string("_") + kFunctionals[f];
    if (name.size() <= suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) continue;
    column.functional = f;
    if (parse_descriptor(name.substr(0, name.size() - suffix.size()), config, column)) return column;
  }
  throw Error(EM_ERROR_ARGUMENT, "no descriptor and functional are called '" + name + "'");
}

}  // namespace em
