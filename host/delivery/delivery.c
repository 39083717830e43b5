/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/delivery.h"

#include "host/bridge/bridge.h"
#include "host/delivery/fetch.h"
#include "host/delivery/queue.h"
#include "host/delivery/spool.h"
#include "host/delivery/webhook.h"
#include "host/delivery/work.h"
#include "tenants/meta.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  TURN = 64, /* rows of one tenant before another's turn */
  TRIES = 12,
  FIRST_WAIT_MS = 2000,
  WAIT_MAX_MS = 3600000,
  HISTORY_LOOK_MS = 500, /* a tenant whose clock moves with its events alone is looked at so often while a row waits */
  TROUBLE_MS = 5000,
  SLEEP_MAX_MS = 1000,
  LAST_ROWS = 4096,  /* of one tenant, when the worker stops */
  LAST_LOOKS = 10000 /* of a worker that stops: two plugins may answer each other for ever */
};

struct qun_delivery {
  struct qun_engine *engine;
  struct qun_delivery_options options;
  struct qun_looks looks;
  struct qun_webhooks *webhooks;
  struct qun_fetches *fetches;
  struct qun_works *works;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint64_t asked, settled; /* under lock */
  atomic_bool stop;
  bool stopping; /* the worker's */
};

static void say(const struct qun_delivery *d, const char *tenant, const char *what) {
  char line[640];
  snprintf(line, sizeof line, "tenant %s: %s", tenant, what);
  if (d->options.log)
    d->options.log(d->options.log_arg, QUN_LOG_WARN, line);
  else
    fprintf(stderr, "warn %s\n", line);
}

/* ---------------------------------------------------------------- senders, one table */

static void send_bridge(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  qun_bridge_send(d->engine, row, out);
}

static void send_webhook(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  qun_webhooks_send(d->webhooks, row, qun_engine_now(d->engine), out);
}

static void send_spool(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  qun_spool_send(qun_engine_data_dir(d->engine), row, out);
}

static void send_http(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  qun_fetches_send(d->fetches, row, out);
}

static void send_work(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  qun_works_send(d->works, row, out);
}

static const struct sender {
  const char *via;
  void (*send)(struct qun_delivery *d, struct qun_delivery_row *row, struct qun_send_outcome *out);
  bool local;         /* ends at once on this machine: a worker that stops still sends these */
  const char *answer; /* type of the record that ends a row; NULL: outbox.sent or outbox.failed */
} senders[] = {{"bridge", send_bridge, true, NULL},
               {"webhook", send_webhook, false, NULL},
               {"spool", send_spool, true, NULL},
               {"http", send_http, false, "http.answer"},
               {"work", send_work, false, "work.answer"}};

static const struct sender *sender_of(qun_slice via) {
  for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
    if (qun_slice_is(via, senders[i].via)) return &senders[i];
  }
  return NULL;
}

/* ---------------------------------------------------------------- outcomes */

/* An interception that nobody ended. */
static int record_lapse(struct qun_delivery *d, const struct qun_delivery_row *row, struct qun_error *err) {
  char name[QUN_DELIVERY_ID_SIZE], id[48];
  struct qun_pack p;
  qun_delivery_row_name(name, row->plugin, row->key);
  int n = snprintf(id, sizeof id, "lapse/%s", name);
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_str(&p, "plugin", row->plugin);
  qun_pack_kv_str(&p, "by", row->by);
  int rc = p.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                    : qun_engine_control(d->engine, row->tenant, "intercept.expired", row->key,
                                         qun_slice_of(id, (size_t)n), qun_pack_slice(&p), NULL, err);
  qun_pack_fini(&p);
  return rc;
}

