/* SPDX-License-Identifier: Apache-2.0 */
/* A probe plugin does what its events tell it to, right and wrong; the fake host has to notice. */
#include <qun/fake_host.h>

#include <criterion/criterion.h>

struct probe {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
  const struct qun_outbox_v1 *outbox;
  const struct qun_call_v1 *call;
  const struct qun_package_v1 *package;
  qun_handle kept_tenant;
  int count; /* memory that a well-behaved plugin would not rely on */
};

static unsigned char kept_byte;
static const unsigned char *kept_slice;

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct probe *p = calloc(1, sizeof *p);
  (void)config;
  p->host = host;
  host->query(host, QUN_STORE_1, (const void **)&p->store);
  host->query(host, QUN_EVENTS_1, (const void **)&p->events);
  host->query(host, QUN_TIMER_1, (const void **)&p->timer);
  host->query(host, QUN_CALENDAR_1, (const void **)&p->calendar);
  host->query(host, QUN_REPLY_1, (const void **)&p->reply);
  host->query(host, QUN_OUTBOX_1, (const void **)&p->outbox);
  host->query(host, QUN_CALL_1, (const void **)&p->call);
  host->query(host, QUN_PACKAGE_1, (const void **)&p->package);
  *self = p;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

static int put(struct probe *p, qun_handle tenant, const char *key, const char *value) {
  return p->store->put(p->host, tenant, qun_str(key), qun_str(value), 0);
}

static int emit(struct probe *p, qun_handle tenant, const char *type) {
  struct qun_emit e = {.struct_size = sizeof e, .type = qun_str(type)};
  return p->events->emit(p->host, tenant, &e);
}

static int enqueue(struct probe *p, qun_handle tenant, const char *key) {
  struct qun_outbox_row row = {
      .struct_size = sizeof row, .gated = 1, .key = qun_str(key), .via = qun_str("webhook"), .target = qun_str("shop")};
  return p->outbox->enqueue(p->host, tenant, &row);
}

static int append_text(struct probe *p, qun_handle tenant, qun_slice text) {
  qun_slice old = {NULL, 0};
  char joined[200];
  p->store->get(p->host, tenant, qun_str("order"), &old);
  snprintf(joined, sizeof joined, "%.*s%.*s,", (int)old.len, old.len ? (const char *)old.ptr : "", (int)text.len,
           (const char *)text.ptr);
  return put(p, tenant, "order", joined);
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct probe *p = self;
  const qun_handle tenant = ctx->tenant;
  p->count++;
  if (qun_slice_is(event->type, "put")) return put(p, tenant, "k", "v");
  if (qun_slice_is(event->type, "fail")) {
    put(p, tenant, "k", "changed");
    put(p, tenant, "new", "row");
    p->store->del(p->host, tenant, qun_str("gone"));
    p->timer->set(p->host, tenant, qun_str("t"), 99, qun_str(""));
    emit(p, tenant, "lost");
    enqueue(p, tenant, "lost");
    return p->host->fail(p->host, QUN_EINVAL, qun_str("no good"));
  }
  if (qun_slice_is(event->type, "keep")) {
    kept_slice = event->subject.ptr;
    kept_byte = kept_slice[0];
    p->kept_tenant = tenant;
    return 0;
  }
  if (qun_slice_is(event->type, "foreign")) return put(p, p->kept_tenant, "k", "stolen");
  if (qun_slice_is(event->type, "loop")) return emit(p, tenant, "loop");
  if (qun_slice_is(event->type, "tree")) return emit(p, tenant, "branch") || emit(p, tenant, "leaf");
  if (qun_slice_is(event->type, "branch")) return emit(p, tenant, "twig");
  if (qun_slice_is(event->type, "two")) return emit(p, tenant, "first") || emit(p, tenant, "second");
  if (qun_slice_is(event->type, "timers")) {
    p->timer->set(p->host, tenant, qun_str("b"), 2000, qun_str("x"));
    p->timer->set(p->host, tenant, qun_str("a"), 2000, qun_str("x"));
    p->timer->set(p->host, tenant, qun_str("c"), 1000, qun_str("x"));
    return p->timer->set(p->host, tenant, qun_str("late"), 9000, qun_str("x"));
  }
  if (qun_slice_is(event->type, "memory")) {
    char number[20];
    snprintf(number, sizeof number, "%d", p->count);
    return put(p, tenant, "count", number);
  }
  if (qun_slice_is(event->type, "send")) return enqueue(p, tenant, "post-1");
  if (qun_slice_is(event->type, "call")) {
    qun_slice reply;
    int rc = p->call->call(p->host, tenant, "words.fold", event->data, &reply);
    return rc ? rc : p->store->put(p->host, tenant, qun_str("reply"), reply, 0);
  }
  return append_text(p, tenant, event->type);
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  cr_assert_eq(ctx->clock_ms, timer->due_ms);
  return append_text(self, ctx->tenant, timer->name);
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct probe *p = self;
  struct qun_pack out;
  qun_pack_init(&out);
  if (qun_slice_is(request->service, "emit")) {
    emit(p, ctx->tenant, "asked");
    qun_pack_int(&out, 1);
  } else if (qun_slice_is(request->service, "file")) {
    qun_slice body = {NULL, 0};
    p->package->read(p->host, "", "data/words.txt", &body);
    qun_pack_str(&out, body);
  } else if (qun_slice_is(request->service, "silent")) {
    return 0;
  } else {
    qun_pack_int(&out, put(p, ctx->tenant, "k", "v"));
  }
  int rc = p->reply->reply(p->host, request->id, qun_pack_slice(&out));
  cr_assert_eq(p->reply->reply(p->host, request->id, qun_pack_slice(&out)), QUN_EGONE);
  qun_pack_fini(&out);
  return rc;
}

