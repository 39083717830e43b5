/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose store brought the worker down. A thread that crashes tells the supervisor which tenant's store it had in use; before
 * the next worker starts, a process of its own walks that store and marks it if it is damaged (tenants/store_check.h). So
 * one damaged store costs one crash, and then its tenant alone. A crash inside a plugin is the plugin's (breadcrumbs,
 * host/plugins/crumbs.h); the store is looked into only when it happens again.
 */
#ifndef QUN_HOST_QUND_CRASH_H
#define QUN_HOST_QUND_CRASH_H

#include "host/ops/log.h"

/* Variable of the environment: "NAME TIMES"; this process shall look into that tenant's store. */
#define QUN_QUND_CHECK "QUND_CHECK"
enum {
  QUN_QUND_SAYS_SERVING = 'r', /* what a worker writes to the supervisor */
  QUN_QUND_SAYS_CRASH = 'c',   /* ... with the tenant's name behind it */
  QUN_QUND_SAYS_PLUGIN = 'p',  /* the same: the thread was in a plugin */
  QUN_QUND_SAYS_ENDED = 'e',   /* it has stopped in order, and is about to exit */
  QUN_QUND_SAYS_AGAIN = 'a'    /* the same, and another one shall take its place */
};
enum { QUN_QUND_BLAMED_MOST = 3, QUN_QUND_WALK_MOST_MS = 20000 };

/* From now on a crash of any thread writes to fd (-1: nowhere), and one inside a plugin marks its breadcrumb. Once, main thread. Sanitizers report as ever. */
void qun_qund_crash_watch(int fd);
/* Walks the store of the tenant in another process still. Marks it if it is damaged, or if workers crashed with it in use
 * QUN_QUND_BLAMED_MOST times in a row; says so. Answers an exit status: 1 if it was marked. Blocking. */
int qun_qund_crash_check(const char *data_dir, const char *suspect, const struct qun_log *log);

#endif
