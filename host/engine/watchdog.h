/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callbacks that overstay. A thread looks at the breadcrumbs: entering a plugin costs nothing more for it. What hangs has its
 * stack taken (by a signal to its thread) and its breadcrumb marked; then, by policy, a line in ledger and log, or the
 * process ends by abort(), and whoever starts next reads the mark.
 */
#ifndef QUN_HOST_ENGINE_WATCHDOG_H
#define QUN_HOST_ENGINE_WATCHDOG_H

#include "host/plugins/ledger.h"

struct qun__watchdog;

struct qun__watchdog_options {
  struct qun_crumbs *crumbs;
  struct qun_ledger *ledger;
  uint32_t limit_ms;         /* a manifest may ask for less */
  bool log;                  /* false: abort */
  int64_t (*now)(void *arg); /* receive clock, for the ledger */
  void *now_arg;
};

/* Takes SIGRTMIN + 5 for the process. One at a time. QUN_EFAIL. */
int qun__watchdog_start(struct qun__watchdog **out, const struct qun__watchdog_options *options, struct qun_error *err);
/* NULL is fine. Blocking. */
void qun__watchdog_stop(struct qun__watchdog *w);

#endif
