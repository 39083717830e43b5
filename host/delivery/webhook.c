/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/webhook.h"

#include "host/delivery/address.h"
#include "host/delivery/endpoints.h"
#include "host/intake/normalise.h"
#include "host/ops/json.h"
#include "tenants/base64.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>

enum { DAY_S = 86400, SLOW_S = 30, ANSWER_MAX = 65536 };

/* What is known of an endpoint while this process lives. */
struct lane {
  char name[288]; /* tenant/endpoint */
  uint32_t underway;
  int64_t not_before_ms;
  UT_hash_handle hh;
};

struct transfer {
  struct transfer *next;
  struct qun_webhooks *owner;
  struct lane *lane;
  struct qun_delivery_row *row;
  struct qun_endpoint endpoint;
  CURL *curl;
  struct curl_slist *headers;
  struct qun_pack body;
  size_t answered; /* bytes of the answer, which nobody reads */
  bool refused;    /* its address may not be used */
  char why[CURL_ERROR_SIZE];
};

struct qun_webhooks {
  CURLM *multi;
  char keys_dir[4096];
  bool allow_loopback;
  qun_webhook_done done;
  void *arg;
  struct transfer *all;
  struct lane *lanes;
  uint32_t underway;
};

/* ---------------------------------------------------------------- the body and its signature */

static int write_body(struct qun_pack *out, const struct qun_delivery_row *row, struct qun_error *err) {
  struct qun_pack p;
  char time[25];
  qun_slice type = qun_mp_str(row->body, "type");
  qun_time_format(row->due_ms, time);
  qun_pack_init(&p);
  qun_pack_map(&p, 3);
  qun_pack_kv_str(&p, "type", type.len ? type : row->plugin);
  qun_pack_kv_cstr(&p, "timestamp", time);
  qun_pack_cstr(&p, "data");
  qun_pack_raw(&p, row->body);
  int rc = p.failed ? qun_error_set(err, QUN_EFAIL, "out of memory")
                    : qun_msgpack_to_json(out, qun_pack_slice(&p), false, err);
  qun_pack_fini(&p);
  if (rc == 0 && out->failed) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0 && out->len >= QUN_WEBHOOK_BODY_MAX)
    return qun_error_set(err, QUN_EINVAL, "the body has %zu bytes; a webhook has fewer than %d", out->len,
                         QUN_WEBHOOK_BODY_MAX);
  return rc;
}

static bool add_header(struct transfer *t, const char *line) {
  struct curl_slist *list = curl_slist_append(t->headers, line);
  if (list) t->headers = list;
  return list != NULL;
}

