/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/tenant.h"
#include "host/engine/internal.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct qun_tenant_pool *pool_over(struct bed *b, uint32_t open_max) {
  char data[128], keys[128];
  struct qun_tenant_pool *pool = NULL;
  struct qun_error err = {0};
  snprintf(data, sizeof data, "%s/data", b->dir);
  snprintf(keys, sizeof keys, "%s/keys", b->dir);
  struct qun_tenant_pool_options o = {.data_dir = data,
                                      .quotas = b->engine->quotas,
                                      .keys_dir = keys,
                                      .plugins = qun_engine_plugins(b->engine),
                                      .open_max = open_max};
  cr_assert_eq(qun_tenant_pool_create(&pool, &o, &err), 0, "%s", err.message);
  return pool;
}

static struct qun_tenant *get(struct qun_tenant_pool *p, const char *name) {
  struct qun_tenant *t = NULL;
  struct qun_error err = {0};
  cr_assert_eq(qun_tenant_get(p, name, &t, &err), 0, "%s", err.message);
  return t;
}

static void make(struct bed *b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%u", i);
    bed_tenant(b, name, false);
  }
}

Test(host_engine_tenant, closes_the_one_used_longest_ago) {
  struct bed b;
  struct qun_tenant_pool_counts c;
  bed_open(&b, 1);
  make(&b, 4);
  qun_engine_close(b.engine); /* its pool has the stores open */
  b.engine = NULL;
  bed_reopen(&b);
  struct qun_tenant_pool *p = pool_over(&b, 2);
  qun_tenant_put(get(p, "t0"));
  qun_tenant_put(get(p, "t1"));
  qun_tenant_put(get(p, "t0"));
  qun_tenant_put(get(p, "t2")); /* t1 goes */
  qun_tenant_pool_count(p, &c);
  cr_assert_eq(c.open, 2);
  cr_assert_eq(c.opened, 3);
  cr_assert_eq(c.closed, 1);
  qun_tenant_put(get(p, "t0")); /* still open */
  qun_tenant_pool_count(p, &c);
  cr_assert_eq(c.opened, 3);
  qun_tenant_put(get(p, "t1"));
  qun_tenant_pool_count(p, &c);
  cr_assert_eq(c.opened, 4);
  cr_assert_eq(c.open, 2);
  qun_tenant_pool_destroy(p);
  bed_remove(&b);
}

Test(host_engine_tenant, never_closes_one_in_use_and_refuses_past_the_budget) {
  struct bed b;
  struct qun_tenant *held[80], *t = NULL;
  struct qun_tenant_pool_counts c;
  struct qun_error err = {0};
  uint32_t n = 0;
  bed_open(&b, 1);
  make(&b, 70);
  bed_close(&b);
  bed_reopen(&b);
  struct qun_tenant_pool *p = pool_over(&b, 2);
  for (char name[16]; n < 70; n++) {
    snprintf(name, sizeof name, "t%u", n);
    int rc = qun_tenant_get(p, name, &held[n], &err);
    if (rc == QUN_EAGAIN) break;
    cr_assert_eq(rc, 0, "%s", err.message);
  }
  cr_assert_eq(n, 66, "budget 2 and 64 over, got %u", n);
  cr_assert_eq(qun_tenant_get(p, "t0", &t, &err), 0, "one that is open is always given");
  qun_tenant_put(t);
  qun_tenant_pool_count(p, &c);
  cr_assert_eq(c.closed, 0);
  while (n > 0) qun_tenant_put(held[--n]);
  qun_tenant_pool_count(p, &c);
  cr_assert_eq(c.open, 2);
  cr_assert_eq(c.unused, 2);
  qun_tenant_pool_destroy(p);
  bed_remove(&b);
}

