/* SPDX-License-Identifier: Apache-2.0 */
/* i18n.locales and i18n.report: what is translated, what is missing, what is stale (catalogue rows I02, I03, I14). */
#include "i18n.h"

#include <qun/report.h>

#include <stdio.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

enum { DOMAINS = 64, TAGS = 64, ROWS = 2000 };

struct names {
  char name[DOMAINS][QUN_DOMAIN_MAX];
  uint32_t count;
};

struct tags {
  const char *tag[TAGS];
  uint32_t count;
};

struct counts {
  int64_t messages, translated, missing, stale;
};

enum state { STATE_FINE, STATE_MISSING, STATE_STALE };

static void add_name(struct names *l, qun_slice name) {
  if (!qun__domain_fits(name) || l->count == DOMAINS) return;
  for (uint32_t i = 0; i < l->count; i++) {
    if (qun_slice_is(name, l->name[i])) return;
  }
  memcpy(l->name[l->count], name.ptr, (size_t)name.len);
  l->name[l->count++][name.len] = 0;
}

/* The plugins of the setting, then those that the tenant has words of its own for. */
static void collect_domains(struct names *l, const struct qun_context *ctx) {
  const struct qun__tenant *t = ctx->local;
  struct qun_unpack u;
  uint32_t n;
  qun_slice name;
  l->count = 0;
  qun_unpack_init(&u, t ? t->domains : qun_slice_of(NULL, 0));
  if (qun_unpack_array(&u, &n)) {
    while (n-- > 0 && qun_unpack_str(&u, &name)) add_name(l, name);
  }
  for (uint32_t i = 0; t && i < t->count; i++) add_name(l, qun_str(t->catalogues[i].domain));
  add_name(l, qun_str("i18n"));
}

static void add_tag(struct tags *l, const char *tag) {
  for (uint32_t i = 0; i < l->count; i++) {
    if (strcmp(l->tag[i], tag) == 0) return;
  }
  if (l->count < TAGS) l->tag[l->count++] = tag;
}

static void collect_tags(struct tags *l, struct qun__i18n *self, const struct qun_context *ctx, const char *domain) {
  const struct qun__tenant *t = ctx->local;
  const struct qun__package *p = qun__package_of(self, qun_str(domain));
  l->count = 0;
  for (uint32_t i = 0; p && i < p->count; i++) add_tag(l, p->catalogues[i].tag);
  for (uint32_t i = 0; t && i < t->count; i++) {
    if (strcmp(t->catalogues[i].domain, domain) == 0) add_tag(l, t->catalogues[i].tag);
  }
}

/* One domain in one locale, against its source language. */
struct pair {
  struct qun__lookup english, own;
};

static void pair_make(struct pair *p, struct qun__i18n *self, const struct qun_context *ctx, const char *domain,
                      const char *tag) {
  struct qun__chain chain = {.count = 1};
  snprintf(chain.tag[0], QUN_LOCALE_MAX, "en");
  qun__lookup_make(self, ctx, &p->english, qun_str(domain), &chain);
  snprintf(chain.tag[0], QUN_LOCALE_MAX, "%s", tag);
  qun__lookup_make(self, ctx, &p->own, qun_str(domain), &chain);
  while (p->own.count &&
         (p->own.at[p->own.count - 1].from == QUN_FROM_SOURCE || p->own.at[p->own.count - 1].from == QUN_FROM_NEAREST))
    p->own.count--;
}

static enum state entry_state(const struct pair *p, const struct qun__words_entry *source) {
  const struct qun__source *from;
  const struct qun__words_entry *e = qun__lookup_find(&p->own, source->key, &from);
  if (e) return e->source && e->source != qun__words_hash(source) ? STATE_STALE : STATE_FINE;
  for (uint32_t i = 0; i < p->own.count; i++) {
    e = qun__words_find(p->own.at[i].words, source->key);
    if (e && e->fuzzy) return STATE_STALE;
  }
  return STATE_MISSING;
}

/* Calls `each` for every message of the source language once: the tenant's wording stands before the package's. */
static void each_source(const struct pair *p, void (*each)(void *arg, const struct qun__words_entry *source),
                        void *arg) {
  const struct qun__source *from;
  for (uint32_t i = 0; i < p->english.count; i++) {
    const struct qun__words *w = p->english.at[i].words;
    for (uint32_t k = 0; k < w->count; k++) {
      if (qun__lookup_find(&p->english, w->entries[k].key, &from) == &w->entries[k]) each(arg, &w->entries[k]);
    }
  }
}

struct counting {
  const struct pair *pair;
  struct counts *counts;
};

static void count_one(void *arg, const struct qun__words_entry *source) {
  struct counting *c = arg;
  enum state s = entry_state(c->pair, source);
  c->counts->messages++;
  c->counts->translated += s != STATE_MISSING;
  c->counts->missing += s == STATE_MISSING;
  c->counts->stale += s == STATE_STALE;
}

