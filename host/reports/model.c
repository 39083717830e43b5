/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/model.h"

#include <string.h>

enum { MODEL_DEPTH = 16 };

const char *const qun__kind_names[QUN__KINDS] = {
    [QUN__INT] = "int",     [QUN__RATIO] = "ratio", [QUN__MONEY] = "money",       [QUN__DAY] = "day",
    [QUN__MONTH] = "month", [QUN__TIME] = "time",   [QUN__DURATION] = "duration", [QUN__BOOL] = "bool",
    [QUN__STR] = "str",     [QUN__TEXT] = "text",   [QUN__MEMBER] = "member"};

struct reader {
  struct qun_arena *arena;
  struct qun_error *err;
  qun_slice section;  /* being read, for messages */
  qun_slice currency; /* of the section or the model */
};

static int refuse(const struct reader *r, const char *what) {
  if (r->section.len == 0) return qun_error_set(r->err, QUN_EINVAL, "the report's model is not well formed: %s", what);
  return qun_error_set(r->err, QUN_EINVAL, "section \"%.*s\" of the report's model is not well formed: %s",
                       (int)(r->section.len < 80 ? r->section.len : 80), (const char *)r->section.ptr, what);
}

static void *room(const struct reader *r, uint32_t count, size_t size) {
  void *at = qun_arena_alloc(r->arena, (count ? count : 1) * size);
  if (!at) {
    qun_error_set(r->err, QUN_EFAIL, "out of memory while reading a report's model");
    return NULL;
  }
  memset(at, 0, (count ? count : 1) * size);
  return at;
}

/* A T: a plain text, or [id, {args}]. */
static int read_text(const struct reader *r, qun_slice bytes, struct qun__text *t, const char *what) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, bytes);
  if (qun_unpack_str(&u, &t->shown)) return 0;
  if (!qun_unpack_array(&u, &n) || n < 1 || n > 2 || !qun_unpack_str(&u, &t->id) || t->id.len == 0)
    return refuse(r, what);
  if (n == 2 && (qun_unpack_peek(&u) != QUN_MP_MAP || !qun_unpack_any(&u, &t->args))) return refuse(r, what);
  return 0;
}

static int read_member_text(const struct reader *r, qun_slice map, const char *key, struct qun__text *t) {
  qun_slice v;
  if (!qun_mp_find(map, key, &v)) return refuse(r, key);
  return read_text(r, v, t, key);
}

static int read_kind(const struct reader *r, qun_slice map, enum qun__kind *kind) {
  qun_slice name = qun_mp_str(map, "kind");
  for (int k = 0; k < QUN__KINDS; k++) {
    if (!qun_slice_is(name, qun__kind_names[k])) continue;
    *kind = (enum qun__kind)k;
    return 0;
  }
  return refuse(r, "unknown kind of value");
}

static int read_value(const struct reader *r, struct qun_unpack *u, enum qun__kind kind, struct qun__value *v) {
  qun_slice bytes;
  int flag;
  v->kind = kind;
  v->currency = r->currency;
  if (qun_unpack_nil(u)) return 0;
  v->known = true;
  if (kind == QUN__TEXT)
    return qun_unpack_any(u, &bytes) ? read_text(r, bytes, &v->text, "text value") : refuse(r, "text value");
  if (kind == QUN__STR) return qun_unpack_str(u, &v->text.shown) ? 0 : refuse(r, "a value of kind str is no text");
  if (kind == QUN__BOOL && qun_unpack_bool(u, &flag)) {
    v->number = flag;
    return 0;
  }
  return qun_unpack_int(u, &v->number) ? 0 : refuse(r, "a value is no integer");
}

/* The array under `key`: its count and a cursor at its first element. */
static int open_array(const struct reader *r, qun_slice map, const char *key, struct qun_unpack *u, uint32_t *n) {
  qun_slice v;
  if (!qun_mp_find(map, key, &v)) return refuse(r, key);
  qun_unpack_init(u, v);
  return qun_unpack_array(u, n) ? 0 : refuse(r, key);
}

static int read_figure(const struct reader *r, qun_slice map, struct qun__figure *f) {
  struct qun_unpack u;
  enum qun__kind kind;
  qun_slice v;
  f->id = qun_mp_str(map, "id");
  f->status = qun_mp_str(map, "status");
  int rc = read_member_text(r, map, "label", &f->label);
  if (rc == 0) rc = read_kind(r, map, &kind);
  if (rc < 0) return rc;
  if (f->id.len == 0 || !qun_mp_find(map, "value", &v)) return refuse(r, "a figure without id or value");
  qun_unpack_init(&u, v);
  if ((rc = read_value(r, &u, kind, &f->value)) < 0) return rc;
  f->has_reason = qun_mp_find(map, "reason", &v) && !qun_slice_eq(v, qun_slice_of("\xc0", 1));
  return f->has_reason ? read_text(r, v, &f->reason, "reason") : 0;
}

