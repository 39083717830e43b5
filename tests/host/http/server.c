/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"
#include "tests/host/support/loop.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop l;

static void setup(void) {
  loop_start(&l);
}

static void teardown(void) {
  loop_stop(&l);
}

TestSuite(host_http_server, .init = setup, .fini = teardown);

static char text[1 << 16];

/* One request on a connection of its own, to its end. Answers the status. */
static int ask(int fd, const char *method, const char *path, const char *token, const char *extra, const char *body) {
  char head[2048];
  int n =
      snprintf(head, sizeof head,
               "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s%sContent-Length: %zu\r\n\r\n", method, path,
               token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "", extra, strlen(body));
  client_write(fd, head, (size_t)n);
  client_write(fd, body, strlen(body));
  client_read(fd, text, sizeof text, NULL);
  close(fd);
  return strlen(text) > 12 ? atoi(text + 9) : 0;
}

static int get(const char *path, const char *token) {
  return ask(client_tcp(&l), "GET", path, token, "", "");
}

static const char event[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"message\",\"member\":"
                            "\"u\",\"data\":{\"text\":\"hi\"}}";
static const char structured[] = "Content-Type: application/cloudevents+json\r\n";

Test(host_http_server, answers_with_safe_headers) {
  cr_assert_eq(get("/healthz", NULL), 200);
  cr_assert_not_null(strstr(text, "X-Content-Type-Options: nosniff"));
  cr_assert_not_null(strstr(text, "Cache-Control: no-store"));
  cr_assert_not_null(strstr(text, "Content-Security-Policy: default-src 'none'"));
  cr_assert_eq(get("/v1/tenants/aaaa", NULL), 401);
  cr_assert_not_null(strstr(text, "WWW-Authenticate: Bearer"));
  cr_assert_eq(ask(client_tcp(&l), "PUT", "/healthz", l.tokens[0][QUN_ROLE_OWNER], "", ""), 405);
  cr_assert_not_null(strstr(text, "Allow: GET"));
}

Test(host_http_server, tokens_open_their_tenant_only) {
  cr_assert_eq(get("/v1/tenants/aaaa", l.tokens[0][QUN_ROLE_AUDITOR]), 200, "%s", text);
  cr_assert_eq(get("/v1/tenants/bbbb", l.tokens[0][QUN_ROLE_AUDITOR]), 404);
  cr_assert_eq(get("/v1/tenants/aaaa", l.tokens[0][QUN_ROLE_INGEST]), 403);
  cr_assert_eq(get("/v1/tenants/aaaa", "qun_a_wrong"), 401);
  cr_assert_eq(get("/v1/tenants", l.tokens[0][QUN_ROLE_OWNER]), 403);
  cr_assert_eq(fake_engine_touched(l.engine, "bbbb"), 0);
}

Test(host_http_server, every_route_keeps_the_other_tenants_token_out) {
  for (uint32_t i = 0; i < qun__routes_count; i++) {
    const struct qun__route *route = &qun__routes[i];
    char path[200] = "/v1/tenants/bbbb";
    if (!qun__route_of_tenant(route)) continue;
    const char *rest = route->pattern + strlen("/v1/tenants/{name}");
    char *to = path + strlen(path);
    for (; *rest; rest++) {
      if (*rest == '{') {
        *to++ = 'x';
        rest = strchr(rest, '}');
      } else {
        *to++ = *rest;
      }
    }
    *to = '\0';
    for (int role = QUN_ROLE_INGEST; role <= QUN_ROLE_OWNER; role++)
      cr_assert_eq(ask(client_tcp(&l), route->method, path, l.tokens[0][role], "", "{}"), 404, "%s %s", route->method,
                   path);
  }
  cr_assert_eq(fake_engine_touched(l.engine, "bbbb"), 0);
}

Test(host_http_server, the_unix_socket_makes_its_owner_the_agency) {
  cr_assert_eq(ask(client_unix(l.http_path), "GET", "/v1/tenants", NULL, "", ""), 200, "%s", text);
  cr_assert_eq(ask(client_unix(l.http_path), "GET", "/v1/tenants", l.tokens[0][QUN_ROLE_OWNER], "", ""), 403,
               "a token counts for what it is");
  cr_assert_eq(ask(client_unix(l.http_path), "GET", "/v1/tenants", "qun_o_wrong", "", ""), 401);
  cr_assert_eq(get("/v1/tenants", NULL), 401, "not over TCP");
}

Test(host_http_server, paths_are_decoded_once_and_by_segment) {
  cr_assert_eq(get("/v1/tenants/%61aaa", l.tokens[0][QUN_ROLE_AUDITOR]), 200);
  cr_assert_eq(get("/v1/tenants/%2561aaa", l.tokens[0][QUN_ROLE_AUDITOR]), 404);
  cr_assert_eq(get("/v1/tenants%2faaaa", l.tokens[0][QUN_ROLE_AUDITOR]), 404);
  cr_assert_eq(get("/v1/tenants/aaaa/events?after=%31", l.tokens[0][QUN_ROLE_AUDITOR]), 200);
}

Test(host_http_server, takes_an_event_and_answers_after_its_commit) {
  fake_engine_mode(l.engine, FAKE_HOLD);
  int fd = client_tcp(&l);
  char request[1024];
  int n = snprintf(
      request, sizeof request,
      "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: bearer %s\r\n%sContent-Length: %zu\r\n\r\n%s",
      l.tokens[0][QUN_ROLE_INGEST], structured, strlen(event), event);
  cr_assert(client_write(fd, request, (size_t)n));
  while (fake_engine_batches(l.engine) == 0) usleep(1000);
  cr_assert_eq(get("/healthz", NULL), 200, "others are served meanwhile");
  struct pollfd p = {.fd = fd, .events = POLLIN};
  cr_assert_eq(poll(&p, 1, 0), 0, "no answer before the commit");
  fake_engine_mode(l.engine, FAKE_COMMIT);
  client_read(fd, text, sizeof text, "position\":1}");
  cr_assert_eq(strncmp(text, "HTTP/1.1 200", 12), 0, "%s", text);
  /* the connection stays open for the next */
  cr_assert(client_write(fd, request, (size_t)n));
  client_read(fd, text, sizeof text, "position\":2}");
  cr_assert_not_null(strstr(text, "\"accepted\":1"));
  close(fd);
}

Test(host_http_server, a_body_over_the_limit_is_refused_before_it_is_read) {
  int fd = client_tcp(&l);
  char head[512];
  snprintf(head, sizeof head,
           "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Length: "
           "104857600\r\n\r\n",
           l.tokens[0][QUN_ROLE_INGEST], structured);
  cr_assert(client_write(fd, head, strlen(head)));
  client_read(fd, text, sizeof text, NULL); /* nothing of the body was sent */
  close(fd);
  cr_assert_eq(strncmp(text, "HTTP/1.1 413", 12), 0, "%s", text);
  cr_assert_not_null(strstr(text, "urn:qun:problem:too-large"));
  cr_assert_not_null(strstr(text, "104857600"));
}

/* A client that sends 100 MB without waiting. Whether it notices at a write or at the end, the answer is there. */
static void send_much(const char *head, const char *chunk, size_t len) {
  int fd = client_tcp(&l);
  cr_assert(client_write(fd, head, strlen(head)));
  for (size_t sent = 0; sent < 100u << 20; sent += len)
    if (!client_write(fd, chunk, len)) break;
  client_read(fd, text, sizeof text, NULL);
  close(fd);
  cr_assert_eq(strncmp(text, "HTTP/1.1 413", 12), 0, "%s", text);
}

Test(host_http_server, a_hundred_megabytes_are_not_held) {
  char head[512];
  static char chunk[8 + 65536 + 2];
  int n = sprintf(chunk, "%x\r\n", 65536);
  memset(chunk + n, 'x', 65536);
  memcpy(chunk + n + 65536, "\r\n", 2);
  snprintf(head, sizeof head,
           "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sTransfer-Encoding: "
           "chunked\r\n\r\n",
           l.tokens[0][QUN_ROLE_INGEST], structured);
  send_much(head, chunk, (size_t)n + 65536 + 2);
  int64_t held = qun_metric_get(qun_api_metrics(l.api), QUN_METRIC_HTTP_RECEIVED);
  cr_assert_leq(held, LOOP_BODY_LIMIT);
  cr_assert_eq(get("/healthz", NULL), 200);
}

Test(host_http_server, nobody_unknown_sends_a_body) {
  int fd = client_tcp(&l);
  static const char head[] = "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n";
  cr_assert(client_write(fd, head, sizeof head - 1));
  client_read(fd, text, sizeof text, NULL);
  close(fd);
  cr_assert_eq(strncmp(text, "HTTP/1.1 401", 12), 0, "%s", text);
}

Test(host_http_server, bodies_together_are_limited_too) {
  enum { CLIENTS = 12 };
  int fds[CLIENTS], refused = 0;
  static char body[LOOP_BODY_LIMIT - 1];
  memset(body, ' ', sizeof body);
  for (int i = 0; i < CLIENTS; i++) {
    char head[512];
    fds[i] = client_tcp(&l);
    snprintf(
        head, sizeof head,
        "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n",
        l.tokens[0][QUN_ROLE_INGEST], structured, sizeof body + 1);
    cr_assert(client_write(fds[i], head, strlen(head)));
    client_write(fds[i], body, sizeof body); /* one byte short: it stays held */
  }
  /* 1 MiB for all: some are told to come again. The rest are still waiting for their last byte. */
  for (int i = 0; i < CLIENTS; i++) {
    client_write(fds[i], "x", 1);
    client_read(fds[i], text, sizeof text, "\"instance\"");
    refused += !strncmp(text, "HTTP/1.1 503", 12);
    close(fds[i]);
  }
  cr_assert_gt(refused, 0);
  cr_assert_lt(refused, CLIENTS);
  cr_assert_eq(ask(client_tcp(&l), "POST", "/v1/tenants/aaaa/events", l.tokens[0][QUN_ROLE_INGEST], structured, event),
               200, "room again: %s", text);
}

Test(host_http_server, headers_have_a_limit) {
  static char many[40000];
  memset(many, 'x', sizeof many);
  memcpy(many, "X-Long: ", 8);
  memcpy(many + sizeof many - 3, "\r\n", 3);
  int fd = client_tcp(&l);
  client_write(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n", 32);
  client_write(fd, many, sizeof many - 1);
  client_write(fd, "\r\n", 2);
  client_read(fd, text, sizeof text, NULL);
  close(fd);
  cr_assert(!strncmp(text, "HTTP/1.1 4", 10) || !*text, "%s", text);
  cr_assert_eq(get("/healthz", NULL), 200);
}

Test(host_http_server, rubbish_harms_nobody) {
  static const struct {
    const char *bytes;
    bool whole; /* then something comes back, if only the end */
  } rubbish[] = {{"\r\n\r\n\r\n", false},
                 {"\x16\x03\x01\x02", false},
                 {"GET\r\n\r\n", true},
                 {"GET / HTTP/9.9\r\n\r\n", true},
                 {"POST /v1/tenants/aaaa/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true},
                 {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", true},
                 {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", true}};
  for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
    int fd = client_tcp(&l);
    client_write(fd, rubbish[i].bytes, strlen(rubbish[i].bytes));
    if (rubbish[i].whole) {
      client_read(fd, text, sizeof text, NULL);
      cr_assert(!*text || !strncmp(text, "HTTP/1.1 4", 10) || !strncmp(text, "HTTP/1.1 5", 10), "%s", text);
    }
    close(fd);
  }
  cr_assert_eq(get("/healthz", NULL), 200);
}

Test(host_http_server, a_stop_waits_for_what_was_begun) {
  fake_engine_mode(l.engine, FAKE_HOLD);
  int fd = client_tcp(&l), idle = client_tcp(&l);
  char request[1024];
  int n = snprintf(
      request, sizeof request,
      "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n%s",
      l.tokens[0][QUN_ROLE_INGEST], structured, strlen(event), event);
  cr_assert(client_write(fd, request, (size_t)n));
  while (fake_engine_batches(l.engine) == 0) usleep(1000);
  loop_stop_begin(&l);
  /* The intake listener closes in the same step of the loop as the HTTP server begins to stop. */
  while (qun_metric_get(qun_api_metrics(l.api), QUN_METRIC_READY) == 1) usleep(1000);
  fake_engine_mode(l.engine, FAKE_COMMIT);
  client_read(fd, text, sizeof text, NULL);
  cr_assert_eq(strncmp(text, "HTTP/1.1 200", 12), 0, "%s", text);
  cr_assert_not_null(strstr(text, "Connection: close"));
  cr_assert_eq(client_read(idle, text, sizeof text, NULL), 0);
  close(fd);
  close(idle);
}

Test(host_http_server, a_client_that_left_is_no_harm) {
  fake_engine_mode(l.engine, FAKE_HOLD);
  for (int i = 0; i < 20; i++) {
    int fd = client_tcp(&l);
    char request[1024];
    int n = snprintf(request, sizeof request,
                     "POST /v1/tenants/aaaa/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                     "%s\r\n%sContent-Length: %zu\r\n\r\n%s",
                     l.tokens[0][QUN_ROLE_INGEST], structured, strlen(event), event);
    cr_assert(client_write(fd, request, (size_t)n));
    while (fake_engine_batches(l.engine) <= (uint32_t)i) usleep(1000);
    close(fd);
  }
  fake_engine_mode(l.engine, FAKE_COMMIT);
  cr_assert_eq(get("/healthz", NULL), 200);
}
