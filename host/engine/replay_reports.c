/* SPDX-License-Identifier: Apache-2.0 */
/* A what-if's plain answer: the figures that plugins would report. Each live plugin is asked for every view before the
   replay over the live snapshot and after it over the scratch store, at the same clock. */
#include "host/engine/replay_internal.h"
#include "host/engine/services_call.h"

#include <stdio.h>
#include <stdlib.h>

enum { VIEWS_MAX = 16, CELLS_MAX = 200 };

struct qun__replay_reports {
  struct qun_pack models[QUN_PLUGINS_MAX][VIEWS_MAX]; /* empty: the plugin had no answer */
};

void qun__reports_destroy(struct qun__replay_reports *p) {
  if (!p) return;
  for (uint32_t i = 0; i < QUN_PLUGINS_MAX; i++) {
    for (uint32_t k = 0; k < VIEWS_MAX; k++) qun_pack_fini(&p->models[i][k]);
  }
  free(p);
}

static uint32_t views_of(const struct qun_manifest *m) {
  return m->views_count < VIEWS_MAX ? m->views_count : VIEWS_MAX;
}

/* One report at the live head's clock, appended to `out`; left empty when the plugin has no such report or refuses. */
static void ask(const struct qun__replay *r, struct qun_runtime *rt, struct qun_slot *slot, const struct qun_view *view,
                uint32_t plugin, const char *name, struct qun_pack *out) {
  const struct qun_manifest *m = r->plugins->plugins[plugin].manifest;
  const struct qun_manifest_service *entry = NULL;
  struct qun_arena arena;
  struct qun_pack params;
  char service[80];
  uint32_t owner;
  snprintf(service, sizeof service, "%s.report", m->id);
  if (qun__service_owner(r->plugins, qun_str(service), &owner, &entry) < 0 || owner != plugin) return;
  qun_arena_init(&arena);
  qun_pack_init(&params);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "view", name);
  struct qun_scope scope = {.mode = QUN_MODE_REQUEST,
                            .slot = slot,
                            .view = view,
                            .arena = &arena,
                            .clock_ms = r->head.clock_ms == INT64_MIN ? 0 : r->head.clock_ms,
                            .seq = r->head.seq,
                            .seed = r->head.seq,
                            .request = 1};
  qun_calendar_to_local(slot->calendar, scope.clock_ms, &scope.clock_day, &scope.clock_minute);
  struct qun_request request = {.struct_size = sizeof request,
                                .id = 1,
                                .service = qun_str(service),
                                .params = qun_pack_slice(&params),
                                .locale = qun_str(slot->config->locale),
                                .role = qun_str("host")};
  if (qun_instance_request(&rt->instances[plugin], &scope, &request) == 0 && !scope.request)
    qun_pack_raw(out, scope.reply);
  qun_pack_fini(&params);
  qun_arena_fini(&arena);
}

int qun__reports_take(struct qun__replay_reports **out, struct qun__replay *r, struct qun_error *err) {
  struct qun__replay_reports *p = calloc(1, sizeof *p);
  struct qun_runtime *rt = NULL;
  struct qun_slot *slot = NULL;
  if (!p) return qun_error_set(err, QUN_EFAIL, "out of memory for a replay");
  *out = p;
  int rc = qun_runtime_create_for(&rt, r->plugins, UINT32_MAX, r->engine->subscriptions, NULL, err);
  if (rc == 0) rc = qun_runtime_scratch_slot(rt, r->live.vault, qun_config_ref(r->config), &slot, err);
  for (uint32_t i = 0; i < r->plugins->count && rc == 0; i++) {
    const struct qun_manifest *m = r->plugins->plugins[i].manifest;
    if (!((r->config->live >> i) & 1u)) continue;
    rc = qun__runtime_meet(rt, slot, i, &r->live.view, err);
    for (uint32_t k = 0; k < views_of(m) && rc == 0; k++) {
      qun_pack_init(&p->models[i][k]);
      ask(r, rt, slot, &r->live.view, i, m->views[k].name, &p->models[i][k]);
    }
  }
  if (rt) qun_runtime_slot_close(rt, slot);
  qun_runtime_destroy(rt);
  return rc;
}

