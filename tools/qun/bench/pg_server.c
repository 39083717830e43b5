/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/pg_server.h"
#include "tenants/remove_tree.h"
#include "tools/qun/bench/process.h"

#include <qun/plugin.h>

#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READY_TRIES = 600, READY_STEP_US = 50000 };

/* Counters are updated in place as far as a page has room (fillfactor), the id is unique in its tenant. */
static const char schema[] =
    "CREATE TABLE events (tenant_id int4 NOT NULL, seq int8 NOT NULL, id text NOT NULL, type int2 NOT NULL, member_id "
    "text NOT NULL, time_ms int8 NOT NULL, channel text NOT NULL, body text NOT NULL, PRIMARY KEY (tenant_id, seq));"
    "CREATE UNIQUE INDEX events_id ON events (tenant_id, id);"
    "CREATE TABLE member (tenant_id int4 NOT NULL, member_id text NOT NULL, msgs int8 NOT NULL, last_seen int8 NOT NULL, "
    "PRIMARY KEY (tenant_id, member_id)) WITH (fillfactor = 50);"
    "CREATE TABLE day (tenant_id int4 NOT NULL, day int4 NOT NULL, type int2 NOT NULL, n int8 NOT NULL, PRIMARY KEY "
    "(tenant_id, day, type)) WITH (fillfactor = 50);";

/* The newest version that Debian has installed. */
static int find_program(char *path, size_t room, const char *name, struct qun_error *err) {
  char pattern[128];
  glob_t found;
  snprintf(pattern, sizeof pattern, "/usr/lib/postgresql/*/bin/%s", name);
  int rc = glob(pattern, 0, NULL, &found);
  if (rc == 0) snprintf(path, room, "%s", found.gl_pathv[found.gl_pathc - 1]);
  globfree(&found);
  return rc == 0 ? 0 : qun_error_set(err, QUN_ENOTFOUND, "PostgreSQL is not installed: apt-get install postgresql");
}

static int as_somebody(struct qun_bench_command *c, struct qun_error *err) {
  if (geteuid() != 0) return 0;
  const struct passwd *user = getpwnam("postgres");
  if (!user) user = getpwnam("nobody");
  if (!user) return qun_error_set(err, QUN_ENOTFOUND, "PostgreSQL does not run as root, and there is no user nobody");
  c->as_user = true;
  c->uid = user->pw_uid;
  c->gid = user->pw_gid;
  return 0;
}

/* A folder that its user cannot get to fails without a word; so it is said here. */
static int check_way(const char *folder, const struct qun_bench_command *c, struct qun_error *err) {
  char path[256];
  struct stat st;
  for (size_t i = 1; c->as_user && folder[i]; i++) {
    if (folder[i] != '/') continue;
    snprintf(path, sizeof path, "%.*s", (int)i, folder);
    if (stat(path, &st) == 0 && st.st_uid != c->uid && !(st.st_mode & S_IXOTH))
      return qun_error_set(err, QUN_EDENIED,
                           "PostgreSQL does not run as root, and others may not enter %s; choose another --dir", path);
  }
  return 0;
}

static int make_folder(struct qun_bench_pg *pg, const char *dir, const struct qun_bench_command *c,
                       struct qun_error *err) {
  int n = snprintf(pg->folder, sizeof pg->folder, "%s/qun-bench-pg-XXXXXX", dir);
  if (n < 0 || (size_t)n >= sizeof pg->folder || !mkdtemp(pg->folder)) {
    pg->folder[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "no folder can be made in %s: %m", dir);
  }
  snprintf(pg->log, sizeof pg->log, "%s/log", pg->folder);
  if (c->as_user && chown(pg->folder, c->uid, c->gid) < 0)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be given away: %m", pg->folder);
  return check_way(pg->folder, c, err);
}

static int init_cluster(const struct qun_bench_pg *pg, struct qun_bench_command c, struct qun_error *err) {
  char program[PATH_MAX], data[288];
  snprintf(data, sizeof data, "%s/data", pg->folder);
  const char *argv[] = {program,           "-D",        data, "-U", "postgres", "--auth=trust", "--locale=C.UTF-8",
                        "--encoding=UTF8", "--no-sync", NULL};
  int rc = find_program(program, sizeof program, "initdb", err);
  c.argv = argv;
  c.log = pg->log;
  return rc < 0 ? rc : qun_bench_process_run(&c, err);
}

