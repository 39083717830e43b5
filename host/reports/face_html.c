/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTML face: one page that needs nothing from elsewhere. Everything of the model passes qun__out_html or
 * qun__out_json; the page's own policy allows only the scripts and the style that this file puts in, by hash.
 */
#include "host/reports/assets.h"
#include "host/reports/model.h"
#include "host/reports/text.h"
#include "host/reports/words.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <unicode/ucurr.h>
#include <unicode/ustring.h>

static const char *word(enum qun__word w, const struct qun_report_reader *r) {
  return qun__word(w, r->locale);
}

static void element(struct qun_pack *out, const char *open, qun_slice text, const char *close) {
  qun__out(out, open);
  qun__out_html(out, text);
  qun__out(out, close);
}

static void source_hash(struct qun_pack *out, qun_slice bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH], text[64];
  SHA256(bytes.ptr, (size_t)bytes.len, digest);
  EVP_EncodeBlock(text, digest, sizeof digest);
  qun__out_format(out, "'sha256-%s'", (const char *)text);
}

/* Data blocks (type application/json) are no scripts and need no leave. */
static void policy(struct qun_pack *out) {
  qun__out(out, "default-src 'none'; base-uri 'none'; form-action 'none'; script-src ");
  source_hash(out, qun__asset_chart_js());
  qun__out(out, " ");
  source_hash(out, qun__asset_script());
  qun__out(out, "; style-src ");
  source_hash(out, qun__asset_style());
}

static void head(struct qun_pack *out, const struct qun__model *m, const struct qun_report_reader *r) {
  element(out, "<!doctype html>\n<html lang=\"", qun_str(r->locale), "\">\n<head>\n<meta charset=\"utf-8\">\n");
  qun__out(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"");
  policy(out);
  element(out, "\">\n<title>", m->title.shown, " · ");
  element(out, "", qun_str(r->title), "</title>\n<style>");
  qun_pack_raw(out, qun__asset_style());
  qun__out(out, "</style>\n</head>\n<body>\n<div class=\"page\">\n");
}

static void banner(struct qun_pack *out, const struct qun__model *m, const struct qun_report_reader *r) {
  element(out, "<header>\n<p class=\"brand\">", qun_str(r->title), "</p>\n");
  element(out, "<h1>", m->title.shown, "</h1>\n<dl class=\"facts\">");
  element(out, "<div><dt>", qun_str(word(QUN__W_AS_OF, r)), "</dt>");
  element(out, "<dd>", m->as_of.text.shown, "</dd></div>");
  element(out, "<div><dt>", qun_str(word(QUN__W_PERIOD, r)), "</dt>");
  element(out, "<dd>", m->from.text.shown, " – ");
  element(out, "", m->to.text.shown, "</dd></div></dl>\n</header>\n");
  if (!r->simulated) return;
  element(out, "<p class=\"simulated\" role=\"note\"><strong>", qun_str(word(QUN__W_SIMULATED, r)), "</strong>");
  element(out, "", qun_str(word(QUN__W_SIMULATED_LONG, r)), "</p>\n");
}

static void contents(struct qun_pack *out, const struct qun__model *m, const struct qun_report_reader *r) {
  qun__out(out, "<nav><ul>");
  for (uint32_t i = 0; i < m->sections_count; i++) {
    element(out, "<li><a href=\"#s-", m->sections[i].id, "\">");
    element(out, "", m->sections[i].title.shown, "</a></li>");
  }
  if (m->glossary_count) element(out, "<li><a href=\"#glossary\">", qun_str(word(QUN__W_GLOSSARY, r)), "</a></li>");
  qun__out(out, "</ul></nav>\n<main>\n");
}

static void card(struct qun_pack *out, const struct qun__figure *f, const struct qun_report_reader *r) {
  static const struct {
    const char *status;
    enum qun__word word;
  } states[] = {{"good", QUN__W_GOOD}, {"warn", QUN__W_WARN}, {"bad", QUN__W_BAD}};
  size_t s = 0;
  while (s < 3 && !qun_slice_is(f->status, states[s].status)) s++;
  qun__out_format(out, "<article class=\"card %s\">", s < 3 ? states[s].status : "none");
  element(out, "<h3>", f->label.shown, "</h3>");
  element(out, "<p class=\"value\">", f->value.text.shown, "</p>");
  if (f->has_reason) element(out, "<p class=\"reason\">", f->reason.shown, "</p>");
  if (s < 3) element(out, "<span class=\"badge\">", qun_str(word(states[s].word, r)), "</span>");
  qun__out(out, "</article>\n");
}