static const struct qun_plugin probe = {.struct_size = sizeof probe,
                                        .create = create,
                                        .destroy = destroy,
                                        .on_event = on_event,
                                        .on_timer = on_timer,
                                        .on_request = on_request};

static struct qun_fake *f;

static void open_fake(void) {
  f = qun_fake_open_vtable(&probe, NULL);
  cr_assert_not_null(f);
}

static void close_fake(void) {
  qun_fake_close(f);
}

TestSuite(sdk_testing_fake_host, .init = open_fake, .fini = close_fake);

static int value_is(const char *key, const char *want) {
  return qun_slice_is(qun_fake_get(f, qun_str(key)), want);
}

Test(sdk_testing_fake_host, keeps_what_a_handler_puts) {
  cr_assert_eq(qun_fake_event(f, .type = "put"), 0);
  cr_assert(value_is("k", "v"));
  cr_assert_eq(qun_fake_rows(f), 1);
}

Test(sdk_testing_fake_host, takes_everything_of_a_failed_handler_back) {
  qun_fake_event(f, .type = "put");
  qun_slice before = qun_fake_dump(f);
  cr_assert_eq(qun_fake_event(f, .type = "fail"), QUN_EINVAL);
  cr_assert_str_eq(qun_fake_message(f), "no good");
  cr_assert(qun_slice_eq(before, qun_fake_dump(f)));
  cr_assert_eq(qun_fake_timers(f), 0);
  cr_assert_eq(qun_fake_emitted_count(f), 0);
  cr_assert_eq(qun_fake_outbox_count(f), 0);
  cr_assert_eq(qun_fake_dead(f), 1);
}

Test(sdk_testing_fake_host, spoils_what_a_plugin_keeps) {
  cr_assert_eq(qun_fake_event(f, .type = "keep", .subject = "A"), 0);
  cr_assert_eq(kept_byte, 'A');
#if !defined(__SANITIZE_ADDRESS__) /* there, the read itself would end the test */
  cr_assert_eq(*kept_slice, 0xdb);
#endif
}

Test(sdk_testing_fake_host, refuses_another_tenants_handle) {
  qun_fake_tenant(f, "a");
  qun_fake_event(f, .type = "keep", .subject = "A");
  qun_fake_tenant(f, "b");
  cr_assert_eq(qun_fake_event(f, .type = "foreign"), QUN_EDENIED);
  cr_assert_eq(qun_fake_rows(f), 0);
  qun_fake_tenant(f, "a");
  cr_assert_eq(qun_fake_rows(f), 0);
}

Test(sdk_testing_fake_host, refuses_a_put_in_a_request) {
  qun_slice reply = qun_fake_request(f, "put", qun_fake_map(f, QUN_INT("n", 1)));
  struct qun_unpack u;
  int64_t code = 0;
  qun_unpack_init(&u, reply);
  cr_assert(qun_unpack_int(&u, &code));
  cr_assert_eq(code, QUN_EDENIED);
  cr_assert_eq(qun_fake_rows(f), 0);
}

Test(sdk_testing_fake_host, notices_a_request_without_an_answer) {
  cr_assert_eq(qun_fake_request(f, "silent", qun_slice_of(NULL, 0)).len, 0);
  cr_assert_eq(qun_fake_code(f), QUN_EFAIL);
}

Test(sdk_testing_fake_host, fires_timers_by_due_then_name_before_the_event) {
  qun_fake_event(f, .type = "timers");
  qun_fake_event(f, .type = "x", .time_ms = 5000);
  cr_assert(value_is("order", "c,a,b,x,"));
  cr_assert_eq(qun_fake_timer(f, "late"), 9000);
  cr_assert_eq(qun_fake_clock(f), 5000);
  cr_assert_eq(qun_fake_advance(f, 9000), 0);
  cr_assert(value_is("order", "c,a,b,x,late,"));
  cr_assert_eq(qun_fake_advance(f, 1), QUN_EINVAL);
}

Test(sdk_testing_fake_host, gives_emitted_events_after_their_cause_in_order) {
  cr_assert_eq(qun_fake_event(f, .type = "two"), 0);
  cr_assert(value_is("order", "first,second,"));
  cr_assert_eq(qun_fake_emitted(f, 1)->cause, 1);
  cr_assert_eq(qun_fake_emitted(f, 1)->seq, 3);
  cr_assert_eq(qun_fake_emitted(f, 1)->hops, 1);
  cr_assert_null(qun_fake_emitted(f, 2));
  cr_assert_not_null(qun_fake_emitted_of(f, "second", 0));
}