/* A quarter of the memory, at most 4 GiB. */
static unsigned shared_mib(void) {
  uint64_t mib = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
  return mib / 4 > 4096 ? 4096 : (unsigned)(mib / 4);
}

static int spawn(struct qun_bench_pg *pg, struct qun_bench_command c, struct qun_error *err) {
  char program[PATH_MAX], data[288], sockets[320], shared[64];
  snprintf(data, sizeof data, "%s/data", pg->folder);
  snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", pg->folder);
  snprintf(shared, sizeof shared, "shared_buffers=%uMB", shared_mib());
  const char *argv[] = {program,
                        "-D",
                        data,
                        "-c",
                        "listen_addresses=",
                        "-c",
                        sockets,
                        "-c",
                        shared,
                        "-c",
                        "max_wal_size=8GB",
                        "-c",
                        "wal_level=minimal",
                        "-c",
                        "max_wal_senders=0",
                        "-c",
                        "wal_buffers=64MB",
                        "-c",
                        "checkpoint_timeout=1h",
                        "-c",
                        "autovacuum=off",
                        "-c",
                        "jit=off",
                        "-c",
                        "max_connections=100",
                        "-c",
                        "logging_collector=off",
                        NULL};
  int rc = find_program(program, sizeof program, "postgres", err);
  c.argv = argv;
  c.log = pg->log;
  return rc < 0 ? rc : qun_bench_process_start(&pg->pid, &c, err);
}

int qun_bench_pg_connect(struct qun_bench_pg *pg, PGconn **out, struct qun_error *err) {
  const char *keys[] = {"host", "user", "dbname", "connect_timeout", NULL};
  const char *values[] = {pg->folder, "postgres", "postgres", "30", NULL};
  PGconn *c = PQconnectdbParams(keys, values, 0);
  if (c && PQstatus(c) == CONNECTION_OK) {
    *out = c;
    return 0;
  }
  int rc = qun_error_set(err, QUN_EFAIL, "PostgreSQL: %s", c ? PQerrorMessage(c) : "out of memory");
  PQfinish(c);
  return rc;
}

static int wait_ready(struct qun_bench_pg *pg, struct qun_error *err) {
  for (int i = 0; i < READY_TRIES; i++) {
    int rc = qun_bench_process_lives(&pg->pid, "postgres", pg->log, err);
    if (rc < 0) return rc;
    if (qun_bench_pg_connect(pg, &pg->admin, err) == 0) return 0;
    usleep(READY_STEP_US);
  }
  return QUN_EFAIL;
}

int qun_bench_pg_start(struct qun_bench_pg *pg, const char *dir, struct qun_error *err) {
  struct qun_bench_command c = {0};
  memset(pg, 0, sizeof *pg);
  int rc = as_somebody(&c, err);
  if (rc == 0) rc = make_folder(pg, dir, &c, err);
  if (rc == 0) rc = init_cluster(pg, c, err);
  if (rc == 0) rc = spawn(pg, c, err);
  if (rc == 0) rc = wait_ready(pg, err);
  return rc == 0 ? qun_bench_pg_do(pg, schema, err) : rc;
}

void qun_bench_pg_stop(struct qun_bench_pg *pg) {
  PQfinish(pg->admin);
  pg->admin = NULL;
  qun_bench_process_stop(&pg->pid, SIGINT); /* its fast shutdown */
  if (pg->folder[0]) qun_remove_tree(pg->folder);
  pg->folder[0] = '\0';
}

int qun_bench_pg_do(struct qun_bench_pg *pg, const char *sql, struct qun_error *err) {
  PGresult *r = PQexec(pg->admin, sql);
  ExecStatusType status = PQresultStatus(r);
  PQclear(r);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return 0;
  return qun_error_set(err, QUN_EFAIL, "PostgreSQL: %s", PQerrorMessage(pg->admin));
}

int qun_bench_pg_number(struct qun_bench_pg *pg, const char *sql, double *out, struct qun_error *err) {
  PGresult *r = PQexec(pg->admin, sql);
  int rc = 0;
  if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1)
    *out = atof(PQgetvalue(r, 0, 0));
  else
    rc = qun_error_set(err, QUN_EFAIL, "PostgreSQL: %s", PQerrorMessage(pg->admin));
  PQclear(r);
  return rc;
}
