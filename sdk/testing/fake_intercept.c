/* SPDX-License-Identifier: Apache-2.0 */
/* qun.intercept/1: a plugin of the host has a say in another's outbox rows. */
#include "fake_internal.h"

enum { REASON_MAX = 200, PATCH_MAX = 64 << 10 };

/* A record of this callback, of a type that is the host's. Takes the data over. */
static void derive(struct qun__fake_frame *frame, const char *type, qun_slice subject, struct qun_pack *data) {
  struct qun_fake *f = frame->plugin->f;
  struct qun_fake_emitted *e = qun__fake_keep(&f->kept, sizeof *e);
  *e = (struct qun_fake_emitted){.plugin = frame->plugin->id,
                                 .cause = frame->cause,
                                 .hops = frame->hops + 1,
                                 .clock_ms = frame->clock_ms,
                                 .type = qun__fake_copy(&f->kept, qun_str(type)),
                                 .subject = qun__fake_copy(&f->kept, subject),
                                 .data = qun__fake_copy(&f->kept, qun_pack_slice(data))};
  qun_pack_fini(data);
  QUN__FAKE_GROW(frame->emits.at, frame->emits.count, frame->emits.cap);
  frame->emits.at[frame->emits.count++] = e;
}

static void ask(struct qun__fake_frame *frame, const struct qun__fake_outbox *o, int64_t deadline_ms) {
  struct qun_pack p, token;
  qun_pack_init(&token);
  qun_pack_raw(&token, qun_str(o->row.plugin));
  qun_pack_raw(&token, qun_str("/"));
  qun_pack_raw(&token, o->row.key);
  qun_pack_init(&p);
  qun_pack_map(&p, 8);
  qun_pack_kv_str(&p, "token", qun_pack_slice(&token));
  qun_pack_kv_cstr(&p, "plugin", o->row.plugin);
  qun_pack_kv_cstr(&p, "by", o->asked->id);
  qun_pack_kv_str(&p, "via", o->row.via);
  qun_pack_kv_str(&p, "target", o->row.target);
  qun_pack_cstr(&p, "body");
  if (o->row.body.len)
    qun_pack_raw(&p, o->row.body);
  else
    qun_pack_map(&p, 0);
  qun_pack_kv_bool(&p, "gated", o->gated);
  qun_pack_kv_int(&p, "deadline", deadline_ms);
  qun_pack_fini(&token);
  derive(frame, "intercept.asked", o->row.key, &p);
}

void qun__fake_intercept(struct qun__fake_frame *frame, struct qun__fake_outbox *o) {
  struct qun_fake *f = frame->plugin->f;
  for (size_t i = 0; i < f->plugins_count; i++) {
    const struct qun__fake_manifest *m = f->plugins[i]->manifest;
    for (size_t k = 0; m && f->plugins[i] != frame->plugin && k < m->intercept_count; k++) {
      if (!qun_slice_is(o->row.via, m->intercept[k].via)) continue;
      o->asked = f->plugins[i];
      o->gated = o->row.state == QUN_FAKE_HELD;
      o->open = strcmp(m->intercept[k].otherwise, "release") == 0;
      o->row.state = QUN_FAKE_INTERCEPTED;
      ask(frame, o, frame->clock_ms + m->intercept[k].deadline_ms);
      return;
    }
  }
}

static struct qun__fake_outbox *row_of(struct qun__fake_tenant *t, qun_slice plugin, qun_slice key) {
  for (size_t i = 0; i < t->outbox_count; i++)
    if (qun_slice_is(plugin, t->outbox[i]->row.plugin) && qun_slice_eq(t->outbox[i]->row.key, key)) return t->outbox[i];
  return NULL;
}

