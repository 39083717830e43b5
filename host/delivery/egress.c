/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/egress.h"

#include "host/delivery/address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct qun_egress {
  CURLM *multi;
  bool allow_loopback;
  struct qun_egress_transfer *all;
  uint32_t underway;
};

/* ---------------------------------------------------------------- where it may go */

/* The address that is checked is the one that is connected to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct qun_egress_transfer *t = arg;
  bool ok = qun_address_is_public(&address->addr, address->addrlen) ||
            (t->owner->allow_loopback && qun_address_is_loopback(&address->addr, address->addrlen));
  (void)purpose;
  t->refused = !ok;
  if (!ok) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int qun_egress_check_url(const struct qun_egress *e, const char *text, const char *what, struct qun_error *err) {
  CURLU *url = curl_url();
  char *scheme = NULL, *user = NULL, *host = NULL;
  int rc = 0;
  if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
    rc = qun_error_set(err, QUN_EINVAL, "%s: its URL cannot be read", what);
  else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
    rc = qun_error_set(err, QUN_EINVAL, "%s: its URL must not name a user", what);
  else if (strcmp(scheme, "https") != 0 && !(e->allow_loopback && strcmp(scheme, "http") == 0))
    rc = qun_error_set(err, QUN_EINVAL, "%s: its URL must begin with https://", what);
  else if (strcmp(scheme, "http") == 0 && strcmp(host, "127.0.0.1") != 0 && strcmp(host, "localhost") != 0 &&
           strcmp(host, "[::1]") != 0)
    rc = qun_error_set(err, QUN_EINVAL, "%s: plain http goes to this machine alone", what);
  curl_free(scheme);
  curl_free(user);
  curl_free(host);
  curl_url_cleanup(url);
  return rc;
}

/* ---------------------------------------------------------------- begin */

bool qun_egress_header(struct qun_egress_transfer *t, const char *line) {
  struct curl_slist *list = curl_slist_append(t->headers, line);
  if (list) t->headers = list;
  return list != NULL;
}

static bool set_options(struct qun_egress_transfer *t, const struct qun_egress_request *r) {
  const struct {
    CURLoption option;
    long value;
  } numbers[] = {{CURLOPT_NOSIGNAL, 1},       {CURLOPT_FOLLOWLOCATION, 0}, {CURLOPT_TIMEOUT, r->seconds},
                 {CURLOPT_SSL_VERIFYPEER, 1}, {CURLOPT_SSL_VERIFYHOST, 2}, {CURLOPT_NETRC, CURL_NETRC_IGNORED},
                 {CURLOPT_FORBID_REUSE, 1},   {CURLOPT_FRESH_CONNECT, 1}};
  bool ok = true;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    ok = ok && curl_easy_setopt(t->curl, numbers[i].option, numbers[i].value) == CURLE_OK;
  if (r->body.len || strcmp(r->method, "POST") == 0)
    ok = ok && curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE, (long)r->body.len) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, r->body.len ? (const char *)r->body.ptr : "") == CURLE_OK;
  return ok && curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_URL, r->url) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "https,http") == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_PROXY, "") == CURLE_OK && /* none, whatever the environment says */
         curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->why) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, r->take) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
         curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
}

int qun_egress_begin(struct qun_egress *e, struct qun_egress_transfer *t, const struct qun_egress_request *request,
                     struct qun_error *err) {
  t->owner = e;
  t->curl = curl_easy_init();
  if (!t->curl || !set_options(t, request) || curl_multi_add_handle(e->multi, t->curl) != CURLM_OK)
    return qun_error_set(err, QUN_EAGAIN, "a transfer cannot be made");
  t->next = e->all;
  e->all = t;
  e->underway++;
  return 0;
}

void qun_egress_transfer_fini(struct qun_egress_transfer *t) {
  if (t->curl) curl_easy_cleanup(t->curl);
  curl_slist_free_all(t->headers);
  t->curl = NULL;
  t->headers = NULL;
}

/* ---------------------------------------------------------------- end */

static void detach(struct qun_egress *e, struct qun_egress_transfer *t) {
  struct qun_egress_transfer **at = &e->all;
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  e->underway--;
  curl_multi_remove_handle(e->multi, t->curl);
}

static void collect(struct qun_egress *e, int64_t now_ms) {
  CURLMsg *m;
  int left = 0;
  while ((m = curl_multi_info_read(e->multi, &left)) != NULL) {
    struct qun_egress_transfer *t = NULL;
    CURLcode code = m->data.result;
    if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
      continue;
    detach(e, t);
    t->ended(t, code, now_ms);
  }
}

void qun_egress_run(struct qun_egress *e, int timeout_ms, int64_t now_ms) {
  int running = 0;
  curl_multi_perform(e->multi, &running);
  curl_multi_poll(e->multi, NULL, 0, timeout_ms, NULL);
  curl_multi_perform(e->multi, &running);
  collect(e, now_ms);
}

void qun_egress_wake(struct qun_egress *e) {
  curl_multi_wakeup(e->multi);
}

uint32_t qun_egress_underway(const struct qun_egress *e) {
  return e->underway;
}

int qun_egress_create(struct qun_egress **out, bool allow_loopback, struct qun_error *err) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return qun_error_set(err, QUN_EFAIL, "libcurl cannot start");
  struct qun_egress *e = calloc(1, sizeof *e);
  CURLM *multi = e ? curl_multi_init() : NULL;
  if (!multi) {
    free(e);
    curl_global_cleanup();
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  *e = (struct qun_egress){.multi = multi, .allow_loopback = allow_loopback};
  *out = e;
  return 0;
}

void qun_egress_destroy(struct qun_egress *e) {
  if (!e) return;
  while (e->all) {
    struct qun_egress_transfer *t = e->all;
    detach(e, t);
    t->drop(t);
  }
  curl_multi_cleanup(e->multi);
  curl_global_cleanup();
  free(e);
}
