/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis as a contender: a server of its own each round, AOF synced with every write ("always"), a frame one
 * MULTI ... EXEC: for each event the guard (HSETNX), the log (XADD), the member's counter and time, the day's counter.
 * MULTI cannot ask the guard first; a Redis that does would need a script and be slower.
 */
#include "tenants/remove_tree.h"
#include "tools/qun/bench/process.h"
#include "tools/qun/bench/side.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { READY_TRIES = 600, READY_STEP_US = 20000, COMMANDS = 5, PARTS_MAX = 5 };

struct server {
  char folder[256], socket[288], log[288];
  pid_t pid;
};

/* ---- the server */

static int find_program(const char **path, struct qun_error *err) {
  static const char *const places[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (access(places[i], X_OK) != 0) continue;
    *path = places[i];
    return 0;
  }
  return qun_error_set(err, QUN_ENOTFOUND, "Redis is not installed: apt-get install redis-server");
}

static int connect_to(const struct server *s, redisContext **out, struct qun_error *err) {
  redisContext *c = redisConnectUnix(s->socket);
  if (c && !c->err) {
    *out = c;
    return 0;
  }
  int rc = qun_error_set(err, QUN_EFAIL, "Redis: %s", c ? c->errstr : "out of memory");
  redisFree(c);
  return rc;
}

static int wait_ready(struct server *s, struct qun_error *err) {
  redisContext *c;
  for (int i = 0; i < READY_TRIES; i++) {
    int rc = qun_bench_process_lives(&s->pid, "redis-server", s->log, err);
    if (rc < 0) return rc;
    if (connect_to(s, &c, err) == 0) {
      redisFree(c);
      return 0;
    }
    usleep(READY_STEP_US);
  }
  return QUN_EFAIL;
}

static int server_start(struct server *s, const char *dir, struct qun_error *err) {
  const char *argv[] = {NULL,      "--port",
                        "0",       "--unixsocket",
                        s->socket, "--dir",
                        s->folder, "--save",
                        "",        "--appendonly",
                        "yes",     "--appendfsync",
                        "always",  "--auto-aof-rewrite-percentage",
                        "0",       "--daemonize",
                        "no",      NULL};
  struct qun_bench_command c = {.argv = argv, .log = s->log};
  int rc = find_program(&argv[0], err), n = snprintf(s->folder, sizeof s->folder, "%s/qun-bench-redis-XXXXXX", dir);
  if (rc < 0 || n < 0 || (size_t)n >= sizeof s->folder || !mkdtemp(s->folder)) {
    s->folder[0] = '\0';
    return rc < 0 ? rc : qun_error_set(err, QUN_EFAIL, "no folder can be made in %s: %m", dir);
  }
  snprintf(s->socket, sizeof s->socket, "%s/s", s->folder);
  snprintf(s->log, sizeof s->log, "%s/log", s->folder);
  rc = qun_bench_process_start(&s->pid, &c, err);
  return rc < 0 ? rc : wait_ready(s, err);
}

static void server_stop(struct server *s) {
  qun_bench_process_stop(&s->pid, SIGKILL); /* its folder goes too */
  if (s->folder[0]) qun_remove_tree(s->folder);
}

static int number(const struct server *s, redisContext *c, const char *command, const char *key, int64_t *out,
                  struct qun_error *err) {
  redisReply *r = redisCommand(c, "%s %s", command, key);
  int rc = r && r->type == REDIS_REPLY_INTEGER
               ? 0
               : qun_error_set(err, QUN_EFAIL, "Redis (%s): %s %s failed", s->folder, command, key);
  if (rc == 0) *out = r->integer;
  freeReplyObject(r);
  return rc;
}

/* ---- frames */

static void put_part(struct qun_pack *out, const char *bytes, size_t len) {
  char head[32];
  int n = snprintf(head, sizeof head, "$%zu\r\n", len);
  qun_pack_raw(out, qun_slice_of(head, (size_t)n));
  qun_pack_raw(out, qun_slice_of(bytes, len));
  qun_pack_raw(out, qun_slice_of("\r\n", 2));
}

/* Texts; the last part may be given apart, as bytes. */
static void put_command(struct qun_pack *out, const char *const parts[PARTS_MAX], qun_slice last) {
  char head[16];
  int count = 0;
  while (count < PARTS_MAX && parts[count]) count++;
  int n = snprintf(head, sizeof head, "*%d\r\n", count + (last.len > 0));
  qun_pack_raw(out, qun_slice_of(head, (size_t)n));
  for (int i = 0; i < count; i++) put_part(out, parts[i], strlen(parts[i]));
  if (last.len) put_part(out, last.ptr, (size_t)last.len);
}

static void put_event(struct qun_pack *out, uint32_t tenant, const struct qun_bench_event *e, struct qun_pack *bytes) {
  char ids[32], log[32], day[32], member[48], when[24], field[32];
  snprintf(ids, sizeof ids, "t%u:ids", tenant);
  snprintf(log, sizeof log, "t%u:log", tenant);
  snprintf(day, sizeof day, "t%u:day", tenant);
  snprintf(member, sizeof member, "t%u:m:%s", tenant, e->member);
  snprintf(when, sizeof when, "%lld", (long long)e->time_ms);
  snprintf(field, sizeof field, "%lld:%d", (long long)(e->time_ms / 86400000), e->type);
  qun_pack_clear(bytes);
  qun_bench_event_pack(bytes, e);
  const qun_slice none = {0};
  put_command(out, (const char *const[PARTS_MAX]){"HSETNX", ids, e->id, "1"}, none);
  put_command(out, (const char *const[PARTS_MAX]){"XADD", log, "*", "p"}, qun_pack_slice(bytes));
  put_command(out, (const char *const[PARTS_MAX]){"HINCRBY", member, "n", e->type == QUN_BENCH_MESSAGE ? "1" : "0"},
              none);
  put_command(out, (const char *const[PARTS_MAX]){"HSET", member, "last", when}, none);
  put_command(out, (const char *const[PARTS_MAX]){"HINCRBY", day, field, "1"}, none);
  out->failed |= bytes->failed;
}

