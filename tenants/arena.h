/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is given back all at once: one batch's events, one request's answer. Not thread-safe; one owner.
 */
#ifndef QUN_TENANTS_ARENA_H
#define QUN_TENANTS_ARENA_H

#include <qun/plugin.h>
#include <stdbool.h>

struct qun_arena_block;

struct qun_arena {
  struct qun_arena_block *head;
  struct qun_arena_block *spare; /* kept by clear */
  size_t used;                   /* bytes handed out since init or clear */
  size_t kept;                   /* bytes in spare */
};

void qun_arena_init(struct qun_arena *a);
/* Gives everything back. */
void qun_arena_fini(struct qun_arena *a);
/* Forgets everything handed out and keeps up to 2 MiB of its blocks for the next round. */
void qun_arena_clear(struct qun_arena *a);
/* n bytes aligned to 16, not zeroed. NULL when memory ran out. */
void *qun_arena_alloc(struct qun_arena *a, size_t n);
/* Gives back the end of the newest piece: of its n bytes `used` are needed. */
void qun_arena_shrink(struct qun_arena *a, const void *at, size_t n, size_t used);
/* A copy of bytes (with a NUL behind them that does not count). {NULL, 0} when memory ran out or `s` is empty. */
qun_slice qun_arena_copy(struct qun_arena *a, qun_slice s);

#endif
