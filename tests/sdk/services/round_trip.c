/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin calls in a runner is what the host's service hears, and what it answers is what the plugin gets. */
#include "tests/sdk/services/callee.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct callee c;

static void open_callee(void) {
  callee_open(&c);
}

static void close_callee(void) {
  callee_close(&c);
}

TestSuite(round_trip, .init = open_callee, .fini = close_callee);

static const void *stubs(const char *id) {
  const void *vtable = NULL;
  cr_assert_eq(qun__stub_find(id, &vtable), 0);
  return vtable;
}

/* The next heard value. */
static struct qun_unpack ear;

static void heard(const char *what) {
  qun_slice s;
  qun_unpack_init(&ear, qun_pack_slice(&c.heard));
  cr_assert(qun_unpack_str(&ear, &s));
  cr_assert(qun_slice_is(s, what), "heard %.*s", (int)s.len, (const char *)s.ptr);
}

static void heard_u64(uint64_t want) {
  uint64_t v = 0;
  cr_assert(qun__wire_u64(&ear, &v));
  cr_assert_eq(v, want);
}

static void heard_int(int64_t want) {
  int64_t v = 0;
  cr_assert(qun_unpack_int(&ear, &v));
  cr_assert_eq(v, want);
}

static void heard_bytes(qun_slice want) {
  qun_slice s;
  cr_assert(qun_unpack_bin(&ear, &s));
  cr_assert(qun_slice_eq(s, want));
}

static void heard_all(void) {
  cr_assert_eq(ear.at, ear.end);
}

static const uint64_t numbers[] = {0, 1, 0x7f, 0x80, 0xffffffffu, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
static const int64_t times[] = {0, -1, -33, 1700000000000, INT64_MIN, INT64_MAX};

static qun_slice odd_bytes(size_t n) {
  static unsigned char bytes[1 << 17];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7 + i / 256);
  return qun_slice_of(bytes, n);
}

Test(round_trip, get_lends_what_the_host_lends) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  const size_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 100000};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      qun_slice value = {NULL, 7};
      c.lends = odd_bytes(sizes[k]);
      c.code = QUN_PENDING;
      cr_assert_eq(store->get(&c.near, numbers[i], odd_bytes(sizes[k] % 401), &value), QUN_PENDING);
      cr_assert(qun_slice_eq(value, c.lends));
      heard("store.get");
      heard_u64(numbers[i]);
      heard_bytes(odd_bytes(sizes[k] % 401));
      heard_all();
    }
  }
}

Test(round_trip, a_refusal_leaves_what_was_there) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  const struct qun_calendar_v1 *calendar = stubs(QUN_CALENDAR_1);
  qun_slice value = qun_str("before");
  int32_t day = 5, minute = 6;
  c.lends = qun_str("not for you");
  const int codes[] = {QUN_ENOTFOUND, QUN_EDENIED, QUN_EFAIL, INT32_MIN};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    c.code = codes[i];
    cr_assert_eq(store->get(&c.near, 1, qun_str("k"), &value), codes[i]);
    cr_assert(qun_slice_is(value, "before"));
    cr_assert_eq(calendar->to_local(&c.near, 1, 0, &day, &minute), codes[i]);
    cr_assert(day == 5 && minute == 6);
  }
}

Test(round_trip, put_and_del) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    cr_assert_eq(store->put(&c.near, 3, odd_bytes(400), odd_bytes(70000), numbers[i]), 0);
    heard("store.put");
    heard_u64(3);
    heard_bytes(odd_bytes(400));
    heard_bytes(odd_bytes(70000));
    heard_u64(numbers[i]);
    heard_all();
  }
  c.code = QUN_EQUOTA;
  cr_assert_eq(store->del(&c.near, UINT64_MAX, qun_slice_of(NULL, 0)), QUN_EQUOTA);
  heard("store.del");
  heard_u64(UINT64_MAX);
  heard_bytes(qun_slice_of(NULL, 0));
}

