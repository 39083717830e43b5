/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/proxy.h"

#include <services/services.h>

#include <stdio.h>

enum {
  CALLS_MAX = 100000,    /* service calls of one callback */
  SEND_BYTES = 64 << 10, /* announced events go out when so much has gathered */
  ANNOUNCED_MAX = 4096
};
static const uint64_t bytes_max = (uint64_t)64 << 20; /* arguments of one callback */

struct proxy {
  const struct qun_host *host;
  struct qun_proxy_config config;
};

/* A tenant's place: its runner and what a new one must be told. */
struct seat {
  struct proxy *proxy;
  struct qun_runner *runner;         /* NULL: none */
  struct qun_pack info;              /* [context, info] of the last on_tenant */
  uint64_t number;                   /* of callbacks */
  uint64_t announced[ANNOUNCED_MAX]; /* numbers and records that are under way, a ring */
  uint64_t announced_seq[ANNOUNCED_MAX];
  int64_t announced_hold[ANNOUNCED_MAX];
  uint32_t first, count;
  struct qun_pack events, known; /* gathered */
  uint32_t events_count, known_count;
  int64_t believed_due;
  uint64_t member; /* of the event that is handled */
  qun_proxy_asked asked;
  void *asked_arg;
  uint64_t poison;
  bool starting;    /* the runner that was broken off was only being started */
  char broken[200]; /* "" or why */
};

/* ---------------------------------------------------------------- the runner comes and goes */

static void clear_under_way(struct seat *s) {
  s->first = s->count = s->events_count = s->known_count = 0;
  qun_pack_clear(&s->events);
  qun_pack_clear(&s->known);
  s->believed_due = INT64_MAX;
}

static void stop(struct seat *s) {
  qun_runner_destroy(s->runner);
  s->runner = NULL;
  clear_under_way(s);
}

/* The runner has broken its word or is dead: what it was at is noted, and it goes. */
static int break_off(struct seat *s, int rc, const char *what) {
  char how[96] = "";
  s->poison = atomic_load_explicit(&s->runner->page->seq, memory_order_relaxed);
  qun_runner_kill(s->runner);
  if (rc == QUN_EGONE) {
    qun_runner_how(s->runner, how);
    what = how;
  }
  snprintf(s->broken, sizeof s->broken, "%s", what);
  stop(s);
  return s->proxy->host->fail(s->proxy->host, QUN_EGONE, qun_str(s->broken));
}

static int64_t deadline(const struct seat *s) {
  return qun_runner_clock_ms() + s->proxy->config.options->callback_ms;
}

/* ---------------------------------------------------------------- what the plugin calls */

struct talk { /* one callback's */
  uint64_t number;
  uint64_t calls, bytes;
  int code; /* what the plugin answered */
  bool done;
};

/* [service, method, args] */
static bool read_call(const struct qun_frame *f, uint32_t *service, uint32_t *method, qun_slice *args) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, f->args);
  return qun_unpack_array(&u, &n) && n == 3 && qun__wire_u32(&u, service) && qun__wire_u32(&u, method) &&
         *service < QUN__SERVICES && *method < qun__services[*service].count && qun_unpack_any(&u, args) &&
         u.at == u.end;
}

static bool read_code(qun_slice answer, int32_t *code) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, answer);
  return qun_unpack_array(&u, &n) && n > 0 && qun__wire_i32(&u, code);
}

/* The nth argument of a call. */
static bool nth(qun_slice args, uint32_t at, struct qun_unpack *u) {
  uint32_t n;
  qun_unpack_init(u, args);
  if (!qun_unpack_array(u, &n) || at >= n) return false;
  while (at-- > 0)
    if (!qun_unpack_skip(u)) return false;
  return true;
}

/* What the proxy itself learns from a call that went well. */
static void watch(struct seat *s, uint32_t service, uint32_t method, qun_slice args) {
  struct qun_unpack u;
  int64_t due;
  qun_slice key;
  if (service == QUN__TIMER && method == QUN__TIMER_SET && nth(args, 2, &u) && qun__wire_i64(&u, &due) &&
      due < s->believed_due)
    s->believed_due = due;
  bool get =
      (service == QUN__STORE && method == QUN__STORE_GET) || (service == QUN__STORE2 && method == QUN__STORE2_GET);
  if (get && s->asked && nth(args, 1, &u) && qun_unpack_bin(&u, &key)) s->asked(s->asked_arg, s->member, key);
}

