/* A plugin of qemu-user that counts the instructions a program executes, between marks that the program sets.
 *
 *   cc -shared -fPIC -O2 count_instructions.c -o count.so
 *   COUNTS=counts.txt qemu-aarch64 -cpu cortex-a72 -plugin ./count.so PROGRAM
 *
 * A mark is a system call whose first argument is 0x454d0000 plus a number below 65536; close() of that, say, which
 * fails and does nothing. At each one a line goes to the file: the mark's number, then all instructions so far and of
 * these (64-bit ARM only) those that are vector, scalar floating-point, memory and branch instructions.
 *
 * Debian has no header for plugins: what is used of the interface, version 1 (qemu 4.2 to 8), is declared here.
 * Counters are added to where a block of code begins; a program of one thread is counted to the instruction. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { kAdd = 0, kMark = 0x454d0000, kMarkMask = 0xffff };

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
struct target {
  const char *name;
};
typedef void (*translated_fn)(plugin_id, struct qemu_plugin_tb *);
typedef void (*syscall_fn)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated_fn);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, syscall_fn);

EXPORT int qemu_plugin_version = 1;

enum { kAll, kVector, kScalar, kMemory, kBranch, kKinds };
static uint64_t counts[kKinds];
static int is_64_bit;
static FILE *out;

/* By the groups of the A64 encoding, bits 25 to 28. */
static int kind_of(uint32_t word) {
  const uint32_t group = word >> 25 & 15;
  if ((group & 5) == 4) return kMemory;
  if ((group & 14) == 10) return kBranch;
  if ((group & 7) != 7) return kAll;
  const uint32_t scalar = word >> 24 & 0x5f; /* 0x1e: one or two operands, conversions; 0x1f: fused, three operands */
  return scalar == 0x1e || scalar == 0x1f ? kScalar : kVector;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  const size_t n = qemu_plugin_tb_n_insns(block);
  uint64_t found[kKinds] = {n};
  for (size_t i = 0; is_64_bit && i < n; ++i) {
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
    const int kind = kind_of(word);
    if (kind != kAll) ++found[kind];
  }
  for (int kind = 0; kind < kKinds; ++kind)
    if (found[kind]) qemu_plugin_register_vcpu_tb_exec_inline(block, kAdd, &counts[kind], found[kind]);
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)cpu, (void)number, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if ((first & ~(uint64_t)kMarkMask) != kMark) return;
  fprintf(out, "%d", (int)(first & kMarkMask));
  for (int kind = 0; kind < kKinds; ++kind) fprintf(out, " %" PRIu64, counts[kind]);
  fprintf(out, "\n");
  fflush(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const struct target *target, int argc, char **argv) {
  (void)argc, (void)argv;
  const char *path = getenv("COUNTS");
  out = path ? fopen(path, "w") : stderr;
  if (!out) {
    perror(path);
    return 1;
  }
  is_64_bit = strcmp(target->name, "aarch64") == 0;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
