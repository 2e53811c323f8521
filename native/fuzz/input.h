// What a fuzzer's bytes mean: a configuration, names of columns, a signal. Any bytes mean something.
#pragma once
#include <edgemood/edgemood.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace fuzz {

class Bytes {
 public:
  Bytes(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}

  uint32_t u8() { return at_ < end_ ? *at_++ : 0; }
  uint32_t u16() {
    const uint32_t low = u8();
    return low | u8() << 8;
  }
  uint32_t u32() {
    const uint32_t low = u16();
    return low | u16() << 16;
  }
  float any_float() {
    const uint32_t bits = u32();
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  bool empty() const { return at_ == end_; }

 private:
  const uint8_t *at_, *end_;
};

// Defaults with some fields changed, mostly near the range that is allowed.
em_config config_from(Bytes &bytes);

// Columns of it; `null` is where a null pointer goes among them (or beyond).
struct Names {
  std::vector<std::string> text;
  size_t null;
  std::vector<const char *> pointers() const;
};
Names names_from(Bytes &bytes, const em_config &config);

// `n` samples: waves of any loudness from denormal to huge, or floats of any bits; some then overwritten by any float.
std::vector<float> samples_from(Bytes &bytes, size_t n);

// Whether so big a configuration takes too long, or too much memory, to be searched. Says nothing of its being allowed.
bool too_big(const em_config &config);
// The most samples that a run can afford.
size_t affordable_samples(const em_config &config, const Names &names);

}  // namespace fuzz