Test(round_trip, a_scan_is_asked_for_in_parts) {
  enum { CAP = 5000 };
  static struct qun_pair pairs[CAP];
  /* The transport keeps one answer alone: what the parts lend must be looked at part by part. */
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  uint32_t count = 99;
  c.rows = 3;
  c.row = odd_bytes(10);
  cr_assert_eq(store->scan(&c.near, 9, qun_str("k"), qun_str(""), pairs, CAP, &count), 0);
  cr_assert_eq(count, 3);
  cr_assert_eq(c.frames, 1);
  cr_assert(qun_slice_is(pairs[2].key, "k00000002"));
  cr_assert(qun_slice_eq(pairs[2].value, c.row));
  cr_assert_eq(store->scan(&c.near, 9, qun_str("k"), qun_str("k00000000"), pairs, 1, &count), 0);
  cr_assert_eq(count, 1);
  cr_assert(qun_slice_is(pairs[0].key, "k00000001"));
  c.rows = 0;
  cr_assert_eq(store->scan(&c.near, 9, qun_str("k"), qun_str(""), pairs, CAP, &count), 0);
  cr_assert_eq(count, 0);
  cr_assert_eq(store->scan(&c.near, 9, qun_str("k"), qun_str(""), pairs, 0, &count), 0);
  cr_assert_eq(count, 0);
  c.code = QUN_EINVAL;
  count = 77;
  cr_assert_eq(store->scan(&c.near, 9, qun_str("k"), qun_str(""), pairs, CAP, &count), QUN_EINVAL);
  cr_assert_eq(count, 77);
}

/* A transport that keeps all answers, as a runner's does until the callback returns. */
struct keeper {
  struct qun__transport transport;
  struct qun_host near;
  qun_slice kept[64];
  unsigned count;
};

static int keep(void *ctx, uint32_t service, uint32_t method, qun_slice args, qun_slice *reply) {
  struct keeper *k = ctx;
  qun_slice lent = {NULL, 0};
  int rc = c.transport.roundtrip(&c, service, method, args, &lent);
  cr_assert_lt(k->count, 64);
  void *copy = malloc(lent.len ? lent.len : 1);
  cr_assert_not_null(copy);
  if (lent.len) memcpy(copy, lent.ptr, lent.len);
  *reply = k->kept[k->count++] = qun_slice_of(copy, lent.len);
  return rc;
}

static void keeper_free(struct keeper *k) {
  for (unsigned i = 0; i < k->count; i++) {
    union {
      const void *from;
      void *to;
    } at = {.from = k->kept[i].ptr};
    free(at.to);
  }
}

static void scan_all(uint32_t rows, qun_slice row, uint32_t cap, uint32_t want) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  struct keeper k = {.transport = {.roundtrip = keep, .ctx = &k}};
  struct qun_pair *pairs = calloc(cap, sizeof *pairs);
  uint32_t count = 0;
  cr_assert_not_null(pairs);
  k.near = (struct qun_host){.struct_size = sizeof k.near, .ctx = &k.transport};
  c.rows = rows;
  c.row = row;
  cr_assert_eq(store->scan(&k.near, 9, qun_str("k"), qun_str(""), pairs, cap, &count), 0);
  cr_assert_eq(count, want);
  for (uint32_t i = 0; i < count; i++) {
    char key[16];
    callee_key(key, i);
    cr_assert(qun_slice_is(pairs[i].key, key));
    cr_assert(qun_slice_eq(pairs[i].value, row));
  }
  keeper_free(&k);
  free(pairs);
}

Test(round_trip, a_long_scan_comes_whole) {
  scan_all(5000, odd_bytes(3), 8000, 5000);
  scan_all(5000, odd_bytes(3), 2500, 2500);
  scan_all(QUN__PAIRS_MAX, odd_bytes(0), QUN__PAIRS_MAX, QUN__PAIRS_MAX);
  scan_all(QUN__PAIRS_MAX, odd_bytes(0), QUN__PAIRS_MAX + 1, QUN__PAIRS_MAX);
  scan_all(100, odd_bytes(100000), 200, 100);
}

