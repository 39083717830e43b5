/* SPDX-License-Identifier: Apache-2.0 */
/* qun.http_client/1, qun.work/1 and qun.secrets/1: nothing leaves the test; it plays the other side. */
#include "fake_internal.h"

enum { URL_MAX = 1000, BODY_MAX = 256 << 10, PARAMS_MAX = 1 << 20, TRIES = 3, TRIES_MAX = 12 };

/* ---------------------------------------------------------------- http_client */

/* The host in a URL, with its port; empty: none. */
static qun_slice authority_of(qun_slice url) {
  const char *text = (const char *)url.ptr;
  size_t from = url.len > 8 && memcmp(text, "https://", 8) == 0  ? 8
                : url.len > 7 && memcmp(text, "http://", 7) == 0 ? 7
                                                                 : 0;
  size_t at = from;
  if (from == 0 || url.len > URL_MAX) return qun_slice_of(NULL, 0);
  while (at < url.len && text[at] != '/') {
    char c = text[at++];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':'))
      return qun_slice_of(NULL, 0);
  }
  return at < url.len ? qun_slice_of(text + from, at - from) : qun_slice_of(NULL, 0);
}

static bool approved(const struct qun__fake_frame *frame, qun_slice authority) {
  struct qun_unpack u;
  qun_slice list, entry;
  uint32_t n;
  if (!frame->plugin->manifest) return true;
  qun_slice settings = qun_pack_slice(&qun__fake_space_of(frame->tenant, frame->plugin)->settings);
  if (!qun_mp_find(settings, "http_hosts", &list)) return false;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return false;
  while (n-- > 0 && qun_unpack_str(&u, &entry))
    if (qun_slice_eq(entry, authority)) return true;
  return false;
}

static int fetch(const struct qun_host *host, qun_handle tenant, const struct qun_http_fetch *r) {
  struct qun_fake *f = ((struct qun__fake_plugin *)host->ctx)->f;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "http_client.fetch");
  struct qun_pack body;
  struct qun_unpack u;
  if (!frame) return QUN_EDENIED;
  qun_slice authority = authority_of(r->url);
  if (!authority.len) return qun__fake_fail(f, QUN_EINVAL, "http_client.fetch: the URL must be https://host/path");
  if (!r->method.len || r->body.len > BODY_MAX || r->tries > TRIES_MAX)
    return qun__fake_fail(f, QUN_EINVAL, "http_client.fetch: no method, a body over 256 KiB, or more than 12 tries");
  qun_unpack_init(&u, r->headers);
  if (r->headers.len && (qun_unpack_peek(&u) != QUN_MP_MAP || !qun_mp_valid(r->headers, 1)))
    return qun__fake_fail(f, QUN_EINVAL, "http_client.fetch: headers are no map of texts");
  if (!approved(frame, authority))
    return qun__fake_fail(f, QUN_EDENIED, "http_client.fetch: %.*s is not in the setting http_hosts",
                          (int)authority.len, (const char *)authority.ptr);
  qun_pack_init(&body);
  qun_pack_map(&body, 5);
  qun_pack_kv_str(&body, "method", r->method);
  qun_pack_kv_str(&body, "url", r->url);
  qun_pack_cstr(&body, "headers");
  if (r->headers.len)
    qun_pack_raw(&body, r->headers);
  else
    qun_pack_map(&body, 0);
  qun_pack_cstr(&body, "body");
  qun_pack_bin(&body, r->body);
  qun_pack_kv_int(&body, "tries", r->tries ? r->tries : TRIES);
  struct qun_fake_row row = {.state = QUN_FAKE_RELEASED,
                             .not_before_ms = frame->clock_ms,
                             .key = r->key,
                             .via = qun_str("http"),
                             .target = authority,
                             .body = qun_pack_slice(&body)};
  int rc = qun__fake_outbox_add(frame, &row, "http_client.fetch");
  qun_pack_fini(&body);
  return rc;
}

