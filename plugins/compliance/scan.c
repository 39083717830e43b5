/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include "detect.h"
#include "pii.h"
#include "regex.h"

#include <stdio.h>
#include <stdlib.h>

#include <hs/hs.h>

enum role { TERM = 1, EXCEPT, WHEN, UNLESS, CUE }; /* CUE: personal data may stand near */
enum { TOUCHED = 1, HIT = 2 }; /* a word or an anchor of the rule is there; a word or pattern that counts is */
enum { RAW_MAX = 512, RULE_HITS = 8, GENERAL = 0, ADS = 1, DATABASES = 2 };

/* One word of a rule, or one anchor of a pattern. */
struct word {
  uint32_t rule;
  uint8_t role;
  uint32_t len;            /* folded bytes of a word */
  struct pattern *pattern; /* NULL: a word */
};

struct pattern {
  struct qun_regex *regex;
  struct pattern *next;
  struct pattern *met_next;
  uint32_t word; /* which of its anchors stands for it */
  bool met;      /* an anchor is in the text */
};

struct raw { /* a match as it comes, in folded bytes */
  uint32_t word, from, to;
};

struct database {
  hs_database_t *db;
  struct word *words;
  char **expressions;
  unsigned *flags, *ids;
  uint32_t count, cap;
};

struct qun_scanner {
  const struct qun_rules *rules;
  const struct qun_detector *lexicon;
  struct database dbs[DATABASES];
  hs_scratch_t *scratch;
  struct qun_folder folder;
  uint32_t *always; /* rules that a text without any match must be judged by: missing, gate, pii */
  uint32_t always_count;
  uint8_t *touched; /* per rule: has a raw match */
  struct raw raw[RAW_MAX];
  uint32_t raw_count;
  bool any; /* something of a rule was met */
  bool cue;
  struct pattern *met; /* patterns with an anchor in the text */
  char *message;       /* while it is made */
  size_t message_cap;
  const struct database *scanning;
  struct pattern *patterns;
};

static char *escaped(const char *text, size_t len) {
  char *out = malloc(2 * len + 1), *w = out;
  if (!out) return NULL;
  for (size_t i = 0; i < len; i++) {
    if (strchr("\\^$.[]|()?*+{}/-#", text[i]) && text[i]) *w++ = '\\';
    *w++ = text[i];
  }
  *w = 0;
  return out;
}

static int grow(struct database *d) {
  if (d->count < d->cap) return 0;
  uint32_t cap = d->cap ? d->cap * 2 : 256;
  struct word *words = realloc(d->words, cap * sizeof *words);
  if (words) d->words = words;
  char **expressions = realloc(d->expressions, cap * sizeof *expressions);
  if (expressions) d->expressions = expressions;
  unsigned *flags = realloc(d->flags, cap * sizeof *flags);
  if (flags) d->flags = flags;
  unsigned *ids = realloc(d->ids, cap * sizeof *ids);
  if (ids) d->ids = ids;
  if (!words || !expressions || !flags || !ids) return -1;
  d->cap = cap;
  return 0;
}

static int add_expression(struct database *d, const struct word *w, char *expression, unsigned flags) {
  if (!expression || grow(d) < 0) {
    free(expression);
    return -1;
  }
  d->words[d->count] = *w;
  d->expressions[d->count] = expression;
  d->flags[d->count] = flags;
  d->ids[d->count] = d->count;
  d->count++;
  return 0;
}

static int add_word(struct qun_scanner *s, struct database *d, uint32_t rule, uint8_t role, const char *text) {
  if (qun__fold(&s->folder, text, strlen(text)) < 0 || s->folder.len == 0) return -1;
  struct word w = {.rule = rule, .role = role, .len = (uint32_t)s->folder.len};
  return add_expression(d, &w, escaped(s->folder.text, s->folder.len), 0);
}