static void encode(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                   const struct qun_bench_event *events, uint32_t count) {
  (void)frame, (void)nth;
  qun_pack_raw(out, qun_str("*1\r\n$5\r\nMULTI\r\n"));
  for (uint32_t i = 0; i < count; i++) put_event(out, tenant, &events[i], arg);
  qun_pack_raw(out, qun_str("*1\r\n$4\r\nEXEC\r\n"));
}

/* ---- answers */

/* A frame is answered with EXEC's array; the reader makes no objects, it tells types. */
static int take(struct qun_bench_link *link, struct qun_error *err) {
  int answers = 0;
  void *reply = NULL;
  int rc = redisReaderFeed(link->state, (const char *)link->in + link->from, link->to - link->from);
  link->from = link->to;
  while (rc == REDIS_OK && (rc = redisReaderGetReply(link->state, &reply)) == REDIS_OK && reply) {
    uintptr_t type = (uintptr_t)reply;
    if (type == REDIS_REPLY_ERROR || type == REDIS_REPLY_NIL)
      return qun_error_set(err, QUN_EFAIL, "Redis refused a command");
    answers += type == REDIS_REPLY_ARRAY;
  }
  return rc == REDIS_OK ? answers : qun_error_set(err, QUN_EFAIL, "Redis sent what is not its protocol");
}

static const struct qun_bench_wire wire = {.take = take};

/* ---- a round */

static int check(const struct server *s, const struct qun_bench_plan *plan, const struct qun_bench_drive *d,
                 redisContext *c, struct qun_error *err) {
  uint64_t rows = 0, ids = 0;
  char key[32];
  int64_t n;
  int rc = 0;
  for (uint32_t t = 0; rc == 0 && t < plan->tenants; t++) {
    snprintf(key, sizeof key, "t%u:log", t);
    if ((rc = number(s, c, "XLEN", key, &n, err)) == 0) rows += (uint64_t)n;
    snprintf(key, sizeof key, "t%u:ids", t);
    if (rc == 0 && (rc = number(s, c, "HLEN", key, &n, err)) == 0) ids += (uint64_t)n;
  }
  if (rc == 0 && (rows != d->events || ids != d->events))
    rc = qun_error_set(err, QUN_EFAIL, "%llu events were acknowledged, Redis holds %llu under %llu ids",
                       (unsigned long long)d->events, (unsigned long long)rows, (unsigned long long)ids);
  return rc;
}

static int drive(const struct server *s, uint32_t way, struct qun_bench_drive *d, struct qun_bench_result *result,
                 struct qun_error *err) {
  redisContext **connections = calloc(way, sizeof *connections);
  d->links = calloc(way, sizeof *d->links);
  int rc = connections && d->links ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; rc == 0 && i < way; i++) {
    if ((rc = connect_to(s, &connections[i], err)) < 0) break;
    struct qun_bench_link *link = &d->links[d->links_count++];
    link->fd = connections[i]->fd;
    link->state = redisReaderCreateWithFunctions(NULL);
    if (!link->state) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  if (rc == 0) rc = qun_bench_drive(d, err);
  if (rc == 0) qun_bench_result_of(result, d);
  if (rc == 0) rc = check(s, d->plan, d, connections[0], err);
  if (rc == 0) result->memory = (double)qun_bench_memory(s->pid);
  if (rc == 0 && d->events) result->disk = (double)qun_bench_disk(s->folder) / (double)d->events;
  for (uint32_t i = 0; i < d->links_count; i++) redisReaderFree(d->links[i].state);
  for (uint32_t i = 0; connections && i < way; i++) redisFree(connections[i]);
  free(connections);
  return rc;
}

static int side_round(void *self, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_result *result,
                      struct qun_error *err) {
  const struct qun_bench_setup *setup = self;
  struct server s = {0};
  struct qun_bench_frames frames;
  struct qun_pack bytes;
  struct qun_bench_drive d = {
      .plan = plan, .frames = &frames, .wire = &wire, .groups = 1, .depth = (plan->under_way + way - 1) / way};
  qun_pack_init(&bytes);
  int rc = qun_bench_frames_make(&frames, plan, encode, &bytes, err);
  if (rc == 0) rc = server_start(&s, setup->dir, err);
  if (rc == 0) sync();
  if (rc == 0) rc = drive(&s, way, &d, result, err);
  qun_bench_drive_fini(&d);
  free(d.links);
  server_stop(&s);
  qun_bench_frames_fini(&frames);
  qun_pack_fini(&bytes);
  return rc;
}

static int side_open(void **self, const struct qun_bench_setup *setup, struct qun_error *err) {
  const char *program;
  struct qun_bench_setup *copy = malloc(sizeof *copy);
  *self = copy;
  if (!copy) return qun_error_set(err, QUN_EFAIL, "out of memory");
  *copy = *setup;
  return find_program(&program, err);
}

static uint32_t side_ways(const struct qun_bench_plan *plan, uint32_t out[QUN_BENCH_WAYS]) {
  uint32_t n = 0;
  for (uint32_t way = 1; way <= plan->under_way && way <= 64; way *= 8) out[n++] = way;
  return n;
}

const struct qun_bench_side qun_bench_redis = {
    .name = "redis", .open = side_open, .ways = side_ways, .round = side_round, .close = free};
