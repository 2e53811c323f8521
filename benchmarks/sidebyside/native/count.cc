// Runs under callgrind: count SETTINGS COLUMNS RAW-FLOAT32-FILE SAMPLES CHUNK. Prints the rows and the instruction set.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "embedded.h"

int main(int argc, char **argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: count SETTINGS COLUMNS FILE SAMPLES CHUNK\n");
    return 2;
  }
  std::vector<float> samples(std::strtoul(argv[4], nullptr, 10));
  std::FILE *file = std::fopen(argv[3], "rb");
  if (!file || std::fread(samples.data(), sizeof(float), samples.size(), file) != samples.size()) {
    std::fprintf(stderr, "cannot read %s samples from %s\n", argv[4], argv[3]);
    return 1;
  }
  std::fclose(file);
  void *extractor = embedded_create(argv[1], argv[2]);
  if (!extractor) return 1;
  const size_t rows = embedded_run(extractor, samples.data(), samples.size(), std::strtoul(argv[5], nullptr, 10));
  embedded_destroy(extractor);
  std::printf("%zu %s\n", rows, embedded_instruction_set());
  return rows ? 0 : 1;
}