static int add_pattern(struct qun_scanner *s, struct database *d, uint32_t rule, uint8_t role, const char *text) {
  struct qun_anchors anchors;
  const char *why;
  struct pattern *p = calloc(1, sizeof *p);
  if (!p) return -1;
  p->next = s->patterns;
  s->patterns = p;
  p->regex = qun__regex_create(text, &why);
  if (!p->regex) {
    snprintf(s->message, s->message_cap, "%s: %s: %s", s->rules->at[rule].id, text, why);
    return -1;
  }
  struct word w = {.rule = rule, .role = role, .pattern = p};
  qun__regex_anchors(text, &anchors);
  for (uint32_t i = 0; i < anchors.count; i++)
    if (add_expression(d, &w, escaped(anchors.at[i], strlen(anchors.at[i])), HS_FLAG_SINGLEMATCH) < 0) return -1;
  return anchors.count ? 0 : add_expression(d, &w, strdup(text), HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL);
}

static int add_all(struct qun_scanner *s, struct database *d, uint32_t rule, uint8_t role, const struct qun_words *w,
                   bool literal) {
  for (uint32_t i = 0; i < w->count; i++)
    if ((literal ? add_word : add_pattern)(s, d, rule, role, w->at[i]) < 0) return -1;
  return 0;
}

static int add_rule(struct qun_scanner *s, const struct qun_rule *r) {
  struct database *d = &s->dbs[r->gate.is_ad ? ADS : GENERAL];
  const struct {
    const struct qun_words *words;
    uint8_t role;
    bool literal;
  } lists[] = {{&r->terms, TERM, true},    {&r->patterns, TERM, false},
               {&r->except, EXCEPT, true}, {&r->except_patterns, EXCEPT, false},
               {&r->when, WHEN, true},     {&r->when_patterns, WHEN, false},
               {&r->unless, UNLESS, true}, {&r->unless_patterns, UNLESS, false}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (r->label && i == 0) continue; /* these stand in the label, not in the text */
    if (add_all(s, d, r->index, lists[i].role, lists[i].words, lists[i].literal) < 0) return -1;
  }
  if (strcmp(r->detector->name, "lexicon") != 0) s->always[s->always_count++] = r->index;
  return 0;
}

static int add_cues(struct qun_scanner *s) {
  for (const char *const *cue = qun__pii_cues; *cue; cue++)
    if (add_word(s, &s->dbs[GENERAL], 0, CUE, *cue) < 0) return -1;
  return 0;
}

static int compile(struct qun_scanner *s, struct database *d, char *message, size_t cap) {
  hs_compile_error_t *error = NULL;
  if (d->count == 0) return 0;
  if (hs_compile_multi((const char *const *)d->expressions, d->flags, d->ids, d->count, HS_MODE_BLOCK, NULL, &d->db,
                       &error) != HS_SUCCESS) {
    int at = error ? error->expression : -1;
    snprintf(message, cap, "%s: %s: %s", at >= 0 ? s->rules->at[d->words[at].rule].id : "packs",
             at >= 0 ? d->expressions[at] : "patterns", error ? error->message : "cannot be compiled");
    hs_free_compile_error(error);
    return QUN_EINVAL;
  }
  return hs_alloc_scratch(d->db, &s->scratch) == HS_SUCCESS ? 0 : QUN_EINVAL;
}

static void drop_expressions(struct database *d) {
  for (uint32_t i = 0; i < d->count; i++) free(d->expressions[i]);
  free(d->expressions);
  free(d->flags);
  free(d->ids);
  d->expressions = NULL;
  d->flags = d->ids = NULL;
}

int qun__scanner_create(struct qun_scanner **out, const struct qun_rules *rules, char *message, size_t message_cap) {
  struct qun_scanner *s = calloc(1, sizeof *s);
  int error = QUN_EINVAL;
  snprintf(message, message_cap, "the rule packs' words: no memory");
  if (!s) return error;
  s->rules = rules;
  s->lexicon = qun__detector_find("lexicon");
  s->message = message;
  s->message_cap = message_cap;
  s->always = calloc(rules->count + 1, sizeof *s->always);
  s->touched = calloc(rules->count + sizeof(uint64_t), 1);
  if (!s->always || !s->touched) goto out;
  for (uint32_t i = 0; i < rules->count; i++)
    if (rules->at[i].kind == QUN_RULE_TEXT && add_rule(s, &rules->at[i]) < 0) goto out;
  if (add_cues(s) < 0) goto out;
  for (int i = 0; i < DATABASES; i++) {
    if ((error = compile(s, &s->dbs[i], message, message_cap)) < 0) goto out;
    drop_expressions(&s->dbs[i]);
  }
  s->message = NULL;
  *out = s;
  return 0;
out:
  qun__scanner_destroy(s);
  return error;
}

