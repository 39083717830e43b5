/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw LMDB as a contender: writes the very keys and bytes that Qun's stores got in a run of the same shape (log,
 * plugins' rows, guard, meta), in the same commits, each synced. That run comes first and is written down by
 * tools/shims/lmdb_trace.c. No client, no decoding, no plugins: the ceiling of any store on LMDB.
 */
#include "tenants/remove_tree.h"
#include "tools/qun/bench/process.h"
#include "tools/qun/bench/side.h"
#include "tools/qun/bench/stats.h"
#include "tools/shims/lmdb_trace.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLES_MAX = 64, ROUNDS_FILE_MODE = 0600 };

struct env {
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi tables[TABLES_MAX]; /* by the traced handle */
};

struct side {
  struct qun_bench_setup setup;
  char folder[256], file[288];
  struct qun_bench_trace trace;
  uint64_t events; /* of the traced run; 0: there was none yet */
  const unsigned char *rows;
  size_t rows_len;
};

struct play {
  struct side *side;
  char folder[288];
  struct env *envs;
  uint32_t count;
  float *latency_us; /* NULL: not measured */
  uint32_t commits;
};

static int lmdb_error(struct qun_error *err, int rc, const char *what) {
  return rc ? qun_error_set(err, QUN_EFAIL, "raw LMDB: %s: %s", what, mdb_strerror(rc)) : 0;
}

/* ---- the traced run */

static int load(struct side *s, struct qun_error *err) {
  struct stat st;
  int fd = open(s->file, O_RDONLY | O_CLOEXEC);
  void *rows = MAP_FAILED;
  if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
    rows = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (fd >= 0) close(fd);
  if (rows == MAP_FAILED) return qun_error_set(err, QUN_EFAIL, "the trace %s cannot be read: %m", s->file);
  s->rows = rows;
  s->rows_len = (size_t)st.st_size;
  return 0;
}

static int trace_run(struct side *s, const struct qun_bench_plan *plan, struct qun_error *err) {
  struct qun_bench_result result;
  s->trace.file = s->file;
  int rc = qun_bench_qun_round(&s->setup, plan, &s->trace, &result, err);
  if (rc == 0) rc = load(s, err);
  if (rc == 0) s->events = result.events;
  return rc;
}

/* ---- playing it */

static int env_of(struct play *p, uint32_t number, struct env **out, struct qun_error *err) {
  char path[320];
  if (number >= p->count) {
    struct env *envs = realloc(p->envs, (number + 1) * sizeof *envs);
    if (!envs) return qun_error_set(err, QUN_EFAIL, "out of memory");
    memset(envs + p->count, 0, (number + 1 - p->count) * sizeof *envs);
    p->envs = envs;
    p->count = number + 1;
  }
  struct env *e = *out = &p->envs[number];
  if (e->env) return 0;
  snprintf(path, sizeof path, "%s/%u", p->folder, number);
  size_t map = ((p->side->rows_len * 16) | 0xfffffff) + 1;
  int rc = mdb_env_create(&e->env);
  if (!rc) rc = mdb_env_set_maxdbs(e->env, TABLES_MAX);
  if (!rc) rc = mdb_env_set_mapsize(e->env, map);
  if (!rc) rc = mdb_env_open(e->env, path, MDB_NOTLS | MDB_NOSUBDIR, ROUNDS_FILE_MODE);
  return lmdb_error(err, rc, "open");
}

static int play_row(struct play *p, const struct qun_trace_row *row, const unsigned char *bytes,
                    struct qun_error *err) {
  struct env *e;
  char name[64];
  MDB_val key = {(size_t)row->key, (void *)(uintptr_t)bytes};
  MDB_val value = {(size_t)row->value, (void *)(uintptr_t)(bytes + row->key)};
  int rc = env_of(p, row->env, &e, err);
  if (rc < 0) return rc;
  if (row->table >= TABLES_MAX || row->key >= sizeof name * 16)
    return qun_error_set(err, QUN_EFAIL, "the trace is no trace");
  if (!e->txn && row->kind != QUN_TRACE_COMMIT) rc = mdb_txn_begin(e->env, NULL, 0, &e->txn);
  if (rc) return lmdb_error(err, rc, "begin");
  MDB_dbi table = e->tables[row->table];
  switch (row->kind) {
  case QUN_TRACE_TABLE:
    snprintf(name, sizeof name, "%.*s", (int)row->key, (const char *)bytes);
    rc = mdb_dbi_open(e->txn, row->key ? name : NULL, row->flags | MDB_CREATE, &e->tables[row->table]);
    break;
  case QUN_TRACE_PUT: rc = mdb_put(e->txn, table, &key, &value, row->flags); break;
  case QUN_TRACE_DEL: rc = mdb_del(e->txn, table, &key, NULL); break;
  case QUN_TRACE_EMPTY: rc = mdb_drop(e->txn, table, 0); break;
  default: rc = e->txn ? mdb_txn_commit(e->txn) : 0; e->txn = NULL;
  }
  return lmdb_error(err, rc, "write");
}

