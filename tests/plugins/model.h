/* SPDX-License-Identifier: Apache-2.0 */
/* Reads numbers out of a report's model (qun/report.h). A value that is not there is ABSENT; nil is NIL. */
#ifndef TESTS_PLUGINS_MODEL_H
#define TESTS_PLUGINS_MODEL_H

#include <qun/fake_host.h>
#include <qun/msgpack.h>

#include <criterion/criterion.h>

#define ABSENT (-1000000001)
#define NIL (-1000000002)

static inline int64_t model_number(qun_slice value) {
  struct qun_unpack u;
  int64_t v;
  int b;
  qun_unpack_init(&u, value);
  if (qun_unpack_nil(&u)) return NIL;
  if (qun_unpack_bool(&u, &b)) return b;
  return qun_unpack_int(&u, &v) ? v : ABSENT;
}

/* The nth value of an array. */
static inline qun_slice model_nth(qun_slice array, uint32_t nth) {
  struct qun_unpack u;
  qun_slice v = qun_slice_of(NULL, 0);
  uint32_t n;
  qun_unpack_init(&u, array);
  if (!qun_unpack_array(&u, &n) || nth >= n) return v;
  for (uint32_t i = 0; i <= nth; i++)
    if (!qun_unpack_any(&u, &v)) return qun_slice_of(NULL, 0);
  return v;
}

static inline uint32_t model_length(qun_slice array) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, array);
  return qun_unpack_array(&u, &n) ? n : 0;
}

/* The element of map[key] whose member `id` is `id`; *at is its place. */
static inline qun_slice model_by_id(qun_slice map, const char *key, const char *id, uint32_t *at) {
  qun_slice list;
  if (!qun_mp_find(map, key, &list)) return qun_slice_of(NULL, 0);
  for (uint32_t i = 0; i < model_length(list); i++) {
    qun_slice one = model_nth(list, i);
    if (!qun_slice_is(qun_mp_str(one, "id"), id)) continue;
    if (at) *at = i;
    return one;
  }
  return qun_slice_of(NULL, 0);
}

static inline qun_slice model_section(qun_slice model, const char *id) {
  return model_by_id(model, "sections", id, NULL);
}

static inline int64_t model_figure(qun_slice model, const char *section, const char *id) {
  qun_slice v, item = model_by_id(model_section(model, section), "items", id, NULL);
  return item.len && qun_mp_find(item, "value", &v) ? model_number(v) : ABSENT;
}

static inline qun_slice model_status(qun_slice model, const char *section, const char *id) {
  return qun_mp_str(model_by_id(model_section(model, section), "items", id, NULL), "status");
}

static inline uint32_t model_rows(qun_slice model, const char *section) {
  qun_slice rows;
  return qun_mp_find(model_section(model, section), "rows", &rows) ? model_length(rows) : 0;
}

static inline qun_slice model_cell(qun_slice model, const char *section, uint32_t row, const char *column) {
  qun_slice rows, s = model_section(model, section);
  uint32_t at = 0;
  if (!model_by_id(s, "columns", column, &at).len || !qun_mp_find(s, "rows", &rows)) return qun_slice_of(NULL, 0);
  return model_nth(model_nth(rows, row), at);
}

static inline int64_t model_at(qun_slice model, const char *section, uint32_t row, const char *column) {
  return model_number(model_cell(model, section, row, column));
}

/* The row whose text in `column` is `name`, or UINT32_MAX. */
static inline uint32_t model_row_of(qun_slice model, const char *section, const char *column, const char *name) {
  for (uint32_t i = 0; i < model_rows(model, section); i++) {
    struct qun_unpack u;
    qun_slice s;
    qun_unpack_init(&u, model_cell(model, section, i, column));
    if (qun_unpack_str(&u, &s) && qun_slice_is(s, name)) return i;
  }
  return UINT32_MAX;
}

static inline qun_slice model_text(qun_slice model, const char *section, uint32_t row, const char *column) {
  struct qun_unpack u;
  qun_slice s = qun_slice_of(NULL, 0);
  qun_unpack_init(&u, model_cell(model, section, row, column));
  (void)qun_unpack_str(&u, &s);
  return s;
}

/* A series of a chart, nth value. */
static inline int64_t model_series(qun_slice model, const char *section, const char *series, uint32_t nth) {
  qun_slice values, s = model_by_id(model_section(model, section), "series", series, NULL);
  return s.len && qun_mp_find(s, "values", &values) ? model_number(model_nth(values, nth)) : ABSENT;
}

/* Every text of a model: [id, {..}]. */
static inline void model_each_text(qun_slice value, void (*seen)(void *arg, qun_slice id), void *arg) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice v, id;
  qun_unpack_init(&u, value);
  if (qun_unpack_peek(&u) == QUN_MP_MAP && qun_unpack_map(&u, &n)) {
    for (uint32_t i = 0; i < 2 * n && qun_unpack_any(&u, &v); i++) model_each_text(v, seen, arg);
  } else if (qun_unpack_peek(&u) == QUN_MP_ARRAY && qun_unpack_array(&u, &n)) {
    struct qun_unpack first = u;
    if (n == 2 && qun_unpack_str(&first, &id) && qun_unpack_peek(&first) == QUN_MP_MAP) seen(arg, id);
    for (uint32_t i = 0; i < n && qun_unpack_any(&u, &v); i++) model_each_text(v, seen, arg);
  }
}

#endif