/* ---------------------------------------------------------------- two models, cell by cell */

struct cells {
  struct qun_pack *out;
  uint32_t cap, packed, differ;
};

static const unsigned char nil_byte = 0xc0;
static const char status[] = "\xa6"
                             "status"; /* a figure's other cell: good, warn, bad */

static qun_slice nil(void) {
  return qun_slice_of(&nil_byte, 1);
}

static qun_slice member(qun_slice map, const char *key) {
  qun_slice value;
  return map.len && qun_mp_find(map, key, &value) ? value : nil();
}

static void cell(struct cells *c, qun_slice section, qun_slice row, qun_slice column, qun_slice kind, qun_slice was,
                 qun_slice is) {
  if (qun_slice_eq(was, is)) return;
  if (c->differ++ >= c->cap) return;
  c->packed++;
  qun_pack_map(c->out, 6);
  const struct {
    const char *key;
    qun_slice value;
  } parts[] = {{"section", section}, {"row", row}, {"column", column}, {"kind", kind}, {"was", was}, {"is", is}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    qun_pack_cstr(c->out, parts[i].key);
    qun_pack_raw(c->out, parts[i].value);
  }
}

/* Walks the elements of an array. */
static bool array_begin(struct qun_unpack *u, qun_slice array, uint32_t *n) {
  *n = 0;
  qun_unpack_init(u, array);
  return qun_unpack_array(u, n);
}

/* The nth element, or nil. */
static qun_slice element(qun_slice array, uint32_t nth) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice value = nil();
  if (!array_begin(&u, array, &n) || nth >= n) return value;
  for (uint32_t i = 0; i < nth; i++) {
    if (!qun_unpack_skip(&u)) return nil();
  }
  return qun_unpack_any(&u, &value) ? value : nil();
}

/* The element whose member `id` is `id`, or whose first element is it when `id_key` is NULL. */
static qun_slice find(qun_slice array, const char *id_key, qun_slice id) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice value;
  if (!array_begin(&u, array, &n)) return nil();
  while (n-- > 0 && qun_unpack_any(&u, &value)) {
    if (qun_slice_eq(id_key ? member(value, id_key) : element(value, 0), id)) return value;
  }
  return nil();
}

static void compare_figures(struct cells *c, qun_slice section, qun_slice was, qun_slice is, bool back) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice item;
  if (!array_begin(&u, back ? is : was, &n)) return;
  while (n-- > 0 && qun_unpack_any(&u, &item)) {
    qun_slice id = member(item, "id"), other = find(back ? was : is, "id", id);
    if (!back) {
      cell(c, section, id, nil(), member(item, "kind"), member(item, "value"), member(other, "value"));
      cell(c, section, id, qun_slice_of(status, sizeof status - 1), nil(), member(item, "status"),
           member(other, "status"));
    } else if (qun_slice_eq(other, nil())) {
      cell(c, section, id, nil(), member(item, "kind"), nil(), member(item, "value"));
    }
  }
}

static void compare_row(struct cells *c, qun_slice section, qun_slice columns, qun_slice was, qun_slice is) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice column, row = element(qun_slice_eq(was, nil()) ? is : was, 0);
  if (!array_begin(&u, columns, &n)) return;
  for (uint32_t i = 0; i < n && qun_unpack_any(&u, &column); i++)
    cell(c, section, row, member(column, "id"), member(column, "kind"), element(was, i), element(is, i));
}

static void compare_rows(struct cells *c, qun_slice section, qun_slice columns, qun_slice was, qun_slice is) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice row;
  if (array_begin(&u, was, &n)) {
    for (uint32_t i = 0; i < n && qun_unpack_any(&u, &row); i++) {
      qun_slice same_place = element(is, i), key = element(row, 0);
      compare_row(c, section, columns, row,
                  qun_slice_eq(element(same_place, 0), key) ? same_place : find(is, NULL, key));
    }
  }
  if (!array_begin(&u, is, &n)) return;
  while (n-- > 0 && qun_unpack_any(&u, &row)) {
    if (qun_slice_eq(find(was, NULL, element(row, 0)), nil())) compare_row(c, section, columns, nil(), row);
  }
}