static bool add_headers(struct transfer *t, int64_t now_ms) {
  unsigned char mac[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_state h;
  char id[QUN_DELIVERY_ID_SIZE], prefix[96], text[QUN_BASE64_SIZE(sizeof mac)], line[128];
  qun_delivery_row_id(id, t->row);
  int n = snprintf(prefix, sizeof prefix, "msg_%s.%lld.", id, (long long)(now_ms / 1000));
  crypto_auth_hmacsha256_init(&h, t->endpoint.secret, t->endpoint.secret_len);
  crypto_auth_hmacsha256_update(&h, (const unsigned char *)prefix, (unsigned long long)n);
  crypto_auth_hmacsha256_update(&h, t->body.buf, t->body.len);
  crypto_auth_hmacsha256_final(&h, mac);
  sodium_memzero(&h, sizeof h);
  bool ok = add_header(t, "content-type: application/json") && add_header(t, "user-agent: qun") &&
            add_header(t, "expect:"); /* no wait for 100 Continue */
  snprintf(line, sizeof line, "webhook-id: msg_%s", id);
  ok = ok && add_header(t, line);
  snprintf(line, sizeof line, "webhook-timestamp: %lld", (long long)(now_ms / 1000));
  ok = ok && add_header(t, line);
  snprintf(line, sizeof line, "webhook-signature: v1,%s", qun_base64_write(text, mac, sizeof mac));
  return ok && add_header(t, line);
}

/* ---------------------------------------------------------------- where it may go */

/* The address that is checked is the one that is connected to: DECISIONS 19. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
  struct transfer *t = arg;
  bool ok = qun_address_is_public(&address->addr, address->addrlen) ||
            (t->owner->allow_loopback && qun_address_is_loopback(&address->addr, address->addrlen));
  (void)purpose;
  t->refused = !ok;
  if (!ok) return CURL_SOCKET_BAD;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *arg) {
  struct transfer *t = arg;
  (void)bytes;
  t->answered += size * n;
  return t->answered > ANSWER_MAX ? 0 : size * n;
}

/* Nothing in the URL may change what the rest of this file promises. */
static int check_url(const struct qun_webhooks *w, const struct qun_endpoint *e, struct qun_error *err) {
  CURLU *url = curl_url();
  char *scheme = NULL, *user = NULL, *host = NULL;
  int rc = 0;
  if (!url || curl_url_set(url, CURLUPART_URL, e->url, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
    rc = qun_error_set(err, QUN_EINVAL, "endpoint \"%s\": its URL cannot be read", e->name);
  else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
    rc = qun_error_set(err, QUN_EINVAL, "endpoint \"%s\": its URL must not name a user", e->name);
  else if (strcmp(scheme, "https") != 0 && !(w->allow_loopback && strcmp(scheme, "http") == 0))
    rc = qun_error_set(err, QUN_EINVAL, "endpoint \"%s\": its URL must begin with https://", e->name);
  else if (strcmp(scheme, "http") == 0 && strcmp(host, "127.0.0.1") != 0 && strcmp(host, "localhost") != 0 &&
           strcmp(host, "[::1]") != 0)
    rc = qun_error_set(err, QUN_EINVAL, "endpoint \"%s\": plain http goes to this machine alone", e->name);
  curl_free(scheme);
  curl_free(user);
  curl_free(host);
  curl_url_cleanup(url);
  return rc;
}

/* ---------------------------------------------------------------- begin */

static void transfer_destroy(struct transfer *t) {
  if (!t) return;
  if (t->curl) curl_easy_cleanup(t->curl);
  curl_slist_free_all(t->headers);
  qun_pack_fini(&t->body);
  qun_endpoint_fini(&t->endpoint);
  free(t);
}

static struct lane *lane_of(struct qun_webhooks *w, const struct qun_delivery_row *row) {
  struct lane *l = NULL;
  char name[sizeof l->name];
  snprintf(name, sizeof name, "%s/%.*s", row->tenant, (int)row->target.len, (const char *)row->target.ptr);
  HASH_FIND_STR(w->lanes, name, l);
  if (l || !(l = calloc(1, sizeof *l))) return l;
  memcpy(l->name, name, sizeof name);
  HASH_ADD_STR(w->lanes, name, l);
  return l;
}

static bool set_options(struct transfer *t) {
  const struct {
    CURLoption option;
    long value;
  } numbers[] = {{CURLOPT_NOSIGNAL, 1},
                 {CURLOPT_FOLLOWLOCATION, 0},
                 {CURLOPT_TIMEOUT, QUN_WEBHOOK_SECONDS},
                 {CURLOPT_SSL_VERIFYPEER, 1},
                 {CURLOPT_SSL_VERIFYHOST, 2},
                 {CURLOPT_POST, 1},
                 {CURLOPT_NETRC, CURL_NETRC_IGNORED},
                 {CURLOPT_FORBID_REUSE, 1},
                 {CURLOPT_FRESH_CONNECT, 1},
                 {CURLOPT_POSTFIELDSIZE, (long)t->body.len}};
  bool ok = true;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    ok = ok && curl_easy_setopt(t->curl, numbers[i].option, numbers[i].value) == CURLE_OK;
  ok = ok && curl_easy_setopt(t->curl, CURLOPT_URL, t->endpoint.url) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "https,http") == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_PROXY, "") == CURLE_OK && /* none, whatever the environment says */
       curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, (const char *)t->body.buf) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->why) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, swallow) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
       curl_easy_setopt(t->curl, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
  return ok;
}

