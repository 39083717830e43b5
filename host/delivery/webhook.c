/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/webhook.h"

#include "host/delivery/egress.h"
#include "host/delivery/endpoints.h"
#include "host/intake/normalise.h"
#include "host/ops/json.h"
#include "tenants/base64.h"

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
  struct qun_egress_transfer base;
  struct qun_webhooks *owner;
  struct lane *lane;
  struct qun_delivery_row *row;
  struct qun_endpoint endpoint;
  struct qun_pack body;
  size_t answered; /* bytes of the answer, which nobody reads */
};

struct qun_webhooks {
  struct qun_egress *egress;
  char keys_dir[4096];
  qun_webhook_done done;
  void *arg;
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
  bool ok = qun_egress_header(&t->base, "content-type: application/json") &&
            qun_egress_header(&t->base, "user-agent: qun") &&
            qun_egress_header(&t->base, "expect:"); /* no wait for 100 Continue */
  snprintf(line, sizeof line, "webhook-id: msg_%s", id);
  ok = ok && qun_egress_header(&t->base, line);
  snprintf(line, sizeof line, "webhook-timestamp: %lld", (long long)(now_ms / 1000));
  ok = ok && qun_egress_header(&t->base, line);
  snprintf(line, sizeof line, "webhook-signature: v1,%s", qun_base64_write(text, mac, sizeof mac));
  return ok && qun_egress_header(&t->base, line);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *arg) {
  struct transfer *t = arg;
  (void)bytes;
  t->answered += size * n;
  return t->answered > ANSWER_MAX ? 0 : size * n;
}

/* ---------------------------------------------------------------- begin */

static void transfer_destroy(struct transfer *t) {
  if (!t) return;
  qun_egress_transfer_fini(&t->base);
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

static void ended(struct qun_egress_transfer *base, CURLcode code, int64_t now_ms);
static void drop(struct qun_egress_transfer *base);

static int begin(struct qun_webhooks *w, struct transfer *t, int64_t now_ms, struct qun_error *err) {
  char what[240];
  snprintf(what, sizeof what, "endpoint \"%s\"", t->endpoint.name);
  int rc = qun_egress_check_url(w->egress, t->endpoint.url, what, err);
  if (rc == 0) rc = write_body(&t->body, t->row, err);
  if (rc < 0) return rc;
  if (!add_headers(t, now_ms)) return qun_error_set(err, QUN_EAGAIN, "a transfer cannot be made");
  t->base.ended = ended;
  t->base.drop = drop;
  struct qun_egress_request request = {.method = "POST",
                                       .url = t->endpoint.url,
                                       .body = qun_pack_slice(&t->body),
                                       .seconds = QUN_WEBHOOK_SECONDS,
                                       .take = swallow};
  return qun_egress_begin(w->egress, &t->base, &request, err);
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
  lane->underway++;
  w->underway++;
  out->code = QUN_SEND_UNDERWAY;
}

/* ---------------------------------------------------------------- end */

static void slow_down(struct transfer *t, int64_t now_ms, struct qun_send_outcome *out) {
  curl_off_t wait = 0;
  curl_easy_getinfo(t->base.curl, CURLINFO_RETRY_AFTER, &wait);
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
  curl_easy_getinfo(t->base.curl, CURLINFO_RESPONSE_CODE, &status);
  if (t->base.refused && status == 0)
    qun_send_answer(out, QUN_SEND_FAILED, "endpoint \"%s\": its name leads to an address that is not public",
                    t->endpoint.name);
  else if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
    judge_status(t, status, now_ms, out);
  else
    qun_send_answer(out, QUN_SEND_LATER, "endpoint \"%s\" cannot be reached: %s", t->endpoint.name,
                    t->base.why[0] ? t->base.why : curl_easy_strerror(code));
}

static void leave(struct transfer *t) {
  t->lane->underway--;
  t->owner->underway--;
}

static void ended(struct qun_egress_transfer *base, CURLcode code, int64_t now_ms) {
  struct transfer *t = (struct transfer *)base; /* its first member */
  struct qun_webhooks *w = t->owner;
  struct qun_delivery_row *row = t->row;
  struct qun_send_outcome outcome = {0};
  judge(t, code, now_ms, &outcome);
  leave(t);
  transfer_destroy(t);
  w->done(w->arg, row, &outcome);
}

static void drop(struct qun_egress_transfer *base) {
  struct transfer *t = (struct transfer *)base;
  leave(t);
  qun_delivery_row_destroy(t->row);
  transfer_destroy(t);
}

struct qun_egress *qun_webhooks_egress(const struct qun_webhooks *w) {
  return w->egress;
}

void qun_webhooks_run(struct qun_webhooks *w, int timeout_ms, int64_t now_ms) {
  qun_egress_run(w->egress, timeout_ms, now_ms);
}

void qun_webhooks_wake(struct qun_webhooks *w) {
  qun_egress_wake(w->egress);
}

uint32_t qun_webhooks_underway(const struct qun_webhooks *w) {
  return w->underway;
}

int qun_webhooks_create(struct qun_webhooks **out, const char *keys_dir, bool allow_loopback, qun_webhook_done done,
                        void *arg, struct qun_error *err) {
  struct qun_webhooks *w = calloc(1, sizeof *w);
  int rc = w ? qun_egress_create(&w->egress, allow_loopback, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) {
    free(w);
    return rc;
  }
  w->done = done;
  w->arg = arg;
  snprintf(w->keys_dir, sizeof w->keys_dir, "%s", keys_dir);
  *out = w;
  return 0;
}

void qun_webhooks_destroy(struct qun_webhooks *w) {
  if (!w) return;
  qun_egress_destroy(w->egress);
  struct lane *l = w->lanes;
  HASH_CLEAR(hh, w->lanes);
  while (l) {
    struct lane *next = l->hh.next;
    free(l);
    l = next;
  }
  free(w);
}
