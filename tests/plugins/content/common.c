/* SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <criterion/criterion.h>
#include <string.h>

static bool list_of(qun_slice map, const char *key, struct qun_unpack *u, uint32_t *n) {
  qun_slice list;
  if (!qun_mp_find(map, key, &list)) return false;
  qun_unpack_init(u, list);
  return qun_unpack_array(u, n) == 1;
}

static qun_slice with_id(qun_slice map, const char *list, const char *id) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice one;
  if (!list_of(map, list, &u, &n)) return qun_slice_of(NULL, 0);
  while (n-- > 0 && qun_unpack_any(&u, &one)) {
    if (qun_slice_is(qun_mp_str(one, "id"), id)) return one;
  }
  return qun_slice_of(NULL, 0);
}

qun_slice section(qun_slice model, const char *id) {
  cr_assert(qun_mp_valid(model, 16), "no whole model came");
  return with_id(model, "sections", id);
}

int64_t figure(qun_slice model, const char *section_id, const char *id) {
  return qun_mp_int(with_id(section(model, section_id), "items", id), "value", INT64_MIN);
}

const char *figure_status(qun_slice model, const char *section_id, const char *id) {
  static char text[16];
  qun_slice s = qun_mp_str(with_id(section(model, section_id), "items", id), "status");
  cr_assert_lt(s.len, sizeof text);
  memcpy(text, s.len ? s.ptr : "", (size_t)s.len);
  text[s.len] = 0;
  return text;
}

uint32_t rows_count(qun_slice model, const char *section_id) {
  struct qun_unpack u;
  uint32_t n = 0;
  (void)list_of(section(model, section_id), "rows", &u, &n);
  return n;
}

qun_slice cell(qun_slice model, const char *section_id, uint32_t row, const char *column) {
  qun_slice table = section(model, section_id), one, value = qun_slice_of(NULL, 0);
  struct qun_unpack u, values;
  uint32_t n, place = 0, count;
  if (!list_of(table, "columns", &u, &n)) return value;
  for (; place < n && qun_unpack_any(&u, &one) && !qun_slice_is(qun_mp_str(one, "id"), column); place++) continue;
  if (place == n || !list_of(table, "rows", &u, &count) || row >= count) return value;
  while (row-- > 0) cr_assert(qun_unpack_skip(&u));
  values = u;
  cr_assert(qun_unpack_array(&values, &count) && count == n, "a row has %u values for %u columns", count, n);
  while (place-- > 0) cr_assert(qun_unpack_skip(&values));
  cr_assert(qun_unpack_any(&values, &value));
  return value;
}

int64_t cell_int(qun_slice model, const char *section_id, uint32_t row, const char *column) {
  struct qun_unpack u;
  int64_t v = INT64_MIN;
  qun_unpack_init(&u, cell(model, section_id, row, column));
  (void)qun_unpack_int(&u, &v);
  return v;
}

bool cell_is(qun_slice model, const char *section_id, uint32_t row, const char *column, const char *text) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice s = {0};
  qun_unpack_init(&u, cell(model, section_id, row, column));
  if (qun_unpack_array(&u, &n) && n == 0) return false;
  return qun_unpack_str(&u, &s) && qun_slice_is(s, text);
}