Test(host_engine_tenant, a_claim_keeps_all_others_out_until_it_is_released) {
  struct bed b;
  struct qun_tenant *t = NULL;
  struct qun_error err = {0};
  bed_open(&b, 1);
  make(&b, 1);
  bed_close(&b);
  bed_reopen(&b);
  struct qun_tenant_pool *p = pool_over(&b, 2);
  qun_tenant_put(get(p, "t0"));
  cr_assert_eq(qun_tenant_claim(p, "t0", QUN_EAGAIN, &err), 0, "%s", err.message);
  cr_assert_eq(qun_tenant_get(p, "t0", &t, &err), QUN_EAGAIN);
  cr_assert_eq(qun_tenant_claim(p, "t0", QUN_ENOTFOUND, &err), QUN_ECONFLICT);
  qun_tenant_release(p, "t0");
  qun_tenant_put(get(p, "t0"));
  cr_assert_eq(qun_tenant_claim(p, "nobody", QUN_ENOTFOUND, &err), 0, "%s", err.message);
  cr_assert_eq(qun_tenant_get(p, "nobody", &t, &err), QUN_ENOTFOUND);
  qun_tenant_release(p, "nobody");
  qun_tenant_pool_destroy(p);
  bed_remove(&b);
}

/* What is written before a store is closed by the pool is there when it is opened again, by the same process. */
Test(host_engine_tenant, a_tenant_that_was_closed_goes_on_where_it_was) {
  struct bed b;
  bed_open(&b, 2);
  make(&b, 12);
  bed_close(&b);
  b.open_max = 3;
  bed_reopen(&b);
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < 12; i++) {
      char name[16];
      snprintf(name, sizeof name, "t%u", i);
      struct qun_submit_result r = bed_feed(&b, name, round * 50, 100, 50); /* half of it came before */
      cr_assert_eq(r.accepted, round ? 50 : 100);
      cr_assert_eq(r.duplicates, round ? 50 : 0);
    }
  }
  for (uint32_t i = 0; i < 12; i++) {
    char name[16];
    snprintf(name, sizeof name, "t%u", i);
    cr_assert_eq(bed_int(&b, name, "events", NULL), 200);
  }
  struct qun_tenant_pool_counts c;
  qun_tenant_pool_count(b.engine->pool, &c);
  cr_assert_leq(c.open, 3);
  cr_assert_gt(c.closed, 30);
  bed_remove(&b);
}

Test(host_engine_tenant, a_larger_quota_counts_at_once) {
  struct bed b;
  struct qun_error err = {0};
  struct qun_pack p;
  bed_open(&b, 1);
  make(&b, 1);
  struct qun_tenant *t = NULL;
  cr_assert_eq(qun_tenant_get(b.engine->pool, "t0", &t, &err), 0);
  uint64_t before = t->store->quota_bytes;
  struct qun_view v;
  cr_assert_eq(qun_view_begin(&v, t->store, &err), 0);
  cr_assert_eq(qun_store_grow(t->store, before * 4), QUN_EAGAIN, "a view lives");
  qun_view_end(&v);
  qun_pack_init(&p);
  qun_pack_map(&p, 1);
  qun_pack_kv_cstr(&p, "quota_bytes", "8589934592");
  cr_assert_eq(qun_engine_tenant_set(b.engine, "t0", qun_pack_slice(&p), &err), 0, "%s", err.message);
  cr_assert_eq(bed_feed(&b, "t0", 0, 10, 10).accepted, 10);
  cr_assert_eq((uint64_t)t->store->quota_bytes, 8589934592ull);
  MDB_envinfo info;
  mdb_env_info(t->store->env, &info);
  cr_assert_geq(info.me_mapsize, 8589934592ull / 4 * 5);
  qun_tenant_put(t);
  qun_pack_fini(&p);
  bed_close(&b);
  bed_reopen(&b);
  cr_assert_eq(qun_tenant_get(b.engine->pool, "t0", &t, &err), 0);
  cr_assert_geq((uint64_t)t->store->quota_bytes, 8589934592ull, "kept over a restart");
  qun_tenant_put(t);
  bed_remove(&b);
}
