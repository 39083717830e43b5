/* SPDX-License-Identifier: Apache-2.0 */
#include "host/qund/sockets.h"

#include "tenants/folder.h"

#include <fcntl.h>
#include <poll.h>
#include <qun/plugin.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LEAVE_TRIES = 40, LEAVE_STEP_MS = 50 };

static int set_paths(struct qun_qund_sockets *s, const struct qun_qund_settings *settings, struct qun_error *err) {
  int n = snprintf(s->api_path, sizeof s->api_path, "%s/qund.sock", settings->data);
  int m = settings->socket ? snprintf(s->intake_path, sizeof s->intake_path, "%s", settings->socket)
                           : snprintf(s->intake_path, sizeof s->intake_path, "%s/intake.sock", settings->data);
  if (n > 0 && (size_t)n < sizeof s->api_path && m > 0 && (size_t)m < sizeof s->intake_path) return 0;
  return qun_error_set(err, QUN_EINVAL, "the path of a socket in \"%s\" is too long", settings->data);
}

/* The lock is the folder's own, so that it needs no file; a worker and a command lock DATA/LOCK. */
static int lock_folder(struct qun_qund_sockets *s, const char *data, struct qun_error *err) {
  int rc = qun_folder_make(data, err);
  if (rc < 0) return rc;
  s->folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (s->folder < 0) return qun_error_set(err, QUN_EFAIL, "folder %s cannot be opened: %m", data);
  if (flock(s->folder, LOCK_EX | LOCK_NB) == 0) return 0;
  return qun_error_set(err, QUN_ECONFLICT, "data folder %s is in use by another qund", data);
}

/* Whoever still has the folder, though no qund supervises it, is a command or a worker whose supervisor was killed. */
static void let_leave(const struct qun_qund_sockets *s) {
  for (int tries = 0; tries < LEAVE_TRIES; tries++) {
    int fd = openat(s->folder, "LOCK", O_RDWR | O_CLOEXEC);
    bool free_now = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0) close(fd);
    if (free_now) return;
    poll(NULL, 0, LEAVE_STEP_MS);
  }
}

static void init(struct qun_qund_sockets *s) {
  memset(s, 0, sizeof *s);
  s->folder = s->tcp = s->api = s->intake = -1;
}

int qun_qund_sockets_open(struct qun_qund_sockets *s, const struct qun_qund_settings *settings, struct qun_error *err) {
  struct qun_qund_sockets names;
  init(s);
  init(&names);
  int rc = set_paths(&names, settings, err);
  if (rc == 0) rc = lock_folder(s, settings->data, err);
  if (rc < 0) return rc;
  let_leave(s);
  if (strcmp(settings->listen, "off") != 0) rc = qun_listen_tcp(&s->tcp, s->address, settings->listen, err);
  if (rc == 0) rc = qun_listen_unix(&s->api, names.api_path, 0600, err);
  if (rc == 0) strcpy(s->api_path, names.api_path);
  /* Group members may connect; what they may do, their token says. */
  if (rc == 0) rc = qun_listen_unix(&s->intake, names.intake_path, 0660, err);
  if (rc == 0) strcpy(s->intake_path, names.intake_path);
  return rc;
}

static bool listens(int fd) {
  int on = 0;
  socklen_t len = sizeof on;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int qun_qund_sockets_inherit(struct qun_qund_sockets *s, const struct qun_qund_settings *settings, int tcp, int api,
                             int intake, struct qun_error *err) {
  init(s);
  if (!listens(api) || !listens(intake) || (tcp >= 0 && !listens(tcp)))
    return qun_error_set(err, QUN_EINVAL, "the sockets that the supervisor handed over do not listen");
  s->tcp = tcp;
  s->api = api;
  s->intake = intake;
  if (tcp >= 0) qun_listen_name(tcp, s->address);
  return set_paths(s, settings, err);
}

void qun_qund_sockets_shut(struct qun_qund_sockets *s) {
  int *all[] = {&s->tcp, &s->api, &s->intake};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (*all[i] >= 0) close(*all[i]);
    *all[i] = -1;
  }
}

void qun_qund_sockets_close(struct qun_qund_sockets *s) {
  qun_qund_sockets_shut(s);
  if (s->folder < 0) return; /* inherited: the names are the supervisor's */
  if (s->api_path[0]) unlink(s->api_path);
  if (s->intake_path[0]) unlink(s->intake_path);
  close(s->folder);
  s->folder = -1;
}
