/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged stores. LMDB trusts its pages: one that was overwritten may crash the process that reads it. So whoever starts a
 * process anew after a crash asks which store the crashed thread had in use, has another process walk it, and marks it if
 * it is damaged; a marked store does not open. The mark is a file beside the data, store/DAMAGED: it goes when the store
 * is replaced by a restore, or by hand.
 */
#ifndef QUN_TENANTS_STORE_CHECK_H
#define QUN_TENANTS_STORE_CHECK_H

#include "tenants/error.h"

#include <lmdb.h>
#include <stdbool.h>

enum { QUN_STORE_TAG_SIZE = 64 };

/* Which tenant's store this thread opened or read last: its name, "" if none. Safe in a signal handler. */
const char *qun_store_last_used(void);
/* Walks all of a store that no process has open: every key and value, and their order. QUN_ECONFLICT says what is wrong.
 * May crash on a damaged store: for a process of its own. Blocking, long. */
int qun_store_walk(const char *dir, struct qun_error *err);
/* Marks a store as damaged, on the disk before it returns. Blocking. */
int qun_store_mark(const char *dir, const char *reason, struct qun_error *err);

/* Inside tenants/. */
struct qun_store;
void qun__store_use(const struct qun_store *s);
/* LMDB answered `status`, not 0: if that means damage, the store is marked. Any thread. */
void qun__store_met(struct qun_store *s, int status);
/* Whether the free lists have all pages from `from` to `last`, so that a file without them has lost nothing. They must be
 * there, as holes. No writer. */
bool qun__store_end_is_free(MDB_env *env, size_t from, size_t last);
/* QUN_ECONFLICT with the reason: the store is marked. Blocking, quick. */
int qun__store_marked(const char *dir, struct qun_error *err);

#endif