static int read_figures(const struct reader *r, qun_slice map, struct qun__section *s) {
  struct qun_unpack u;
  qun_slice item;
  int rc = open_array(r, map, "items", &u, &s->figures_count);
  if (rc < 0) return rc;
  s->figures = room(r, s->figures_count, sizeof *s->figures);
  if (!s->figures) return QUN_EFAIL;
  for (uint32_t i = 0; i < s->figures_count; i++) {
    if (!qun_unpack_any(&u, &item)) return refuse(r, "items");
    if ((rc = read_figure(r, item, &s->figures[i])) < 0) return rc;
  }
  return 0;
}

static int read_column(const struct reader *r, qun_slice map, struct qun__column *c) {
  c->id = qun_mp_str(map, "id");
  int rc = read_member_text(r, map, "label", &c->label);
  return rc < 0 ? rc : read_kind(r, map, &c->kind);
}

static int read_rows(const struct reader *r, qun_slice map, struct qun__section *s) {
  struct qun_unpack u;
  uint32_t n;
  int rc = open_array(r, map, "rows", &u, &s->rows);
  if (rc < 0) return rc;
  if (s->columns_count && s->rows > UINT32_MAX / s->columns_count) return refuse(r, "too many rows");
  s->cells = room(r, s->rows * s->columns_count, sizeof *s->cells);
  if (!s->cells) return QUN_EFAIL;
  struct qun__value *cell = s->cells;
  for (uint32_t i = 0; i < s->rows; i++) {
    if (!qun_unpack_array(&u, &n) || n != s->columns_count)
      return refuse(r, "a row has another number of values than there are columns");
    for (uint32_t c = 0; c < n; c++, cell++)
      if ((rc = read_value(r, &u, s->columns[c].kind, cell)) < 0) return rc;
  }
  return 0;
}

static int read_table(const struct reader *r, qun_slice map, struct qun__section *s) {
  struct qun_unpack u;
  qun_slice item;
  int rc = open_array(r, map, "columns", &u, &s->columns_count);
  if (rc < 0) return rc;
  s->columns = room(r, s->columns_count, sizeof *s->columns);
  if (!s->columns) return QUN_EFAIL;
  for (uint32_t i = 0; i < s->columns_count; i++) {
    if (!qun_unpack_any(&u, &item)) return refuse(r, "columns");
    if ((rc = read_column(r, item, &s->columns[i])) < 0) return rc;
    if (s->columns[i].id.len == 0) return refuse(r, "a column without id");
  }
  return read_rows(r, map, s);
}

static int read_series(const struct reader *r, qun_slice map, struct qun__column *c) {
  struct qun_unpack u;
  int rc = read_column(r, map, c);
  if (rc == 0) rc = open_array(r, map, "values", &u, &c->count);
  if (rc < 0) return rc;
  c->values = room(r, c->count, sizeof *c->values);
  if (!c->values) return QUN_EFAIL;
  for (uint32_t i = 0; i < c->count; i++)
    if ((rc = read_value(r, &u, c->kind, &c->values[i])) < 0) return rc;
  return 0;
}

static int read_chart(const struct reader *r, qun_slice map, struct qun__section *s) {
  static const char *const charts[] = {"line", "bar", "stacked", "doughnut"};
  struct qun_unpack u;
  qun_slice item;
  uint32_t n;
  size_t known = 0;
  s->chart = qun_mp_str(map, "chart");
  while (known < 4 && !qun_slice_is(s->chart, charts[known])) known++;
  if (known == 4) return refuse(r, "unknown chart");
  int rc = open_array(r, map, "series", &u, &n);
  if (rc < 0) return rc;
  s->columns_count = n + 1;
  s->columns = room(r, s->columns_count, sizeof *s->columns);
  if (!s->columns) return QUN_EFAIL;
  if (!qun_mp_find(map, "x", &item)) return refuse(r, "x");
  if ((rc = read_series(r, item, &s->columns[0])) < 0) return rc;
  for (uint32_t i = 1; i <= n; i++) {
    if (!qun_unpack_any(&u, &item)) return refuse(r, "series");
    if ((rc = read_series(r, item, &s->columns[i])) < 0) return rc;
    if (s->columns[i].id.len == 0) return refuse(r, "a series without id");
    if (s->columns[i].count != s->columns[0].count) return refuse(r, "a series is not as long as the x axis");
  }
  return 0;
}

