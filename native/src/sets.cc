// Named sets of columns. docs/descriptors.md lists them.
#include <cstring>

#include "edgemood/edgemood.h"

namespace {

// The paper's 50: 18 MFCC, 8 of timbre, 10 of short-time energy, 6 of pitch, 8 of the zero-crossing rate.
const char *const kLld50[] = {"mfcc_1_mean",
                              "mfcc_2_mean",
                              "mfcc_3_mean",
                              "mfcc_4_mean",
                              "mfcc_5_mean",
                              "mfcc_6_mean",
                              "mfcc_7_mean",
                              "mfcc_8_mean",
                              "mfcc_9_mean",
                              "mfcc_10_mean",
                              "mfcc_11_mean",
                              "mfcc_12_mean",
                              "mfcc_13_mean",
                              "mfcc_14_mean",
                              "mfcc_15_mean",
                              "mfcc_16_mean",
                              "mfcc_17_mean",
                              "mfcc_18_mean",
                              "spectral_centroid_mean",
                              "spectral_centroid_sd",
                              "spectral_rolloff_mean",
                              "spectral_flatness_mean",
                              "spectral_flux_mean",
                              "hnr_mean",
                              "formant_1_mean",
                              "formant_2_mean",
                              "energy_max",
                              "energy_min",
                              "energy_mean",
                              "energy_median",
                              "energy_sd",
                              "energy_range",
                              "energy_skewness",
                              "energy_kurtosis",
                              "energy_slope",
                              "energy_low_share",
                              "f0_max",
                              "f0_min",
                              "f0_mean",
                              "f0_median",
                              "f0_sd",
                              "f0_voiced_share",
                              "zcr_max",
                              "zcr_min",
                              "zcr_mean",
                              "zcr_median",
                              "zcr_sd",
                              "zcr_range",
                              "zcr_skewness",
                              "zcr_kurtosis"};
static_assert(sizeof kLld50 / sizeof *kLld50 == 50, "lld50 has 50 columns");

}  // namespace

em_status em_set_get(const char *set, const char *const **names, size_t *count) {
  if (!set || !names || !count || std::strcmp(set, "lld50") != 0) return EM_ERROR_ARGUMENT;
  *names = kLld50;
  *count = sizeof kLld50 / sizeof *kLld50;
  return EM_OK;
}
