// Everything that follows from the configuration and the chosen columns, computed once.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columns.h"
#include "fft_plan.h"
#include "tables.h"

namespace em {

class Plan {
 public:
  // Throws Error naming the field or column that cannot be used.
  Plan(const em_config &config, const std::vector<std::string> &names);
  Plan(const Plan &) = delete;
  Plan &operator=(const Plan &) = delete;

  const em_config &config() const { return config_; }
  const Tables &tables() const { return tables_; }
  const std::vector<Column> &columns() const { return columns_; }
  const std::vector<uint32_t> &descriptors() const { return descriptors_; }  // ascending, no repeats
  uint32_t span() const { return span_; }                                    // samples a frame covers
  uint32_t values() const { return values_; }                                // frame-level values a kernel writes
  uint32_t value_index(const Column &column) const;  // its place among them, or that of what it is made of

 private:
  float *floats(size_t count);
  FftTables make_fft(uint32_t n);
  const float *make_window(uint32_t kind, uint32_t length, double scale);
  void plan_columns(const std::vector<std::string> &names);
  void plan_spectrum();
  void plan_mel();
  void plan_mfcc();
  void plan_low_rate();
  void plan_decimation();
  void plan_pitch();
  void plan_tonal();
  void plan_lags();
  void plan_formants();

  em_config config_;
  Tables tables_;
  std::vector<Column> columns_;
  std::vector<uint32_t> descriptors_;
  std::vector<uint32_t> value_start_;  // by descriptor
  uint32_t span_ = 0, values_ = 0;
  uint32_t low_taps_ = 0;  // of the decimation
  std::vector<std::unique_ptr<float[]>> float_tables_;
  std::vector<LpcTerms> lpc_terms_;
  std::vector<std::unique_ptr<FftPlan>> ffts_;
  std::vector<MelFilter> mel_;
};

// Throws Error naming the field.
void check_config(const em_config &config);

}  // namespace em