const struct qun_http_client_v1 qun__fake_http_client_1 = {.struct_size = sizeof(struct qun_http_client_v1),
                                                           .fetch = fetch};

/* ---------------------------------------------------------------- work */

static int submit(const struct qun_host *host, qun_handle tenant, qun_slice key, const char *service,
                  qun_slice params) {
  static const unsigned char empty = 0x80;
  struct qun__fake_plugin *p = (struct qun__fake_plugin *)host->ctx;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "work.submit");
  struct qun_pack body;
  struct qun_unpack u;
  if (!frame) return QUN_EDENIED;
  const struct qun__fake_service *s = qun__fake_manifest_service(p->manifest, qun_str(service));
  if (p->manifest && (!s || !s->pure))
    return qun__fake_fail(p->f, QUN_EDENIED, "work.submit: %s is no pure service of %s", service, p->id);
  if (!params.len) params = qun_slice_of(&empty, 1);
  qun_unpack_init(&u, params);
  if (params.len > PARAMS_MAX || qun_unpack_peek(&u) != QUN_MP_MAP || !qun_mp_valid(params, 16))
    return qun__fake_fail(p->f, QUN_EINVAL, "work.submit: the parameters are no map of at most 1 MiB");
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_cstr(&body, "service", service);
  qun_pack_cstr(&body, "params");
  qun_pack_raw(&body, params);
  struct qun_fake_row row = {.state = QUN_FAKE_RELEASED,
                             .not_before_ms = frame->clock_ms,
                             .key = key,
                             .via = qun_str("work"),
                             .target = qun_str(service),
                             .body = qun_pack_slice(&body)};
  int rc = qun__fake_outbox_add(frame, &row, "work.submit");
  qun_pack_fini(&body);
  return rc;
}

const struct qun_work_v1 qun__fake_work_1 = {.struct_size = sizeof(struct qun_work_v1), .submit = submit};

/* ---------------------------------------------------------------- secrets */

static int verify(const struct qun_host *host, qun_handle tenant, const char *name, uint32_t algorithm,
                  qun_slice message, qun_slice signature) {
  struct qun_fake *f = ((struct qun__fake_plugin *)host->ctx)->f;
  struct qun__fake_frame *frame = qun__fake_reader_of(host, tenant, "secrets.verify");
  bool known = false;
  if (!frame) return QUN_EDENIED;
  if (frame->mode != QUN_MODE_REQUEST) return qun__fake_fail(f, QUN_EDENIED, "secrets.verify outside a request");
  if (algorithm != QUN_SECRET_HMAC_SHA256 && algorithm != QUN_SECRET_HMAC_SHA1)
    return qun__fake_fail(f, QUN_EINVAL, "secrets.verify: there is no algorithm %u", algorithm);
  for (size_t i = 0; i < f->signatures_count; i++) {
    const struct qun__fake_signature *s = &f->signatures[i];
    if (strcmp(s->name, name) != 0) continue;
    known = true;
    if (s->algorithm == algorithm && qun_slice_eq(s->message, message) && qun_slice_eq(s->signature, signature))
      return 0;
  }
  if (!known) return qun__fake_fail(f, QUN_ENOTFOUND, "secrets.verify: there is no secret %s", name);
  return qun__fake_fail(f, QUN_EDENIED, "secrets.verify: the signature is wrong");
}

const struct qun_secrets_v1 qun__fake_secrets_1 = {.struct_size = sizeof(struct qun_secrets_v1), .verify = verify};

void qun_fake_signature(struct qun_fake *f, const char *name, uint32_t algorithm, qun_slice message,
                        qun_slice signature) {
  QUN__FAKE_GROW(f->signatures, f->signatures_count, f->signatures_cap);
  f->signatures[f->signatures_count++] = (struct qun__fake_signature){.name = qun__fake_strdup(name),
                                                                      .algorithm = algorithm,
                                                                      .message = qun__fake_copy(&f->kept, message),
                                                                      .signature = qun__fake_copy(&f->kept, signature)};
}

/* ---------------------------------------------------------------- the other side */

