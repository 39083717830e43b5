/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/fetch.h"

#include "host/delivery/secrets.h"
#include "host/engine/fetch_form.h"
#include "host/engine/tenant.h"
#include "host/intake/normalise.h"
#include "tenants/base64.h"

#include <stdio.h>
#include <stdlib.h>

struct qun_fetches {
  struct qun_engine *engine;
  struct qun_egress *egress;
  qun_fetch_done done;
  void *arg;
  uint32_t underway;
};

struct fetch {
  struct qun_egress_transfer base;
  struct qun_fetches *owner;
  struct qun_delivery_row *row;
  struct qun_pack answer;
  bool cut; /* there was more */
};

static void fetch_destroy(struct fetch *t) {
  if (!t) return;
  t->owner->underway--;
  qun_egress_transfer_fini(&t->base);
  qun_pack_fini(&t->answer);
  free(t);
}

uint32_t qun_fetch_tries(const struct qun_delivery_row *row) {
  int64_t n = qun_mp_int(row->body, "tries", 1);
  return n < 1 ? 1 : n > 12 ? 12 : (uint32_t)n;
}

/* ---------------------------------------------------------------- the answer */

static size_t take(char *bytes, size_t size, size_t n, void *arg) {
  struct fetch *t = arg;
  size_t room = QUN_FETCH_ANSWER_MAX - t->answer.len;
  size_t some = size * n < room ? size * n : room;
  if (some) qun_pack_raw(&t->answer, qun_slice_of(bytes, some));
  t->cut = t->cut || some < size * n;
  return t->cut || t->answer.failed ? 0 : size * n; /* 0 ends the transfer */
}

/* A cut may go through a character. */
static qun_slice whole_text(qun_slice bytes, bool cut) {
  for (int i = 0; cut && i < 4 && bytes.len && !qun_utf8_valid(bytes); i++) bytes.len--;
  return bytes;
}

/* A content type as one short line; what a server sends is hostile too. */
static qun_slice type_of(const struct fetch *t) {
  const char *type = NULL;
  curl_easy_getinfo(t->base.curl, CURLINFO_CONTENT_TYPE, &type);
  qun_slice s = qun_str(type);
  if (s.len > 100) s.len = 100;
  return qun_utf8_valid(s) ? s : (qun_slice){NULL, 0};
}

static void write_answer(struct fetch *t, long status, struct qun_pack *out, uint32_t *members) {
  qun_slice body = qun_pack_slice(&t->answer), text = whole_text(body, t->cut);
  *members = 3 + (t->cut ? 1 : 0);
  qun_pack_kv_int(out, "status", status);
  qun_pack_kv_str(out, "type", type_of(t));
  if (qun_utf8_valid(text)) {
    qun_pack_kv_str(out, "body", text);
  } else {
    char *written = malloc(QUN_BASE64_SIZE(QUN_FETCH_ANSWER_MAX));
    qun_pack_kv_cstr(out, "base64", written ? qun_base64_write(written, body.ptr, (size_t)body.len) : "");
    if (!written) out->failed = 1;
    free(written);
  }
  if (t->cut) qun_pack_kv_bool(out, "cut", 1);
}

static void ended(struct qun_egress_transfer *base, CURLcode code, int64_t now_ms) {
  struct fetch *t = (struct fetch *)base; /* its first member */
  struct qun_fetches *f = t->owner;
  struct qun_delivery_row *row = t->row;
  struct qun_send_outcome outcome = {0};
  struct qun_pack answer;
  long status = 0;
  (void)now_ms;
  qun_pack_init(&answer);
  curl_easy_getinfo(t->base.curl, CURLINFO_RESPONSE_CODE, &status);
  if (t->base.refused && status == 0)
    qun_send_answer(&outcome, QUN_SEND_FAILED, "the host's name leads to an address that is not public");
  else if (status >= 100 && status <= 599 && (code == CURLE_OK || t->cut)) {
    write_answer(t, status, &answer, &outcome.answer_members);
    outcome.answer = qun_pack_slice(&answer);
    if (answer.failed || t->answer.failed) qun_send_answer(&outcome, QUN_SEND_LATER, "out of memory");
  } else
    qun_send_answer(&outcome, QUN_SEND_LATER, "nothing was answered: %s",
                    t->base.why[0] ? t->base.why : curl_easy_strerror(code));
  fetch_destroy(t);
  f->done(f->arg, row, &outcome);
  qun_pack_fini(&answer);
}

static void drop(struct qun_egress_transfer *base) {
  struct fetch *t = (struct fetch *)base;
  qun_delivery_row_destroy(t->row);
  fetch_destroy(t);
}

/* ---------------------------------------------------------------- the request */

