/* What a player does for a sound card, at a latency no player dares: a timer stands for a card with room for three
   periods of 10 ms of 48 kHz stereo PCM. One it plays; each time one is done, the reader makes another. A period that
   takes longer than 10 ms to come eats into what is ahead and is late; after 20 ms the card has nothing left to play:
   the period is missed, and the card begins anew.

   usage: reader FILE LOAD_PERMILLE USAGE PRIORITY
     FILE: raw s16, kept in memory, as players read ahead; LOAD_PERMILLE: of a core, for decoding and filters;
     USAGE: a file that tells how many ns others have spent (cpuacct.usage), or "-"; PRIORITY: of SCHED_FIFO, or 0
   It ends with the other side of its standard input, and prints what it counted and each period that was late: when,
   how long it took, and how much of that the others had, in microseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 48000, CHANNELS = 2, PERIOD_NS = 10000000, FRAMES = RATE / 100, AHEAD = 2, BINS = 100000, MOST = 100000 };

typedef struct {
  int64_t at_us, took_us, others_us;
} Late;

static int64_t now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t spent_by_others(int usage) {
  char text[32] = "";
  return usage >= 0 && pread(usage, text, sizeof text - 1, 0) > 0 ? atoll(text) : 0;
}

static float filter(const int16_t *samples, float state) {
  for (int i = 0; i < FRAMES * CHANNELS; i++) state += 0.1f * ((float)samples[i] / 32768.0f - state);
  return state;
}

static long at_share(const long *took_us, long periods, double share) {
  long seen = 0;
  for (int us = 0; us < BINS; us++)
    if ((seen += took_us[us]) >= share * periods) return us;
  return BINS;
}

int main(int argc, char **argv) {
  static long took_us[BINS];
  static Late lates[MOST];
  if (argc != 5) return 2;
  const int file = open(argv[1], O_RDONLY), usage = open(argv[3], O_RDONLY);
  const int64_t work = atol(argv[2]) * (int64_t)(PERIOD_NS / 1000);
  const struct sched_param priority = {.sched_priority = atoi(argv[4])};
  if (file < 0) return perror(argv[1]), 1;
  const off_t length = lseek(file, 0, SEEK_END) / (FRAMES * CHANNELS * (off_t)sizeof(int16_t));
  const int16_t *pcm = mmap(NULL, (size_t)length * FRAMES * CHANNELS * sizeof *pcm, PROT_READ, MAP_PRIVATE, file, 0);
  if (pcm == MAP_FAILED || mlockall(MCL_CURRENT)) return perror("memory"), 1;
  if (priority.sched_priority && sched_setscheduler(0, SCHED_FIFO, &priority)) return perror("SCHED_FIFO"), 3;
  struct pollfd end = {.fd = 0, .events = POLLIN};
  long periods = 0, made = 0, late = 0, missed = 0;
  int64_t longest = 0, others = spent_by_others(usage);
  volatile float out = 0;
  const int64_t start = now(CLOCK_MONOTONIC);
  int64_t tick = start + PERIOD_NS;
  while (poll(&end, 1, 0) == 0) {
    const struct timespec at = {tick / 1000000000, tick % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    const int64_t begin = now(CLOCK_THREAD_CPUTIME_ID);
    do out = filter(pcm + periods % length * FRAMES * CHANNELS, out);
    while (now(CLOCK_THREAD_CPUTIME_ID) - begin < work);
    const int64_t took = now(CLOCK_MONOTONIC) - tick, before = others;
    others = spent_by_others(usage);
    const int64_t us = took / 1000, passed = took / PERIOD_NS; /* ticks of the card that went by meanwhile */
    const int64_t lost = passed < AHEAD ? 0 : passed;
    took_us[us < BINS ? us : BINS - 1]++;
    longest = us > longest ? us : longest;
    if (passed > 0 && late < MOST) lates[late] = (Late){(tick - start) / 1000, us, (others - before) / 1000};
    late += passed > 0;
    missed += lost;
    made++;
    periods += 1 + lost;
    tick += (1 + lost) * PERIOD_NS;
  }
  printf("{\"periods\": %ld, \"missed\": %ld, \"median_us\": %ld, \"p999_us\": %ld, \"longest_us\": %lld, \"late\": [",
         periods, missed, at_share(took_us, made, 0.5), at_share(took_us, made, 0.999), (long long)longest);
  for (long i = 0; i < (late < MOST ? late : MOST); i++)
    printf("%s[%lld, %lld, %lld]", i ? ", " : "", (long long)lates[i].at_us, (long long)lates[i].took_us,
           (long long)lates[i].others_us);
  printf("]}\n");
  return 0;
}
