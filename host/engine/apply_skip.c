/* SPDX-License-Identifier: Apache-2.0 */
/* A record on which a plugin came down: it goes to the dead letters instead, and the log says so. */
#include "host/engine/apply.h"
#include "tenants/deadletter.h"

/* The host derives more than one from the same cause: numbers that do not depend on which plugins there are. */
static uint32_t ordinal_of(const char *id) {
  uint32_t h = 2166136261u;
  for (; *id; id++) h = (h ^ (unsigned char)*id) * 16777619u;
  return h | 0x80000000u;
}

int qun__apply_skip(struct qun_apply *a, uint32_t plugin, const struct qun_record *r, struct qun_error *err) {
  const char *id = a->o.rt->plugins->plugins[plugin].manifest->id;
  struct qun_dead_letter letter = {.seq = r->seq,
                                   .plugin = qun_str(id),
                                   .reason = qun_str("the plugin came down on it more than once and does not get it"),
                                   .type = r->type,
                                   .id = r->id,
                                   .source = r->source};
  if (qun_dead_letter_add(&a->batch, &a->head, &letter) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  qun_plugin_metrics_add(a->o.rt->metrics, id, "skipped", 1);
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, 2);
  qun_pack_kv_cstr(&a->pack2, "plugin", id);
  qun_pack_kv_int(&a->pack2, "seq", (int64_t)r->seq);
  qun_slice data = qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
  if (!data.ptr) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  int rc = qun__apply_derive(a, r, "qun.skipped", qun_str(id), data, err);
  if (rc == 0) a->emits.items[a->emits.count - 1].ordinal = ordinal_of(id);
  return rc;
}
