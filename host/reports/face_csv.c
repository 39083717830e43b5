/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV face (RFC 4180): one line a value, so that one form holds every kind of section. */
#include "host/reports/model.h"
#include "host/reports/text.h"
#include "host/reports/words.h"

#include <stdio.h>

static void field(struct qun_pack *out, qun_slice text) {
  qun__out_csv(out, text, 0);
  qun__out(out, ",");
}

/* Raw value and text, the last two fields of a line. */
static void value_fields(struct qun_pack *out, const struct qun__value *v) {
  if (!v->known)
    qun__out(out, ",");
  else if (v->kind == QUN__TEXT)
    field(out, v->text.id.len ? v->text.id : v->text.shown);
  else if (v->kind == QUN__STR)
    field(out, v->text.shown);
  else
    qun__out_format(out, "%lld,", (long long)v->number);
  qun__out_csv(out, v->text.shown, v->known && qun__kind_is_number(v->kind));
  qun__out(out, "\r\n");
}

static void lead(struct qun_pack *out, const struct qun__section *s, qun_slice item, qun_slice column) {
  field(out, s->id);
  field(out, item);
  field(out, column);
}

static void figures(struct qun_pack *out, const struct qun__section *s) {
  for (uint32_t i = 0; i < s->figures_count; i++) {
    lead(out, s, s->figures[i].id, qun_slice_of(NULL, 0));
    value_fields(out, &s->figures[i].value);
  }
}

static qun_slice number(char *to, size_t room, uint32_t n) {
  return qun_slice_of(to, (size_t)snprintf(to, room, "%u", n));
}

static void table(struct qun_pack *out, const struct qun__section *s) {
  char row[12];
  for (uint32_t r = 0; r < s->rows; r++) {
    for (uint32_t c = 0; c < s->columns_count; c++) {
      lead(out, s, number(row, sizeof row, r + 1), s->columns[c].id);
      value_fields(out, &s->cells[r * s->columns_count + c]);
    }
  }
}

static void chart(struct qun_pack *out, const struct qun__section *s) {
  for (uint32_t i = 0; i < s->columns[0].count; i++) {
    for (uint32_t c = 1; c < s->columns_count; c++) {
      lead(out, s, s->columns[0].values[i].text.shown, s->columns[c].id);
      value_fields(out, &s->columns[c].values[i]);
    }
  }
}

static void words(struct qun_pack *out, const struct qun__section *s) {
  lead(out, s, qun_slice_of(NULL, 0), qun_slice_of(NULL, 0));
  qun__out(out, ",");
  qun__out_csv(out, s->body.shown, 0);
  qun__out(out, "\r\n");
}

void qun__face_csv(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out) {
  static const enum qun__word heads[] = {QUN__W_SECTION, QUN__W_ITEM, QUN__W_COLUMN, QUN__W_VALUE, QUN__W_TEXT};
  qun__out(out, "\xef\xbb\xbf"); /* spreadsheets take UTF-8 for UTF-8 only with it */
  for (int i = 0; i < 5; i++) {
    if (i) qun__out(out, ",");
    qun__out_csv(out, qun_str(qun__word(heads[i], r->locale)), 0);
  }
  qun__out(out, "\r\n");
  for (uint32_t i = 0; i < m->sections_count; i++) {
    const struct qun__section *s = &m->sections[i];
    switch (s->kind) {
    case QUN__FIGURES: figures(out, s); break;
    case QUN__TABLE: table(out, s); break;
    case QUN__CHART: chart(out, s); break;
    case QUN__WORDS: words(out, s); break;
    }
  }
}