Test(sdk_testing_fake_host, follows_each_emitted_event_before_its_sibling) {
  cr_assert_eq(qun_fake_event(f, .type = "tree"), 0);
  cr_assert(value_is("order", "twig,leaf,"));
  cr_assert_eq(qun_fake_emitted(f, 1)->cause, 2);
  cr_assert_eq(qun_fake_emitted(f, 1)->hops, 2);
  cr_assert_eq(qun_fake_emitted(f, 2)->cause, 1);
}

Test(sdk_testing_fake_host, cuts_a_loop_at_sixteen_hops) {
  cr_assert_eq(qun_fake_event(f, .type = "loop"), QUN_EDENIED);
  cr_assert_eq(qun_fake_emitted_count(f), 16);
}

Test(sdk_testing_fake_host, appends_what_a_request_emits) {
  cr_assert_gt(qun_fake_request(f, "emit", qun_slice_of(NULL, 0)).len, 0);
  cr_assert_eq(qun_fake_emitted_count(f), 1);
  cr_assert(value_is("order", "asked,"));
}

Test(sdk_testing_fake_host, shows_a_plugin_that_trusts_its_memory) {
  for (int i = 0; i < 3; i++) qun_fake_event(f, .type = "memory");
  uint64_t once = qun_fake_hash(f);
  qun_fake_tenant(f, "again");
  qun_fake_recreate_every(f, 1);
  for (int i = 0; i < 3; i++) qun_fake_event(f, .type = "memory");
  cr_assert_neq(qun_fake_hash(f), once);
}

Test(sdk_testing_fake_host, ends_an_outbox_row_with_an_event) {
  cr_assert_eq(qun_fake_event(f, .type = "send"), 0);
  cr_assert_eq(qun_fake_outbox(f, 0)->state, QUN_FAKE_HELD);
  cr_assert_eq(qun_fake_event(f, .type = "send"), QUN_ECONFLICT);
  cr_assert_eq(qun_fake_outbox_end(f, "post-1", QUN_FAKE_SENT, NULL), 0);
  cr_assert(value_is("order", "outbox.sent,"));
  cr_assert_eq(qun_fake_outbox_end(f, "post-1", QUN_FAKE_SENT, NULL), QUN_ECONFLICT);
  cr_assert_eq(qun_fake_outbox_end(f, "post-2", QUN_FAKE_SENT, NULL), QUN_ENOTFOUND);
}

static int fold(void *arg, qun_slice params, struct qun_pack *reply) {
  (void)params;
  qun_pack_cstr(reply, arg);
  return 0;
}

Test(sdk_testing_fake_host, lets_a_handler_call_pure_services_only) {
  cr_assert_eq(qun_fake_event(f, .type = "call"), QUN_ENOTFOUND);
  qun_fake_provide(f, "words.fold", 1, fold, (char[]){"hi"});
  cr_assert_eq(qun_fake_event(f, .type = "call"), 0);
  cr_assert(value_is("reply", "\xa2hi"));
  qun_fake_close(f);
  f = qun_fake_open_vtable(&probe, NULL);
  qun_fake_provide(f, "words.fold", 0, fold, (char[]){"hi"});
  cr_assert_eq(qun_fake_event(f, .type = "call"), QUN_EDENIED);
}

Test(sdk_testing_fake_host, reads_a_given_file) {
  qun_fake_file(f, "test", "data/words.txt", qun_str("abc"));
  cr_assert(qun_slice_eq(qun_fake_request(f, "file", qun_slice_of(NULL, 0)), qun_str("\xa3"
                                                                                     "abc")));
}

Test(sdk_testing_fake_host, knows_local_time) {
  qun_fake_profile(f, "zone", "Asia/Shanghai");
  cr_assert_eq(qun_fake_ms(f, "1970-01-01 08:00"), 0);
  cr_assert_eq(qun_fake_day("2026-01-05"), 20458);
  qun_fake_profile(f, "zone", "Europe/Berlin");
  /* 2026-03-29 02:30 does not exist there: the first minute after it is 03:00 summer time, 01:00 UTC. */
  cr_assert_eq(qun_fake_ms(f, "2026-03-29 02:30"), (int64_t)qun_fake_day("2026-03-29") * 86400000 + 3600000);
  cr_assert_eq(qun_fake_ms(f, "2026-03-29 03:30"), (int64_t)qun_fake_day("2026-03-29") * 86400000 + 5400000);
  /* 2026-10-25 02:30 comes twice; the first is summer time. */
  cr_assert_eq(qun_fake_ms(f, "2026-10-25 02:30"), (int64_t)qun_fake_day("2026-10-25") * 86400000 + 1800000);
  cr_assert_eq(qun_fake_ms(f, "2026-10-25 03:30"), (int64_t)qun_fake_day("2026-10-25") * 86400000 + 9000000);
}

Test(sdk_testing_fake_host, erases_the_rows_of_a_member) {
  qun_fake_event(f, .type = "put");
  qun_fake_erase(f, 7);
  cr_assert_eq(qun_fake_rows(f), 1);
}