static struct counts count_pair(struct qun__i18n *self, const struct qun_context *ctx, const char *domain,
                                const char *tag) {
  struct counts counts = {0};
  struct pair pair;
  struct counting c = {&pair, &counts};
  pair_make(&pair, self, ctx, domain, tag);
  each_source(&pair, count_one, &c);
  return counts;
}

static int64_t coverage(const struct counts *c) {
  return c->messages ? (c->translated - c->stale) * 1000000 / c->messages : 1000000;
}

static void write_figures(struct qun_report *r, const struct counts *sum) {
  qun_report_figures(r, "totals", "i18n.totals");
  qun_report_figure(r, "messages", "i18n.messages", "int", sum->messages, NULL);
  qun_report_figure(r, "translated", "i18n.translated", "int", sum->translated, NULL);
  qun_report_figure(r, "missing", "i18n.missing", "int", sum->missing, sum->missing ? "warn" : "good");
  qun_report_figure(r, "stale", "i18n.stale", "int", sum->stale, sum->stale ? "warn" : "good");
  qun_report_figure(r, "coverage", "i18n.coverage", "ratio", coverage(sum), coverage(sum) < 1000000 ? "warn" : "good");
  qun_report_list_end(r);
}

static void write_row(struct qun_report *r, const char *domain, const char *tag, const struct counts *c) {
  qun_report_row(r, 7);
  qun_pack_cstr(&r->pack, domain);
  qun_pack_cstr(&r->pack, tag);
  qun_pack_int(&r->pack, c->messages);
  qun_pack_int(&r->pack, c->translated);
  qun_pack_int(&r->pack, c->missing);
  qun_pack_int(&r->pack, c->stale);
  qun_pack_int(&r->pack, coverage(c));
}

static void overview(struct qun__i18n *self, const struct qun_context *ctx, struct qun_report *r) {
  static const struct {
    const char *id, *label, *kind;
  } columns[] = {{"domain", "i18n.domain", "str"},      {"locale", "i18n.locale", "str"},
                 {"messages", "i18n.messages", "int"},  {"translated", "i18n.translated", "int"},
                 {"missing", "i18n.missing", "int"},    {"stale", "i18n.stale", "int"},
                 {"coverage", "i18n.coverage", "ratio"}};
  struct names domains;
  struct tags tags;
  struct counts sum = {0}, c;
  collect_domains(&domains, ctx);
  for (int pass = 0; pass < 2; pass++) {
    if (pass) {
      write_figures(r, &sum);
      qun_report_table(r, "coverage", "i18n.by_domain");
      for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        qun_report_column(r, columns[i].id, columns[i].label, columns[i].kind);
      qun_report_rows(r);
    }
    for (uint32_t d = 0; d < domains.count; d++) {
      collect_tags(&tags, self, ctx, domains.name[d]);
      for (uint32_t i = 0; i < tags.count; i++) {
        c = count_pair(self, ctx, domains.name[d], tags.tag[i]);
        sum.messages += c.messages, sum.translated += c.translated, sum.missing += c.missing, sum.stale += c.stale;
        if (pass) write_row(r, domains.name[d], tags.tag[i], &c);
      }
    }
  }
  qun_report_list_end(r);
}

struct listing {
  const struct pair *pair;
  struct qun_report *report;
  const char *domain, *tag;
  uint32_t left;
};

static void list_one(void *arg, const struct qun__words_entry *source) {
  struct listing *l = arg;
  enum state s = entry_state(l->pair, source);
  if (s == STATE_FINE || l->left == 0) return;
  l->left--;
  qun_report_row(l->report, 5);
  qun_pack_cstr(&l->report->pack, l->domain);
  qun_pack_cstr(&l->report->pack, l->tag);
  qun_pack_str(&l->report->pack, source->key);
  qun_pack_str(&l->report->pack, source->text[0]);
  qun_report_text(&l->report->pack, s == STATE_STALE ? "i18n.is_stale" : "i18n.is_missing");
}

static void missing(struct qun__i18n *self, const struct qun_context *ctx, struct qun_report *r) {
  struct names domains;
  struct tags tags;
  struct pair pair;
  struct listing l = {.pair = &pair, .report = r, .left = ROWS};
  collect_domains(&domains, ctx);
  qun_report_table(r, "missing", "i18n.open_messages");
  qun_report_column(r, "domain", "i18n.domain", "str");
  qun_report_column(r, "locale", "i18n.locale", "str");
  qun_report_column(r, "id", "i18n.id", "str");
  qun_report_column(r, "source", "i18n.source", "str");
  qun_report_column(r, "why", "i18n.why", "text");
  qun_report_rows(r);
  for (uint32_t d = 0; d < domains.count; d++) {
    collect_tags(&tags, self, ctx, domains.name[d]);
    l.domain = domains.name[d];
    for (uint32_t i = 0; i < tags.count; i++) {
      l.tag = tags.tag[i];
      pair_make(&pair, self, ctx, l.domain, l.tag);
      each_source(&pair, list_one, &l);
    }
  }
  qun_report_list_end(r);
}

