/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/inside/serve.h"

#include <unistd.h>

enum { EXIT_HOST_ODD = 6 };

void qun_serve_init(struct qun_serve *s, int fd, struct qun_page *page, size_t keyspace_bytes) {
  memset(s, 0, sizeof *s);
  qun_channel_init(&s->channel, fd);
  s->keyspace.most = keyspace_bytes;
  s->page = page;
  s->due_ms = INT64_MAX;
  qun__serve_services(s);
}

/* ---------------------------------------------------------------- one callback */

static void enter(struct qun_serve *s, uint64_t number, const struct qun_context *ctx, uint64_t seq) {
  s->message[0] = '\0';
  s->mode = ctx ? ctx->mode : 0;
  s->tenant = ctx ? ctx->tenant : 0;
  s->inside = true;
  atomic_store_explicit(&s->page->seq, seq, memory_order_relaxed);
  atomic_store_explicit(&s->page->number, number, memory_order_relaxed);
}

static void release(struct qun_waiting **list) {
  while (*list) {
    struct qun_waiting *w = *list;
    *list = w->next;
    free(w);
  }
}

static void leave(struct qun_serve *s, bool keep) {
  s->inside = false;
  s->pure = false;
  qun_keyspace_settle(&s->keyspace, keep);
  release(&s->lent);
  if (!qun_keyspace_full(&s->keyspace)) return;
  qun_keyspace_forget(&s->keyspace);
  s->distrust = true;
}

static void say_done(struct qun_serve *s, uint64_t number, int code) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_array(&p, 3);
  qun__wire_put_u64(&p, number);
  qun_pack_int(&p, code);
  qun_pack_cstr(&p, code < 0 ? s->message : "");
  if (p.failed) _exit(EXIT_HOST_ODD);
  qun_channel_note(&s->channel, QUN_WIRE_DONE, qun_pack_slice(&p));
  qun_pack_fini(&p);
}

/* ---------------------------------------------------------------- what the host asks for */

static void odd(bool fine) {
  if (!fine) _exit(EXIT_HOST_ODD);
}

/* [number, context, ...]: *u stands before the rest. */
static void head(struct qun_unpack *u, uint32_t members, uint64_t *number, struct qun_context *ctx) {
  uint32_t n;
  odd(qun_unpack_array(u, &n) && n == members && qun__wire_u64(u, number) && qun__wire_get_context(u, ctx));
}

static void on_create(struct qun_serve *s, struct qun_unpack *u) {
  static const unsigned char empty_map = 0x80;
  uint64_t number;
  odd(qun__wire_u64(u, &number) && !s->created);
  s->created = true;
  enter(s, number, NULL, 0);
  int rc = s->plugin->create(&s->host, qun_slice_of(&empty_map, 1), &s->self);
  leave(s, false);
  say_done(s, number, rc);
}

static void on_tenant(struct qun_serve *s, struct qun_unpack *u) {
  struct qun_tenant_info info;
  struct qun_context ctx;
  uint64_t number;
  int rc = 0;
  head(u, 3, &number, &ctx);
  odd(qun__wire_get_tenant_info(u, &info));
  enter(s, number, &ctx, 0);
  ctx.local = s->local;
  if (s->plugin->on_tenant) rc = s->plugin->on_tenant(s->self, &ctx, &info, &s->local);
  leave(s, false);
  say_done(s, number, rc);
}

static void on_timer(struct qun_serve *s, struct qun_unpack *u) {
  struct qun_timer timer;
  struct qun_context ctx;
  uint64_t number;
  int rc = 0;
  head(u, 3, &number, &ctx);
  odd(qun__wire_get_timer(u, &timer));
  enter(s, number, &ctx, 0);
  ctx.local = s->local;
  if (s->plugin->on_timer) rc = s->plugin->on_timer(s->self, &ctx, &timer);
  leave(s, rc >= 0);
  say_done(s, number, rc);
}

