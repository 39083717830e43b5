/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 256, MEMBERS = 12 };

uint64_t qun_dice_roll(struct qun_dice *d, uint64_t n) {
  uint64_t z = d->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

struct field {
  const char *name;
  enum qun_field_kind kind;
  uint32_t flags;
};

/* The fields of a type, of the core vocabulary or the plugin's own. */
static uint32_t fields_of(struct field out[FIELDS_MAX], const struct qun_manifest *m, const char *type) {
#define ROW(row_type, row_field, row_kind, row_flags, row_unit, row_doc)                                               \
  {row_type, {row_field, QUN_FIELD_##row_kind, row_flags}},
  static const struct {
    const char *type;
    struct field field;
  } core[] = {QUN_EVENT_FIELDS(ROW)};
#undef ROW
  uint32_t n = 0;
  for (size_t i = 0; i < sizeof core / sizeof *core && n < FIELDS_MAX; i++)
    if (strcmp(core[i].type, type) == 0) out[n++] = core[i].field;
  for (uint32_t i = 0; i < m->types_count; i++)
    for (uint32_t k = 0; strcmp(m->types[i].name, type) == 0 && k < m->types[i].fields_count && n < FIELDS_MAX; k++)
      out[n++] = (struct field){m->types[i].fields[k].name, m->types[i].fields[k].kind, m->types[i].fields[k].flags};
  return n;
}

static const char *text_of(struct qun_dice *d, bool odd) {
  static const char *const plain[] = {"hello", "spring", "u7", "tea", "2026", "群里好", "a,b"};
  static const char *const rare[] = {"", "\xf0\x9f\x8d\xb5", "a\tb", "-1", "99999999999999999999", "../../x", "%s%n"};
  return odd && qun_dice_roll(d, 2) ? rare[qun_dice_roll(d, 7)] : plain[qun_dice_roll(d, 7)];
}

static int64_t number_of(struct qun_dice *d, bool odd) {
  static const int64_t rare[] = {0, -1, INT64_MAX, INT64_MIN, INT32_MAX, 1};
  return odd && qun_dice_roll(d, 2) ? rare[qun_dice_roll(d, 6)] : (int64_t)qun_dice_roll(d, 1000);
}

static struct qun_fake_field fill(struct qun_fake *f, struct qun_dice *d, const struct field *from, bool odd) {
  struct qun_fake_field to = {.name = from->name, .kind = QUN_MP_INT};
  if (from->kind == QUN_FIELD_STR || from->kind == QUN_FIELD_LIST) {
    to.kind = QUN_MP_STR;
    to.list = from->kind == QUN_FIELD_LIST;
    to.text = text_of(d, odd);
  } else if (from->kind == QUN_FIELD_BOOL) {
    to.kind = QUN_MP_BOOL;
    to.number = (int64_t)qun_dice_roll(d, 2);
  } else if (from->kind == QUN_FIELD_MAP) {
    to.kind = QUN_MP_MAP;
    to.raw = qun_fake_map(f, QUN_TEXT("k", "v"), QUN_INT("n", 1));
  } else if (from->kind == QUN_FIELD_TIME) {
    to.number = qun_fake_clock(f) + (int64_t)qun_dice_roll(d, 3 * 86400000);
  } else if (from->kind == QUN_FIELD_MEMBER) {
    to.number = (int64_t)qun_dice_roll(d, MEMBERS) + 1;
  } else {
    to.number = number_of(d, odd);
  }
  return to;
}

static void send(struct qun_fake *f, const struct qun_manifest *m, struct qun_dice *d, const char *type, bool odd) {
  static const char *const groups[] = {"g1", "g2", ""}, *const subjects[] = {"spring", "item-1", "item-2", "case", ""};
  struct field *fields = calloc(FIELDS_MAX, sizeof *fields);
  struct qun_fake_event e = {.type = type, .time_ms = qun_fake_clock(f) + 1 + (int64_t)qun_dice_roll(d, 6 * 3600000)};
  uint32_t n = fields ? fields_of(fields, m, type) : 0, used = 0;
  e.member = odd && qun_dice_roll(d, 4) == 0 ? 0 : qun_dice_roll(d, MEMBERS) + 1;
  e.group = groups[qun_dice_roll(d, 3)];
  e.subject = subjects[qun_dice_roll(d, 5)];
  for (uint32_t i = 0; i < n && used < QUN_FAKE_FIELDS - 1; i++)
    if (fields[i].flags & QUN_FIELD_REQ || qun_dice_roll(d, odd ? 2 : 4) > 0)
      e.fields[used++] = fill(f, d, &fields[i], odd);
  qun_fake_send(f, &e);
  free(fields);
}

static const char *pick_type(const struct qun_manifest *m, struct qun_dice *d) {
#define ROW(type, flags, doc) {type, flags},
  static const struct {
    const char *name;
    uint32_t flags;
  } core[] = {QUN_EVENT_TYPES(ROW)};
#undef ROW
  const char *type = m->subscribe[qun_dice_roll(d, m->subscribe_count)];
  while (strcmp(type, "*") == 0) {
    uint64_t i = qun_dice_roll(d, sizeof core / sizeof *core);
    if (!(core[i].flags & QUN_TYPE_HOST)) type = core[i].name;
  }
  return type;
}

void qun_validate_log(struct qun_fake *f, const struct qun_manifest *m, struct qun_dice *d, uint32_t count, bool odd) {
  static const int64_t begin = 1767571200000; /* 2026-01-05 00:00 UTC */
  if (qun_fake_clock(f) < begin) qun_fake_advance(f, begin);
  for (uint32_t i = 0; i < count && m->subscribe_count; i++) send(f, m, d, pick_type(m, d), odd);
  qun_fake_advance(f, qun_fake_clock(f) + 40LL * 86400000); /* timers of a month and more */
}