Test(round_trip, many_values_come_in_parts_and_in_their_order) {
  const struct qun_store_v2 *store = stubs(QUN_STORE_2);
  struct keeper k = {.transport = {.roundtrip = keep, .ctx = &k}};
  qun_slice keys[64], values[64] = {{NULL, 0}};
  k.near = (struct qun_host){.struct_size = sizeof k.near, .ctx = &k.transport};
  c.lends = odd_bytes(100000);
  for (int i = 0; i < 64; i++) keys[i] = i % 5 == 0 ? qun_str("none") : i % 5 == 1 ? qun_str("") : qun_str("k");
  cr_assert_eq(store->get_many(&k.near, 6, keys, 64, values), 0);
  cr_assert_gt(c.frames, 1);
  for (int i = 0; i < 64; i++) {
    cr_assert_eq(values[i].ptr == NULL, i % 5 == 0);
    cr_assert(i % 5 <= 1 ? values[i].len == 0 : qun_slice_eq(values[i], c.lends));
  }
  keeper_free(&k);
  values[0] = qun_str("before");
  c.code = QUN_EINVAL;
  cr_assert_eq(store->get_many(&c.near, 6, keys, 64, values), QUN_EINVAL);
  cr_assert(qun_slice_is(values[0], "before"));
  unsigned before = c.frames;
  cr_assert_eq(store->get_many(&c.near, 6, keys, 0, values), 0);
  cr_assert_eq(store->get_many(&c.near, 6, keys, QUN__LIST_MAX + 1, values), QUN_EINVAL);
  cr_assert_eq(c.frames, before);
}

Test(round_trip, a_batch_keeps_every_step) {
  const struct qun_store_v2 *store = stubs(QUN_STORE_2);
  static struct qun_store_op ops[QUN__LIST_MAX + 1];
  for (uint32_t i = 0; i <= QUN__LIST_MAX; i++)
    ops[i] =
        (struct qun_store_op){.kind = i % 5, .owner = numbers[i % 8], .key = odd_bytes(i % 400), .value = odd_bytes(i)};
  c.code = QUN_ECONFLICT;
  cr_assert_eq(store->batch(&c.near, 5, ops, QUN__LIST_MAX), QUN_ECONFLICT);
  heard("store2.batch");
  heard_u64(5);
  for (uint32_t i = 0; i < QUN__LIST_MAX; i++) {
    struct qun_store_op got;
    cr_assert(qun__wire_get_store_op(&ear, &got));
    cr_assert(got.kind == ops[i].kind && got.owner == ops[i].owner);
    cr_assert(qun_slice_eq(got.key, ops[i].key) && qun_slice_eq(got.value, ops[i].value));
  }
  heard_all();
  cr_assert_eq(store->batch(&c.near, 5, ops, QUN__LIST_MAX + 1), QUN_EINVAL);
  ops[3].value = (qun_slice){NULL, 1};
  cr_assert_eq(store->batch(&c.near, 5, ops, 10), QUN_EINVAL);
  cr_assert_eq(c.frames, 1);
}

Test(round_trip, an_event_keeps_every_field) {
  const struct qun_events_v1 *events = stubs(QUN_EVENTS_1);
  struct qun_emit e = {.struct_size = sizeof e,
                       .reserved = 7,
                       .member = UINT64_MAX,
                       .type = qun_str("hello.regular"),
                       .subject = qun_str("\xe7\xbe\xa4"),
                       .group = odd_bytes(300),
                       .channel = qun_str(""),
                       .lang = qun_str("zh-CN"),
                       .data = odd_bytes(66000)};
  cr_assert_eq(events->emit(&c.near, 4, &e), 0);
  heard("events.emit");
  heard_u64(4);
  heard_int(sizeof e);
  struct qun_emit got;
  cr_assert(qun__wire_get_emit(&ear, &got));
  cr_assert_eq(got.member, e.member);
  cr_assert(qun_slice_eq(got.type, e.type) && qun_slice_eq(got.subject, e.subject) && qun_slice_eq(got.group, e.group));
  cr_assert(qun_slice_eq(got.channel, e.channel) && qun_slice_eq(got.lang, e.lang) && qun_slice_eq(got.data, e.data));
}

