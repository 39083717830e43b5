/* SPDX-License-Identifier: Apache-2.0 */
/* A replay's answer: hashes, derived records that differ, and for a what-if what reports would say. */
#include "host/engine/replay_internal.h"

static void pack_hash(struct qun_pack *out, const char *key, const unsigned char *hash) {
  char hex[2 * QUN_STATE_HASH + 1];
  qun_hex(hash, QUN_STATE_HASH, hex);
  qun_pack_kv_cstr(out, key, hex);
}

/* The first differences of all strands, in the log's order. */
static uint32_t first_differences(const struct qun__replay *r,
                                  const struct qun__difference *first[QUN__REPLAY_DIFFERENCES], uint64_t *total) {
  uint32_t n = 0, at[QUN_PLUGINS_MAX] = {0};
  *total = 0;
  for (uint32_t i = 0; i < r->strands_count; i++) *total += r->strands[i].differ;
  while (n < QUN__REPLAY_DIFFERENCES && n < *total) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < r->strands_count; i++) {
      if (at[i] == QUN__REPLAY_DIFFERENCES || at[i] == r->strands[i].differ) continue;
      if (best == UINT32_MAX || r->strands[i].differences[at[i]].seq < r->strands[best].differences[at[best]].seq)
        best = i;
    }
    first[n++] = &r->strands[best].differences[at[best]++];
  }
  return n;
}

static void pack_emits(const struct qun__replay *r, struct qun_pack *out) {
  const struct qun__strand *s = &r->strands[0];
  qun_pack_cstr(out, "emits");
  qun_pack_array(out, s->emits_count);
  for (uint32_t i = 0; i < s->emits_count; i++) {
    const struct qun__emit_count *c = &s->emits[i];
    qun_pack_map(out, 4);
    qun_pack_kv_cstr(out, "plugin", c->plugin < 0 ? "qun" : r->plugins->plugins[c->plugin].manifest->id);
    qun_pack_kv_cstr(out, "type", c->type);
    qun_pack_kv_int(out, "was", (int64_t)c->was);
    qun_pack_kv_int(out, "is", (int64_t)c->is);
  }
}

static void pack_difference(const struct qun__replay *r, struct qun_pack *out, const struct qun__difference *d) {
  qun_pack_map(out, 8);
  qun_pack_kv_int(out, "seq", (int64_t)d->seq);
  qun_pack_kv_cstr(out, "type", d->type);
  qun_pack_kv_cstr(out, "plugin", d->plugin < 0 ? "qun" : r->plugins->plugins[d->plugin].manifest->id);
  qun_pack_kv_int(out, "member", (int64_t)d->member);
  qun_pack_kv_int(out, "day", d->day);
  qun_pack_kv_cstr(out, "was", d->was);
  qun_pack_kv_cstr(out, "is", d->is);
  qun_pack_cstr(out, "fields");
  qun_pack_raw(out, qun_pack_slice(&d->fields));
}

int qun__replay_answer(struct qun__replay *r, struct qun_pack *out, struct qun_error *err) {
  static const char *const modes[] = {"", "verify", "rebuild", "whatif"};
  const struct qun__difference *first[QUN__REPLAY_DIFFERENCES];
  uint64_t differ;
  uint32_t shown = first_differences(r, first, &differ);
  qun_pack_map(out, 10);
  qun_pack_kv_cstr(out, "mode", modes[r->spec->mode]);
  qun_pack_kv_int(out, "records", (int64_t)r->strands[0].inputs);
  qun_pack_kv_bool(out, "match", memcmp(r->was_all, r->is_all, QUN_STATE_HASH) == 0 && differ == 0);
  pack_hash(out, "state_hash", r->is_all);
  pack_hash(out, "live_hash", r->was_all);
  qun_pack_cstr(out, "plugins");
  qun_pack_map(out, r->plugins->count);
  for (uint32_t i = 0; i < r->plugins->count; i++) {
    qun_pack_cstr(out, r->plugins->plugins[i].manifest->id);
    qun_pack_map(out, 3);
    pack_hash(out, "state_hash", r->is[i]);
    pack_hash(out, "live_hash", r->was[i]);
    qun_pack_kv_bool(out, "differs", memcmp(r->was[i], r->is[i], QUN_STATE_HASH) != 0);
  }
  qun_pack_kv_int(out, "derived_differ", (int64_t)differ);
  qun_pack_cstr(out, "emits_differ");
  qun_pack_array(out, shown);
  for (uint32_t i = 0; i < shown; i++) pack_difference(r, out, first[i]);
  pack_emits(r, out);
  qun_pack_cstr(out, "reports");
  return qun__reports_compare(r, out, err);
}
