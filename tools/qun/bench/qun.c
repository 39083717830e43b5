/* SPDX-License-Identifier: Apache-2.0 */
/* Qun as a contender: a new qund with all plugins each round, batches over the Unix socket or CloudEvents over HTTP. */
#include "tools/qun/bench/daemon.h"
#include "tools/qun/bench/side.h"
#include "tools/qun/bench/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 8, HTTP_CONNECTIONS = 16 };

struct round {
  const struct qun_bench_plan *plan;
  struct qun_bench_daemon *daemon;
  struct qun_bench_frames frames;
  struct qun_bench_drive drive;
  char (*tokens)[QUN_BENCH_TOKEN];
};

void qun_bench_result_of(struct qun_bench_result *result, struct qun_bench_drive *d) {
  result->events = d->events;
  result->acknowledged_s = result->applied_s = d->seconds;
  result->p50_us = (double)qun_percentile(d->latency_us, d->count, 0.50);
  result->p99_us = (double)qun_percentile(d->latency_us, d->count, 0.99);
}

/* ---- frames and answers */

static void encode_socket(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                          const struct qun_bench_event *events, uint32_t count) {
  (void)arg, (void)tenant, (void)nth;
  size_t at = out->len;
  unsigned char *head = qun__pack_room(out, 4);
  if (head) qun__put_be(head, 0, 4);
  qun_pack_map(out, 2);
  qun_pack_kv_int(out, "batch", frame);
  qun_pack_cstr(out, "events");
  qun_pack_array(out, count);
  for (uint32_t i = 0; i < count; i++) qun_bench_event_pack(out, &events[i]);
  if (!out->failed) qun__put_be(out->buf + at, out->len - at - 4, 4);
}

static void encode_http(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                        const struct qun_bench_event *events, uint32_t count) {
  (void)frame, (void)nth;
  struct round *r = arg;
  struct qun_pack body;
  char head[512];
  qun_pack_init(&body);
  for (uint32_t i = 0; i < count; i++) {
    qun_pack_raw(&body, qun_slice_of(i ? "," : "[", 1));
    qun_bench_event_json(&body, &events[i]);
  }
  qun_pack_raw(&body, qun_slice_of("]", 1));
  int n = snprintf(head, sizeof head,
                   "POST /v1/tenants/bench-%u/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: application/cloudevents-batch+json\r\nContent-Length: %zu\r\n\r\n",
                   tenant, r->tokens[tenant], body.len);
  qun_pack_raw(out, qun_slice_of(head, (size_t)n));
  qun_pack_raw(out, qun_pack_slice(&body));
  out->failed |= body.failed;
  qun_pack_fini(&body);
}

static int take_socket(struct qun_bench_link *link, struct qun_error *err) {
  int answers = 0;
  while (link->to - link->from >= 4) {
    uint64_t len = qun__get_be(link->in + link->from, 4);
    if (link->to - link->from - 4 < len) break;
    qun_slice map = qun_slice_of(link->in + link->from + 4, (size_t)len), refusal = qun_mp_str(map, "error");
    if (refusal.len)
      return qun_error_set(err, QUN_EFAIL, "a batch was refused: %.*s", (int)refusal.len, (const char *)refusal.ptr);
    link->from += 4 + (size_t)len;
    answers++;
  }
  return answers;
}

static int take_http(struct qun_bench_link *link, struct qun_error *err) {
  int answers = 0;
  for (;;) {
    const char *at = (const char *)link->in + link->from;
    size_t held = link->to - link->from;
    const char *end = held ? memmem(at, held, "\r\n\r\n", 4) : NULL;
    const char *len = end ? memmem(at, (size_t)(end - at), "Content-Length: ", 16) : NULL;
    if (!end) return answers;
    if (!len) return qun_error_set(err, QUN_EFAIL, "qund answered without a length");
    size_t whole = (size_t)(end - at) + 4 + strtoul(len + 16, NULL, 10);
    if (held < whole) return answers;
    if (memcmp(at, "HTTP/1.1 2", 10) != 0)
      return qun_error_set(err, QUN_EFAIL, "qund refused: %.*s", (int)(whole < 400 ? whole : 400), at);
    link->from += whole;
    answers++;
  }
}

static const struct qun_bench_wire socket_wire = {.take = take_socket}, http_wire = {.take = take_http};

/* ---- a round */

int qun_bench_tenants_make(struct qun_bench_daemon *d, char (**out)[QUN_BENCH_TOKEN], uint32_t count,
                           struct qun_error *err) {
  char(*tokens)[QUN_BENCH_TOKEN] = calloc(count, sizeof *tokens);
  int rc = tokens ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; rc == 0 && i < count; i++) rc = qun_bench_tenant_make(d, i, tokens[i], err);
  if (rc == 0)
    *out = tokens;
  else
    free(tokens);
  return rc;
}

/* One tenant: as many connections as its window needs, single events: one a client. Many tenants: one each. */
static uint32_t links_wanted(const struct qun_bench_plan *p, uint32_t *depth) {
  *depth = 1;
  if (p->json) return p->under_way < HTTP_CONNECTIONS ? p->under_way : HTTP_CONNECTIONS;
  if (p->tenants == 1 && p->batch == 1) return p->under_way;
  *depth = p->under_way < WINDOW ? p->under_way : WINDOW;
  return p->tenants == 1 ? (p->under_way + WINDOW - 1) / WINDOW : p->tenants;
}

