/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of live tenants over restarts and crashes, by a clock that the test moves. */
#include "host/engine/internal.h"
#include "tests/host/engine/support.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const int64_t start_ms = 1600000000000; /* a Sunday of 2020 */
static const int64_t week_ms = 7ll * 86400000;

static int64_t moved(void *arg) {
  return atomic_load((_Atomic int64_t *)arg);
}

static void live_event(struct bed *b, const char *tenant, const char *id) {
  struct qun_normaliser *norm = NULL;
  struct qun_input_batch in;
  struct qun_submit_result r = {0};
  struct qun_error err = {0};
  struct qun_pack p;
  qun_pack_init(&p);
  qun_input_batch_init(&in);
  qun_pack_map(&p, 3);
  qun_pack_kv_cstr(&p, "id", id);
  qun_pack_kv_cstr(&p, "source", "live");
  qun_pack_kv_cstr(&p, "type", "join");
  cr_assert_eq(qun_engine_normaliser_open(b->engine, tenant, &norm, &err), 0, "%s", err.message);
  cr_assert_eq(qun_normalise(norm, &in, qun_pack_slice(&p), &err), 0, "%s", err.message);
  qun_engine_normaliser_close(b->engine, norm);
  cr_assert_eq(qun_engine_submit_wait(b->engine, tenant, &in, &r, &err), 0, "%s", err.message);
  cr_assert_eq(r.accepted, 1);
  qun_input_batch_fini(&in);
  qun_pack_fini(&p);
}

static void until_fired(struct bed *b, const char *tenant, int64_t n) {
  struct timespec pause = {0, 5000000};
  for (uint32_t i = 0; i < 6000; i++) { /* a bound for a broken ticker, not a measure */
    if (bed_int(b, tenant, "control", "qun.timer") >= n) return;
    nanosleep(&pause, NULL);
  }
  cr_assert_fail("%s: %lld timers fired, not %lld", tenant, (long long)bed_int(b, tenant, "control", "qun.timer"),
                 (long long)n);
}

static void file(const struct bed *b, const char *name, char out[128]) {
  snprintf(out, 128, "%s/data/%s", b->dir, name);
}

static bool there(const struct bed *b, const char *name) {
  char path[128];
  file(b, name, path);
  return access(path, F_OK) == 0;
}

/* Two tenants with a weekly timer and one without. */
static void begin(struct bed *b, _Atomic int64_t *now) {
  atomic_store(now, start_ms);
  bed_live(b, 2, moved, now);
  bed_tenant(b, "acme", true);
  bed_tenant(b, "bolt", true);
  bed_tenant(b, "calm", false);
  live_event(b, "acme", "1");
  live_event(b, "bolt", "1");
  live_event(b, "calm", "1");
}

Test(host_engine_ticker, fires_when_the_clock_gets_there) {
  struct bed b;
  _Atomic int64_t now;
  begin(&b, &now);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.timer"), -1);
  atomic_store(&now, start_ms + week_ms);
  until_fired(&b, "acme", 1);
  until_fired(&b, "bolt", 1);
  atomic_store(&now, start_ms + 3 * week_ms);
  until_fired(&b, "acme", 3);
  until_fired(&b, "bolt", 3);
  cr_assert_eq(bed_int(&b, "calm", "control", "qun.timer"), -1);
  bed_remove(&b);
}

Test(host_engine_ticker, a_start_opens_only_the_stores_that_are_due) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_tenant_pool_counts c;
  begin(&b, &now);
  bed_close(&b);
  cr_assert(there(&b, "timers.clean") && there(&b, "timers.index"));
  bed_reopen(&b);
  cr_assert(!there(&b, "timers.clean"), "from now on a crash would be seen");
  live_event(&b, "calm", "2");
  qun_tenant_pool_count(b.engine->pool, &c);
  cr_assert_eq(c.opened, 1);
  bed_close(&b);
  atomic_store(&now, start_ms + 2 * week_ms);
  bed_reopen(&b);
  until_fired(&b, "acme", 2); /* what fell due meanwhile */
  until_fired(&b, "bolt", 2);
  qun_tenant_pool_count(b.engine->pool, &c);
  cr_assert_eq(c.opened, 2);
  bed_remove(&b);
}

Test(host_engine_ticker, forgets_no_timer_in_a_crash) {
  struct bed b;
  _Atomic int64_t now;
  char clean[128], index[128], command[400];
  atomic_store(&now, start_ms);
  bed_live(&b, 2, moved, &now);
  bed_tenant(&b, "acme", true);
  bed_close(&b);
  file(&b, "timers.clean", clean);
  file(&b, "timers.index", index);
  snprintf(command, sizeof command, "cp '%s' '%s/older'", index, b.dir);
  cr_assert_eq(system(command), 0);
  bed_reopen(&b);
  live_event(&b, "acme", "1"); /* sets the timer, which the older file does not have */
  bed_close(&b);
  snprintf(command, sizeof command, "mv '%s/older' '%s' && rm '%s'", b.dir, index, clean);
  cr_assert_eq(system(command), 0);
  atomic_store(&now, start_ms + week_ms);
  bed_reopen(&b);
  until_fired(&b, "acme", 1);
  bed_close(&b);
  snprintf(command, sizeof command, "echo garbage > '%s'", index); /* and with a file that cannot be read */
  cr_assert_eq(system(command), 0);
  atomic_store(&now, start_ms + 2 * week_ms);
  bed_reopen(&b);
  until_fired(&b, "acme", 2);
  bed_close(&b);
  cr_assert_eq(unlink(index), 0); /* and with none */
  atomic_store(&now, start_ms + 3 * week_ms);
  bed_reopen(&b);
  until_fired(&b, "acme", 3);
  bed_remove(&b);
}

Test(host_engine_ticker, leaves_a_plugin_alone_that_is_switched_off) {
  struct bed b;
  _Atomic int64_t now;
  struct qun_error err = {0};
  begin(&b, &now);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "ledger", false, &err), 0, "%s", err.message);
  atomic_store(&now, start_ms + week_ms);
  until_fired(&b, "bolt", 1);
  cr_assert_eq(bed_int(&b, "acme", "control", "qun.tick"), -1);
  cr_assert_eq(qun_engine_tenant_delete(b.engine, "bolt", &err), 0, "%s", err.message);
  atomic_store(&now, start_ms + 2 * week_ms);
  cr_assert_eq(qun_engine_plugin_enable(b.engine, "acme", "ledger", true, &err), 0, "%s", err.message);
  live_event(&b, "acme", "2");
  until_fired(&b, "acme", 1);
  bed_remove(&b);
}
