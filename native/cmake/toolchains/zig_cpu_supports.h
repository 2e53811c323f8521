// Included before all C++ code that zig compiles for x86-64 (zig.cmake): its runtime library answers no to every
// __builtin_cpu_supports, and the kernels' dispatcher would always pick the baseline. This asks the processor and the
// system, as GCC's and clang's own runtimes do, about the features that the kernels name; others do not compile.
#pragma once
#include <cpuid.h>

namespace zig_cpu {

struct Feature {
  const char *name;
  unsigned leaf;  // of CPUID; 1 tells in ecx, 7 in ebx
  unsigned bit;
  unsigned state;  // what the system must save and restore, as XCR0 says: SSE and AVX; for AVX-512 three more
};

constexpr unsigned kAvxState = 0x06, kAvx512State = 0xe6;
constexpr Feature kFeatures[] = {
    {"avx", 1, 28, kAvxState},         {"fma", 1, 12, kAvxState},         {"avx2", 7, 5, kAvxState},
    {"avx512f", 7, 16, kAvx512State},  {"avx512dq", 7, 17, kAvx512State}, {"avx512cd", 7, 28, kAvx512State},
    {"avx512bw", 7, 30, kAvx512State}, {"avx512vl", 7, 31, kAvx512State},
};

constexpr bool equal(const char *a, const char *b) {
  while (*a && *a == *b) ++a, ++b;
  return *a == *b;
}

constexpr Feature feature(const char *name) {
  for (const Feature &known : kFeatures)
    if (equal(known.name, name)) return known;
  throw "a feature that zig_cpu_supports.h does not know";
}

inline bool supports(const Feature &wanted) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;  // the system does not use XSAVE
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & wanted.state) != wanted.state) return false;
  if (wanted.leaf == 1) return c >> wanted.bit & 1;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> wanted.bit & 1);
}

}  // namespace zig_cpu

#define __builtin_cpu_supports(name)                            \
  ([] {                                                         \
    constexpr zig_cpu::Feature wanted = zig_cpu::feature(name); \
    return zig_cpu::supports(wanted);                           \
  }())