void qun__scanner_destroy(struct qun_scanner *s) {
  if (!s) return;
  for (int i = 0; i < DATABASES; i++) {
    if (s->dbs[i].expressions) drop_expressions(&s->dbs[i]);
    free(s->dbs[i].words);
    hs_free_database(s->dbs[i].db);
  }
  for (struct pattern *p = s->patterns, *next; p; p = next) {
    next = p->next;
    qun__regex_destroy(p->regex);
    free(p);
  }
  hs_free_scratch(s->scratch);
  qun__folder_fini(&s->folder);
  free(s->always);
  free(s->touched);
  free(s);
}

/* ---- one text */

static void keep(struct qun_scanner *s, uint32_t word, const struct word *w, size_t from, size_t to) {
  if (w->role == TERM) s->touched[w->rule] |= HIT;
  if (s->raw_count < RAW_MAX) s->raw[s->raw_count++] = (struct raw){word, (uint32_t)from, (uint32_t)to};
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg) {
  struct qun_scanner *s = arg;
  const struct database *d = s->scanning;
  const struct word *w = &d->words[id];
  uint32_t word = (uint32_t)((size_t)(d - s->dbs) << 24 | id);
  (void)flags;
  (void)from;
  if (w->role == CUE) {
    s->cue = true;
    return 0;
  }
  s->touched[w->rule] |= TOUCHED;
  s->any = true;
  if (!w->pattern) {
    keep(s, word, w, (size_t)to - w->len, (size_t)to);
  } else if (!w->pattern->met) {
    w->pattern->met = true;
    w->pattern->word = word;
    w->pattern->met_next = s->met;
    s->met = w->pattern;
  }
  return 0;
}

static int place(struct qun_scanner *s, uint32_t word, const struct word *w) {
  size_t from, to, after = 0;
  int found = 0;
  while (after <= s->folder.len &&
         (found = qun__regex_next(w->pattern->regex, s->folder.text, s->folder.len, after, &from, &to)) > 0) {
    keep(s, word, w, from, to);
    after = to;
  }
  return found;
}

/* Where patterns whose anchors were met match exactly; those that count first, the others only for rules that then have
   something to weigh. */
static int place_patterns(struct qun_scanner *s) {
  int error = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (struct pattern *p = s->met; p; p = p->met_next) {
      const struct word *w = &s->dbs[p->word >> 24].words[p->word & 0xffffff];
      if ((w->role == TERM) != (pass == 0)) continue;
      bool weighs = w->role == TERM || (s->touched[w->rule] & HIT) || s->rules->at[w->rule].detector != s->lexicon;
      if (weighs && error == 0 && place(s, p->word, w) < 0) error = QUN_EINVAL;
    }
  }
  for (struct pattern *p = s->met; p; p = p->met_next) p->met = false;
  return error;
}

static int run(struct qun_scanner *s, int which) {
  s->scanning = &s->dbs[which];
  if (!s->scanning->db || s->folder.len == 0) return 0;
  hs_error_t e = hs_scan(s->scanning->db, s->folder.text, (unsigned)s->folder.len, 0, s->scratch, on_match, s);
  return e == HS_SUCCESS || e == HS_SCAN_TERMINATED ? 0 : QUN_EINVAL;
}

static const struct word *word_of(const struct qun_scanner *s, const struct raw *r) {
  return &s->dbs[r->word >> 24].words[r->word & 0xffffff];
}

static bool gate_open(const struct qun_rule *r, const struct qun_text *t) {
  const struct qun_gate *g = &r->gate;
  if (t->bound && !t->bound[r->index]) return false;
  if (g->is_ad && !t->is_ad) return false;
  if (g->staff && !t->staff) return false;
  if (g->direct && !t->direct) return false;
  if (g->audience && !qun_slice_is(t->audience, g->audience)) return false;
  if (g->kind.count && !qun__words_have(&g->kind, qun_str(t->kind))) return false;
  if (g->category.count && !qun__words_have(&g->category, t->category)) return false;
  return !g->not_category.count || !qun__words_have(&g->not_category, t->category);
}

