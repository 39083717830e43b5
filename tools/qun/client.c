/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "qund.sock"

struct qun_client {
  const struct qun_client_ops *ops;
  void *self;
  int folder; /* keeps the short name of the socket's folder; -1 none */
  bool begun;
};

/* Names of sockets end at 107 bytes; through an open folder any depth will do. */
static bool daemon_answers(int folder, char *path, size_t room) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(path, room, "/proc/self/fd/%d/" SOCKET_NAME, folder);
  snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  bool yes = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
  close(fd);
  return yes;
}

static int open_data(struct qun_client *c, const struct qun_client_options *options, struct qun_error *err) {
  char path[64];
  c->folder = open(options->data, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (c->folder >= 0 && daemon_answers(c->folder, path, sizeof path)) {
    c->ops = &qun_client_http_ops;
    return qun_client_http_open(&c->self, options, path, err);
  }
  c->ops = &qun_client_local_ops;
  return qun_client_local_open(&c->self, options, err);
}

int qun_client_open(struct qun_client **out, const struct qun_client_options *options, struct qun_error *err) {
  if (!options->url == !options->data)
    return qun_error_set(err, QUN_EINVAL, "say where: --data DIR or --url URL, one of them");
  struct qun_client *c = calloc(1, sizeof *c);
  if (!c) return qun_error_set(err, QUN_EFAIL, "out of memory");
  c->folder = -1;
  int rc;
  if (options->url) {
    c->ops = &qun_client_http_ops;
    rc = qun_client_http_open(&c->self, options, NULL, err);
  } else {
    rc = open_data(c, options, err);
  }
  if (rc < 0) {
    if (c->folder >= 0) close(c->folder);
    free(c);
    return rc;
  }
  *out = c;
  return 0;
}

void qun_client_close(struct qun_client *c) {
  if (!c) return;
  if (c->begun) {
    struct qun_client_answer answer;
    if (qun_client_end(c, &answer, NULL) == 0) qun_client_answer_fini(&answer);
  }
  c->ops->close(c->self);
  if (c->folder >= 0) close(c->folder);
  free(c);
}

int qun_client_begin(struct qun_client *c, const struct qun_client_request *request, struct qun_error *err) {
  int rc = c->ops->begin(c->self, request, err);
  c->begun = rc == 0;
  return rc;
}

int qun_client_end(struct qun_client *c, struct qun_client_answer *answer, struct qun_error *err) {
  c->begun = false;
  memset(answer, 0, sizeof *answer);
  qun_pack_init(&answer->body);
  int rc = c->ops->end(c->self, answer, err);
  if (rc == 0 && answer->body.failed) rc = qun_error_set(err, QUN_EFAIL, "out of memory for the answer");
  if (rc < 0) qun_pack_fini(&answer->body);
  return rc;
}

int qun_client_request(struct qun_client *c, const struct qun_client_request *request, struct qun_client_answer *answer,
                       struct qun_error *err) {
  int rc = qun_client_begin(c, request, err);
  return rc < 0 ? rc : qun_client_end(c, answer, err);
}

void qun_client_answer_fini(struct qun_client_answer *answer) {
  qun_pack_fini(&answer->body);
}
