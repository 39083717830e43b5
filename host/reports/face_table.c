/* SPDX-License-Identifier: Apache-2.0 */
/* The face for terminals: aligned by columns as East Asian signs take them. */
#include "host/reports/model.h"
#include "host/reports/text.h"
#include "host/reports/words.h"

enum { WIDTH_MAX = 60, GAP = 2 };

static const char *word(enum qun__word w, const struct qun_report_reader *r) {
  return qun__word(w, r->locale);
}

static void rule(struct qun_pack *out, uint32_t width, const char *sign) {
  for (uint32_t i = 0; i < width; i++) qun__out(out, sign);
  qun__out(out, "\n");
}

static uint32_t wider(uint32_t a, qun_slice text) {
  uint32_t w = qun__text_width(text);
  if (w > WIDTH_MAX) w = WIDTH_MAX;
  return w > a ? w : a;
}

static void heading(struct qun_pack *out, qun_slice title, const char *sign) {
  qun__out_padded(out, title, 0, 0);
  qun__out(out, "\n");
  rule(out, qun__text_width(title), sign);
}

static void figures(struct qun_pack *out, const struct qun__section *s, const struct qun_report_reader *r) {
  static const struct {
    const char *status;
    enum qun__word word;
  } marks[] = {{"good", QUN__W_GOOD}, {"warn", QUN__W_WARN}, {"bad", QUN__W_BAD}};
  uint32_t label = 0, value = 0;
  for (uint32_t i = 0; i < s->figures_count; i++) {
    label = wider(label, s->figures[i].label.shown);
    value = wider(value, s->figures[i].value.text.shown);
  }
  for (uint32_t i = 0; i < s->figures_count; i++) {
    const struct qun__figure *f = &s->figures[i];
    qun__out(out, "  ");
    qun__out_padded(out, f->label.shown, label + GAP, 0);
    qun__out_padded(out, f->value.text.shown, value, 1);
    for (size_t m = 0; m < 3; m++)
      if (qun_slice_is(f->status, marks[m].status)) qun__out_format(out, "  [%s]", word(marks[m].word, r));
    if (f->has_reason) {
      qun__out(out, "  ");
      qun__out_padded(out, f->reason.shown, 0, 0);
    }
    qun__out(out, "\n");
  }
}

/* A grid of n columns; cell(s, row, column) is row-major for tables and column-major for charts. */
typedef const struct qun__value *(*cell_at)(const struct qun__section *s, uint32_t row, uint32_t column);

static const struct qun__value *table_cell(const struct qun__section *s, uint32_t row, uint32_t column) {
  return &s->cells[row * s->columns_count + column];
}

static const struct qun__value *chart_cell(const struct qun__section *s, uint32_t row, uint32_t column) {
  return &s->columns[column].values[row];
}

static uint32_t column_width(const struct qun__section *s, uint32_t c, uint32_t rows, cell_at at) {
  uint32_t w = wider(1, s->columns[c].label.shown);
  for (uint32_t i = 0; i < rows; i++) w = wider(w, at(s, i, c)->text.shown);
  return w;
}

static void grid_cell(struct qun_pack *out, const struct qun__section *s, uint32_t c, qun_slice text, uint32_t width) {
  int right = qun__kind_is_number(s->columns[c].kind);
  int last = c + 1 == s->columns_count;
  qun__out(out, "  ");
  qun__out_padded(out, text, last && !right ? 0 : width, right);
}

static void grid(struct qun_pack *out, const struct qun__section *s, uint32_t rows, cell_at at) {
  uint32_t *widths = calloc(s->columns_count + 1, sizeof *widths);
  if (!widths) {
    out->failed = 1;
    return;
  }
  for (uint32_t c = 0; c < s->columns_count; c++) {
    widths[c] = column_width(s, c, rows, at);
    grid_cell(out, s, c, s->columns[c].label.shown, widths[c]);
  }
  qun__out(out, "\n");
  for (uint32_t c = 0; c < s->columns_count; c++) {
    qun__out(out, "  ");
    for (uint32_t i = 0; i < widths[c]; i++) qun__out(out, "─");
  }
  qun__out(out, "\n");
  for (uint32_t i = 0; i < rows; i++) {
    for (uint32_t c = 0; c < s->columns_count; c++) grid_cell(out, s, c, at(s, i, c)->text.shown, widths[c]);
    qun__out(out, "\n");
  }
  free(widths);
}

static void section(struct qun_pack *out, const struct qun__section *s, const struct qun_report_reader *r) {
  uint32_t rows = s->kind == QUN__TABLE ? s->rows : s->kind == QUN__CHART ? s->columns[0].count : 1;
  qun__out(out, "\n");
  heading(out, s->title.shown, "─");
  if (s->has_note) {
    qun__out(out, "  ");
    qun__out_padded(out, s->note.shown, 0, 0);
    qun__out(out, "\n");
  }
  if (rows == 0) {
    qun__out_format(out, "  %s\n", word(QUN__W_EMPTY, r));
    return;
  }
  switch (s->kind) {
  case QUN__FIGURES: figures(out, s, r); break;
  case QUN__TABLE: grid(out, s, rows, table_cell); break;
  case QUN__CHART: grid(out, s, rows, chart_cell); break;
  case QUN__WORDS:
    qun__out(out, "  ");
    qun__out_padded(out, s->body.shown, 0, 0);
    qun__out(out, "\n");
    break;
  }
}

static void glossary(struct qun_pack *out, const struct qun__model *m, const struct qun_report_reader *r) {
  if (m->glossary_count == 0) return;
  qun__out(out, "\n");
  heading(out, qun_str(word(QUN__W_GLOSSARY, r)), "─");
  for (uint32_t i = 0; i < m->glossary_count; i++) {
    const struct qun__term *t = &m->glossary[i];
    qun__out(out, "  ");
    qun__out_padded(out, t->label.shown, 0, 0);
    qun__out(out, word(QUN__W_COLON, r));
    qun__out_padded(out, t->formula.shown, 0, 0);
    if (t->source.len) {
      qun__out(out, "  [");
      qun__out_padded(out, t->source, 0, 0);
      qun__out(out, "]");
    }
    qun__out(out, "\n");
  }
}

void qun__face_table(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out) {
  qun__out_padded(out, qun_str(r->title), 0, 0);
  qun__out(out, " · ");
  qun__out_padded(out, m->title.shown, 0, 0);
  qun__out(out, "\n");
  rule(out, qun__text_width(qun_str(r->title)) + 3 + qun__text_width(m->title.shown), "═");
  qun__out_format(out, "%s%s", word(QUN__W_AS_OF, r), word(QUN__W_COLON, r));
  qun__out_padded(out, m->as_of.text.shown, 0, 0);
  qun__out_format(out, "   %s%s", word(QUN__W_PERIOD, r), word(QUN__W_COLON, r));
  qun__out_padded(out, m->from.text.shown, 0, 0);
  qun__out(out, " – ");
  qun__out_padded(out, m->to.text.shown, 0, 0);
  qun__out(out, "\n");
  if (r->simulated) qun__out_format(out, "** %s ** %s\n", word(QUN__W_SIMULATED, r), word(QUN__W_SIMULATED_LONG, r));
  for (uint32_t i = 0; i < m->sections_count; i++) section(out, &m->sections[i], r);
  glossary(out, m, r);
}