static bool has(const struct qun_scanner *s, uint32_t rule, enum role role) {
  for (uint32_t i = 0; i < s->raw_count; i++) {
    const struct word *w = word_of(s, &s->raw[i]);
    if (w->rule == rule && w->role == role) return true;
  }
  return false;
}

static bool excepted(const struct qun_scanner *s, uint32_t rule, const struct raw *hit) {
  for (uint32_t i = 0; i < s->raw_count; i++) {
    const struct word *w = word_of(s, &s->raw[i]);
    if (w->rule == rule && w->role == EXCEPT && s->raw[i].from < hit->to && s->raw[i].to > hit->from) return true;
  }
  return false;
}

/* 《...》 names a work; what it is called is not what is claimed. */
static bool in_title(const char *t, size_t len, const struct raw *hit) {
  for (size_t i = hit->from; i >= 3; i--) {
    if (memcmp(t + i - 3, "》", 3) == 0 || t[i - 1] == '\n') return false;
    if (memcmp(t + i - 3, "《", 3) == 0) return memmem(t + hit->to, len - hit->to, "》", 3) != NULL;
    if (hit->from - i > 90) return false;
  }
  return false;
}

/* A word of negation or warning in the 30 bytes before the hit, in the same clause. */
static bool negated(const char *t, const struct raw *hit) {
  static const char *const words[] = {"不",   "没有", "并非",   "非",     "无",     "禁止",  "严禁", "拒绝", "杜绝",
                                      "避免", "请勿", "切勿",   "勿",     "打击",   "举报",  "谨防", "警惕", "防范",
                                      "抵制", "反对", "远离",   "严查",   "查处",   "小心",  "防止", "反诈", "别",
                                      "not ", "no ",  "never ", "beware", "avoid ", "don't "};
  static const char *const ends[] = {"。", "!", "?", ";", ",", "，", "、", ":"};
  size_t from = hit->from > 30 ? hit->from - 30 : 0;
  for (size_t i = from; i < hit->from; i++)
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
      size_t n = strlen(ends[k]);
      if (hit->from - i >= n && memcmp(t + i, ends[k], n) == 0) from = i + n;
    }
  for (size_t k = 0; k < sizeof words / sizeof *words; k++)
    if (from < hit->from && memmem(t + from, hit->from - from, words[k], strlen(words[k]))) return true;
  return false;
}

static void put(struct qun_scanner *s, uint32_t rule, const struct raw *at, uint32_t pii, struct qun_hits *hits) {
  size_t start, end;
  if (hits->count == QUN_HITS_MAX) return;
  qun__fold_origin(&s->folder, at->from, at->to, &start, &end);
  hits->at[hits->count++] = (struct qun_hit){.rule = rule, .start = (uint32_t)start, .end = (uint32_t)end, .pii = pii};
}

static void put_whole(const struct qun_scanner *s, uint32_t rule, struct qun_hits *hits) {
  if (hits->count < QUN_HITS_MAX)
    hits->at[hits->count++] = (struct qun_hit){.rule = rule, .end = (uint32_t)s->folder.source_len, .whole = true};
}

/* The rule's own hits, without those that another of them covers; answers how many different words were hit. */
static uint32_t collect(const struct qun_scanner *s, const struct qun_rule *r, struct raw *own, uint32_t *count) {
  uint32_t different = 0;
  for (uint32_t i = 0; i < s->raw_count; i++) {
    const struct raw *a = &s->raw[i];
    const struct word *w = word_of(s, a);
    if (w->rule != r->index || w->role != TERM || excepted(s, r->index, a) ||
        in_title(s->folder.text, s->folder.len, a))
      continue;
    if (r->negation && negated(s->folder.text, a)) continue;
    bool covered = false, again = false;
    for (uint32_t k = 0; k < *count; k++) {
      again |= own[k].word == a->word;
      if (own[k].from <= a->from && own[k].to >= a->to)
        covered = true;
      else if (own[k].from >= a->from && own[k].to <= a->to) {
        own[k] = *a;
        covered = true;
      }
    }
    different += !again;
    if (!covered && *count < RULE_HITS) own[(*count)++] = *a;
  }
  return different;
}

static int by_place(const void *a, const void *b) {
  const struct raw *x = a, *y = b;
  return x->from != y->from ? (x->from < y->from ? -1 : 1) : (x->to < y->to) - (x->to > y->to);
}