Test(round_trip, a_row_of_the_outbox_keeps_every_field) {
  const struct qun_outbox_v1 *outbox = stubs(QUN_OUTBOX_1);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    struct qun_outbox_row r = {.struct_size = sizeof r,
                               .gated = UINT32_MAX,
                               .not_before_ms = times[i],
                               .key = odd_bytes(9),
                               .via = qun_str("webhook"),
                               .target = qun_str("crm"),
                               .body = odd_bytes(1)};
    cr_assert_eq(outbox->enqueue(&c.near, 4, &r), 0);
    heard("outbox.enqueue");
    heard_u64(4);
    heard_int(sizeof r);
    struct qun_outbox_row got;
    cr_assert(qun__wire_get_outbox_row(&ear, &got));
    cr_assert(got.gated == r.gated && got.not_before_ms == r.not_before_ms);
    cr_assert(qun_slice_eq(got.key, r.key) && qun_slice_eq(got.via, r.via) && qun_slice_eq(got.target, r.target));
    cr_assert(qun_slice_eq(got.body, r.body));
  }
  c.code = QUN_ECONFLICT;
  cr_assert_eq(outbox->cancel(&c.near, 4, qun_str("k")), QUN_ECONFLICT);
  heard("outbox.cancel");
  heard_u64(4);
  heard_bytes(qun_str("k"));
}

Test(round_trip, timers) {
  const struct qun_timer_v1 *timer = stubs(QUN_TIMER_1);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    cr_assert_eq(timer->set(&c.near, 4, qun_str("week"), times[i], odd_bytes(40)), 0);
    heard("timer.set");
    heard_u64(4);
    heard_bytes(qun_str("week"));
    heard_int(times[i]);
    heard_bytes(odd_bytes(40));
  }
  cr_assert_eq(timer->cancel(&c.near, 4, qun_str("week")), 0);
  heard("timer.cancel");
  heard_u64(4);
  heard_bytes(qun_str("week"));
}

Test(round_trip, the_calendar_both_ways) {
  const struct qun_calendar_v1 *calendar = stubs(QUN_CALENDAR_1);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    int32_t day = 0, minute = 0;
    int64_t ms = 0;
    c.number = 20000;
    cr_assert_eq(calendar->to_local(&c.near, 4, times[i], &day, &minute), 0);
    cr_assert(day == 20000 && minute == -20000);
    heard("calendar.to_local");
    heard_u64(4);
    heard_int(times[i]);
    c.number = times[i];
    cr_assert_eq(calendar->from_local(&c.near, 4, INT32_MIN, INT32_MAX, &ms), 0);
    cr_assert_eq(ms, times[i]);
    heard("calendar.from_local");
    heard_u64(4);
    heard_int(INT32_MIN);
    heard_int(INT32_MAX);
  }
}

Test(round_trip, replies_and_calls) {
  const struct qun_reply_v1 *reply = stubs(QUN_REPLY_1);
  const struct qun_call_v1 *call = stubs(QUN_CALL_1);
  qun_slice answer = {NULL, 0};
  cr_assert_eq(reply->reply(&c.near, 12, odd_bytes(5000)), 0);
  heard("reply.reply");
  heard_u64(12);
  heard_bytes(odd_bytes(5000));
  c.lends = odd_bytes(9999);
  cr_assert_eq(call->call(&c.near, 4, "growth.report", odd_bytes(3), &answer), 0);
  cr_assert(qun_slice_eq(answer, c.lends));
  heard("call.call");
  heard_u64(4);
  heard_bytes(qun_str("growth.report"));
  heard_bytes(odd_bytes(3));
}

Test(round_trip, an_http_answer) {
  const struct qun_http_v1 *http = stubs(QUN_HTTP_1);
  cr_assert_eq(http->respond(&c.near, 12, UINT32_MAX, qun_str("text/html"), odd_bytes(90000)), 0);
  heard("http.respond");
  heard_u64(12);
  heard_int(UINT32_MAX);
  heard_bytes(qun_str("text/html"));
  heard_bytes(odd_bytes(90000));
  heard_all();
}