static int begin(struct qun_webhooks *w, struct transfer *t, int64_t now_ms, struct qun_error *err) {
  int rc = check_url(w, &t->endpoint, err);
  if (rc == 0) rc = write_body(&t->body, t->row, err);
  if (rc < 0) return rc;
  t->curl = curl_easy_init();
  if (!t->curl || !add_headers(t, now_ms) || !set_options(t) || curl_multi_add_handle(w->multi, t->curl) != CURLM_OK)
    return qun_error_set(err, QUN_EAGAIN, "a transfer cannot be made");
  return 0;
}

/* What stands against sending now. */
static bool held_back(struct qun_webhooks *w, const struct lane *l, int64_t now_ms, struct qun_send_outcome *out) {
  if (now_ms < l->not_before_ms) {
    qun_send_answer(out, QUN_SEND_LATER, "the endpoint asked to wait");
    out->wait_ms = l->not_before_ms - now_ms;
  } else if (w->underway >= QUN_WEBHOOKS_MAX || l->underway >= QUN_WEBHOOKS_ENDPOINT_MAX) {
    qun_send_answer(out, QUN_SEND_LATER, "too many webhooks are under way");
    out->wait_ms = 200;
  } else {
    return false;
  }
  out->free = true;
  return true;
}

void qun_webhooks_send(struct qun_webhooks *w, struct qun_delivery_row *row, int64_t now_ms,
                       struct qun_send_outcome *out) {
  struct qun_error err = {0};
  struct lane *lane = lane_of(w, row);
  struct transfer *t = lane ? calloc(1, sizeof *t) : NULL;
  if (!t) {
    qun_send_answer(out, QUN_SEND_LATER, "out of memory");
    return;
  }
  qun_pack_init(&t->body);
  t->owner = w;
  t->lane = lane;
  t->row = row;
  int rc = held_back(w, lane, now_ms, out)
               ? 1
               : qun_endpoint_read(&t->endpoint, w->keys_dir, row->tenant, row->target, &err);
  if (rc == 0 && t->endpoint.off)
    rc = qun_error_set(&err, QUN_EGONE, "endpoint \"%s\" is switched off: it answered 410 Gone", t->endpoint.name);
  if (rc == 0) rc = begin(w, t, now_ms, &err);
  if (rc != 0) {
    if (rc < 0)
      qun_send_answer(out, rc == QUN_EAGAIN || rc == QUN_EFAIL ? QUN_SEND_LATER : QUN_SEND_FAILED, "%s", err.message);
    transfer_destroy(t);
    return;
  }
  t->next = w->all;
  w->all = t;
  lane->underway++;
  w->underway++;
  out->code = QUN_SEND_UNDERWAY;
}

/* ---------------------------------------------------------------- end */

static void slow_down(struct transfer *t, int64_t now_ms, struct qun_send_outcome *out) {
  curl_off_t wait = 0;
  curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &wait);
  if (wait <= 0) wait = SLOW_S;
  if (wait > DAY_S) wait = DAY_S;
  out->wait_ms = (int64_t)wait * 1000;
  t->lane->not_before_ms = now_ms + out->wait_ms;
}