static int serve(struct seat *s, struct talk *t, const struct qun_frame *f) {
  struct qun_pack answer;
  uint32_t service = 0, method = 0;
  int32_t code = 0;
  qun_slice args;
  t->bytes += f->args.len;
  if (++t->calls > CALLS_MAX || t->bytes > bytes_max)
    return break_off(s, QUN_EINVAL, "one callback called the host too often, or with too much");
  if (!read_call(f, &service, &method, &args))
    return break_off(s, QUN_EINVAL, "it called a service that does not exist");
  qun_pack_init(&answer);
  int rc = qun__dispatch(s->proxy->host, service, method, args, &answer);
  bool oneway = qun__services[service].methods[method].oneway;
  if (rc == 0 && !oneway && !read_code(qun_pack_slice(&answer), &code)) rc = QUN_EINVAL;
  if (rc == 0 && code >= 0) watch(s, service, method, args);
  if (rc < 0)
    rc = break_off(s, rc, "it called a service with arguments that are none");
  else if (f->type == QUN_WIRE_CALL)
    qun_wire_put(&s->runner->out, QUN_WIRE_ANSWER, f->id, QUN_WIRE_SERVICE, qun_pack_slice(&answer));
  else if (code < 0)
    rc = break_off(s, QUN_EINVAL, code == QUN_EQUOTA ? "it wrote more than its quota" : "it wrote where it may not");
  qun_pack_fini(&answer);
  return rc;
}

static int log_line(struct seat *s, const struct qun_frame *f) {
  struct qun_unpack u;
  uint32_t n, level;
  qun_slice text;
  qun_unpack_init(&u, f->args);
  if (!qun_unpack_array(&u, &n) || n != 2 || !qun__wire_u32(&u, &level) || !qun_unpack_str(&u, &text))
    return break_off(s, QUN_EINVAL, "it sent a line for the log that is none");
  s->proxy->host->log(s->proxy->host, (int)level, text);
  return 0;
}

/* [number, code, message] */
static int finish(struct seat *s, struct talk *t, const struct qun_frame *f) {
  struct qun_unpack u;
  uint64_t number;
  uint32_t n;
  int32_t code;
  qun_slice message;
  qun_unpack_init(&u, f->args);
  if (!qun_unpack_array(&u, &n) || n != 3 || !qun__wire_u64(&u, &number) || !qun__wire_i32(&u, &code) ||
      !qun_unpack_str(&u, &message) || number != t->number)
    return break_off(s, QUN_EINVAL, "it ended a callback that was not asked for");
  t->done = true;
  t->code = code;
  if (code < 0 && message.len) s->proxy->host->fail(s->proxy->host, code, message);
  return 0;
}

static int take(struct seat *s, struct talk *t, const struct qun_frame *f) {
  if (f->method == QUN_WIRE_SERVICE && f->type != QUN_WIRE_ANSWER) return serve(s, t, f);
  if (f->method == QUN_WIRE_LOG && f->type == QUN_WIRE_NOTE) return log_line(s, f);
  if (f->method == QUN_WIRE_DONE && f->type == QUN_WIRE_NOTE) return finish(s, t, f);
  return break_off(s, QUN_EINVAL, "it sent a frame that a runner does not send");
}

/* Serves the runner until callback `number` has ended. Answers what the plugin answered. */
static int converse(struct seat *s, uint64_t number) {
  struct talk t = {.number = number};
  int64_t until = deadline(s);
  struct qun_error err = {0};
  struct qun_frame f;
  s->broken[0] = '\0';
  s->poison = 0;
  while (!t.done) {
    int rc = qun_runner_next(s->runner, &f, until, &err);
    if (rc == QUN_EAGAIN) return break_off(s, rc, "a callback did not come back in time");
    if (rc < 0) return break_off(s, rc, err.message);
    rc = take(s, &t, &f);
    if (rc < 0) return rc;
    if (qun_runner_clock_ms() > until && !t.done)
      return break_off(s, QUN_EAGAIN, "a callback did not come back in time");
  }
  return t.code;
}

/* ---------------------------------------------------------------- beginning */

static uint64_t begin(struct seat *s, enum qun_wire_method method, size_t *at) {
  *at = qun_wire_begin(&s->runner->out, QUN_WIRE_NOTE, 0, method);
  return ++s->number;
}

static int tell(struct seat *s) {
  size_t at;
  uint64_t number = begin(s, QUN_WIRE_TENANT, &at);
  qun_pack_array(&s->runner->out, 3);
  qun__wire_put_u64(&s->runner->out, number);
  qun_pack_raw(&s->runner->out, qun_pack_slice(&s->info));
  qun_wire_end(&s->runner->out, at);
  return converse(s, number);
}