Test(round_trip, fetches_work_and_secrets) {
  const struct qun_http_client_v1 *client = stubs(QUN_HTTP_CLIENT_1);
  const struct qun_work_v1 *work = stubs(QUN_WORK_1);
  const struct qun_secrets_v1 *secrets = stubs(QUN_SECRETS_1);
  struct qun_http_fetch got, r = {.struct_size = sizeof r,
                                  .tries = 12,
                                  .key = qun_str("k"),
                                  .method = qun_str("POST"),
                                  .url = qun_str("https://example.com/"),
                                  .headers = odd_bytes(7),
                                  .body = odd_bytes(70000)};
  c.code = QUN_ECONFLICT;
  cr_assert_eq(client->fetch(&c.near, 4, &r), QUN_ECONFLICT);
  heard("http_client.fetch");
  heard_u64(4);
  cr_assert(qun__wire_get_http_fetch(&ear, &got));
  cr_assert(got.tries == 12 && qun_slice_eq(got.key, r.key) && qun_slice_eq(got.method, r.method));
  cr_assert(qun_slice_eq(got.url, r.url) && qun_slice_eq(got.headers, r.headers) && qun_slice_eq(got.body, r.body));
  cr_assert_eq(work->submit(&c.near, 4, qun_str("k"), "probe.sum", odd_bytes(9)), QUN_ECONFLICT);
  heard("work.submit");
  heard_u64(4);
  heard_bytes(qun_str("k"));
  heard_bytes(qun_str("probe.sum"));
  heard_bytes(odd_bytes(9));
  cr_assert_eq(secrets->verify(&c.near, 4, "callback", 2, odd_bytes(300), odd_bytes(20)), QUN_ECONFLICT);
  heard("secrets.verify");
  heard_u64(4);
  heard_bytes(qun_str("callback"));
  heard_int(2);
  heard_bytes(odd_bytes(300));
  heard_bytes(odd_bytes(20));
  heard_all();
}

Test(round_trip, a_verdict) {
  const struct qun_intercept_v1 *intercept = stubs(QUN_INTERCEPT_1);
  c.code = QUN_ENOTFOUND;
  cr_assert_eq(intercept->complete(&c.near, 4, qun_str("a/b"), QUN_VERDICT_BLOCK, odd_bytes(200), odd_bytes(5000)),
               QUN_ENOTFOUND);
  heard("intercept.complete");
  heard_u64(4);
  heard_bytes(qun_str("a/b"));
  heard_int(QUN_VERDICT_BLOCK);
  heard_bytes(odd_bytes(200));
  heard_bytes(odd_bytes(5000));
  heard_all();
}

Test(round_trip, package_files) {
  const struct qun_package_v1 *package = stubs(QUN_PACKAGE_1);
  qun_slice body = {NULL, 0}, path = {NULL, 0};
  c.lends = odd_bytes(100000);
  cr_assert_eq(package->read(&c.near, NULL, "data/terms.yaml", &body), 0);
  cr_assert(qun_slice_eq(body, c.lends));
  heard("package.read");
  heard_bytes(qun_str(""));
  heard_bytes(qun_str("data/terms.yaml"));
  cr_assert_eq(package->list(&c.near, "i18n", UINT32_MAX, &path), 0);
  cr_assert(qun_slice_eq(path, c.lends));
  heard("package.list");
  heard_bytes(qun_str("i18n"));
  heard_int(UINT32_MAX);
}

Test(round_trip, metrics_ask_for_no_answer) {
  const struct qun_metrics_v1 *metrics = stubs(QUN_METRICS_1);
  metrics->add(&c.near, "seen", UINT64_MAX);
  heard("metrics.add");
  heard_bytes(qun_str("seen"));
  heard_u64(UINT64_MAX);
  cr_assert_eq(c.reply.len, 0);
}

Test(round_trip, what_cannot_cross_is_refused_before_it_does) {
  const struct qun_package_v1 *package = stubs(QUN_PACKAGE_1);
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  const struct qun_metrics_v1 *metrics = stubs(QUN_METRICS_1);
  char longest[QUN__TEXT_MAX + 1], longer[QUN__TEXT_MAX + 2];
  qun_slice body = {NULL, 0}, huge = {"", (uint64_t)QUN__ARGUMENT_MAX + 1}, nowhere = {NULL, 5};
  memset(longest, 'a', QUN__TEXT_MAX);
  longest[QUN__TEXT_MAX] = 0;
  memset(longer, 'a', QUN__TEXT_MAX + 1);
  longer[QUN__TEXT_MAX + 1] = 0;
  cr_assert_eq(package->read(&c.near, "", longer, &body), QUN_EINVAL);
  cr_assert_eq(store->put(&c.near, 1, qun_str("k"), huge, 0), QUN_EINVAL);
  cr_assert_eq(store->put(&c.near, 1, nowhere, qun_str("v"), 0), QUN_EINVAL);
  metrics->add(&c.near, longer, 1);
  cr_assert_eq(c.frames, 0);
  cr_assert_eq(package->read(&c.near, "", longest, &body), 0);
  cr_assert_eq(c.frames, 1);
}

