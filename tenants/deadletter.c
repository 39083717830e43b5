/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/deadletter.h"

#include <qun/msgpack.h>

int qun_dead_letter_add(struct qun_batch *b, struct qun_head *head, const struct qun_dead_letter *l) {
  unsigned char key[8];
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_int(&p, "seq", (int64_t)l->seq);
  qun_pack_kv_str(&p, "plugin", l->plugin);
  qun_pack_kv_str(&p, "reason", l->reason);
  qun_pack_kv_str(&p, "type", l->type);
  qun_pack_kv_str(&p, "id", l->id);
  qun_pack_kv_str(&p, "source", l->source);
  qun_be64(key, head->dead + 1);
  int rc = p.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_DEAD, qun_slice_of(key, 8), qun_pack_slice(&p));
  if (rc == 0) head->dead++;
  qun_pack_fini(&p);
  return rc;
}

int qun_dead_letter_each(const struct qun_view *v, uint64_t after, int (*each)(void *, const struct qun_dead_letter *),
                         void *arg) {
  struct qun_pair pairs[64];
  unsigned char key[8];
  uint32_t n = 64;
  qun_be64(key, after);
  while (n == 64) {
    int rc = qun_view_scan(v, QUN_TABLE_DEAD, (qun_slice){NULL, 0}, qun_slice_of(key, 8), pairs, 64, &n);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < n; i++) {
      qun_slice m = pairs[i].value;
      struct qun_dead_letter l = {.number = qun_be64_read(pairs[i].key.ptr),
                                  .seq = (uint64_t)qun_mp_int(m, "seq", 0),
                                  .plugin = qun_mp_str(m, "plugin"),
                                  .reason = qun_mp_str(m, "reason"),
                                  .type = qun_mp_str(m, "type"),
                                  .id = qun_mp_str(m, "id"),
                                  .source = qun_mp_str(m, "source")};
      rc = each(arg, &l);
      if (rc) return rc;
    }
    if (n) memcpy(key, pairs[n - 1].key.ptr, 8);
  }
  return 0;
}