static const char *cell_class(enum qun__kind kind) {
  if (qun__kind_is_number(kind)) return " class=\"number\"";
  return kind == QUN__STR || kind == QUN__TEXT ? "" : " class=\"short\"";
}

static void grid_head(struct qun_pack *out, const struct qun__section *s) {
  qun__out(out, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
  for (uint32_t c = 0; c < s->columns_count; c++) {
    qun__out_format(out, "<th scope=\"col\"%s>", cell_class(s->columns[c].kind));
    element(out, "", s->columns[c].label.shown, "</th>");
  }
  qun__out(out, "</tr></thead><tbody>\n");
}

static void grid_cell(struct qun_pack *out, const struct qun__section *s, uint32_t c, const struct qun__value *v) {
  qun__out_format(out, "<td%s>", cell_class(s->columns[c].kind));
  element(out, "", v->text.shown, "</td>");
}

static void table(struct qun_pack *out, const struct qun__section *s) {
  const struct qun__value *cell = s->cells;
  grid_head(out, s);
  for (uint32_t i = 0; i < s->rows; i++) {
    qun__out(out, "<tr>");
    for (uint32_t c = 0; c < s->columns_count; c++) grid_cell(out, s, c, cell++);
    qun__out(out, "</tr>\n");
  }
  qun__out(out, "</tbody></table></div>\n");
}

/* Decimal places of the tenant's currency, for the axis. */
static int currency_digits(const struct qun__value *v, const struct qun_report_reader *r) {
  UErrorCode status = U_ZERO_ERROR;
  UChar code[4];
  char text[4];
  snprintf(text, sizeof text, "%.*s", v->currency.len == 3 ? 3 : 0,
           v->currency.len == 3 ? (const char *)v->currency.ptr : "");
  u_charsToUChars(text[0] ? text : r->currency, code, 3);
  code[3] = 0;
  int digits = ucurr_getDefaultFractionDigits(code, &status);
  return U_SUCCESS(status) ? digits : 2;
}

static void series_data(struct qun_pack *out, const struct qun__column *c, const struct qun_report_reader *r) {
  bool money = c->kind == QUN__MONEY && c->count && strlen(r->currency) == 3;
  qun__out(out, "{\"label\":");
  qun__out_json(out, c->label.shown);
  qun__out_format(out, ",\"kind\":\"%s\",\"digits\":%d,\"values\":[", qun__kind_names[c->kind],
                  money ? currency_digits(&c->values[0], r) : 0);
  for (uint32_t i = 0; i < c->count; i++) {
    if (i) qun__out(out, ",");
    if (c->values[i].known)
      qun__out_format(out, "%lld", (long long)c->values[i].number);
    else
      qun__out(out, "null");
  }
  qun__out(out, "],\"shown\":[");
  for (uint32_t i = 0; i < c->count; i++) {
    if (i) qun__out(out, ",");
    qun__out_json(out, c->values[i].text.shown);
  }
  qun__out(out, "]}");
}

static void chart_data(struct qun_pack *out, const struct qun__section *s, const struct qun_report_reader *r) {
  qun__out(out, "<script type=\"application/json\">{\"chart\":");
  qun__out_json(out, s->chart);
  qun__out(out, ",\"x\":");
  qun__out_json(out, s->columns[0].label.shown);
  qun__out(out, ",\"labels\":[");
  for (uint32_t i = 0; i < s->columns[0].count; i++) {
    if (i) qun__out(out, ",");
    qun__out_json(out, s->columns[0].values[i].text.shown);
  }
  qun__out(out, "],\"series\":[");
  for (uint32_t i = 1; i < s->columns_count; i++) {
    if (i > 1) qun__out(out, ",");
    series_data(out, &s->columns[i], r);
  }
  qun__out(out, "]}</script>");
}

/* The canvas stays hidden until the script has drawn it; the table stands open for those without script, and on paper.
 */
static void chart(struct qun_pack *out, const struct qun__section *s, const struct qun_report_reader *r) {
  element(out, "<div class=\"plot\" hidden><canvas role=\"img\" aria-label=\"", s->title.shown, "\"></canvas>");
  chart_data(out, s, r);
  element(out, "</div>\n<details open><summary>", qun_str(word(QUN__W_AS_TABLE, r)), "</summary>");
  grid_head(out, s);
  for (uint32_t i = 0; i < s->columns[0].count; i++) {
    qun__out(out, "<tr>");
    for (uint32_t c = 0; c < s->columns_count; c++) grid_cell(out, s, c, &s->columns[c].values[i]);
    qun__out(out, "</tr>\n");
  }
  qun__out(out, "</tbody></table></div></details>\n");
}

static void section(struct qun_pack *out, const struct qun__section *s, const struct qun_report_reader *r) {
  uint32_t rows = s->kind == QUN__TABLE     ? s->rows
                  : s->kind == QUN__CHART   ? s->columns[0].count
                  : s->kind == QUN__FIGURES ? s->figures_count
                                            : 1;
  element(out, "<section id=\"s-", s->id, "\">\n");
  element(out, "<h2>", s->title.shown, "</h2>\n");
  if (s->has_note) element(out, "<p class=\"note\">", s->note.shown, "</p>\n");
  if (rows == 0) {
    element(out, "<p class=\"empty\">", qun_str(word(QUN__W_EMPTY, r)), "</p>\n</section>\n");
    return;
  }
  switch (s->kind) {
  case QUN__FIGURES:
    qun__out(out, "<div class=\"cards\">\n");
    for (uint32_t i = 0; i < s->figures_count; i++) card(out, &s->figures[i], r);
    qun__out(out, "</div>\n");
    break;
  case QUN__TABLE: table(out, s); break;
  case QUN__CHART: chart(out, s, r); break;
  case QUN__WORDS: element(out, "<p class=\"words\">", s->body.shown, "</p>\n"); break;
  }
  qun__out(out, "</section>\n");
}

static void glossary(struct qun_pack *out, const struct qun__model *m, const struct qun_report_reader *r) {
  if (m->glossary_count == 0) return;
  element(out, "<section id=\"glossary\">\n<h2>", qun_str(word(QUN__W_GLOSSARY, r)), "</h2>\n<dl class=\"terms\">\n");
  for (uint32_t i = 0; i < m->glossary_count; i++) {
    const struct qun__term *t = &m->glossary[i];
    element(out, "<dt>", t->label.shown, "</dt>");
    element(out, "<dd>", t->formula.shown, "");
    if (t->source.len) {
      element(out, " <span class=\"source\">(", qun_str(word(QUN__W_SOURCE, r)), word(QUN__W_COLON, r));
      element(out, "", t->source, ")</span>");
    }
    qun__out(out, "</dd>\n");
  }
  qun__out(out, "</dl>\n</section>\n");
}

static void scripts(struct qun_pack *out, const struct qun__model *m) {
  bool charts = false;
  for (uint32_t i = 0; i < m->sections_count; i++)
    charts |= m->sections[i].kind == QUN__CHART && m->sections[i].columns[0].count > 0;
  if (!charts) return;
  qun__out(out, "<script>");
  qun_pack_raw(out, qun__asset_chart_js());
  qun__out(out, "</script>\n<script>");
  qun_pack_raw(out, qun__asset_script());
  qun__out(out, "</script>\n");
}

void qun__face_html(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out) {
  head(out, m, r);
  banner(out, m, r);
  contents(out, m, r);
  for (uint32_t i = 0; i < m->sections_count; i++) section(out, &m->sections[i], r);
  glossary(out, m, r);
  element(out, "</main>\n<footer>", qun_str(word(QUN__W_MADE_BY, r)), "</footer>\n</div>\n");
  scripts(out, m);
  qun__out(out, "</body>\n</html>\n");
}