static int complete(const struct qun_host *host, qun_handle tenant, qun_slice token, uint32_t verdict, qun_slice reason,
                    qun_slice patch) {
  struct qun__fake_plugin *p = (struct qun__fake_plugin *)host->ctx;
  struct qun__fake_frame *frame = qun__fake_handler_of(host, tenant, "intercept.complete");
  struct qun_unpack u;
  struct qun_pack data;
  if (!frame) return QUN_EDENIED;
  qun_unpack_init(&u, patch);
  if ((verdict != QUN_VERDICT_RELEASE && verdict != QUN_VERDICT_BLOCK) || reason.len > REASON_MAX ||
      patch.len > PATCH_MAX || (patch.len && (qun_unpack_peek(&u) != QUN_MP_MAP || !qun_mp_valid(patch, 16))))
    return qun__fake_fail(p->f, QUN_EINVAL,
                          "intercept.complete: no such verdict, a long reason, or a patch that is no map");
  const char *text = (const char *)token.ptr,
             *slash = token.len ? (const char *)memchr(text, '/', (size_t)token.len) : NULL;
  qun_slice plugin = slash ? qun_slice_of(text, (size_t)(slash - text)) : token;
  qun_slice key = slash ? qun_slice_of(slash + 1, (size_t)(token.len - plugin.len - 1)) : token;
  struct qun__fake_outbox *o = slash ? row_of(frame->tenant, plugin, key) : NULL;
  if (!o || o->asked != p)
    return qun__fake_fail(p->f, QUN_ENOTFOUND, "intercept.complete: %s was not asked about that", p->id);
  if (o->row.state != QUN_FAKE_INTERCEPTED)
    return qun__fake_fail(p->f, QUN_ECONFLICT, "intercept.complete: it is decided");
  qun_pack_init(&data);
  qun_pack_map(&data, patch.len ? 5 : 4);
  qun_pack_kv_str(&data, "plugin", plugin);
  qun_pack_kv_cstr(&data, "by", p->id);
  qun_pack_kv_cstr(&data, "verdict", verdict == QUN_VERDICT_RELEASE ? "release" : "block");
  qun_pack_kv_str(&data, "reason", reason);
  if (patch.len) {
    qun_pack_cstr(&data, "patch");
    qun_pack_raw(&data, patch);
  }
  derive(frame, "intercept.verdict", key, &data);
  return 0;
}

const struct qun_intercept_v1 qun__fake_intercept_1 = {.struct_size = sizeof(struct qun_intercept_v1),
                                                       .complete = complete};

/* ---------------------------------------------------------------- what a verdict does */

/* The body with the patch's members in place of its own of that name. */
static void patch_body(struct qun_fake *f, struct qun_fake_row *row, qun_slice patch) {
  struct qun_unpack u;
  struct qun_pack p;
  uint32_t n = 0, kept = 0;
  qun_pack_init(&p);
  size_t at = qun_pack_open_map(&p);
  qun_unpack_init(&u, row->body);
  for (n = 0, (void)qun_unpack_map(&u, &n); n > 0; n--) {
    char name[256] = "";
    qun_slice key, own, value;
    if (!qun_unpack_str(&u, &key) || key.len >= sizeof name || !qun_unpack_any(&u, &own)) break;
    memcpy(name, key.ptr, (size_t)key.len);
    if (qun_mp_find(patch, name, &value)) continue;
    qun_pack_str(&p, key);
    qun_pack_raw(&p, own);
    kept++;
  }
  qun_unpack_init(&u, patch);
  if (qun_unpack_map(&u, &n)) qun_pack_raw(&p, qun_slice_of(u.at, (size_t)(u.end - u.at)));
  qun_pack_close(&p, at, kept + n);
  row->body = qun__fake_copy(&f->kept, qun_pack_slice(&p));
  qun_pack_fini(&p);
}

void qun__fake_decided(struct qun_fake *f, struct qun__fake_tenant *t, const struct qun_event *e) {
  bool verdict = qun_slice_is(e->type, "intercept.verdict"), expired = qun_slice_is(e->type, "intercept.expired");
  struct qun__fake_outbox *o = verdict || expired ? row_of(t, qun_mp_str(e->data, "plugin"), e->subject) : NULL;
  qun_slice patch;
  if (!o || o->row.state != QUN_FAKE_INTERCEPTED) return;
  bool release = verdict ? qun_slice_is(qun_mp_str(e->data, "verdict"), "release") : o->open;
  o->row.state = !release ? QUN_FAKE_BLOCKED : o->gated ? QUN_FAKE_HELD : QUN_FAKE_RELEASED;
  if (release && qun_mp_find(e->data, "patch", &patch)) patch_body(f, &o->row, patch);
}

int qun_fake_intercept_expire(struct qun_fake *f, const char *key) {
  struct qun__fake_tenant *t = f->tenant;
  struct qun__fake_outbox *o = NULL;
  struct qun_pack p;
  char id[80];
  for (size_t i = 0; i < t->outbox_count && !o; i++)
    if (qun_slice_is(t->outbox[i]->row.key, key)) o = t->outbox[i];
  if (!o || !o->asked) return qun__fake_fail(f, QUN_ENOTFOUND, "nobody was asked about a row %s", key);
  if (o->row.state != QUN_FAKE_INTERCEPTED) return qun__fake_fail(f, QUN_ECONFLICT, "the row %s is decided", key);
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "plugin", o->row.plugin);
  qun_pack_kv_cstr(&p, "by", o->asked->id);
  snprintf(id, sizeof id, "lapse/%llu", (unsigned long long)t->seq + 1);
  struct qun_event e = {.flags = QUN_EVENT_CONTROL,
                        .time_ms = t->clock_ms,
                        .type = qun_str("intercept.expired"),
                        .id = qun_str(id),
                        .source = qun_str("qun"),
                        .subject = o->row.key,
                        .data = qun_pack_slice(&p)};
  int rc = qun__fake_append(f, t, &e);
  qun_pack_fini(&p);
  return rc;
}
