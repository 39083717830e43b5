/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/daemon.h"
#include "host/ops/json.h"
#include "tenants/remove_tree.h"
#include "tools/qun/bench/driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READY_MS = 60000, FRAME_MAX = 65536 };

static int make_folder(struct qun_bench_daemon *d, const char *dir, struct qun_error *err) {
  int n = snprintf(d->folder, sizeof d->folder, "%s/qun-bench-XXXXXX", dir);
  if (n < 0 || (size_t)n >= sizeof d->folder || !mkdtemp(d->folder)) {
    d->folder[0] = '\0';
    return qun_error_set(err, QUN_EFAIL, "no folder can be made in %s: %m", dir);
  }
  snprintf(d->data, sizeof d->data, "%s/data", d->folder);
  snprintf(d->keys, sizeof d->keys, "%s/keys", d->folder);
  snprintf(d->socket, sizeof d->socket, "%s/intake.sock", d->folder);
  if (strlen(d->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
    return qun_error_set(err, QUN_EINVAL, "the path %s is too long for a socket; choose another --dir", d->socket);
  return 0;
}

/* Its one line says that it takes requests, and where. */
static int wait_ready(struct qun_bench_daemon *d, int out, struct qun_error *err) {
  struct pollfd p = {.fd = out, .events = POLLIN};
  char line[1024];
  if (poll(&p, 1, READY_MS) != 1) return qun_error_set(err, QUN_EFAIL, "qund says nothing");
  ssize_t n = read(out, line, sizeof line - 1);
  if (n <= 0) return qun_error_set(err, QUN_EFAIL, "qund ended at once; its reason stands above");
  line[n] = '\0';
  const char *at = strstr(line, "http://");
  snprintf(d->address, sizeof d->address, "%.*s", at ? (int)strcspn(at + 7, ",\n") : 0, at ? at + 7 : "");
  return 0;
}

static int spawn(struct qun_bench_daemon *d, const struct qun_bench_daemon_options *o, int out, struct qun_error *err) {
  char program[PATH_MAX + 16], shim[PATH_MAX + 32], connections[16], preload[PATH_MAX + 64], trace[PATH_MAX + 32];
  const char *argv[] = {program,
                        "--data",
                        d->data,
                        "--keys",
                        d->keys,
                        "--socket",
                        d->socket,
                        "--log-level",
                        "warn",
                        "--socket-connections",
                        connections,
                        "--listen",
                        o->http ? "127.0.0.1:0" : "off",
                        "--isolate",
                        o->isolate ? o->isolate : "none",
                        o->plugins ? "--plugins" : NULL,
                        o->plugins,
                        NULL};
  struct qun_bench_command c = {.argv = argv, .out = out};
  int rc = qun_bench_beside(program, sizeof program, "qund", X_OK, err);
  if (rc == 0 && o->trace) rc = qun_bench_beside(shim, sizeof shim, "../shims/lmdb_trace.so", R_OK, err);
  if (rc < 0) return rc;
  snprintf(connections, sizeof connections, "%u", o->connections < 256 ? 256 : o->connections);
  if (o->trace) {
    const char *others = getenv("LD_PRELOAD");
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s%s%s", shim, others ? ":" : "", others ? others : "");
    snprintf(trace, sizeof trace, "QUN_LMDB_TRACE=%s", o->trace);
    c.env[0] = preload;
    c.env[1] = trace;
  }
  return qun_bench_process_start(&d->pid, &c, err);
}

int qun_bench_daemon_start(struct qun_bench_daemon *d, const struct qun_bench_daemon_options *o,
                           struct qun_error *err) {
  struct qun_client_options options = {.data = d->data, .keys = d->keys};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return qun_error_set(err, QUN_EFAIL, "no pipe: %m");
  double begun = qun_bench_now();
  int rc = spawn(d, o, ends[1], err);
  close(ends[1]);
  if (rc == 0) rc = wait_ready(d, ends[0], err);
  close(ends[0]);
  d->ready_s = qun_bench_now() - begun;
  return rc < 0 ? rc : qun_client_open(&d->client, &options, err);
}

int qun_bench_daemon_open(struct qun_bench_daemon *d, const struct qun_bench_daemon_options *o, struct qun_error *err) {
  memset(d, 0, sizeof *d);
  int rc = make_folder(d, o->dir, err);
  return rc < 0 ? rc : qun_bench_daemon_start(d, o, err);
}

void qun_bench_daemon_stop(struct qun_bench_daemon *d) {
  qun_client_close(d->client);
  d->client = NULL;
  qun_bench_process_stop(&d->pid, SIGTERM);
}

void qun_bench_daemon_close(struct qun_bench_daemon *d) {
  qun_bench_daemon_stop(d);
  if (d->folder[0]) qun_remove_tree(d->folder);
  d->folder[0] = '\0';
}

/* ---- its API */

int qun_bench_ask(struct qun_bench_daemon *d, const char *method, const char *path, const char *query, const char *json,
                  struct qun_pack *reply, struct qun_error *err) {
  struct qun_client_answer answer;
  struct qun_client_request request = {.method = method,
                                       .path = path,
                                       .query = query,
                                       .content_type = json ? "application/json" : NULL,
                                       .body = qun_str(json)};
  int rc = qun_client_request(d->client, &request, &answer, err);
  if (rc < 0) return rc;
  qun_pack_clear(reply);
  if (answer.status >= 300)
    rc = qun_error_set(err, QUN_EFAIL, "%s %s: status %d: %.*s", method, path, answer.status,
                       (int)(answer.body.len < 200 ? answer.body.len : 200), (const char *)answer.body.buf);
  else
    rc = qun_json_to_msgpack(reply, qun_pack_slice(&answer.body), err);
  qun_client_answer_fini(&answer);
  return rc;
}

int qun_bench_tenant_make(struct qun_bench_daemon *d, uint32_t n, char token[QUN_BENCH_TOKEN], struct qun_error *err) {
  struct qun_pack reply;
  qun_slice tokens, t = {0};
  char json[64];
  qun_pack_init(&reply);
  snprintf(json, sizeof json, "{\"name\":\"bench-%u\"}", n);
  int rc = qun_bench_ask(d, "POST", "/v1/tenants", NULL, json, &reply, err);
  if (rc == 0 && qun_mp_find(qun_pack_slice(&reply), "tokens", &tokens)) t = qun_mp_str(tokens, "ingest");
  if (rc == 0 && (t.len == 0 || t.len >= QUN_BENCH_TOKEN))
    rc = qun_error_set(err, QUN_EFAIL, "the new tenant has no ingest token");
  if (rc == 0) snprintf(token, QUN_BENCH_TOKEN, "%.*s", (int)t.len, (const char *)t.ptr);
  qun_pack_fini(&reply);
  return rc;
}

int qun_bench_tenant_wait(struct qun_bench_daemon *d, uint32_t n, struct qun_error *err) {
  struct qun_pack reply;
  char path[64];
  qun_pack_init(&reply);
  snprintf(path, sizeof path, "/v1/tenants/bench-%u/events", n);
  int rc = qun_bench_ask(d, "GET", path, "after=4611686018427387904&limit=1", NULL, &reply, err);
  qun_pack_fini(&reply);
  return rc;
}

static int check_plugins(qun_slice map, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice list, name, p;
  uint32_t n = 0;
  int64_t seq = qun_mp_int(map, "seq", -1);
  if (!qun_mp_find(map, "plugins", &list)) return qun_error_set(err, QUN_EFAIL, "the tenant names no plugins");
  qun_unpack_init(&u, list);
  if (!qun_unpack_map(&u, &n) || n == 0) return qun_error_set(err, QUN_EFAIL, "the tenant has no plugins");
  for (; n > 0 && qun_unpack_str(&u, &name) && qun_unpack_any(&u, &p); n--)
    if (!qun_slice_is(qun_mp_str(p, "status"), "live") || qun_mp_int(p, "cursor", -1) != seq)
      return qun_error_set(err, QUN_EFAIL, "plugin %.*s has not seen all events", (int)name.len,
                           (const char *)name.ptr);
  return 0;
}

int qun_bench_tenant_count(struct qun_bench_daemon *d, uint32_t n, uint64_t *events, struct qun_error *err) {
  struct qun_pack reply;
  char path[64];
  qun_pack_init(&reply);
  snprintf(path, sizeof path, "/v1/tenants/bench-%u", n);
  int rc = qun_bench_ask(d, "GET", path, NULL, NULL, &reply, err);
  if (rc == 0) rc = check_plugins(qun_pack_slice(&reply), err);
  if (rc == 0) *events = (uint64_t)qun_mp_int(qun_pack_slice(&reply), "events", 0);
  qun_pack_fini(&reply);
  return rc;
}

/* ---- connections */

static int move_all(int fd, unsigned char *at, size_t left, bool out, struct qun_error *err) {
  while (left) {
    ssize_t n = out ? send(fd, at, left, MSG_NOSIGNAL) : recv(fd, at, left, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return qun_error_set(err, QUN_EFAIL, "the intake socket broke: %m");
    if (n == 0) return qun_error_set(err, QUN_EFAIL, "qund closed the intake socket");
    at += n;
    left -= (size_t)n;
  }
  return 0;
}

/* Sends the greeting in `p` and takes its answer into it. */
static int greet(int fd, struct qun_pack *p, struct qun_error *err) {
  unsigned char head[4];
  qun__put_be(head, p->len, 4);
  int rc = p->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : move_all(fd, head, sizeof head, true, err);
  if (rc == 0) rc = move_all(fd, p->buf, p->len, true, err);
  if (rc == 0) rc = move_all(fd, head, sizeof head, false, err);
  if (rc < 0) return rc;
  uint64_t len = qun__get_be(head, 4);
  qun_pack_clear(p);
  unsigned char *at = len <= FRAME_MAX ? qun__pack_room(p, (size_t)len) : NULL;
  if (!at) return qun_error_set(err, QUN_EFAIL, "qund sent a frame of %llu bytes", (unsigned long long)len);
  rc = move_all(fd, at, (size_t)len, false, err);
  qun_slice refusal = rc == 0 ? qun_mp_str(qun_pack_slice(p), "error") : qun_slice_of(NULL, 0);
  if (refusal.len == 0) return rc;
  return qun_error_set(err, QUN_EDENIED, "the intake socket refused: %.*s", (int)refusal.len,
                       (const char *)refusal.ptr);
}

static int connect_to(const struct sockaddr *to, socklen_t len, const char *name, int *fd, struct qun_error *err) {
  int s = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s >= 0 && connect(s, to, len) == 0) {
    *fd = s;
    return 0;
  }
  int rc = qun_error_set(err, QUN_EFAIL, "no connection to %s: %m", name);
  if (s >= 0) close(s);
  return rc;
}

int qun_bench_intake(const struct qun_bench_daemon *d, const char *token, const char *ack, int *fd,
                     struct qun_error *err) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  struct qun_pack p;
  int s;
  memcpy(to.sun_path, d->socket, strlen(d->socket) + 1);
  int rc = connect_to((const struct sockaddr *)&to, sizeof to, d->socket, &s, err);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, ack ? 3 : 2);
  qun_pack_kv_cstr(&p, "token", token);
  qun_pack_kv_int(&p, "v", 1);
  if (ack) qun_pack_kv_cstr(&p, "ack", ack);
  rc = greet(s, &p, err);
  qun_pack_fini(&p);
  if (rc < 0)
    close(s);
  else
    *fd = s;
  return rc;
}

int qun_bench_http(const struct qun_bench_daemon *d, int *fd, struct qun_error *err) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const char *colon = strrchr(d->address, ':');
  int on = 1;
  if (!colon) return qun_error_set(err, QUN_EFAIL, "qund named no address");
  to.sin_port = htons((uint16_t)atoi(colon + 1));
  int rc = connect_to((const struct sockaddr *)&to, sizeof to, d->address, fd, err);
  if (rc == 0) setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return rc;
}
