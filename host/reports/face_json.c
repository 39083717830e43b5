/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON face: ids and raw values as in the model, labels in the reader's language. Its form stands in
 * host/reports/report.h. */
#include "host/ops/json.h"
#include "host/reports/model.h"
#include "host/reports/text.h"

static void key(struct qun_pack *out, const char *name) {
  qun__out_format(out, "\"%s\":", name);
}

static void member(struct qun_pack *out, const char *name, qun_slice text) {
  qun__out(out, ",");
  key(out, name);
  qun__out_json(out, text);
}

/* {id, args, text}: what a script compares is the id. A plain text stays a text. */
static void coded_text(struct qun_pack *out, const struct qun__text *t) {
  if (t->id.len == 0) {
    qun__out_json(out, t->shown);
    return;
  }
  qun__out(out, "{\"id\":");
  qun__out_json(out, t->id);
  qun__out(out, ",\"args\":");
  if (t->args.len == 0 || qun_msgpack_to_json(out, t->args, false, NULL) < 0) qun__out(out, "{}");
  member(out, "text", t->shown);
  qun__out(out, "}");
}

static void value(struct qun_pack *out, const struct qun__value *v) {
  if (!v->known)
    qun__out(out, "null");
  else if (v->kind == QUN__TEXT)
    coded_text(out, &v->text);
  else if (v->kind == QUN__STR)
    qun__out_json(out, v->text.shown);
  else if (v->kind == QUN__BOOL)
    qun__out(out, v->number ? "true" : "false");
  else
    qun__out_format(out, "%lld", (long long)v->number);
}

static void figures(struct qun_pack *out, const struct qun__section *s) {
  qun__out(out, ",\"items\":{");
  for (uint32_t i = 0; i < s->figures_count; i++) {
    const struct qun__figure *f = &s->figures[i];
    if (i) qun__out(out, ",");
    qun__out_json(out, f->id);
    qun__out(out, ":{\"label\":");
    qun__out_json(out, f->label.shown);
    qun__out_format(out, ",\"kind\":\"%s\",\"value\":", qun__kind_names[f->value.kind]);
    value(out, &f->value);
    member(out, "status", f->status.len ? f->status : qun_str("none"));
    if (f->has_reason) {
      qun__out(out, ",\"reason\":");
      coded_text(out, &f->reason);
    }
    qun__out(out, "}");
  }
  qun__out(out, "}");
}

static void column(struct qun_pack *out, const struct qun__column *c, bool values) {
  qun__out(out, "{");
  if (c->id.len) {
    key(out, "id");
    qun__out_json(out, c->id);
    qun__out(out, ",");
  }
  key(out, "label");
  qun__out_json(out, c->label.shown);
  qun__out_format(out, ",\"kind\":\"%s\"", qun__kind_names[c->kind]);
  if (values) {
    qun__out(out, ",\"values\":[");
    for (uint32_t i = 0; i < c->count; i++) {
      if (i) qun__out(out, ",");
      value(out, &c->values[i]);
    }
    qun__out(out, "]");
  }
  qun__out(out, "}");
}

static void table(struct qun_pack *out, const struct qun__section *s) {
  const struct qun__value *cell = s->cells;
  qun__out(out, ",\"columns\":[");
  for (uint32_t c = 0; c < s->columns_count; c++) {
    if (c) qun__out(out, ",");
    column(out, &s->columns[c], false);
  }
  qun__out(out, "],\"rows\":[");
  for (uint32_t r = 0; r < s->rows; r++) {
    qun__out(out, r ? ",{" : "{");
    for (uint32_t c = 0; c < s->columns_count; c++, cell++) {
      if (c) qun__out(out, ",");
      qun__out_json(out, s->columns[c].id);
      qun__out(out, ":");
      value(out, cell);
    }
    qun__out(out, "}");
  }
  qun__out(out, "]");
}

static void chart(struct qun_pack *out, const struct qun__section *s) {
  member(out, "chart", s->chart);
  qun__out(out, ",\"x\":");
  column(out, &s->columns[0], true);
  qun__out(out, ",\"series\":[");
  for (uint32_t i = 1; i < s->columns_count; i++) {
    if (i > 1) qun__out(out, ",");
    column(out, &s->columns[i], true);
  }
  qun__out(out, "]");
}

static void section(struct qun_pack *out, const struct qun__section *s) {
  static const char *const kinds[] = {
      [QUN__FIGURES] = "figures", [QUN__TABLE] = "table", [QUN__CHART] = "chart", [QUN__WORDS] = "text"};
  qun__out_json(out, s->id);
  qun__out_format(out, ":{\"kind\":\"%s\"", kinds[s->kind]);
  member(out, "title", s->title.shown);
  if (s->has_note) member(out, "note", s->note.shown);
  switch (s->kind) {
  case QUN__FIGURES: figures(out, s); break;
  case QUN__TABLE: table(out, s); break;
  case QUN__CHART: chart(out, s); break;
  case QUN__WORDS: member(out, "body", s->body.shown); break;
  }
  qun__out(out, "}");
}

static void glossary(struct qun_pack *out, const struct qun__model *m) {
  qun__out(out, "},\n\"glossary\":{");
  for (uint32_t i = 0; i < m->glossary_count; i++) {
    const struct qun__term *t = &m->glossary[i];
    qun__out(out, i ? ",\n" : "\n");
    qun__out_json(out, t->id);
    qun__out(out, ":{\"label\":");
    qun__out_json(out, t->label.shown);
    member(out, "formula", t->formula.shown);
    member(out, "source", t->source);
    qun__out(out, "}");
  }
}

void qun__face_json(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out) {
  qun__out(out, "{\"report\":");
  qun__out_json(out, m->report);
  member(out, "view", m->view);
  member(out, "title", m->title.shown);
  member(out, "tenant", qun_str(r->tenant));
  member(out, "tenant_title", qun_str(r->title));
  qun__out_format(out, ",\"simulated\":%s,\"as_of\":", r->simulated ? "true" : "false");
  value(out, &m->as_of);
  qun__out(out, ",\"from\":");
  value(out, &m->from);
  qun__out(out, ",\"to\":");
  value(out, &m->to);
  member(out, "locale", qun_str(r->locale));
  qun__out(out, ",\n\"sections\":{");
  for (uint32_t i = 0; i < m->sections_count; i++) {
    qun__out(out, i ? ",\n" : "\n");
    section(out, &m->sections[i]);
  }
  glossary(out, m);
  qun__out(out, "}}\n");
}