static int read_words(const struct reader *r, qun_slice map, struct qun__section *s) {
  return read_member_text(r, map, "body", &s->body);
}

static int read_section(struct reader *r, qun_slice map, struct qun__section *s) {
  static const struct {
    const char *name;
    enum qun__section_kind kind;
    int (*read)(const struct reader *r, qun_slice map, struct qun__section *s);
  } kinds[] = {{"figures", QUN__FIGURES, read_figures},
               {"table", QUN__TABLE, read_table},
               {"chart", QUN__CHART, read_chart},
               {"text", QUN__WORDS, read_words}};
  qun_slice v, kind = qun_mp_str(map, "kind"), currency = qun_mp_str(map, "currency"), outer = r->currency;
  r->section = s->id = qun_mp_str(map, "id");
  if (s->id.len == 0) return refuse(r, "a section without id");
  if (currency.len) r->currency = currency;
  int rc = read_member_text(r, map, "title", &s->title);
  s->has_note = rc == 0 && qun_mp_find(map, "note", &v) && !qun_slice_eq(v, qun_slice_of("\xc0", 1));
  if (s->has_note) rc = read_text(r, v, &s->note, "note");
  for (size_t i = 0; rc == 0 && s->kind == 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (!qun_slice_is(kind, kinds[i].name)) continue;
    s->kind = kinds[i].kind;
    rc = kinds[i].read(r, map, s);
  }
  if (rc == 0 && s->kind == 0) rc = refuse(r, "unknown kind of section");
  r->currency = outer;
  r->section = qun_slice_of(NULL, 0);
  return rc;
}

static int read_glossary(const struct reader *r, qun_slice model, struct qun__model *m) {
  struct qun_unpack u;
  qun_slice item;
  int rc = open_array(r, model, "glossary", &u, &m->glossary_count);
  if (rc < 0) return rc;
  m->glossary = room(r, m->glossary_count, sizeof *m->glossary);
  if (!m->glossary) return QUN_EFAIL;
  for (uint32_t i = 0; i < m->glossary_count; i++) {
    struct qun__term *t = &m->glossary[i];
    if (!qun_unpack_any(&u, &item)) return refuse(r, "glossary");
    t->id = qun_mp_str(item, "id");
    t->source = qun_mp_str(item, "source");
    if (t->id.len == 0) return refuse(r, "a glossary entry without id");
    rc = read_member_text(r, item, "label", &t->label);
    if (rc == 0) rc = read_member_text(r, item, "formula", &t->formula);
    if (rc < 0) return rc;
  }
  return 0;
}

static int read_number(const struct reader *r, qun_slice model, const char *key, enum qun__kind kind,
                       struct qun__value *v) {
  struct qun_unpack u;
  qun_slice bytes;
  if (!qun_mp_find(model, key, &bytes)) return refuse(r, key);
  qun_unpack_init(&u, bytes);
  return read_value(r, &u, kind, v);
}

int qun__model_read(struct qun__model *m, struct qun_arena *a, qun_slice bytes, struct qun_error *err) {
  struct reader r = {.arena = a, .err = err};
  struct qun_unpack u;
  qun_slice item;
  memset(m, 0, sizeof *m);
  if (!qun_mp_valid(bytes, MODEL_DEPTH)) return refuse(&r, "it is no whole msgpack value");
  r.currency = qun_mp_str(bytes, "currency");
  m->report = qun_mp_str(bytes, "report");
  m->view = qun_mp_str(bytes, "view");
  if (m->report.len == 0) return refuse(&r, "report");
  int rc = read_member_text(&r, bytes, "title", &m->title);
  if (rc == 0) rc = read_number(&r, bytes, "as_of", QUN__TIME, &m->as_of);
  if (rc == 0) rc = read_number(&r, bytes, "from", QUN__DAY, &m->from);
  if (rc == 0) rc = read_number(&r, bytes, "to", QUN__DAY, &m->to);
  /* a tenant's clock stands at 0 until something has come in; 1970 would be no answer */
  if (rc == 0 && m->as_of.known && m->as_of.number == 0) m->as_of.known = m->from.known = m->to.known = false;
  if (rc == 0) rc = open_array(&r, bytes, "sections", &u, &m->sections_count);
  if (rc < 0) return rc;
  m->sections = room(&r, m->sections_count, sizeof *m->sections);
  if (!m->sections) return QUN_EFAIL;
  for (uint32_t i = 0; i < m->sections_count; i++) {
    if (!qun_unpack_any(&u, &item)) return refuse(&r, "sections");
    if ((rc = read_section(&r, item, &m->sections[i])) < 0) return rc;
  }
  return read_glossary(&r, bytes, m);
}