/* A runner that knows the tenant. */
static int start(struct seat *s) {
  struct proxy *p = s->proxy;
  struct qun_error err = {0};
  size_t at;
  s->broken[0] = '\0';
  s->poison = 0;
  s->starting = true;
  int rc = qun_runner_start(&s->runner, p->config.options, &p->config.plugin, &err);
  if (rc < 0) {
    snprintf(s->broken, sizeof s->broken, "%.190s", err.message);
    return p->host->fail(p->host, rc, qun_str(err.message));
  }
  uint64_t number = begin(s, QUN_WIRE_CREATE, &at);
  qun__wire_put_u64(&s->runner->out, number);
  qun_wire_end(&s->runner->out, at);
  rc = converse(s, number);
  if (rc >= 0) rc = tell(s);
  if (rc < 0 && s->runner) { /* it refuses: without a runner nobody calls it */
    snprintf(s->broken, sizeof s->broken, "it refuses the tenant");
    stop(s);
  }
  if (rc >= 0) s->starting = false;
  return rc;
}

static int ready(struct seat *s) {
  return s->runner ? 0 : start(s);
}

/* ---------------------------------------------------------------- struct qun_plugin */

static int create(const struct qun_host *host, qun_slice config, void **self) {
  struct proxy *p = calloc(1, sizeof *p);
  if (!p || config.len != sizeof p->config) {
    free(p);
    return host->fail(host, QUN_EFAIL, qun_str("out of memory"));
  }
  p->host = host;
  memcpy(&p->config, config.ptr, sizeof p->config);
  *self = p;
  return 0;
}

static void destroy(void *self) {
  free(self);
}

static void on_tenant_close(void *self, void *local) {
  struct seat *s = local;
  (void)self;
  if (!s) return;
  stop(s);
  qun_pack_fini(&s->info);
  qun_pack_fini(&s->events);
  qun_pack_fini(&s->known);
  free(s);
}

static int on_tenant(void *self, const struct qun_context *ctx, const struct qun_tenant_info *info, void **local) {
  struct proxy *p = self;
  struct seat *s = *local;
  if (!s) {
    s = calloc(1, sizeof *s);
    if (!s) return p->host->fail(p->host, QUN_EFAIL, qun_str("out of memory"));
    s->proxy = p;
    s->believed_due = INT64_MAX;
    *local = s;
  }
  qun_pack_clear(&s->info);
  qun__wire_put_context(&s->info, ctx);
  qun__wire_put_tenant_info(&s->info, info);
  if (s->info.failed) return p->host->fail(p->host, QUN_EFAIL, qun_str("out of memory"));
  return s->runner ? tell(s) : 0; /* one that starts is told then */
}

/* A runner that waits for a timer which is not due goes on. */
static void release(struct seat *s, int64_t hold_ms) {
  if (s->believed_due > hold_ms) return;
  qun_proxy_due(s, hold_ms + 1);
}

static int on_event(void *self, const struct qun_context *ctx, const struct qun_event *event) {
  struct seat *s = ctx->local;
  (void)self;
  int rc = ready(s);
  if (rc >= 0 && s->count == 0 && s->events_count == 0) rc = qun_proxy_announce(s, ctx, event, INT64_MIN);
  if (rc < 0) return rc;
  qun_proxy_send(s);
  uint64_t number = s->announced[s->first];
  if (s->announced_seq[s->first] != event->seq) return break_off(s, QUN_EFAIL, "events came in another order");
  int64_t hold_ms = s->announced_hold[s->first];
  s->first = (s->first + 1) % ANNOUNCED_MAX;
  s->count--;
  s->member = event->member;
  release(s, hold_ms);
  return converse(s, number);
}

static int on_timer(void *self, const struct qun_context *ctx, const struct qun_timer *timer) {
  struct seat *s = ctx->local;
  size_t at;
  (void)self;
  int rc = ready(s);
  if (rc < 0) return rc;
  uint64_t number = begin(s, QUN_WIRE_TIMER, &at);
  qun_pack_array(&s->runner->out, 3);
  qun__wire_put_u64(&s->runner->out, number);
  qun__wire_put_context(&s->runner->out, ctx);
  qun__wire_put_timer(&s->runner->out, timer);
  qun_wire_end(&s->runner->out, at);
  s->member = 0;
  return converse(s, number);
}