static int connect_links(struct round *r, struct qun_error *err) {
  struct qun_bench_drive *d = &r->drive;
  const char *ack = "durable"; /* the rate counts until all is applied, whatever the answer waits for */
  int rc = 0;
  *d = (struct qun_bench_drive){.plan = r->plan,
                                .frames = &r->frames,
                                .wire = r->plan->json ? &http_wire : &socket_wire,
                                .groups = r->plan->json ? 1 : r->plan->tenants};
  uint32_t wanted = links_wanted(r->plan, &d->depth);
  d->links = calloc(wanted, sizeof *d->links);
  if (!d->links) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (; rc == 0 && d->links_count < wanted; d->links_count += rc == 0)
    rc = r->plan->json ? qun_bench_http(r->daemon, &d->links[d->links_count].fd, err)
                       : qun_bench_intake(r->daemon, r->tokens[d->links_count % r->plan->tenants], ack,
                                          &d->links[d->links_count].fd, err);
  return rc;
}

static uint64_t file_size(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int check_counts(struct round *r, struct qun_error *err) {
  uint64_t sum = 0, events;
  for (uint32_t i = 0; i < r->plan->tenants; i++) {
    int rc = qun_bench_tenant_count(r->daemon, i, &events, err);
    if (rc < 0) return rc;
    sum += events;
  }
  if (sum == r->drive.events) return 0;
  return qun_error_set(err, QUN_EFAIL, "%llu events were acknowledged, the tenants hold %llu",
                       (unsigned long long)r->drive.events, (unsigned long long)sum);
}

static int wait_all(struct round *r, double *seconds, struct qun_error *err) {
  double begun = qun_bench_now();
  int rc = 0;
  for (uint32_t i = 0; rc == 0 && i < r->plan->tenants; i++) rc = qun_bench_tenant_wait(r->daemon, i, err);
  *seconds = qun_bench_now() - begun;
  return rc;
}

/* Asks every tenant to have applied all. What the asking itself takes, asked again when nothing is left, is not counted:
 * with a thousand tenants it would be a part of the figure. */
static int drain(struct round *r, struct qun_bench_result *result, struct qun_error *err) {
  double waited = 0, asked = 0;
  int rc = wait_all(r, &waited, err);
  if (rc == 0) rc = wait_all(r, &asked, err);
  if (waited > asked) result->applied_s += waited - asked;
  return rc;
}

static int measure(struct round *r, struct qun_bench_trace *trace, struct qun_bench_result *result,
                   struct qun_error *err) {
  char folder[sizeof r->daemon->data + 16];
  sync();
  if (trace) trace->from = file_size(trace->file);
  int rc = qun_bench_drive(&r->drive, err);
  qun_bench_result_of(result, &r->drive);
  if (rc == 0) rc = drain(r, result, err);
  if (trace) trace->to = file_size(trace->file);
  if (rc == 0) result->memory = (double)qun_bench_memory(r->daemon->pid);
  if (rc == 0) rc = check_counts(r, err);
  snprintf(folder, sizeof folder, "%s/tenants", r->daemon->data);
  if (rc == 0 && result->events) result->disk = (double)qun_bench_disk(folder) / (double)result->events;
  return rc;
}

static int round_open(struct round *r, struct qun_error *err) {
  int rc = qun_bench_frames_make(&r->frames, r->plan, r->plan->json ? encode_http : encode_socket, r, err);
  return rc < 0 ? rc : connect_links(r, err);
}

static void round_close(struct round *r) {
  for (uint32_t i = 0; i < r->drive.links_count; i++) close(r->drive.links[i].fd);
  qun_bench_drive_fini(&r->drive);
  free(r->drive.links);
  qun_bench_frames_fini(&r->frames);
}

int qun_bench_fill(struct qun_bench_daemon *d, const struct qun_bench_plan *plan, char (*tokens)[QUN_BENCH_TOKEN],
                   struct qun_error *err) {
  struct round r = {.plan = plan, .daemon = d, .tokens = tokens};
  int rc = round_open(&r, err);
  if (rc == 0) rc = qun_bench_drive(&r.drive, err);
  for (uint32_t i = 0; rc == 0 && i < plan->tenants; i++) rc = qun_bench_tenant_wait(d, i, err);
  round_close(&r);
  return rc;
}

int qun_bench_qun_round(const struct qun_bench_setup *setup, const struct qun_bench_plan *plan,
                        struct qun_bench_trace *trace, struct qun_bench_result *result, struct qun_error *err) {
  struct qun_bench_daemon daemon;
  struct round r = {.plan = plan, .daemon = &daemon};
  struct qun_bench_daemon_options options = {.dir = setup->dir,
                                             .plugins = setup->plugins,
                                             .trace = trace ? trace->file : NULL,
                                             .connections = plan->tenants + plan->under_way + 8,
                                             .http = plan->json};
  int rc = qun_bench_daemon_open(&daemon, &options, err);
  if (rc == 0) rc = qun_bench_tenants_make(&daemon, &r.tokens, plan->tenants, err);
  if (rc == 0) rc = round_open(&r, err);
  if (rc == 0) rc = measure(&r, trace, result, err);
  round_close(&r);
  free(r.tokens);
  qun_bench_daemon_close(&daemon);
  return rc;
}

/* ---- the side */

static int side_open(void **self, const struct qun_bench_setup *setup, struct qun_error *err) {
  struct qun_bench_setup *copy = malloc(sizeof *copy);
  *self = copy;
  if (!copy) return qun_error_set(err, QUN_EFAIL, "out of memory");
  *copy = *setup;
  return 0;
}

static uint32_t side_ways(const struct qun_bench_plan *plan, uint32_t out[QUN_BENCH_WAYS]) {
  uint32_t depth;
  out[0] = links_wanted(plan, &depth);
  return 1;
}

static int side_round(void *self, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_result *result,
                      struct qun_error *err) {
  (void)way;
  return qun_bench_qun_round(self, plan, NULL, result, err);
}

const struct qun_bench_side qun_bench_qun = {
    .name = "qun", .open = side_open, .ways = side_ways, .round = side_round, .close = free};
