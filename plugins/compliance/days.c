/* SPDX-License-Identifier: Apache-2.0 */
#include "days.h"

#include "yaml.h"

#include <stdio.h>

int32_t qun__day_of(int year, int month, int day) {
  int y = year - (month <= 2);
  int era = (y >= 0 ? y : y - 399) / 400;
  int yoe = y - era * 400;
  int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void qun__day_split(int32_t day, int *year, int *month, int *mday) {
  int z = day + 719468;
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int doe = z - era * 146097;
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (5 * doy + 2) / 153;
  *mday = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2);
}

int qun__day_parse(const char *text, int32_t *day) {
  int y, m, d, y2, m2, d2, n = 0;
  if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != 10 || text[n]) return -1;
  if (m < 1 || m > 12 || d < 1 || d > 31) return -1;
  int32_t v = qun__day_of(y, m, d);
  qun__day_split(v, &y2, &m2, &d2);
  if (y != y2 || m != m2 || d != d2) return -1;
  *day = v;
  return 0;
}

int32_t qun__day_add_months(int32_t day, int months) {
  int y, m, d, y2, m2, d2;
  qun__day_split(day, &y, &m, &d);
  int all = y * 12 + m - 1 + months;
  for (;; d--) {
    int32_t v = qun__day_of(all / 12, all % 12 + 1, d);
    qun__day_split(v, &y2, &m2, &d2);
    if (d2 == d) return v;
  }
}

static int year_of(int32_t day) {
  int y, m, d;
  qun__day_split(day, &y, &m, &d);
  return y;
}

static void mark(struct qun_holiday_year *t, int32_t day, bool work) {
  int y, m, d;
  qun__day_split(day, &y, &m, &d);
  uint32_t bit = 1u << (d - 1);
  t->work[m - 1] = work ? t->work[m - 1] | bit : t->work[m - 1] & ~bit;
}

/* Monday to Friday. 1970-01-01 was a Thursday. */
static void fill_weeks(struct qun_holiday_year *t) {
  for (int32_t d = qun__day_of(t->year, 1, 1); d < qun__day_of(t->year + 1, 1, 1); d++)
    mark(t, d, (d % 7 + 10) % 7 < 5);
}

static int parse_span(int year, const char *text, int32_t *from, int32_t *to) {
  char buf[16];
  if (snprintf(buf, sizeof buf, "%04d-%.5s", year, text) >= (int)sizeof buf || qun__day_parse(buf, from) < 0) return -1;
  *to = *from;
  if (strlen(text) == 5) return 0;
  if (strlen(text) != 12 || memcmp(text + 5, "..", 2) != 0) return -1;
  if (snprintf(buf, sizeof buf, "%04d-%s", year, text + 7) >= (int)sizeof buf || qun__day_parse(buf, to) < 0) return -1;
  return *from <= *to ? 0 : -1;
}

static int mark_spans(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key,
                      struct qun_holiday_year *t, bool work) {
  struct qun_words w;
  int error = qun__yaml_words(y, pool, node, key, &w);
  for (uint32_t i = 0; error == 0 && i < w.count; i++) {
    int32_t from, to;
    if (parse_span(t->year, w.at[i], &from, &to) < 0)
      return qun__yaml_fail(y, node, key, "MM-DD or MM-DD..MM-DD is needed");
    for (; from <= to; from++) mark(t, from, work);
  }
  return error;
}

static int parse_year(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, struct qun_holidays *h) {
  static const char *const known[] = {"year", "source", "off", "work"};
  int64_t year = 0;
  if (!node || node->type != YAML_MAPPING_NODE) return qun__yaml_fail(y, node, "years", "a map is needed");
  for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
    yaml_node_t *k = qun__yaml_node(y, p->key);
    const char *name = k && k->type == YAML_SCALAR_NODE ? (const char *)k->data.scalar.value : "";
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(known[i], name) == 0;
    if (!found) return qun__yaml_fail(y, k, name, "unknown key");
  }
  if (h->count == QUN_HOLIDAY_YEARS) return qun__yaml_fail(y, node, "years", "too many years");
  struct qun_holiday_year *t = &h->years[h->count];
  char *source;
  int error = qun__yaml_int(y, qun__yaml_find(y, node, "year"), "year", &year);
  if (error == 0) error = qun__yaml_text(y, pool, qun__yaml_find(y, node, "source"), "source", &source);
  if (error < 0) return error;
  if (year < 1970 || year > 2200) return qun__yaml_fail(y, node, "year", "a year from 1970 to 2200 is needed");
  t->year = (int)year;
  fill_weeks(t);
  error = mark_spans(y, pool, qun__yaml_find(y, node, "off"), "off", t, false);
  if (error == 0) error = mark_spans(y, pool, qun__yaml_find(y, node, "work"), "work", t, true);
  if (error == 0) h->count++;
  return error;
}

int qun__holidays_parse(struct qun_holidays *h, const char *file, qun_slice body, char *message, size_t message_cap) {
  struct qun_yaml y;
  struct qun_pool *pool = qun__pool_create();
  int error = pool ? qun__yaml_open(&y, file, body, message, message_cap) : QUN_EINVAL;
  if (error < 0) goto out;
  yaml_node_t *root = yaml_document_get_root_node(&y.doc), *years = qun__yaml_find(&y, root, "years");
  int64_t version = 0;
  error = qun__yaml_int(&y, qun__yaml_find(&y, root, "holidays"), "holidays", &version);
  if (error == 0 && version != 1) error = qun__yaml_fail(&y, root, "holidays", "only version 1 is known");
  if (error == 0 && (!years || years->type != YAML_SEQUENCE_NODE))
    error = qun__yaml_fail(&y, root, "years", "a list is needed");
  for (yaml_node_item_t *i = error < 0 ? NULL : years->data.sequence.items.start;
       i && error == 0 && i < years->data.sequence.items.top; i++)
    error = parse_year(&y, pool, qun__yaml_node(&y, *i), h);
  qun__yaml_close(&y);
out:
  qun__pool_destroy(pool);
  return error;
}

static const struct qun_holiday_year *table_of(const struct qun_holidays *h, int year) {
  for (uint32_t i = 0; i < h->count; i++)
    if (h->years[i].year == year) return &h->years[i];
  return NULL;
}

int qun__holidays_add(const struct qun_holidays *h, int32_t day, int64_t n, int32_t *due, int *missing) {
  const struct qun_holiday_year *t = NULL;
  while (n > 0) {
    int y, m, d;
    day++;
    qun__day_split(day, &y, &m, &d);
    if (!t || t->year != y) t = table_of(h, y);
    if (!t) {
      *missing = year_of(day);
      return QUN_ENOTFOUND;
    }
    n -= (t->work[m - 1] >> (d - 1)) & 1;
  }
  *due = day;
  return 0;
}