static int record(struct qun_delivery *d, const struct qun_delivery_row *row, const struct qun_send_outcome *outcome,
                  struct qun_error *err) {
  char name[QUN_DELIVERY_ID_SIZE], id[48];
  bool sent = outcome->code == QUN_SEND_SENT;
  const struct sender *sender = sender_of(row->via);
  const char *answer = sender ? sender->answer : NULL;
  struct qun_pack p;
  qun_delivery_row_name(name, row->plugin, row->key);
  int n = snprintf(id, sizeof id, "outbox/%s", name);
  qun_pack_init(&p);
  qun_pack_map(&p, sent && answer ? 1 + outcome->answer_members : 2);
  qun_pack_kv_str(&p, "plugin", row->plugin);
  if (sent && answer)
    qun_pack_raw(&p, outcome->answer);
  else if (sent)
    qun_pack_kv_str(&p, "via", row->via);
  else
    qun_pack_kv_cstr(&p, answer ? "error" : "reason", outcome->reason);
  int rc = p.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                    : qun_engine_control(d->engine, row->tenant,
                                         answer ? answer
                                         : sent ? "outbox.sent"
                                                : "outbox.failed",
                                         row->key, qun_slice_of(id, (size_t)n), qun_pack_slice(&p), NULL, err);
  qun_pack_fini(&p);
  return rc;
}

static int64_t back_off(const struct qun_delivery *d, uint32_t tries) {
  int64_t wait = d->options.first_wait_ms;
  for (uint32_t i = 1; i < tries && wait < WAIT_MAX_MS; i++) wait *= 2;
  return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

static void wait_for(struct qun_delivery *d, struct qun_look *look, struct qun_try *t, int64_t wait_ms) {
  t->next_ms = qun_engine_now(d->engine) + wait_ms;
  qun__look_wish(&d->looks, look->tenant, t->next_ms);
}

/* A row that could not go out now: wait, or give up. */
static void later(struct qun_delivery *d, struct qun_look *look, struct qun_try *t, const struct qun_delivery_row *row,
                  struct qun_send_outcome *outcome) {
  char reason[sizeof outcome->reason];
  uint32_t most = qun_slice_is(row->via, "http") ? qun_fetch_tries(row) : d->options.tries;
  if (outcome->free) t->tries--;
  int64_t wait = outcome->free ? 0 : back_off(d, t->tries);
  if (outcome->free || t->tries < most) {
    wait_for(d, look, t, outcome->wait_ms > wait ? outcome->wait_ms : wait);
    return;
  }
  snprintf(reason, sizeof reason, "%s", outcome->reason);
  qun_send_answer(outcome, QUN_SEND_FAILED, "given up after %u tries: %s", t->tries, reason);
}

static void finish(struct qun_delivery *d, struct qun_look *look, struct qun_try *t, const struct qun_delivery_row *row,
                   struct qun_send_outcome *outcome) {
  struct qun_error err = {0};
  t->underway = false;
  if (outcome->code == QUN_SEND_LATER) later(d, look, t, row, outcome);
  if (outcome->code == QUN_SEND_LATER) return;
  int rc = row->expired ? record_lapse(d, row, &err) : record(d, row, outcome, &err);
  if (rc == 0 || err.code == QUN_ENOTFOUND) {
    qun__try_drop(look, t->name);
    return;
  }
  say(d, look->tenant, err.message); /* sent, perhaps, but not recorded: it is sent again under the same key */
  wait_for(d, look, t, TROUBLE_MS);
}

static void sent_done(void *arg, struct qun_delivery_row *row, const struct qun_send_outcome *answer) {
  struct qun_delivery *d = arg;
  struct qun_send_outcome outcome = *answer;
  char name[QUN_DELIVERY_ID_SIZE];
  struct qun_look *look = qun__look_find(&d->looks, row->tenant);
  qun_delivery_row_name(name, row->plugin, row->key);
  struct qun_try *t = look ? qun__try_find(look, name) : NULL;
  if (t) finish(d, look, t, row, &outcome);
  if (look) qun__look_wish(&d->looks, look->tenant, INT64_MIN); /* a place is free */
  qun_delivery_row_destroy(row);
}

/* Takes the row over. */
static void dispatch(struct qun_delivery *d, struct qun_look *look, struct qun_delivery_row *row) {
  struct qun_send_outcome outcome = {0};
  char name[QUN_DELIVERY_ID_SIZE];
  const struct sender *sender = sender_of(row->via);
  qun_delivery_row_name(name, row->plugin, row->key);
  struct qun_try *t = qun__try_get(look, name);
  if (t) {
    t->tries++;
    if (row->expired)
      outcome.code = QUN_SEND_SENT; /* there is nothing to send */
    else if (sender)
      sender->send(d, row, &outcome);
    else
      qun_send_answer(&outcome, QUN_SEND_FAILED,
                      "this host does not deliver by \"%.*s\"; it knows bridge, webhook, spool, http and work",
                      (int)row->via.len, (const char *)row->via.ptr);
    if (outcome.code == QUN_SEND_UNDERWAY) {
      t->underway = true;
      return;
    }
    finish(d, look, t, row, &outcome);
  }
  qun_delivery_row_destroy(row);
}

/* ---------------------------------------------------------------- looking at a tenant */

struct finding {
  struct qun_delivery_row *rows[TURN];
  uint32_t count;
  int64_t next; /* when to look again */
};

static void look_again(struct finding *f, int64_t at) {
  if (at < f->next) f->next = at;
}

/* True: the row is to be sent now. */
static bool wanted(struct qun_delivery *d, struct qun_look *look, const struct qun_outbox_entry *e, int64_t now,
                   struct finding *f) {
  char name[QUN_DELIVERY_ID_SIZE];
  const struct sender *sender = sender_of(e->via);
  if (d->stopping && sender && !sender->local) return false;
  qun_delivery_row_name(name, e->plugin, e->key);
  const struct qun_try *t = qun__try_find(look, name);
  if (t && t->underway) return false;
  if (t && t->next_ms > now) {
    look_again(f, t->next_ms);
    return false;
  }
  return true;
}

static void pick(struct qun_delivery *d, struct qun_look *look, const struct qun_reading *r,
                 const struct qun_outbox_entry *entries, uint32_t count, struct finding *f) {
  struct qun_head head;
  int64_t now = qun_engine_now(d->engine);
  if (qun_head_read(&r->view, &head) < 0) return;
  int64_t clock = head.live && now > head.clock_ms ? now : head.clock_ms;
  for (uint32_t i = 0; i < count; i++) {
    int64_t due = entries[i].state == QUN_OUTBOX_INTERCEPTED ? entries[i].deadline_ms : entries[i].due_ms;
    if (due > clock) {
      look_again(f, head.live ? due : now + HISTORY_LOOK_MS);
      return;
    }
    if (!wanted(d, look, &entries[i], now, f)) continue;
    if (f->count == TURN || !(f->rows[f->count] = qun_delivery_row_copy(look->tenant, &entries[i]))) {
      look_again(f, now);
      return;
    }
    f->count++;
  }
}

static int find(struct qun_delivery *d, struct qun_look *look, struct finding *f, struct qun_error *err) {
  struct qun_reading r;
  /* rows that wait stand before new ones, and webhooks before what a worker that stops still sends */
  uint32_t count = 0, cap = (d->stopping ? LAST_ROWS : 2 * TURN) + qun__try_count(look);
  int rc = qun_engine_read_begin(d->engine, look->tenant, &r, err);
  if (rc < 0) return rc;
  struct qun_outbox_entry *entries = calloc(cap, sizeof *entries);
  if (!entries) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0 && qun_outbox_due(&r.view, INT64_MAX, entries, cap, &count) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "the outbox cannot be read");
  if (rc == 0) pick(d, look, &r, entries, count, f);
  free(entries);
  qun_engine_read_end(&r);
  return rc;
}

