/* SPDX-License-Identifier: Apache-2.0 */
/* qun.http_client/1 and qun.work/1: both are outbox rows with a kind of delivery of their own, so that they begin after the commit, survive a crash, are
 * left alone by replays, and end in a record. host/delivery carries them out. */
#include "host/engine/fetch_form.h"
#include "host/engine/services_call.h"
#include "tenants/outbox.h"

#include <qun/msgpack.h>

#include <stdio.h>

enum { BODY_MAX = 256 << 10, PARAMS_MAX = 1 << 20, TRIES = 3, TRIES_MAX = 12 };

static int refuse(struct qun_scope *scope, int code, const char *why) {
  snprintf(scope->message, sizeof((struct qun_instance *)0)->message, "%s", why);
  return code;
}

/* The owner's list of hosts for this plugin has that one. */
static bool approved(const struct qun_scope *scope, uint32_t plugin, qun_slice authority) {
  return qun__fetch_approved(qun_pack_slice(&scope->slot->config->settings[plugin]), authority);
}

static int add(struct qun_scope *scope, const struct qun_instance *in, const char *via, qun_slice key, qun_slice target,
               struct qun_pack *body) {
  struct qun_outbox_entry e = {.state = QUN_OUTBOX_RELEASED,
                               .due_ms = scope->clock_ms,
                               .seq = scope->seq,
                               .plugin = qun_str(in->plugin->manifest->id),
                               .key = key,
                               .via = qun_str(via),
                               .target = target,
                               .body = qun_pack_slice(body)};
  int rc = body->failed ? QUN_EFAIL : qun_outbox_add(scope->batch, &e);
  qun_pack_fini(body);
  if (rc == 0) scope->outbox_changed = true;
  if (rc == QUN_EINVAL) return refuse(scope, rc, "a key has 1 to 200 bytes");
  return rc == QUN_ECONFLICT ? refuse(scope, rc, "the key was used before") : rc;
}

static int http_client_fetch(const struct qun_host *host, qun_handle tenant, const struct qun_http_fetch *request) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  struct qun_pack body;
  qun_slice authority;
  if (!scope || !scope->batch) return QUN_EDENIED;
  const char *why = qun__fetch_wrong_url(request->url, &authority);
  if (!why) why = qun__fetch_wrong_method(request->method);
  if (!why) why = qun__fetch_wrong_headers(request->headers);
  if (!why && request->body.len > BODY_MAX) why = "the body has more than 256 KiB";
  if (!why && request->tries > TRIES_MAX) why = "tries is more than 12";
  if (why) return refuse(scope, QUN_EINVAL, why);
  if (!approved(scope, in->number, authority))
    return refuse(scope, QUN_EDENIED,
                  "the tenant's owner did not approve this host: it is not in the setting http_hosts");
  qun_pack_init(&body);
  qun_pack_map(&body, 5);
  qun_pack_kv_str(&body, "method", request->method);
  qun_pack_kv_str(&body, "url", request->url);
  qun_pack_cstr(&body, "headers");
  if (request->headers.len)
    qun_pack_raw(&body, request->headers);
  else
    qun_pack_map(&body, 0);
  qun_pack_cstr(&body, "body");
  qun_pack_bin(&body, request->body);
  qun_pack_kv_int(&body, "tries", request->tries ? request->tries : TRIES);
  return add(scope, in, "http", request->key, authority, &body);
}

const struct qun_http_client_v1 qun__http_client_v1 = {.struct_size = sizeof qun__http_client_v1,
                                                       .fetch = http_client_fetch};

static int work_submit(const struct qun_host *host, qun_handle tenant, qun_slice key, const char *service,
                       qun_slice params) {
  static const unsigned char empty = 0x80;
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  const struct qun_manifest_service *entry = NULL;
  struct qun_pack body;
  struct qun_unpack u;
  uint32_t number = 0;
  if (!scope || !scope->batch) return QUN_EDENIED;
  if (qun__service_owner(in->runtime->plugins, qun_str(service), &number, &entry) < 0 || number != in->number ||
      !entry->pure)
    return refuse(scope, QUN_EDENIED, "work is a call of one of the plugin's own services that are pure");
  if (params.len == 0) params = qun_slice_of(&empty, 1);
  qun_unpack_init(&u, params);
  if (params.len > PARAMS_MAX || qun_unpack_peek(&u) != QUN_MP_MAP || !qun_mp_valid(params, 16))
    return refuse(scope, QUN_EINVAL, "the parameters are no msgpack map of at most 1 MiB");
  qun_pack_init(&body);
  qun_pack_map(&body, 2);
  qun_pack_kv_cstr(&body, "service", service);
  qun_pack_cstr(&body, "params");
  qun_pack_raw(&body, params);
  return add(scope, in, "work", key, qun_str(service), &body);
}

const struct qun_work_v1 qun__work_v1 = {.struct_size = sizeof qun__work_v1, .submit = work_submit};