static void judge_status(struct transfer *t, long status, int64_t now_ms, struct qun_send_outcome *out) {
  struct qun_error err = {0};
  if (status >= 200 && status < 300) {
    out->code = QUN_SEND_SENT;
  } else if (status == 410) {
    qun_send_answer(out, QUN_SEND_FAILED, "endpoint \"%s\" answered 410 Gone and is switched off", t->endpoint.name);
    if (qun_endpoint_switch_off(&t->endpoint, t->owner->keys_dir, t->row->tenant, &err) < 0)
      qun_send_answer(out, QUN_SEND_LATER, "endpoint \"%s\" answered 410 Gone, but: %.200s", t->endpoint.name,
                      err.message);
  } else if (status == 429 || (status >= 502 && status <= 504)) {
    qun_send_answer(out, QUN_SEND_LATER, "endpoint \"%s\" answered %ld", t->endpoint.name, status);
    slow_down(t, now_ms, out);
  } else {
    qun_send_answer(out, QUN_SEND_LATER, "endpoint \"%s\" answered %ld", t->endpoint.name, status);
  }
}

static void judge(struct transfer *t, CURLcode code, int64_t now_ms, struct qun_send_outcome *out) {
  long status = 0;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
  if (t->refused && status == 0)
    qun_send_answer(out, QUN_SEND_FAILED, "endpoint \"%s\": its name leads to an address that is not public",
                    t->endpoint.name);
  else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
    judge_status(t, status, now_ms, out);
  else
    qun_send_answer(out, QUN_SEND_LATER, "endpoint \"%s\" cannot be reached: %s", t->endpoint.name,
                    t->why[0] ? t->why : curl_easy_strerror(code));
}

/* Takes it off the list; the row is not destroyed. */
static void detach(struct qun_webhooks *w, struct transfer *t) {
  struct transfer **at = &w->all;
  while (*at != t) at = &(*at)->next;
  *at = t->next;
  t->lane->underway--;
  w->underway--;
  curl_multi_remove_handle(w->multi, t->curl);
}

static void collect(struct qun_webhooks *w, int64_t now_ms) {
  CURLMsg *m;
  int left = 0;
  while ((m = curl_multi_info_read(w->multi, &left)) != NULL) {
    struct qun_send_outcome outcome = {0};
    struct transfer *t = NULL;
    CURLcode code = m->data.result;
    if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
      continue;
    judge(t, code, now_ms, &outcome);
    detach(w, t);
    struct qun_delivery_row *row = t->row;
    transfer_destroy(t);
    w->done(w->arg, row, &outcome);
  }
}

void qun_webhooks_run(struct qun_webhooks *w, int timeout_ms, int64_t now_ms) {
  int running = 0;
  curl_multi_perform(w->multi, &running);
  curl_multi_poll(w->multi, NULL, 0, timeout_ms, NULL);
  curl_multi_perform(w->multi, &running);
  collect(w, now_ms);
}

void qun_webhooks_wake(struct qun_webhooks *w) {
  curl_multi_wakeup(w->multi);
}

uint32_t qun_webhooks_underway(const struct qun_webhooks *w) {
  return w->underway;
}

int qun_webhooks_create(struct qun_webhooks **out, const char *keys_dir, bool allow_loopback, qun_webhook_done done,
                        void *arg, struct qun_error *err) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return qun_error_set(err, QUN_EFAIL, "libcurl cannot start");
  struct qun_webhooks *w = calloc(1, sizeof *w);
  CURLM *multi = w ? curl_multi_init() : NULL;
  if (!multi) {
    free(w);
    curl_global_cleanup();
    return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  *w = (struct qun_webhooks){.multi = multi, .allow_loopback = allow_loopback, .done = done, .arg = arg};
  snprintf(w->keys_dir, sizeof w->keys_dir, "%s", keys_dir);
  *out = w;
  return 0;
}

void qun_webhooks_destroy(struct qun_webhooks *w) {
  if (!w) return;
  struct lane *l = w->lanes;
  while (w->all) {
    struct transfer *t = w->all;
    struct qun_delivery_row *row = t->row;
    detach(w, t);
    transfer_destroy(t);
    qun_delivery_row_destroy(row);
  }
  HASH_CLEAR(hh, w->lanes);
  while (l) {
    struct lane *next = l->hh.next;
    free(l);
    l = next;
  }
  curl_multi_cleanup(w->multi);
  curl_global_cleanup();
  free(w);
}