static void look_at(struct qun_delivery *d, struct qun_look *look) {
  struct finding f = {.next = INT64_MAX};
  struct qun_error err = {0};
  int rc = find(d, look, &f, &err);
  if (rc < 0 && rc != QUN_ENOTFOUND) {
    say(d, look->tenant, err.message);
    look_again(&f, qun_engine_now(d->engine) + TROUBLE_MS);
  }
  for (uint32_t i = 0; i < f.count; i++) dispatch(d, look, f.rows[i]);
  if (f.next != INT64_MAX) qun__look_wish(&d->looks, look->tenant, f.next);
}

/* ---------------------------------------------------------------- the worker */

/* Nothing is due: tell who waits. Answers how long to sleep. */
static int idle(struct qun_delivery *d, uint64_t asked, int64_t now, int64_t next) {
  if (qun_egress_underway(qun_webhooks_egress(d->webhooks)) == 0 && qun_works_underway(d->works) == 0) {
    pthread_mutex_lock(&d->lock);
    d->settled = asked;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
  }
  return next - now < SLEEP_MAX_MS ? (int)(next - now) : SLEEP_MAX_MS;
}

static void *run(void *arg) {
  struct qun_delivery *d = arg;
  for (uint32_t last = 0; last < LAST_LOOKS;) {
    int64_t now = qun_engine_now(d->engine), next = INT64_MAX;
    if (!d->stopping && atomic_load(&d->stop)) {
      d->stopping = true;
      qun__look_wish_all(&d->looks);
    }
    pthread_mutex_lock(&d->lock);
    uint64_t asked = d->asked; /* before the look, so that a wish that comes now is not taken for done */
    pthread_mutex_unlock(&d->lock);
    struct qun_look *look = qun__look_take(&d->looks, now, &next);
    if (!look && d->stopping) break;
    if (d->stopping) last++;
    int sleep = 0;
    if (look)
      look_at(d, look);
    else
      sleep = idle(d, asked, now, next);
    qun_works_collect(d->works);
    qun_webhooks_run(d->webhooks, sleep, qun_engine_now(d->engine));
  }
  return NULL;
}

