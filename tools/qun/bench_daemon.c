/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench_daemon.h"
#include "tenants/remove_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 60000, FRAME_MAX = 16 * 1024 * 1024 };

static int program_beside(char *path, size_t room, const char *name, struct qun_error *err) {
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return qun_error_set(err, QUN_EFAIL, "/proc/self/exe cannot be read: %m");
  self[n] = '\0';
  char *slash = strrchr(self, '/');
  if (slash) *slash = '\0';
  snprintf(path, room, "%s/%s", self, name);
  return access(path, X_OK) == 0 ? 0 : qun_error_set(err, QUN_ENOTFOUND, "there is no program %s", path);
}

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

/* In the child. */
static void become(const struct qun_bench_daemon *d, const char *program, int out) {
  const char *argv[] = {program,    "--data",  d->data,       "--keys", d->keys, "--listen", "off",
                        "--socket", d->socket, "--log-level", "warn",   NULL,    NULL,       NULL};
  if (d->plugins) {
    argv[11] = "--plugins";
    argv[12] = d->plugins;
  }
  dup2(out, STDOUT_FILENO);
  execv(program, (char *const *)(uintptr_t)argv);
  _exit(127);
}

/* Its one line says that it takes requests. */
static int wait_ready(struct qun_bench_daemon *d, struct qun_error *err) {
  struct pollfd p = {.fd = d->out, .events = POLLIN};
  char line[512];
  if (poll(&p, 1, READY_MS) != 1) return qun_error_set(err, QUN_EFAIL, "qund says nothing");
  ssize_t n = read(d->out, line, sizeof line);
  if (n <= 0) return qun_error_set(err, QUN_EFAIL, "qund ended at once; its reason stands above");
  return 0;
}

int qun_bench_daemon_start(struct qun_bench_daemon *d, const char *dir, const char *plugins, struct qun_error *err) {
  char program[PATH_MAX + 16];
  int ends[2];
  memset(d, 0, sizeof *d);
  d->out = -1;
  d->plugins = plugins;
  int rc = program_beside(program, sizeof program, "qund", err);
  if (rc == 0) rc = make_folder(d, dir, err);
  if (rc < 0) return rc;
  if (pipe2(ends, O_CLOEXEC) < 0) return qun_error_set(err, QUN_EFAIL, "no pipe: %m");
  d->pid = fork();
  if (d->pid == 0) become(d, program, ends[1]);
  close(ends[1]);
  d->out = ends[0];
  if (d->pid < 0) {
    d->pid = 0;
    return qun_error_set(err, QUN_EFAIL, "qund cannot be started: %m");
  }
  return wait_ready(d, err);
}

void qun_bench_daemon_stop(struct qun_bench_daemon *d) {
  if (d->pid > 0) {
    kill(d->pid, SIGTERM);
    while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR) {
    }
  }
  if (d->out >= 0) close(d->out);
  if (d->folder[0]) qun_remove_tree(d->folder);
  memset(d, 0, sizeof *d);
  d->out = -1;
}

/* ---- intake socket */

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

int qun_bench_send(int fd, qun_slice frame, struct qun_error *err) {
  unsigned char head[4];
  qun__put_be(head, frame.len, 4);
  int rc = move_all(fd, head, sizeof head, true, err);
  return rc < 0 ? rc : move_all(fd, (unsigned char *)(uintptr_t)frame.ptr, (size_t)frame.len, true, err);
}

int qun_bench_receive(int fd, struct qun_pack *into, struct qun_error *err) {
  unsigned char head[4];
  qun_pack_clear(into);
  int rc = move_all(fd, head, sizeof head, false, err);
  if (rc < 0) return rc;
  uint64_t len = qun__get_be(head, 4);
  unsigned char *at = len <= FRAME_MAX ? qun__pack_room(into, (size_t)len) : NULL;
  if (!at) return qun_error_set(err, QUN_EFAIL, "qund sent a frame of %llu bytes", (unsigned long long)len);
  return move_all(fd, at, (size_t)len, false, err);
}

int qun_bench_connect(const struct qun_bench_daemon *d, const char *token, int *fd, struct qun_error *err) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  struct qun_pack p;
  memcpy(to.sun_path, d->socket, strlen(d->socket) + 1);
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0 || connect(s, (const struct sockaddr *)&to, sizeof to) < 0) {
    int rc = qun_error_set(err, QUN_EFAIL, "no connection to %s: %m", d->socket);
    if (s >= 0) close(s);
    return rc;
  }
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "token", token);
  qun_pack_kv_int(&p, "v", 1);
  int rc = qun_bench_send(s, qun_pack_slice(&p), err);
  if (rc == 0) rc = qun_bench_receive(s, &p, err);
  qun_slice refusal = rc == 0 ? qun_mp_str(qun_pack_slice(&p), "error") : qun_slice_of(NULL, 0);
  if (refusal.len)
    rc =
        qun_error_set(err, QUN_EDENIED, "the intake socket refused: %.*s", (int)refusal.len, (const char *)refusal.ptr);
  qun_pack_fini(&p);
  if (rc < 0)
    close(s);
  else
    *fd = s;
  return rc;
}
