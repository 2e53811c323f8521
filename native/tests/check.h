/* The least a test needs: CHECK counts and goes on, and the program's exit status says whether any failed. */
#ifndef EDGEMOOD_TESTS_CHECK_H
#define EDGEMOOD_TESTS_CHECK_H

#include <stdio.h>

static int checks_done, checks_failed;

#define CHECK(condition)                                              \
  do {                                                                \
    ++checks_done;                                                    \
    if (!(condition)) {                                               \
      ++checks_failed;                                                \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                 \
  } while (0)

static int checks_report(void) {
  printf("%d checks, %d failed\n", checks_done, checks_failed);
  return checks_failed != 0 || checks_done == 0;
}

#endif