static void compare_chart(struct cells *c, qun_slice section, qun_slice was, qun_slice is) {
  struct qun_unpack u;
  uint32_t n, points;
  qun_slice series, value, x = member(member(was, "x"), "values");
  if (!array_begin(&u, member(was, "series"), &n)) return;
  while (n-- > 0 && qun_unpack_any(&u, &series)) {
    struct qun_unpack values;
    qun_slice id = member(series, "id"), other = member(find(member(is, "series"), "id", id), "values");
    if (!array_begin(&values, member(series, "values"), &points)) return;
    for (uint32_t i = 0; i < points && qun_unpack_any(&values, &value); i++)
      cell(c, section, element(x, i), id, member(series, "kind"), value, element(other, i));
  }
}

uint32_t qun__report_cells(qun_slice was, qun_slice is, uint32_t cap, struct qun_pack *cells, uint32_t *packed) {
  struct cells c = {.out = cells, .cap = cap};
  struct qun_unpack u;
  uint32_t n;
  qun_slice section, others = member(is, "sections");
  if (array_begin(&u, member(was, "sections"), &n)) {
    while (n-- > 0 && qun_unpack_any(&u, &section)) {
      qun_slice id = member(section, "id"), other = find(others, "id", id), kind = qun_mp_str(section, "kind");
      if (qun_slice_is(kind, "figures")) {
        compare_figures(&c, id, member(section, "items"), member(other, "items"), false);
        compare_figures(&c, id, member(section, "items"), member(other, "items"), true);
      } else if (qun_slice_is(kind, "table")) {
        compare_rows(&c, id, member(section, "columns"), member(section, "rows"), member(other, "rows"));
      } else if (qun_slice_is(kind, "chart")) {
        compare_chart(&c, id, section, other);
      }
    }
  }
  *packed = c.packed;
  return c.differ;
}

/* ---------------------------------------------------------------- all of them */

static uint32_t compare_view(struct qun__replay *r, uint32_t plugin, uint32_t nth, struct qun_pack *out) {
  struct qun__strand *s = qun__replay_strand(r, plugin);
  const struct qun_manifest *m = r->plugins->plugins[plugin].manifest;
  const struct qun_pack *was = &r->reports->models[plugin][nth];
  struct qun_pack is, cells;
  uint32_t packed = 0;
  if (!was->len) return 0;
  qun_pack_init(&is);
  qun_pack_init(&cells);
  ask(r, s->rt, s->slot, &s->apply.batch.view, plugin, m->views[nth].name, &is);
  uint32_t differ =
      is.len ? qun__report_cells(qun_pack_slice(was), qun_pack_slice(&is), CELLS_MAX, &cells, &packed) : 0;
  if (differ) {
    qun_pack_map(out, 4);
    qun_pack_kv_cstr(out, "plugin", m->id);
    qun_pack_kv_cstr(out, "view", m->views[nth].name);
    qun_pack_kv_int(out, "differ", differ);
    qun_pack_cstr(out, "cells");
    qun_pack_array(out, packed);
    if (packed) qun_pack_raw(out, qun_pack_slice(&cells));
  }
  qun_pack_fini(&is);
  qun_pack_fini(&cells);
  return differ ? 1 : 0;
}

/* Settings may change what a report says of the same state. */
static bool set_otherwise(struct qun__replay *r, uint32_t plugin) {
  const struct qun_config *is = qun__replay_strand(r, plugin)->slot->config;
  return !qun_slice_eq(qun_pack_slice(&r->config->settings[plugin]), qun_pack_slice(&is->settings[plugin]));
}

int qun__reports_compare(struct qun__replay *r, struct qun_pack *out, struct qun_error *err) {
  uint32_t n = 0;
  size_t at = qun_pack_open_array(out);
  for (uint32_t i = 0; i < r->plugins->count && r->reports; i++) {
    if (memcmp(r->was[i], r->is[i], QUN_STATE_HASH) == 0 && !set_otherwise(r, i)) continue;
    for (uint32_t k = 0; k < views_of(r->plugins->plugins[i].manifest); k++) n += compare_view(r, i, k, out);
  }
  qun_pack_close(out, at, n);
  return out->failed ? qun_error_set(err, QUN_EFAIL, "out of memory for a replay's answer") : 0;
}
