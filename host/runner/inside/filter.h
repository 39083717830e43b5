/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a runner (libseccomp). What is not on a list is answered with ENOSYS, so that libraries fall back to
 * what they did before the call existed; what opens or connects answers EACCES; what only an attack would call ends the
 * process. Filters add up: the second can only take away.
 */
#ifndef QUN_HOST_RUNNER_INSIDE_FILTER_H
#define QUN_HOST_RUNNER_INSIDE_FILTER_H

#include <stdbool.h>

enum qun_filter_stage {
  QUN_FILTER_LOADING = 1, /* what dlopen needs: files may be opened (as far as Landlock lets), code mapped */
  QUN_FILTER_RUNNING      /* a plugin: memory, time, its threads, and the descriptors that are open */
};

/* For all threads of the process, for good. False: the kernel has no seccomp, or memory ran out. */
bool qun_filter_install(enum qun_filter_stage stage);

#endif