static void on_outbox(void *arg, const char *tenant) {
  struct qun_delivery *d = arg;
  qun__look_wish(&d->looks, tenant, INT64_MIN);
  qun_webhooks_wake(d->webhooks);
}

void qun_delivery_settle(struct qun_delivery *d) {
  pthread_mutex_lock(&d->lock);
  qun__look_wish_all(&d->looks);
  uint64_t want = ++d->asked;
  qun_webhooks_wake(d->webhooks);
  while (d->settled < want) pthread_cond_wait(&d->changed, &d->lock);
  pthread_mutex_unlock(&d->lock);
}

/* ---------------------------------------------------------------- start and stop */

static int wish_each(void *arg, const char *tenant) {
  struct qun_delivery *d = arg;
  qun__look_wish(&d->looks, tenant, INT64_MIN);
  return 0;
}

static void destroy(struct qun_delivery *d) {
  qun_works_destroy(d->works); /* its readers wake the worker through the egress */
  qun_webhooks_destroy(d->webhooks);
  qun_fetches_destroy(d->fetches);
  qun__looks_fini(&d->looks);
  pthread_cond_destroy(&d->changed);
  pthread_mutex_destroy(&d->lock);
  free(d);
}

static void wake(void *arg) {
  struct qun_delivery *d = arg;
  qun_webhooks_wake(d->webhooks);
}

static int make_senders(struct qun_delivery *d, struct qun_error *err) {
  struct qun_works_options works = {.done = sent_done, .wake = wake, .arg = d};
  int rc =
      qun_webhooks_create(&d->webhooks, qun_engine_keys_dir(d->engine), d->options.allow_loopback, sent_done, d, err);
  if (rc == 0) rc = qun_fetches_create(&d->fetches, d->engine, qun_webhooks_egress(d->webhooks), sent_done, d, err);
  return rc < 0 ? rc : qun_works_create(&d->works, d->engine, &works, err);
}

int qun_delivery_start(struct qun_delivery **out, struct qun_engine *e, const struct qun_delivery_options *options,
                       struct qun_error *err) {
  struct qun_delivery *d = calloc(1, sizeof *d);
  if (!d) return qun_error_set(err, QUN_EFAIL, "out of memory");
  d->engine = e;
  if (options) d->options = *options;
  if (!d->options.tries) d->options.tries = TRIES;
  if (!d->options.first_wait_ms) d->options.first_wait_ms = FIRST_WAIT_MS;
  qun__looks_init(&d->looks);
  pthread_mutex_init(&d->lock, NULL);
  pthread_cond_init(&d->changed, NULL);
  int rc = make_senders(d, err);
  if (rc == 0) qun_engine_on_outbox(e, on_outbox, d);
  if (rc == 0 && d->options.sweep) qun_engine_outbox_each(e, wish_each, d);
  if (rc == 0 && pthread_create(&d->thread, NULL, run, d) != 0) {
    qun_engine_on_outbox(e, NULL, NULL);
    rc = qun_error_set(err, QUN_EFAIL, "the thread of the delivery cannot start");
  }
  if (rc < 0)
    destroy(d);
  else
    *out = d;
  return rc;
}

void qun_delivery_stop(struct qun_delivery *d) {
  if (!d) return;
  atomic_store(&d->stop, true);
  qun_webhooks_wake(d->webhooks);
  pthread_join(d->thread, NULL);
  qun_engine_on_outbox(d->engine, NULL, NULL);
  destroy(d);
}