Test(round_trip, a_service_that_is_not_granted_is_denied) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  const struct qun_metrics_v1 *metrics = stubs(QUN_METRICS_1);
  c.denied = QUN_STORE_1;
  cr_assert_eq(store->del(&c.near, 1, qun_str("k")), QUN_EDENIED);
  c.denied = QUN_METRICS_1;
  metrics->add(&c.near, "n", 1);
  cr_assert_eq(c.heard.len, 0);
}

Test(round_trip, a_cut_line_is_told_to_the_plugin) {
  const struct qun_store_v1 *store = stubs(QUN_STORE_1);
  qun_slice value;
  c.cut = true;
  cr_assert_eq(store->get(&c.near, 1, qun_str("k"), &value), QUN_EGONE);
}

Test(round_trip, there_is_no_service_of_another_revision) {
  const void *vtable = NULL;
  cr_assert_eq(qun__stub_find("qun.store/99", &vtable), QUN_EUNSUPPORTED);
  cr_assert_eq(qun__stub_find("", &vtable), QUN_EUNSUPPORTED);
}

/* ---------------------------------------------------------------- what a callback is given */

Test(round_trip, a_record_keeps_every_field) {
  struct qun_pack p;
  struct qun_event got;
  struct qun_unpack u;
  struct qun_event e = {.struct_size = sizeof e,
                        .flags = QUN_EVENT_LATE,
                        .seq = UINT64_MAX,
                        .time_ms = INT64_MIN,
                        .day = -1,
                        .minute = 1439,
                        .member = 8,
                        .cause = 7,
                        .hops = 15,
                        .type = qun_str("message"),
                        .id = qun_str("e1"),
                        .source = qun_str("s"),
                        .subject = odd_bytes(200),
                        .group = qun_str("g"),
                        .channel = qun_str("c"),
                        .lang = qun_str("en"),
                        .data = odd_bytes(99999)};
  qun_pack_init(&p);
  qun__wire_put_event(&p, &e);
  qun_unpack_init(&u, qun_pack_slice(&p));
  cr_assert(qun__wire_get_event(&u, &got));
  cr_assert_eq(u.at, u.end);
  cr_assert(got.struct_size == sizeof got && got.flags == e.flags && got.seq == e.seq && got.time_ms == e.time_ms);
  cr_assert(got.day == -1 && got.minute == 1439 && got.member == 8 && got.cause == 7 && got.hops == 15);
  cr_assert(qun_slice_eq(got.type, e.type) && qun_slice_eq(got.id, e.id) && qun_slice_eq(got.source, e.source));
  cr_assert(qun_slice_eq(got.subject, e.subject) && qun_slice_eq(got.group, e.group));
  cr_assert(qun_slice_eq(got.channel, e.channel) && qun_slice_eq(got.lang, e.lang) && qun_slice_eq(got.data, e.data));
  for (size_t cut = 0; cut < 60; cut++) {
    qun_unpack_init(&u, qun_slice_of(p.buf, cut));
    cr_assert_not(qun__wire_get_event(&u, &got), "%zu bytes are no record", cut);
  }
  qun_pack_fini(&p);
}

Test(round_trip, a_context_leaves_the_plugin_s_pointer_at_home) {
  struct qun_pack p;
  struct qun_context got;
  struct qun_unpack u;
  struct qun_context ctx = {.struct_size = sizeof ctx,
                            .mode = QUN_MODE_TIMER,
                            .tenant = 3,
                            .local = &p,
                            .clock_ms = -5,
                            .clock_day = -6,
                            .clock_minute = 7,
                            .seed = UINT64_MAX};
  qun_pack_init(&p);
  qun__wire_put_context(&p, &ctx);
  qun_unpack_init(&u, qun_pack_slice(&p));
  cr_assert(qun__wire_get_context(&u, &got));
  cr_assert(got.mode == QUN_MODE_TIMER && got.tenant == 3 && got.clock_ms == -5 && got.clock_day == -6);
  cr_assert(got.clock_minute == 7 && got.seed == UINT64_MAX);
  cr_assert_null(got.local);
  qun_pack_fini(&p);
}