static int on_request(void *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct seat *s = ctx->local;
  size_t at;
  (void)self;
  int rc = ready(s);
  if (rc < 0) return rc;
  uint64_t number = begin(s, QUN_WIRE_REQUEST, &at);
  qun_pack_array(&s->runner->out, 4);
  qun__wire_put_u64(&s->runner->out, number);
  qun__wire_put_context(&s->runner->out, ctx);
  qun_pack_bool(&s->runner->out, 0);
  qun__wire_put_request(&s->runner->out, request);
  qun_wire_end(&s->runner->out, at);
  s->member = 0;
  return converse(s, number);
}

const struct qun_plugin qun_proxy_plugin = {.struct_size = sizeof(struct qun_plugin),
                                            .create = create,
                                            .destroy = destroy,
                                            .on_tenant = on_tenant,
                                            .on_tenant_close = on_tenant_close,
                                            .on_event = on_event,
                                            .on_timer = on_timer,
                                            .on_request = on_request};

/* ---------------------------------------------------------------- ahead of the callbacks */

int qun_proxy_announce(void *local, const struct qun_context *ctx, const struct qun_event *event, int64_t hold_ms) {
  struct seat *s = local;
  int rc = ready(s);
  if (rc < 0) return rc;
  if (s->count == ANNOUNCED_MAX) return QUN_EAGAIN;
  uint32_t at = (s->first + s->count) % ANNOUNCED_MAX;
  qun_pack_array(&s->events, 4);
  qun__wire_put_u64(&s->events, ++s->number);
  qun__wire_put_context(&s->events, ctx);
  qun__wire_put_event(&s->events, event);
  qun_pack_int(&s->events, hold_ms);
  s->announced[at] = s->number;
  s->announced_seq[at] = event->seq;
  s->announced_hold[at] = hold_ms;
  s->count++;
  s->events_count++;
  if (s->events.len > SEND_BYTES) qun_proxy_send(s);
  return 0;
}

void qun_proxy_known(void *local, qun_slice key, const qun_slice *value) {
  struct seat *s = local;
  qun_pack_bin(&s->known, key);
  if (value)
    qun_pack_bin(&s->known, *value);
  else
    qun_pack_nil(&s->known);
  s->known_count += 2;
}

static void send_list(struct seat *s, enum qun_wire_method method, struct qun_pack *items, uint32_t *count) {
  if (!*count || !s->runner) return;
  size_t at = qun_wire_begin(&s->runner->out, QUN_WIRE_NOTE, 0, method);
  qun_pack_array(&s->runner->out, *count);
  qun_pack_raw(&s->runner->out, qun_pack_slice(items));
  s->runner->out.failed |= items->failed;
  qun_wire_end(&s->runner->out, at);
  qun_pack_clear(items);
  *count = 0;
}

void qun_proxy_send(void *local) {
  struct seat *s = local;
  send_list(s, QUN_WIRE_KNOWN, &s->known, &s->known_count);
  send_list(s, QUN_WIRE_EVENTS, &s->events, &s->events_count);
  if (s->runner) qun_runner_push(s->runner);
}

void qun_proxy_due(void *local, int64_t due_ms) {
  struct seat *s = local;
  s->believed_due = due_ms;
  if (!s->runner) return;
  size_t at = qun_wire_begin(&s->runner->out, QUN_WIRE_NOTE, 0, QUN_WIRE_DUE);
  qun_pack_int(&s->runner->out, due_ms);
  qun_wire_end(&s->runner->out, at);
}

void qun_proxy_forget(void *local) {
  struct seat *s = local;
  if (s->runner) qun_wire_put(&s->runner->out, QUN_WIRE_NOTE, 0, QUN_WIRE_FORGET, qun_slice_of("\xc0", 1));
}

void qun_proxy_stop(void *local) {
  if (local) stop(local);
}

const char *qun_proxy_broken(const void *local) {
  const struct seat *s = local;
  return s && s->broken[0] ? s->broken : NULL;
}

uint64_t qun_proxy_poison(const void *local) {
  const struct seat *s = local;
  return s ? s->poison : 0;
}

bool qun_proxy_began(const void *local) {
  const struct seat *s = local;
  return s && !s->starting;
}

int qun_proxy_pid(const void *local) {
  const struct seat *s = local;
  return s && s->runner ? (int)s->runner->pid : 0;
}

void qun_proxy_on_asked(void *local, qun_proxy_asked asked, void *arg) {
  struct seat *s = local;
  s->asked = asked;
  s->asked_arg = arg;
}