static int open_row(struct qun_fake *f, const char *key, const char *via, struct qun_fake_row **out) {
  struct qun__fake_tenant *t = f->tenant;
  for (size_t i = 0; i < t->outbox_count; i++) {
    struct qun_fake_row *row = &t->outbox[i]->row;
    if (!qun_slice_is(row->key, key) || !qun_slice_is(row->via, via) || strcmp(row->plugin, f->plugin->id) != 0)
      continue;
    if (row->state > QUN_FAKE_RELEASED) return qun__fake_fail(f, QUN_ECONFLICT, "%s has ended", key);
    *out = row;
    return 0;
  }
  return qun__fake_fail(f, QUN_ENOTFOUND, "there is no row %s by %s", key, via);
}

/* Appends the record that ends a row; `data` is its map. */
static int answer(struct qun_fake *f, struct qun_fake_row *row, const char *type, struct qun_pack *data, int state) {
  char id[80];
  snprintf(id, sizeof id, "outbox/%llu", (unsigned long long)f->tenant->seq + 1);
  struct qun_event e = {.flags = QUN_EVENT_CONTROL,
                        .time_ms = f->tenant->clock_ms,
                        .type = qun_str(type),
                        .id = qun_str(id),
                        .source = qun_str("qun"),
                        .subject = row->key,
                        .data = qun_pack_slice(data)};
  row->state = state;
  int rc = qun__fake_append(f, f->tenant, &e);
  qun_pack_fini(data);
  return rc;
}

int qun_fake_http_answer(struct qun_fake *f, const char *key, int status, const char *content_type, qun_slice body) {
  struct qun_fake_row *row = NULL;
  struct qun_pack data;
  int rc = open_row(f, key, "http", &row);
  if (rc < 0 || !row) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 4);
  qun_pack_kv_cstr(&data, "plugin", row->plugin);
  qun_pack_kv_int(&data, "status", status);
  qun_pack_kv_cstr(&data, "type", content_type ? content_type : "");
  qun_pack_kv_str(&data, "body", body);
  return answer(f, row, "http.answer", &data, QUN_FAKE_SENT);
}

int qun_fake_http_silence(struct qun_fake *f, const char *key, const char *why) {
  struct qun_fake_row *row = NULL;
  struct qun_pack data;
  int rc = open_row(f, key, "http", &row);
  if (rc < 0 || !row) return rc;
  qun_pack_init(&data);
  qun_pack_map(&data, 2);
  qun_pack_kv_cstr(&data, "plugin", row->plugin);
  qun_pack_kv_cstr(&data, "error", why ? why : "");
  return answer(f, row, "http.answer", &data, QUN_FAKE_FAILED);
}

int qun_fake_work(struct qun_fake *f, const char *key) {
  struct qun_fake_row *row = NULL;
  struct qun_pack data;
  struct qun_unpack u;
  char service[128];
  qun_slice params = {NULL, 0}, reply = {NULL, 0};
  int rc = open_row(f, key, "work", &row);
  if (rc < 0 || !row) return rc;
  snprintf(service, sizeof service, "%.*s", (int)row->target.len, (const char *)row->target.ptr);
  (void)qun_mp_find(row->body, "params", &params);
  rc = qun__fake_ask(f, f->plugin, f->tenant, service, params, "", NULL, &reply);
  qun_unpack_init(&u, reply);
  bool done = rc >= 0 && qun_unpack_peek(&u) == QUN_MP_MAP;
  qun_pack_init(&data);
  qun_pack_map(&data, done ? 3 : 2);
  qun_pack_kv_cstr(&data, "plugin", row->plugin);
  if (done) {
    qun_pack_kv_cstr(&data, "service", service);
    qun_pack_cstr(&data, "result");
    qun_pack_raw(&data, reply);
  } else {
    qun_pack_kv_cstr(&data, "error", rc < 0 ? f->message : "the reply is no map");
  }
  return answer(f, row, "work.answer", &data, done ? QUN_FAKE_SENT : QUN_FAKE_FAILED);
}
