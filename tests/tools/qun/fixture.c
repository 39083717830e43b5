/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct outcome run(const char *first, ...) {
  struct outcome o = {0};
  char *argv[32] = {strdup("qun")};
  size_t out_len, err_len;
  int argc = 1;
  va_list args;
  va_start(args, first);
  for (const char *word = first; word; word = va_arg(args, const char *)) argv[argc++] = strdup(word);
  va_end(args);
  FILE *out = open_memstream(&o.out, &out_len), *err = open_memstream(&o.err, &err_len);
  o.status = qun_cli_main(argc, argv, out, err);
  fclose(out);
  fclose(err);
  while (argc > 0) free(argv[--argc]);
  return o;
}

void outcome_fini(struct outcome *o) {
  free(o->out);
  free(o->err);
}

static size_t body_length(const char *head) {
  const char *at = strcasestr(head, "\r\ncontent-length:");
  return at ? (size_t)strtoull(at + 17, NULL, 10) : 0;
}

static void read_request(int fd, struct fake_request *r) {
  size_t n = 0;
  char *end = NULL;
  while (!end && n < sizeof r->head - 1) {
    ssize_t got = read(fd, r->head + n, 1); /* byte by byte: the body stays in the socket */
    if (got <= 0) return;
    n += (size_t)got;
    r->head[n] = '\0';
    end = strstr(r->head, "\r\n\r\n");
  }
  r->body_len = body_length(r->head);
  r->body = calloc(1, r->body_len + 1);
  for (size_t at = 0; at < r->body_len;) {
    ssize_t got = read(fd, r->body + at, r->body_len - at);
    if (got <= 0) return;
    at += (size_t)got;
  }
}

static void *serve(void *arg) {
  struct fake_daemon *d = arg;
  while (d->seen < d->answers_count) {
    int fd = accept(d->fd, NULL, NULL);
    if (fd < 0) break;
    read_request(fd, &d->requests[d->seen]);
    if (d->requests[d->seen].head[0]) { /* else the client only looked whether somebody is there */
      const struct fake_answer *a = &d->answers[d->seen++];
      dprintf(fd, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s",
              a->status, a->type, strlen(a->body), a->headers ? a->headers : "", a->body);
    }
    close(fd);
  }
  return NULL;
}

void fake_daemon_start(struct fake_daemon *d, const struct fake_answer *answers, int count) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  memset(d, 0, sizeof *d);
  d->answers = answers;
  d->answers_count = count;
  strcpy(d->folder, "/tmp/qun-cli-test-XXXXXX");
  cr_assert_not_null(mkdtemp(d->folder));
  snprintf(at.sun_path, sizeof at.sun_path, "%s/qund.sock", d->folder);
  d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(d->fd, (const struct sockaddr *)&at, sizeof at), 0);
  cr_assert_eq(listen(d->fd, 8), 0);
  cr_assert_eq(pthread_create(&d->thread, NULL, serve, d), 0);
}

void fake_daemon_stop(struct fake_daemon *d) {
  pthread_join(d->thread, NULL);
  close(d->fd);
}

void fake_daemon_fini(struct fake_daemon *d) {
  char path[96];
  for (int i = 0; i < FAKE_REQUESTS; i++) free(d->requests[i].body);
  snprintf(path, sizeof path, "%s/qund.sock", d->folder);
  unlink(path);
  rmdir(d->folder);
}
