// Named sets of columns. docs/descriptors.md lists them.
#include <cstring>

#include "edgemood/edgemood.h"

namespace {

// clang-format off
// The paper's 50: 18 MFCC, 8 of timbre, 10 of short-time energy, 6 of pitch, 8 of the zero-crossing rate.
#define LLD50 \
    "mfcc_1_mean", "mfcc_2_mean", "mfcc_3_mean", "mfcc_4_mean", "mfcc_5_mean", "mfcc_6_mean", "mfcc_7_mean", \
    "mfcc_8_mean", "mfcc_9_mean", "mfcc_10_mean", "mfcc_11_mean", "mfcc_12_mean", "mfcc_13_mean", "mfcc_14_mean", \
    "mfcc_15_mean", "mfcc_16_mean", "mfcc_17_mean", "mfcc_18_mean", "spectral_centroid_mean", \
    "spectral_centroid_sd", "spectral_rolloff_mean", "spectral_flatness_mean", "spectral_flux_mean", "hnr_mean", \
    "formant_1_mean", "formant_2_mean", "energy_max", "energy_min", "energy_mean", "energy_median", "energy_sd", \
    "energy_range", "energy_skewness", "energy_kurtosis", "energy_slope", "energy_low_share", "f0_max", "f0_min", \
    "f0_mean", "f0_median", "f0_sd", "f0_voiced_share", "zcr_max", "zcr_min", "zcr_mean", "zcr_median", "zcr_sd", \
    "zcr_range", "zcr_skewness", "zcr_kurtosis"
const char *const kLld50[] = {LLD50};

// Those, levels of octave bands, modulation, and how much the MFCC move.
const char *const kLld84[] = {
    LLD50,
    "band_level_1_mean", "band_level_2_mean", "band_level_3_mean", "band_level_4_mean", "band_level_5_mean",
    "band_level_6_mean", "band_level_7_mean", "modulation_1_1", "modulation_1_2", "modulation_1_3",
    "modulation_1_4", "modulation_2_1", "modulation_2_2", "modulation_2_3", "modulation_2_4", "modulation_3_1",
    "modulation_3_2", "modulation_3_3", "modulation_3_4", "modulation_4_1", "modulation_4_2", "modulation_4_3",
    "modulation_4_4", "modulation_5_1", "modulation_5_2", "modulation_5_3", "modulation_5_4", "mfcc_1_delta_sd",
    "mfcc_2_delta_sd", "mfcc_3_delta_sd", "mfcc_4_delta_sd", "mfcc_5_delta_sd", "mfcc_6_delta_sd",
    "mfcc_7_delta_sd"};

// Consonance and tonality.
const char *const kHarmony[] = {
    "tonal_prominence_mean", "tonal_peak_share_mean", "tonal_tuning_mean", "roughness_mean",
    "roughness_product_mean", "roughness_vassilakis_mean", "inharmonicity_mean", "strongest_peak_share_mean",
    "peak_centroid_mean", "tonal_centroid_change_mean", "chroma_change_mean", "relative_chroma_0",
    "relative_chroma_1", "relative_chroma_2", "relative_chroma_3", "relative_chroma_4", "relative_chroma_5",
    "relative_chroma_6", "relative_chroma_7", "relative_chroma_8", "relative_chroma_9", "relative_chroma_10",
    "relative_chroma_11", "chroma_interval_1", "chroma_interval_2", "chroma_interval_3", "chroma_interval_4",
    "chroma_interval_5", "chroma_interval_6"};
// clang-format on

struct Set {
  const char *name;
  const char *const *columns;
  size_t count;
};

template <size_t n>
constexpr Set set_of(const char *name, const char *const (&columns)[n]) {
  return {name, columns, n};
}

constexpr Set kSets[] = {set_of("lld50", kLld50), set_of("lld84", kLld84), set_of("harmony", kHarmony)};
static_assert(kSets[0].count == 50 && kSets[1].count == 84 && kSets[2].count == 29, "as the documents say");

}  // namespace

em_status em_set_get(const char *set, const char *const **names, size_t *count) {
  if (!set || !names || !count) return EM_ERROR_ARGUMENT;
  for (const Set &one : kSets) {
    if (std::strcmp(set, one.name) != 0) continue;
    *names = one.columns;
    *count = one.count;
    return EM_OK;
  }
  return EM_ERROR_ARGUMENT;
}
