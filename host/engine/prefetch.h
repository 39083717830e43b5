/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that a runner will ask for, shipped ahead of the events. Learned from what it asked: a key that has the number of the
 * event's member in it (big-endian in 4 or 8 bytes, or in decimal digits) becomes a pattern, and the next events bring the rows of
 * their members along. One thread.
 */
#ifndef QUN_HOST_ENGINE_PREFETCH_H
#define QUN_HOST_ENGINE_PREFETCH_H

#include "tenants/store.h"

struct qun__prefetch;

/* NULL: out of memory. */
struct qun__prefetch *qun__prefetch_create(void);
void qun__prefetch_destroy(struct qun__prefetch *p);
/* A new runner knows nothing yet. */
void qun__prefetch_reset(struct qun__prefetch *p);
/* As qun_proxy_asked; `arg` is the prefetch. */
void qun__prefetch_asked(void *arg, uint64_t member, qun_slice key);
/* Ships the rows of a member to the runner of `local` (host/runner/proxy.h), once a member and a few thousand others. */
void qun__prefetch_ship(struct qun__prefetch *p, const struct qun_view *v, unsigned table, uint64_t member,
                        void *local);

#endif