static void glossary(struct qun_report *r) {
  qun_report_glossary(r);
  qun_report_term(r, "coverage", "i18n.coverage", "i18n.coverage_formula", "I02");
  qun_report_term(r, "stale", "i18n.stale", "i18n.stale_formula", "I02");
}

int qun__coverage_report(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request) {
  qun_slice view = qun_mp_str(request->params, "view"), model;
  bool list = qun_slice_is(view, "missing");
  struct qun_report r;
  int error;
  if (view.len && !list && !qun_slice_is(view, "overview"))
    return qun__refuse(self, QUN_ENOTFOUND, "view: overview or missing");
  qun__tenant_refresh(self, ctx);
  qun_report_begin(&r, "i18n", list ? "missing" : "overview", "i18n.title", ctx->clock_ms,
                   (int32_t)qun_mp_int(request->params, "from", ctx->clock_day),
                   (int32_t)qun_mp_int(request->params, "to", ctx->clock_day));
  if (list)
    missing(self, ctx, &r);
  else
    overview(self, ctx, &r);
  glossary(&r);
  model = qun_report_end(&r);
  error =
      model.len ? self->reply->reply(self->host, request->id, model) : qun__refuse(self, QUN_EFAIL, "memory ran out");
  qun_report_fini(&r);
  return error;
}

/* ---- locales */

static void pack_name(struct qun_pack *p, const char *id) {
  UChar name[128];
  char utf8[400];
  int32_t n = 0;
  UErrorCode status = U_ZERO_ERROR;
  int32_t len = uloc_getDisplayName(id, id, name, 128, &status);
  u_strToUTF8(utf8, sizeof utf8, &n, name, len, &status);
  qun_pack_str(p, U_SUCCESS(status) ? qun_slice_of(utf8, (size_t)n) : qun_str(id));
}

static int64_t first_weekday(const char *id) {
  UErrorCode status = U_ZERO_ERROR;
  UCalendar *c = ucal_open(NULL, 0, id, UCAL_GREGORIAN, &status);
  int64_t day = U_SUCCESS(status) ? ucal_getAttribute(c, UCAL_FIRST_DAY_OF_WEEK) : UCAL_MONDAY;
  ucal_close(c);
  return (day + 5) % 7 + 1; /* ISO 8601: 1 Monday .. 7 Sunday */
}

static bool has_tag(const struct qun__catalogue *list, uint32_t count, const char *domain, const char *tag) {
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(list[i].tag, tag) == 0 && (!domain || strcmp(list[i].domain, domain) == 0)) return true;
  }
  return false;
}

static void pack_domains(struct qun__i18n *self, const struct qun_context *ctx, const struct names *domains,
                         const char *tag, struct qun_pack *out) {
  const struct qun__tenant *t = ctx->local;
  size_t at = qun_pack_open_array(out);
  uint32_t n = 0;
  for (uint32_t d = 0; d < domains->count; d++) {
    const struct qun__package *p = qun__package_of(self, qun_str(domains->name[d]));
    bool packaged = p && has_tag(p->catalogues, p->count, NULL, tag);
    bool own = t && has_tag(t->catalogues, t->count, domains->name[d], tag);
    if (!packaged && !own) continue;
    n++;
    qun_pack_map(out, 3);
    qun_pack_kv_cstr(out, "domain", domains->name[d]);
    qun_pack_kv_bool(out, "packaged", packaged);
    qun_pack_kv_bool(out, "tenant", own);
  }
  qun_pack_close(out, at, n);
}

int qun__locales(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct qun_pack *out = &self->answer;
  struct names domains;
  struct tags tags, all = {.count = 0};
  char id[ULOC_FULLNAME_CAPACITY];
  qun__tenant_refresh(self, ctx);
  collect_domains(&domains, ctx);
  for (uint32_t d = 0; d < domains.count; d++) {
    collect_tags(&tags, self, ctx, domains.name[d]);
    for (uint32_t i = 0; i < tags.count; i++) add_tag(&all, tags.tag[i]);
  }
  qun_pack_clear(out);
  qun_pack_array(out, all.count);
  for (uint32_t i = 0; i < all.count; i++) {
    UErrorCode status = U_ZERO_ERROR;
    uloc_forLanguageTag(all.tag[i], id, sizeof id, NULL, &status);
    qun_pack_map(out, 5);
    qun_pack_kv_cstr(out, "locale", all.tag[i]);
    qun_pack_cstr(out, "name");
    pack_name(out, id);
    qun_pack_kv_cstr(out, "direction", uloc_isRightToLeft(id) ? "rtl" : "ltr");
    qun_pack_kv_int(out, "first_weekday", first_weekday(id));
    qun_pack_cstr(out, "domains");
    pack_domains(self, ctx, &domains, all.tag[i], out);
  }
  if (out->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  return self->reply->reply(self->host, request->id, qun_pack_slice(out));
}
