/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as a plugin that is behind knew them. META has the newest; when one changes, what it was is kept beside:
     "was/<seq>"        map key -> text before the qun.settings record seq, nil if it had never been set
     "since/<plugin>"   the record that switched an isolated plugin on */
#include "host/engine/lag.h"

#include <stdio.h>

static bool any_isolated(const struct qun_plugin_set *plugins) {
  for (uint32_t i = 0; i < plugins->count; i++)
    if (plugins->plugins[i].where == QUN_ISOLATED) return true;
  return false;
}

static qun_slice was_key(unsigned char key[12], uint64_t seq) {
  memcpy(key, "was/", 4);
  qun_be64(key + 4, seq);
  return qun_slice_of(key, 12);
}

static void pack_was(struct qun_pack *p, const struct qun_view *v, qun_slice key) {
  char name[256];
  qun_slice value;
  int n = snprintf(name, sizeof name, "set/%.*s", (int)(key.len > 200 ? 200 : key.len), (const char *)key.ptr);
  qun_pack_str(p, key);
  if (qun_view_get(v, QUN_TABLE_META, qun_slice_of(name, (size_t)n), &value) < 0)
    qun_pack_nil(p);
  else
    qun_pack_str(p, value);
}

int qun__was_write(struct qun_apply *a, uint64_t seq, qun_slice values) {
  struct qun_unpack u;
  struct qun_pack p;
  qun_slice key;
  uint32_t n;
  unsigned char at[12];
  qun_unpack_init(&u, values);
  if (!any_isolated(a->o.rt->plugins) || !qun_unpack_map(&u, &n)) return 0;
  qun_pack_init(&p);
  size_t map = qun_pack_open_map(&p);
  uint32_t packed = 0;
  for (; n > 0 && qun_unpack_str(&u, &key) && qun_unpack_skip(&u); n--, packed++) pack_was(&p, &a->batch.view, key);
  qun_pack_close(&p, map, packed);
  int rc = p.failed ? QUN_EFAIL : qun_batch_put(&a->batch, QUN_TABLE_META, was_key(at, seq), qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

int qun__since_write(struct qun_apply *a, const char *plugin, uint64_t seq) {
  char key[80];
  unsigned char value[8];
  int n = snprintf(key, sizeof key, "since/%s", plugin);
  qun_be64(value, seq);
  return qun_batch_put(&a->batch, QUN_TABLE_META, qun_slice_of(key, (size_t)n), qun_slice_of(value, sizeof value));
}

static uint64_t since(const struct qun_view *v, const char *plugin) {
  char key[80];
  qun_slice value;
  int n = snprintf(key, sizeof key, "since/%s", plugin);
  if (qun_view_get(v, QUN_TABLE_META, qun_slice_of(key, (size_t)n), &value) < 0 || value.len != 8) return 0;
  return qun_be64_read(value.ptr);
}

static bool has(qun_slice map, qun_slice key) {
  char name[256];
  qun_slice value;
  snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.ptr);
  return qun_mp_find(map, name, &value);
}

/* Adds the entries of `from` whose keys `to` does not have: the earliest change after a place says what was there. */
static void add_missing(struct qun_pack *to, qun_slice from) {
  struct qun_pack both;
  struct qun_unpack u;
  qun_slice key, value;
  uint32_t n, have = 0, more = 0;
  qun_pack_init(&both);
  size_t map = qun_pack_open_map(&both);
  qun_unpack_init(&u, qun_pack_slice(to));
  if (to->len && qun_unpack_map(&u, &have)) qun_pack_raw(&both, qun_slice_of(u.at, (size_t)(u.end - u.at)));
  qun_unpack_init(&u, from);
  if (!qun_unpack_map(&u, &n)) n = 0;
  for (; n > 0 && qun_unpack_str(&u, &key) && qun_unpack_any(&u, &value); n--) {
    if (to->len && has(qun_pack_slice(to), key)) continue;
    qun_pack_str(&both, key);
    qun_pack_raw(&both, value);
    more++;
  }
  qun_pack_close(&both, map, have + more);
  qun_pack_fini(to);
  *to = both;
}

int qun__config_as_of(struct qun_config **out, const char *name, const struct qun_view *v,
                      const struct qun_plugin_set *plugins, uint32_t n, uint64_t seq, struct qun_error *err) {
  struct qun_pack overrides;
  struct qun_pair pairs[16];
  unsigned char key[12];
  uint32_t count = 16;
  uint64_t from = since(v, plugins->plugins[n].manifest->id);
  qun_slice after = was_key(key, from > seq ? from : seq);
  int rc = 0;
  qun_pack_init(&overrides);
  while (count == 16 && rc == 0) {
    rc = qun_view_scan(v, QUN_TABLE_META, qun_str("was/"), after, pairs, 16, &count);
    for (uint32_t i = 0; i < count && rc == 0; i++) add_missing(&overrides, pairs[i].value);
    if (count) after = pairs[count - 1].key;
  }
  if (rc < 0 || overrides.failed)
    rc = qun_error_set(err, QUN_EFAIL, "tenant %s: former settings cannot be read", name);
  else
    rc = qun_config_read(out, name, v, plugins, qun_pack_slice(&overrides), err);
  qun_pack_fini(&overrides);
  return rc;
}