static bool company(const struct qun_scanner *s, const struct qun_rule *r) {
  bool asks = r->when.count || r->when_patterns.count;
  if (asks && !has(s, r->index, WHEN)) return false;
  return !has(s, r->index, UNLESS);
}

static void judge_words(struct qun_scanner *s, const struct qun_rule *r, struct qun_hits *hits) {
  struct raw own[RULE_HITS];
  uint32_t count = 0;
  if (!company(s, r)) return;
  uint32_t different = collect(s, r, own, &count);
  if (count == 0 || different < (r->min_terms > 1 ? (uint32_t)r->min_terms : 1)) return;
  qsort(own, count, sizeof *own, by_place);
  for (uint32_t i = 0; i < count; i++) put(s, r->index, &own[i], 0, hits);
}

static void judge_missing(struct qun_scanner *s, const struct qun_rule *r, const struct qun_text *t,
                          struct qun_hits *hits) {
  if (!company(s, r) || has(s, r->index, TERM)) return;
  if (r->label && qun__words_have(&r->terms, t->label)) return;
  for (uint32_t i = 0; i < s->raw_count; i++) {
    const struct word *w = word_of(s, &s->raw[i]);
    if (w->rule != r->index || w->role != WHEN) continue;
    put(s, r->index, &s->raw[i], 0, hits);
    return;
  }
  put_whole(s, r->index, hits);
}

static void judge_pii(struct qun_scanner *s, const struct qun_rule *r, const struct qun_pii_hit *pii, size_t n,
                      struct qun_hits *hits) {
  uint32_t count = 0;
  if (!company(s, r)) return;
  for (size_t i = 0; i < n && count < RULE_HITS; i++) {
    if (!(pii[i].kind & r->pii_mask)) continue;
    struct raw at = {0, pii[i].from, pii[i].to};
    put(s, r->index, &at, pii[i].kind, hits);
    count++;
  }
}

static void judge(struct qun_scanner *s, const struct qun_rule *r, const struct qun_text *t,
                  const struct qun_pii_hit *pii, size_t pii_count, struct qun_hits *hits) {
  const char *name = r->detector->name;
  if (!gate_open(r, t)) return;
  if (strcmp(name, "lexicon") == 0)
    judge_words(s, r, hits);
  else if (strcmp(name, "missing") == 0)
    judge_missing(s, r, t, hits);
  else if (strcmp(name, "gate") == 0 && company(s, r))
    put_whole(s, r->index, hits);
  else if (strcmp(name, "pii") == 0)
    judge_pii(s, r, pii, pii_count, hits);
}

int qun__scan(struct qun_scanner *s, const struct qun_text *t, struct qun_hits *hits) {
  struct qun_pii_hit pii[16];
  size_t pii_count = 0;
  hits->count = 0;
  s->raw_count = 0;
  s->any = false;
  s->met = NULL;
  s->cue = false;
  if (qun__fold(&s->folder, t->text.ptr, (size_t)t->text.len) < 0) return QUN_EINVAL;
  int error = run(s, GENERAL);
  if (error == 0 && t->is_ad) error = run(s, ADS);
  if (error == 0 && s->met) error = place_patterns(s);
  if (error < 0) return error;
  if (s->cue || (s->folder.figures >= QUN_PII_FIGURES && qun__pii_likely(s->folder.text, s->folder.len)))
    pii_count = qun__pii_find(s->folder.text, s->folder.len, pii, 16);
  if (!s->any && pii_count == 0 && !t->is_ad && !t->staff && strcmp(t->kind, "chat") == 0) return 0;
  for (uint32_t i = 0; i < s->always_count; i++)
    if (t->is_ad || !s->rules->at[s->always[i]].gate.is_ad) s->touched[s->always[i]] |= TOUCHED;
  for (uint32_t i = 0; i < s->rules->count; i++) {
    uint64_t eight;
    memcpy(&eight, s->touched + i, sizeof eight);
    if (eight == 0) {
      i += 7;
      continue;
    }
    if (!s->touched[i]) continue;
    s->touched[i] = 0;
    judge(s, &s->rules->at[i], t, pii, pii_count, hits);
  }
  return 0;
}