static int play_part(struct play *p, uint64_t from, uint64_t to, struct qun_error *err) {
  double begun = qun_bench_now();
  int rc = 0;
  while (rc == 0 && from + sizeof(struct qun_trace_row) <= to) {
    struct qun_trace_row row;
    memcpy(&row, p->side->rows + from, sizeof row);
    from += sizeof row;
    if (row.key > to - from || row.value > to - from - row.key)
      return qun_error_set(err, QUN_EFAIL, "the trace is cut off");
    rc = play_row(p, &row, p->side->rows + from, err);
    from += row.key + row.value;
    if (row.kind != QUN_TRACE_COMMIT || !p->latency_us) continue;
    double now = qun_bench_now();
    p->latency_us[p->commits++] = (float)((now - begun) * 1e6);
    begun = now;
  }
  return rc;
}

static uint32_t count_commits(const struct side *s) {
  uint32_t commits = 0;
  struct qun_trace_row row;
  for (uint64_t at = s->trace.from; at + sizeof row <= s->trace.to; at += sizeof row + row.key + row.value) {
    memcpy(&row, s->rows + at, sizeof row);
    commits += row.kind == QUN_TRACE_COMMIT;
  }
  return commits;
}

/* The log of every environment together holds at least what was taken in. */
static int check(struct play *p, struct qun_error *err) {
  uint64_t rows = 0;
  for (uint32_t i = 0; i < p->count; i++) {
    MDB_txn *txn;
    MDB_dbi log;
    MDB_stat st;
    if (!p->envs[i].env || mdb_txn_begin(p->envs[i].env, NULL, MDB_RDONLY, &txn) != 0) continue;
    if (mdb_dbi_open(txn, "log", 0, &log) == 0 && mdb_stat(txn, log, &st) == 0) rows += st.ms_entries;
    mdb_txn_abort(txn);
  }
  if (rows >= p->side->events) return 0;
  return qun_error_set(err, QUN_EFAIL, "raw LMDB holds %llu of %llu events", (unsigned long long)rows,
                       (unsigned long long)p->side->events);
}

static void close_envs(struct play *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    if (p->envs[i].txn) mdb_txn_abort(p->envs[i].txn);
    if (p->envs[i].env) mdb_env_close(p->envs[i].env);
  }
  free(p->envs);
}

static int play(struct side *s, struct qun_bench_result *result, struct qun_error *err) {
  struct play p = {.side = s};
  snprintf(p.folder, sizeof p.folder, "%s/stores", s->folder);
  uint32_t commits = count_commits(s);
  float *latency = calloc(commits ? commits : 1, sizeof *latency);
  int rc = latency && mkdir(p.folder, 0700) == 0 ? 0 : qun_error_set(err, QUN_EFAIL, "%s cannot be made: %m", p.folder);
  if (rc == 0) rc = play_part(&p, 0, s->trace.from, err);
  if (rc == 0) sync();
  p.latency_us = latency;
  double begun = qun_bench_now();
  if (rc == 0) rc = play_part(&p, s->trace.from, s->trace.to, err);
  result->events = s->events;
  result->acknowledged_s = result->applied_s = qun_bench_now() - begun;
  result->p50_us = (double)qun_percentile(latency, p.commits, 0.50);
  result->p99_us = (double)qun_percentile(latency, p.commits, 0.99);
  if (rc == 0) rc = check(&p, err);
  close_envs(&p);
  if (rc == 0 && s->events) result->disk = (double)qun_bench_disk(p.folder) / (double)s->events;
  qun_remove_tree(p.folder);
  free(latency);
  return rc;
}

/* ---- the side */

static int side_open(void **self, const struct qun_bench_setup *setup, struct qun_error *err) {
  struct side *s = calloc(1, sizeof *s);
  *self = s;
  if (!s) return qun_error_set(err, QUN_EFAIL, "out of memory");
  s->setup = *setup;
  int n = snprintf(s->folder, sizeof s->folder, "%s/qun-bench-lmdb-XXXXXX", setup->dir);
  if (n < 0 || (size_t)n >= sizeof s->folder || !mkdtemp(s->folder)) {
    s->folder[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "no folder can be made in %s: %m", setup->dir);
  }
  snprintf(s->file, sizeof s->file, "%s/trace", s->folder);
  return 0;
}

static uint32_t side_ways(const struct qun_bench_plan *plan, uint32_t out[QUN_BENCH_WAYS]) {
  (void)plan;
  out[0] = 1;
  return 1;
}

static int side_round(void *self, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_result *result,
                      struct qun_error *err) {
  (void)way;
  struct side *s = self;
  int rc = s->events ? 0 : trace_run(s, plan, err);
  return rc < 0 ? rc : play(s, result, err);
}

static void side_close(void *self) {
  struct side *s = self;
  if (!s) return;
  if (s->rows) munmap((void *)(uintptr_t)s->rows, s->rows_len);
  if (s->folder[0]) qun_remove_tree(s->folder);
  free(s);
}

const struct qun_bench_side qun_bench_lmdb = {
    .name = "lmdb", .open = side_open, .ways = side_ways, .round = side_round, .close = side_close};
