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

const char *const kFunctionals[] = {"mean",     "min",      "max",   "median",    "sd",          "range",
                                    "skewness", "kurtosis", "slope", "low_share", "voiced_share"};
static_assert(sizeof kFunctionals / sizeof *kFunctionals == kFunctionalCount, "one name a functional");

uint32_t last_member(uint32_t descriptor, const em_config &config) {
  return descriptor == k_formant ? 2 : config.n_mels - 1;
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

const DescriptorRow &descriptor_row(uint32_t descriptor) { return kRows[descriptor]; }

const char *functional_name(uint32_t functional) { return kFunctionals[functional]; }

Column parse_column(const std::string &name, bool with_functional, const em_config &config) {
  Column column{};
  if (!with_functional) {
    column.functional = kFunctionalCount;
    if (parse_descriptor(name, config, column)) return column;
    throw Error(EM_ERROR_ARGUMENT, "no descriptor is called '" + name + "'");
  }
  for (uint32_t f = 0; f < kFunctionalCount; ++f) {
    const std::string suffix = std::string("_") + kFunctionals[f];
    if (name.size() <= suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) continue;
    column.functional = f;
    if (parse_descriptor(name.substr(0, name.size() - suffix.size()), config, column)) return column;
  }
  throw Error(EM_ERROR_ARGUMENT, "no descriptor and functional are called '" + name + "'");
}

}  // namespace em
