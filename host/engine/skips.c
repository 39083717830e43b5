/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/skips.h"

#include <stdlib.h>

struct skip {
  uint32_t plugin;
  uint64_t seq, key;
};

struct qun_skips {
  struct skip *items;
  uint32_t count, cap;
};

struct qun_skips *qun_skips_create(void) {
  return calloc(1, sizeof(struct qun_skips));
}

void qun_skips_destroy(struct qun_skips *s) {
  if (!s) return;
  free(s->items);
  free(s);
}

int qun_skips_add(struct qun_skips *s, uint32_t plugin, uint64_t seq, uint64_t key) {
  if (s->count == s->cap) {
    uint32_t cap = s->cap ? s->cap * 2 : 4;
    struct skip *grown = realloc(s->items, cap * sizeof *grown);
    if (!grown) return QUN_EFAIL;
    s->items = grown;
    s->cap = cap;
  }
  s->items[s->count++] = (struct skip){plugin, seq, key};
  return 0;
}

bool qun_skips_hit(const struct qun_skips *s, uint32_t plugin, uint64_t seq, uint64_t key) {
  for (uint32_t i = 0; s && i < s->count; i++) {
    const struct skip *k = &s->items[i];
    if (k->plugin == plugin && (k->key ? k->key == key : k->seq == seq)) return true;
  }
  return false;
}

struct reading {
  struct qun_skips *skips;
  const struct qun_plugin_set *plugins;
};

static int take(void *arg, qun_slice plugin, uint64_t seq) {
  struct reading *r = arg;
  for (uint32_t i = 0; i < r->plugins->count; i++) {
    if (!qun_slice_is(plugin, r->plugins->plugins[i].manifest->id)) continue;
    if (!r->skips) r->skips = qun_skips_create();
    return r->skips ? qun_skips_add(r->skips, i, seq, 0) : QUN_EFAIL;
  }
  return 0;
}

int qun_skips_read(struct qun_skips **out, const struct qun_view *v, const struct qun_plugin_set *plugins) {
  struct reading r = {.plugins = plugins};
  int rc = qun_skip_each(v, take, &r);
  if (rc < 0)
    qun_skips_destroy(r.skips);
  else
    *out = r.skips;
  return rc;
}