/* As the owner has it now: what was approved when the row was made may have been taken back. */
static int check_approved(struct qun_fetches *f, const struct qun_delivery_row *row, struct qun_error *err) {
  const struct qun_plugin_set *plugins = qun_engine_plugins(f->engine);
  struct qun_reading r;
  bool fine = false;
  int rc = qun_engine_read_begin(f->engine, row->tenant, &r, err);
  if (rc < 0) return QUN_EAGAIN;
  struct qun_config *config = qun_tenant_config(r.tenant);
  for (uint32_t i = 0; i < plugins->count; i++) {
    if (qun_slice_is(row->plugin, plugins->plugins[i].manifest->id))
      fine = qun__fetch_approved(qun_pack_slice(&config->settings[i]), row->target);
  }
  qun_config_unref(config);
  qun_engine_read_end(&r);
  return fine ? 0
              : qun_error_set(err, QUN_EDENIED, "the tenant's owner does not approve of %.*s", (int)row->target.len,
                              (const char *)row->target.ptr);
}

static int add_headers(struct qun_fetches *f, struct fetch *t, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice headers, name, value;
  uint32_t n = 0;
  bool agent = false;
  int rc = 0;
  if (!qun_mp_find(t->row->body, "headers", &headers)) return 0;
  qun_unpack_init(&u, headers);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (rc == 0 && n-- > 0 && qun_unpack_str(&u, &name) && qun_unpack_str(&u, &value)) {
    struct qun_pack line;
    qun_pack_init(&line);
    agent = agent || qun_slice_is(name, "user-agent");
    qun_pack_raw(&line, name);
    qun_pack_raw(&line, qun_str(": "));
    rc = qun_secrets_fill(&line, qun_engine_keys_dir(f->engine), t->row->tenant, t->row->plugin, t->row->target, value,
                          err);
    qun_pack_raw(&line, qun_slice_of("", 1));
    if (rc == 0 && (line.failed || !qun_egress_header(&t->base, (const char *)line.buf)))
      rc = qun_error_set(err, QUN_EAGAIN, "out of memory");
    qun_secrets_wipe(&line);
    qun_pack_fini(&line);
  }
  if (rc == 0 &&
      (!qun_egress_header(&t->base, "expect:") || (!agent && !qun_egress_header(&t->base, "user-agent: qun"))))
    rc = qun_error_set(err, QUN_EAGAIN, "out of memory");
  return rc;
}

static int begin(struct qun_fetches *f, struct fetch *t, struct qun_error *err) {
  char url[1024], method[16];
  struct qun_unpack u;
  qun_slice text = qun_mp_str(t->row->body, "url"), verb = qun_mp_str(t->row->body, "method"), value, authority;
  qun_slice body = {NULL, 0};
  snprintf(url, sizeof url, "%.*s", (int)text.len, (const char *)text.ptr);
  snprintf(method, sizeof method, "%.*s", (int)verb.len, (const char *)verb.ptr);
  if (qun__fetch_wrong_url(text, &authority) || !qun_slice_eq(authority, t->row->target))
    return qun_error_set(err, QUN_EINVAL, "the URL and the host of the row differ");
  int rc = qun_egress_check_url(f->egress, url, "the request", err);
  if (rc == 0) rc = check_approved(f, t->row, err);
  if (rc == 0) rc = add_headers(f, t, err);
  if (rc < 0) return rc;
  if (qun_mp_find(t->row->body, "body", &value)) {
    qun_unpack_init(&u, value);
    if (!qun_unpack_bin(&u, &body)) return qun_error_set(err, QUN_EINVAL, "the body is no bytes");
  }
  t->base.ended = ended;
  t->base.drop = drop;
  struct qun_egress_request request = {
      .method = method, .url = url, .body = body, .seconds = QUN_FETCH_SECONDS, .take = take};
  return qun_egress_begin(f->egress, &t->base, &request, err);
}

void qun_fetches_send(struct qun_fetches *f, struct qun_delivery_row *row, struct qun_send_outcome *out) {
  struct qun_error err = {0};
  if (f->underway >= QUN_FETCHES_MAX) {
    qun_send_answer(out, QUN_SEND_LATER, "too many requests are under way");
    out->wait_ms = 200;
    out->free = true;
    return;
  }
  struct fetch *t = calloc(1, sizeof *t);
  if (!t) {
    qun_send_answer(out, QUN_SEND_LATER, "out of memory");
    return;
  }
  t->owner = f;
  t->row = row;
  f->underway++;
  qun_pack_init(&t->answer);
  int rc = begin(f, t, &err);
  if (rc == 0) {
    out->code = QUN_SEND_UNDERWAY;
    return;
  }
  qun_send_answer(out, rc == QUN_EAGAIN || rc == QUN_EFAIL ? QUN_SEND_LATER : QUN_SEND_FAILED, "%s", err.message);
  fetch_destroy(t);
}

int qun_fetches_create(struct qun_fetches **out, struct qun_engine *e, struct qun_egress *egress, qun_fetch_done done,
                       void *arg, struct qun_error *err) {
  struct qun_fetches *f = calloc(1, sizeof *f);
  if (!f) return qun_error_set(err, QUN_EFAIL, "out of memory");
  *f = (struct qun_fetches){.engine = e, .egress = egress, .done = done, .arg = arg};
  *out = f;
  return 0;
}

void qun_fetches_destroy(struct qun_fetches *f) {
  free(f);
}
