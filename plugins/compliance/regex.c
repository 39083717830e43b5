/* SPDX-License-Identifier: Apache-2.0 */
#include "regex.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uregex.h>
#include <unicode/utext.h>

/* ---- anchors: a descent over the pattern; each part answers its best set of literals */

struct parse {
  const char *at;
  bool failed; /* too long, or not of the known syntax: no anchors */
};

struct set {
  struct qun_anchors words;
  int score;  /* least code points of a word; 0: no set */
  bool exact; /* the part matches these words and nothing else */
};

static int points(const char *s) {
  int n = 0;
  for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
  return n;
}

static void score(struct set *s) {
  s->score = s->words.count ? 1000 : 0;
  for (uint32_t i = 0; i < s->words.count; i++) {
    int n = points(s->words.at[i]);
    if (n < s->score) s->score = n;
  }
}

/* What matches so far without a break: each word of it, and of the next exact part behind it. */
static bool multiply(struct qun_anchors *run, const struct qun_anchors *by) {
  struct qun_anchors out = {.count = 0};
  if (run->count * by->count > QUN_ANCHORS_MAX || by->count == 0) return false;
  for (uint32_t i = 0; i < run->count; i++) {
    for (uint32_t k = 0; k < by->count; k++) {
      size_t n = strlen(run->at[i]), m = strlen(by->at[k]);
      if (n + m + 1 > QUN_ANCHOR_BYTES) return false;
      memcpy(out.at[out.count], run->at[i], n);
      memcpy(out.at[out.count++] + n, by->at[k], m + 1);
    }
  }
  *run = out;
  return true;
}

/* The words of x?: those of x, and none. */
static bool or_nothing(struct qun_anchors *words) {
  if (words->count == QUN_ANCHORS_MAX) return false;
  words->at[words->count++][0] = 0;
  return true;
}

static void start_run(struct qun_anchors *run) {
  run->count = 1;
  run->at[0][0] = 0;
}

static void end_run(struct set *best, struct qun_anchors *run) {
  struct set s = {.words = *run};
  score(&s);
  if (s.score > best->score) {
    best->words = s.words;
    best->score = s.score;
  }
  start_run(run);
}

/* A quantifier after an element. Answers its least count; 1 when there is none. */
static int quantifier(struct parse *p, bool *there) {
  int least = 1;
  *there = true;
  switch (*p->at) {
  case '?':
  case '*': p->at++; return 0;
  case '+': p->at++; return 1;
  case '{':
    least = (int)strtol(p->at + 1, NULL, 10);
    p->at = strchr(p->at, '}');
    if (!p->at) {
      p->at = "";
      p->failed = true;
    } else {
      p->at++;
    }
    return least;
  default: *there = false; return 1;
  }
}

static void skip_class(struct parse *p) {
  for (p->at++; *p->at && *p->at != ']'; p->at++)
    if (*p->at == '\\' && p->at[1]) p->at++;
  if (*p->at)
    p->at++;
  else
    p->failed = true;
}

/* One literal character (an escape is one). 0: none is here, nothing read. */
static bool literal(struct parse *p, struct set *to) {
  const char *s = p->at;
  size_t n = 1;
  bool escape = *s == '\\';
  if (escape && (!s[1] || strchr("wWdDsSbBAzZpPnrtxuU", s[1]))) return false;
  if (!*s || (!escape && strchr("()[]{}|?*+.^$", *s))) return false;
  s += escape;
  while (((unsigned char)s[n] & 0xc0) == 0x80) n++;
  to->words.count = 1;
  memcpy(to->words.at[0], s, n);
  to->words.at[0][n] = 0;
  to->exact = true;
  p->at = s + n;
  return true;
}

static void alternatives(struct parse *p, struct set *out, int depth);

static void element(struct parse *p, struct set *to, int depth) {
  memset(to, 0, sizeof *to);
  if (literal(p, to)) {
    score(to);
  } else if (*p->at == '(') {
    p->at++;
    bool look = strncmp(p->at, "?=", 2) == 0 || strncmp(p->at, "?!", 2) == 0;
    if (look || strncmp(p->at, "?:", 2) == 0) p->at += 2;
    alternatives(p, to, depth + 1);
    if (look) memset(to, 0, sizeof *to); /* it is looked at, not matched */
    if (*p->at == ')')
      p->at++;
    else
      p->failed = true;
  } else if (*p->at == '[') {
    skip_class(p);
  } else {
    p->at += *p->at == '\\' && p->at[1] ? 2 : 1;
  }
}

