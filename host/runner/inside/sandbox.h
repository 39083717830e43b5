/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runner does to itself before any code of a plugin is in it. Every step is for good: nothing gives a right back.
 * The order matters: a sandbox that comes after dlopen lets a constructor of the library read what it likes first.
 * One thread: the runner's main thread.
 */
#ifndef QUN_HOST_RUNNER_INSIDE_SANDBOX_H
#define QUN_HOST_RUNNER_INSIDE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* What was reached. */
struct qun_sandbox_level {
  uint32_t landlock; /* ABI version of the kernel whose rules are in force; 0: none */
  bool seccomp;
  bool rlimits;
};

struct qun_sandbox_limits {
  uint64_t memory_bytes; /* of address space; a build with sanitizers bounds resident memory instead */
  uint64_t cpu_s;        /* of processor time over its life */
};

/* Closes every descriptor but `keep` and those below it from `keep_from` on. */
void qun_sandbox_close_others(int keep_from, int keep);
/* Limits, death with the parent's thread, no new privileges, no capabilities, Landlock, and the filter that a loader can
 * live with. False: the parent is not `parent` any more. What can't be had is missing in *level. */
bool qun_sandbox_enter(const struct qun_sandbox_limits *limits, int parent, struct qun_sandbox_level *level);
/* After dlopen: no opening, no executable memory, no further filter. False: it could not be set, although the first was. */
bool qun_sandbox_close(void);

#endif
