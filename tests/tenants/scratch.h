/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a fresh folder, for tests of the tables in it. */
#ifndef QUN_TESTS_TENANTS_SCRATCH_H
#define QUN_TESTS_TENANTS_SCRATCH_H

#include "tenants/batch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

struct scratch {
  char dir[64];
  struct qun_store *store;
};

static inline void scratch_reopen(struct scratch *s, uint64_t quota) {
  static const char *const plugins[] = {"one", "two"};
  struct qun_error err = {0};
  struct qun_store_options o = {.quota_bytes = quota, .plugins = plugins, .plugins_count = 2};
  cr_assert_eq(qun_store_open(&s->store, s->dir, &o, &err), 0, "%s", err.message);
}

static inline void scratch_open(struct scratch *s, uint64_t quota) {
  snprintf(s->dir, sizeof s->dir, "/tmp/qun-store-XXXXXX");
  cr_assert_not_null(mkdtemp(s->dir));
  scratch_reopen(s, quota);
}

static inline void scratch_close(struct scratch *s) {
  char command[96];
  qun_store_close(s->store);
  snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
  cr_assert_eq(system(command), 0);
}

static inline void scratch_begin(struct scratch *s, struct qun_batch *b) {
  struct qun_error err = {0};
  cr_assert_eq(qun_batch_begin(b, s->store, &err), 0, "%s", err.message);
}

static inline void scratch_commit(struct qun_batch *b) {
  struct qun_error err = {0};
  cr_assert_eq(qun_batch_commit(b, NULL, NULL, &err), 0, "%s", err.message);
  qun_batch_end(b);
}

#endif
