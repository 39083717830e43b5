/* SPDX-License-Identifier: Apache-2.0 */
/* qun.intercept/1: rows that are held until a plugin decides. Question and verdict are records that the asking and the deciding plugin derive, of types that
 * no plugin may emit itself; what a verdict does to the row is done when its record is applied (apply_host.c). */
#include "host/engine/services_call.h"
#include "tenants/outbox.h"

#include <qun/msgpack.h>

enum { REASON_MAX = 200, PATCH_MAX = 64 << 10, TOKEN_MAX = 31 + 1 + QUN_OUTBOX_KEY_MAX };

static const struct qun_manifest_intercept *say_of(const struct qun_manifest *m, qun_slice via) {
  for (uint32_t i = 0; i < m->intercept_count; i++) {
    if (qun_slice_is(via, m->intercept[i].via)) return &m->intercept[i];
  }
  return NULL;
}

bool qun__intercept(const struct qun_instance *in, const struct qun_scope *scope, struct qun_outbox_entry *row) {
  const struct qun_plugin_set *plugins = in->runtime->plugins;
  for (uint32_t i = 0; i < plugins->count; i++) {
    const struct qun_manifest *m = plugins->plugins[i].manifest;
    if (i == in->number || !((scope->slot->config->live >> i) & 1u)) continue;
    const struct qun_manifest_intercept *say = say_of(m, row->via);
    if (!say) continue;
    row->gated = row->state == QUN_OUTBOX_HELD;
    row->state = QUN_OUTBOX_INTERCEPTED;
    row->by = qun_str(m->id);
    row->deadline_ms = scope->clock_ms + say->deadline_ms;
    row->open = say->open;
    return true;
  }
  return false;
}

/* A record of this callback, of a type that is the host's. Takes the data over. */
static int derive(const struct qun_instance *in, struct qun_scope *scope, const char *type, qun_slice subject,
                  struct qun_pack *data) {
  struct qun_emitted *e = data->failed ? NULL : qun_emit_list_add(scope->emits);
  if (e)
    *e = (struct qun_emitted){.plugin = in->number,
                              .cause = scope->cause,
                              .hops = scope->hops + 1,
                              .ordinal = scope->ordinal++,
                              .hearers = qun_subscriptions_find(in->runtime->subscriptions, qun_str(type)),
                              .type = qun_str(type),
                              .subject = qun_arena_copy(scope->arena, subject),
                              .data = qun_arena_copy(scope->arena, qun_pack_slice(data))};
  qun_pack_fini(data);
  return e && e->data.ptr ? 0 : QUN_EFAIL;
}

int qun__intercept_ask(const struct qun_instance *in, struct qun_scope *scope, const struct qun_outbox_entry *row) {
  static const unsigned char empty = 0x80;
  char token[TOKEN_MAX + 1];
  struct qun_pack p;
  memcpy(token, row->plugin.ptr, (size_t)row->plugin.len);
  token[row->plugin.len] = '/';
  memcpy(token + row->plugin.len + 1, row->key.ptr, (size_t)row->key.len);
  qun_pack_init(&p);
  qun_pack_map(&p, 8);
  qun_pack_kv_str(&p, "token", qun_slice_of(token, (size_t)(row->plugin.len + 1 + row->key.len)));
  qun_pack_kv_str(&p, "plugin", row->plugin);
  qun_pack_kv_str(&p, "by", row->by);
  qun_pack_kv_str(&p, "via", row->via);
  qun_pack_kv_str(&p, "target", row->target);
  qun_pack_cstr(&p, "body");
  qun_pack_raw(&p, row->body.len ? row->body : qun_slice_of(&empty, 1));
  qun_pack_kv_bool(&p, "gated", row->gated);
  qun_pack_kv_int(&p, "deadline", row->deadline_ms);
  return derive(in, scope, "intercept.asked", row->key, &p);
}

static int intercept_complete(const struct qun_host *host, qun_handle tenant, qun_slice token, uint32_t verdict,
                              qun_slice reason, qun_slice patch) {
  struct qun_instance *in = host->ctx;
  struct qun_scope *scope = qun__scope_of(host, tenant);
  qun_slice by = qun_str(in->plugin->manifest->id);
  struct qun_unpack u;
  struct qun_pack p;
  if (!scope || !scope->batch || !scope->emits) return QUN_EDENIED;
  qun_unpack_init(&u, patch);
  if ((verdict != QUN_VERDICT_RELEASE && verdict != QUN_VERDICT_BLOCK) || reason.len > REASON_MAX ||
      patch.len > PATCH_MAX || (patch.len && (qun_unpack_peek(&u) != QUN_MP_MAP || !qun_mp_valid(patch, 16))))
    return QUN_EINVAL;
  const char *slash = token.len ? memchr(token.ptr, '/', (size_t)token.len) : NULL;
  if (!slash) return QUN_ENOTFOUND;
  qun_slice plugin = qun_slice_of(token.ptr, (size_t)(slash - (const char *)token.ptr));
  qun_slice key = qun_slice_of(slash + 1, (size_t)(token.len - plugin.len - 1));
  int rc = qun_outbox_asked(&scope->batch->view, by, token);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  qun_pack_map(&p, patch.len ? 5 : 4);
  qun_pack_kv_str(&p, "plugin", plugin);
  qun_pack_kv_str(&p, "by", by);
  qun_pack_kv_cstr(&p, "verdict", verdict == QUN_VERDICT_RELEASE ? "release" : "block");
  qun_pack_kv_str(&p, "reason", reason);
  if (patch.len) {
    qun_pack_cstr(&p, "patch");
    qun_pack_raw(&p, patch);
  }
  return derive(in, scope, "intercept.verdict", key, &p);
}

const struct qun_intercept_v1 qun__intercept_v1 = {.struct_size = sizeof qun__intercept_v1,
                                                   .complete = intercept_complete};