static void on_request(struct qun_serve *s, struct qun_unpack *u) {
  struct qun_request request;
  struct qun_context ctx;
  uint64_t number;
  int pure, rc = QUN_EUNSUPPORTED;
  head(u, 4, &number, &ctx);
  odd(qun_unpack_bool(u, &pure) && qun__wire_get_request(u, &request));
  enter(s, number, &ctx, 0);
  s->pure = pure != 0;
  ctx.local = s->local;
  if (s->plugin->on_request) rc = s->plugin->on_request(s->self, &ctx, &request);
  leave(s, false);
  say_done(s, number, rc);
}

static void on_known(struct qun_serve *s, struct qun_unpack *u) {
  uint32_t n;
  odd(qun_unpack_array(u, &n) && n % 2 == 0);
  for (; n > 0; n -= 2) {
    qun_slice key, value;
    odd(qun_unpack_bin(u, &key));
    bool there = qun_unpack_bin(u, &value);
    odd(there || qun_unpack_nil(u));
    if (!s->distrust) qun_keyspace_learn(&s->keyspace, key, there ? &value : NULL);
  }
}

/* ---------------------------------------------------------------- events */

static void run_timers(struct qun_serve *s) {
  struct qun_waiting *w;
  struct qun_unpack u;
  while ((w = qun_channel_take(&s->channel, QUN_WIRE_TIMER))) {
    qun_unpack_init(&u, qun_slice_of(w->args, w->len));
    on_timer(s, &u);
    free(w);
  }
}

/* An event waits while a timer is due up to its `hold`, until the host has sent that timer and says when the next one is due. */
static void await_timers(struct qun_serve *s, int64_t hold_ms) {
  struct qun_unpack u;
  while (s->due_ms <= hold_ms) {
    run_timers(s);
    struct qun_waiting *w = qun_channel_take(&s->channel, QUN_WIRE_DUE);
    if (!w) {
      qun_channel_wait(&s->channel);
      continue;
    }
    qun_unpack_init(&u, qun_slice_of(w->args, w->len));
    odd(qun__wire_i64(&u, &s->due_ms));
    free(w);
  }
}

static void run_event(struct qun_serve *s, struct qun_unpack *u) {
  struct qun_event event;
  struct qun_context ctx;
  uint64_t number;
  int64_t hold_ms = 0;
  int rc = 0;
  head(u, 4, &number, &ctx);
  odd(qun__wire_get_event(u, &event) && qun__wire_i64(u, &hold_ms));
  await_timers(s, hold_ms);
  enter(s, number, &ctx, event.seq);
  ctx.local = s->local;
  if (s->plugin->on_event) rc = s->plugin->on_event(s->self, &ctx, &event);
  leave(s, rc >= 0);
  say_done(s, number, rc);
  qun_channel_flush(&s->channel, true);
}

static void on_events(struct qun_serve *s, struct qun_unpack *u) {
  uint32_t n;
  odd(qun_unpack_array(u, &n));
  for (; n > 0; n--) run_event(s, u);
}

/* ---------------------------------------------------------------- the loop */

static void take(struct qun_serve *s, const struct qun_waiting *w) {
  struct qun_unpack u;
  qun_unpack_init(&u, qun_slice_of(w->args, w->len));
  switch (w->method) {
  case QUN_WIRE_CREATE: on_create(s, &u); break;
  case QUN_WIRE_TENANT: on_tenant(s, &u); break;
  case QUN_WIRE_EVENTS: on_events(s, &u); break;
  case QUN_WIRE_TIMER: on_timer(s, &u); break;
  case QUN_WIRE_REQUEST: on_request(s, &u); break;
  case QUN_WIRE_DUE: odd(qun__wire_i64(&u, &s->due_ms)); break;
  case QUN_WIRE_KNOWN: on_known(s, &u); break;
  case QUN_WIRE_FORGET: qun_keyspace_forget(&s->keyspace); break;
  default: odd(false);
  }
}

void qun_serve_run(struct qun_serve *s) {
  for (;;) {
    struct qun_waiting *w = qun_channel_next(&s->channel);
    odd(s->created || w->method == QUN_WIRE_CREATE);
    take(s, w);
    free(w);
  }
}
