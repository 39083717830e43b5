/* SPDX-License-Identifier: Apache-2.0 */
#include "host/http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <qun/plugin.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 512 };

static int split(const char *address, char *host, size_t host_size, char *port, size_t port_size) {
  const char *colon = strrchr(address, ':');
  if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) return -1;
  size_t len = (size_t)(colon - address);
  if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
    address++;
    len -= 2;
  } else if (memchr(address, ':', len)) {
    return -1;
  }
  if (len >= host_size || strlen(colon + 1) >= port_size) return -1;
  memcpy(host, address, len);
  host[len] = '\0';
  strcpy(port, colon + 1);
  return 0;
}

void qun_listen_name(int fd, char bound[QUN_ADDRESS_SIZE]) {
  struct sockaddr_storage at;
  socklen_t len = sizeof at;
  char host[96], port[8];
  bound[0] = '\0';
  if (getsockname(fd, (struct sockaddr *)&at, &len) != 0) return;
  if (getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) !=
      0)
    return;
  snprintf(bound, QUN_ADDRESS_SIZE, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int open_one(const struct addrinfo *at) {
  int on = 1;
  int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

int qun_listen_tcp(int *out, char bound[QUN_ADDRESS_SIZE], const char *address, struct qun_error *err) {
  char host[256], port[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
  if (split(address, host, sizeof host, port, sizeof port) < 0)
    return qun_error_set(err, QUN_EINVAL, "\"%s\" is not an address such as 127.0.0.1:8480 or [::1]:8480", address);
  int rc = getaddrinfo(*host ? host : NULL, port, &hints, &found);
  if (rc != 0) return qun_error_set(err, QUN_EINVAL, "cannot listen on \"%s\": %s", address, gai_strerror(rc));
  int fd = -1, why = 0;
  for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
    fd = open_one(at);
    why = errno;
  }
  freeaddrinfo(found);
  if (fd < 0)
    return qun_error_set(err, why == EADDRINUSE ? QUN_ECONFLICT : QUN_EFAIL, "cannot listen on %s: %s", address,
                         strerror(why));
  qun_listen_name(fd, bound);
  *out = fd;
  return 0;
}

/* A dead process leaves its socket's name behind: nobody answers there. */
static int clear_stale(const struct sockaddr_un *at, const char *path, struct qun_error *err) {
  struct stat st;
  if (lstat(path, &st) != 0) return 0;
  if (!S_ISSOCK(st.st_mode))
    return qun_error_set(err, QUN_ECONFLICT, "cannot listen on \"%s\": something else has that name", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "cannot make a socket: %s", strerror(errno));
  int rc = connect(fd, (const struct sockaddr *)at, sizeof *at);
  int why = errno;
  close(fd);
  if (rc == 0 || why == EAGAIN)
    return qun_error_set(err, QUN_ECONFLICT, "cannot listen on \"%s\": another process does", path);
  if (unlink(path) != 0)
    return qun_error_set(err, QUN_EFAIL, "cannot replace the socket \"%s\": %s", path, strerror(errno));
  return 0;
}

int qun_listen_unix(int *out, const char *path, mode_t mode, struct qun_error *err) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof at.sun_path)
    return qun_error_set(err, QUN_EINVAL, "the path of the socket \"%s\" is longer than %zu bytes", path,
                         sizeof at.sun_path - 1);
  strcpy(at.sun_path, path);
  int rc = clear_stale(&at, path, err);
  if (rc < 0) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return qun_error_set(err, QUN_EFAIL, "cannot make a socket: %s", strerror(errno));
  /* On Linux the mode set before bind is the one that the name gets: there is no moment with wider permissions. */
  if (fchmod(fd, mode) == 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && chmod(path, mode) == 0 &&
      listen(fd, BACKLOG) == 0) {
    *out = fd;
    return 0;
  }
  rc = qun_error_set(err, QUN_EFAIL, "cannot listen on \"%s\": %s", path, strerror(errno));
  close(fd);
  return rc;
}

bool qun_peer_uid(int fd, uid_t *uid) {
  struct ucred who;
  socklen_t len = sizeof who;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || len != sizeof who) return false;
  *uid = who.uid;
  return true;
}
