/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/restore_outbox.h"

#include "tenants/outbox.h"

#include <stdlib.h>

struct pending {
  struct qun_arena arena;
  struct qun_control *controls;
  struct qun_pack *datas;
  uint32_t count, cap;
};

static bool pends(const struct qun_outbox_entry *row) {
  return row->state == QUN_OUTBOX_HELD || row->state == QUN_OUTBOX_RELEASED || row->state == QUN_OUTBOX_INTERCEPTED;
}

static int note_pending(void *arg, const struct qun_outbox_entry *row) {
  struct pending *p = arg;
  if (!pends(row)) return 0;
  if (p->count == p->cap) return QUN_EFAIL;
  const char *type = qun_slice_is(row->via, "http")   ? "http.answer"
                     : qun_slice_is(row->via, "work") ? "work.answer"
                                                      : "outbox.failed";
  struct qun_pack *data = &p->datas[p->count];
  qun_pack_init(data);
  qun_pack_map(data, 2);
  qun_pack_kv_str(data, "plugin", row->plugin);
  qun_pack_kv_cstr(data, type[0] == 'o' ? "reason" : "error",
                   "restored from a backup: whether it was sent since is not known");
  p->controls[p->count++] =
      (struct qun_control){.type = type, .subject = qun_arena_copy(&p->arena, row->key), .data = qun_pack_slice(data)};
  return 0;
}

static int count_pending(void *arg, const struct qun_outbox_entry *row) {
  uint32_t *n = arg;
  *n += pends(row);
  return 0;
}

static int hold(void *arg, const struct qun_outbox_entry *row) {
  return row->state == QUN_OUTBOX_RELEASED || row->state == QUN_OUTBOX_INTERCEPTED
             ? qun_outbox_move(arg, row->plugin, row->key, QUN_OUTBOX_HELD)
             : 0;
}

int qun__restore_hold(struct qun_store *store, struct qun_error *err) {
  struct qun_batch b = {0};
  struct qun_view v;
  int rc = qun_view_begin(&v, store, err);
  if (rc < 0) return rc;
  rc = qun_batch_begin(&b, store, err);
  if (rc == 0 && qun_outbox_each(&v, hold, &b) < 0) rc = qun_error_set(err, QUN_EFAIL, "the outbox cannot be held");
  if (rc == 0) rc = qun_batch_commit(&b, NULL, NULL, err);
  qun_batch_end(&b);
  qun_view_end(&v);
  return rc;
}

int qun__restore_fail_pending(struct qun_engine *e, const char *tenant, struct qun_error *err) {
  struct pending p = {0};
  struct qun_reading reading;
  uint32_t n = 0;
  int rc = qun_engine_read_begin(e, tenant, &reading, err);
  if (rc < 0) return rc;
  qun_arena_init(&p.arena);
  qun_outbox_each(&reading.view, count_pending, &n);
  p.cap = n;
  p.controls = calloc((size_t)n + 1, sizeof *p.controls);
  p.datas = calloc((size_t)n + 1, sizeof *p.datas);
  if (!p.controls || !p.datas || qun_outbox_each(&reading.view, note_pending, &p) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_engine_read_end(&reading);
  if (rc == 0 && p.count) rc = qun__control_submit(e, tenant, p.controls, p.count, NULL, err);
  for (uint32_t i = 0; i < p.count; i++) qun_pack_fini(&p.datas[i]);
  free(p.controls);
  free(p.datas);
  qun_arena_fini(&p.arena);
  return rc;
}
