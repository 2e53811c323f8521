// The tables of one FFT, computed in double and kept.
#pragma once
#include <cstdint>
#include <vector>

#include "tables.h"

namespace em {

class FftPlan {
 public:
  // `n`: a power of two from 32 to 16384.
  explicit FftPlan(uint32_t n);
  FftPlan(FftPlan &&) = default;
  FftPlan(const FftPlan &) = delete;
  FftPlan &operator=(const FftPlan &) = delete;

  const FftTables &tables() const { return tables_; }

 private:
  FftTables tables_;
  std::vector<uint32_t> order_;
  std::vector<float> twiddles_;
};

}  // namespace em