static void sequence(struct parse *p, struct set *best, int depth) {
  struct qun_anchors run;
  struct set one;
  best->exact = true;
  start_run(&run);
  while (*p->at && *p->at != '|' && *p->at != ')' && !p->failed) {
    bool there;
    element(p, &one, depth);
    bool may = *p->at == '?';
    int least = quantifier(p, &there);
    if (may && one.exact && or_nothing(&one.words) && multiply(&run, &one.words)) continue;
    if (!there && one.exact && multiply(&run, &one.words)) continue;
    end_run(best, &run);
    best->exact = false;
    if (there && least == 0) continue;
    if (one.score > best->score) {
      best->words = one.words;
      best->score = one.score;
    }
    if (!there && one.exact) run = one.words;
  }
  bool exact = best->exact;
  end_run(best, &run);
  best->exact = exact;
}

static void alternatives(struct parse *p, struct set *out, int depth) {
  bool none = false, exact = true;
  if (depth > 8) p->failed = true;
  for (;;) {
    struct set one = {0};
    sequence(p, &one, depth);
    none |= one.score == 0;
    exact &= one.exact;
    for (uint32_t i = 0; i < one.words.count && !none; i++) {
      none = out->words.count == QUN_ANCHORS_MAX;
      if (!none) memcpy(out->words.at[out->words.count++], one.words.at[i], QUN_ANCHOR_BYTES);
    }
    if (*p->at != '|' || p->failed) break;
    p->at++;
  }
  if (none) out->words.count = 0;
  out->exact = exact && !none;
  score(out);
}

void qun__regex_anchors(const char *pattern, struct qun_anchors *out) {
  struct parse p = {.at = pattern};
  struct set best = {0};
  alternatives(&p, &best, 0);
  out->count = 0;
  if (!p.failed && !*p.at) *out = best.words;
}

/* ---- exact matches */

struct qun_regex {
  URegularExpression *expression;
  UText text;
};

struct qun_regex *qun__regex_create(const char *pattern, const char **why) {
  UErrorCode e = U_ZERO_ERROR;
  UText source = UTEXT_INITIALIZER;
  struct qun_regex *r = calloc(1, sizeof *r);
  *why = "no memory";
  if (!r) return NULL;
  r->text = (UText)UTEXT_INITIALIZER;
  utext_openUTF8(&source, pattern, -1, &e);
  r->expression = uregex_openUText(&source, UREGEX_DOTALL, NULL, &e);
  utext_close(&source);
  /* a pattern that runs wild is stopped: the unit is some thousand steps */
  if (U_SUCCESS(e)) uregex_setTimeLimit(r->expression, 2000, &e);
  *why = u_errorName(e);
  if (U_SUCCESS(e)) return r;
  qun__regex_destroy(r);
  return NULL;
}

void qun__regex_destroy(struct qun_regex *r) {
  if (!r) return;
  if (r->expression) uregex_close(r->expression);
  utext_close(&r->text);
  free(r);
}

int qun__regex_next(struct qun_regex *r, const char *text, size_t len, size_t after, size_t *from, size_t *to) {
  UErrorCode e = U_ZERO_ERROR;
  utext_openUTF8(&r->text, text, (int64_t)len, &e);
  uregex_setUText(r->expression, &r->text, &e);
  while (U_SUCCESS(e) && after <= len && uregex_find64(r->expression, (int64_t)after, &e) && U_SUCCESS(e)) {
    int64_t start = uregex_start64(r->expression, 0, &e), end = uregex_end64(r->expression, 0, &e);
    if (U_SUCCESS(e) && end > start) {
      *from = (size_t)start;
      *to = (size_t)end;
      return 1;
    }
    do after++;
    while (after < len && ((unsigned char)text[after] & 0xc0) == 0x80);
  }
  return U_SUCCESS(e) ? 0 : -1;
}
