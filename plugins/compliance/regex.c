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
  int score; /* least code points of a word; 0: no set */
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

static void keep_better(struct set *best, const struct set *other) {
  if (other->score > best->score) *best = *other;
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
    if (p->at)
      p->at++;
    else
      p->failed = true;
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

/* One literal character (an escape is one), or 0 and nothing read. */
static size_t literal(struct parse *p, char *to) {
  const char *s = p->at;
  if (*s == '\\') {
    if (!s[1] || strchr("wWdDsSbBAzZpPnrtxuU", s[1])) return 0;
    to[0] = s[1];
    p->at += 2;
    return 1;
  }
  if (!*s || strchr("()[]{}|?*+.^$", *s)) return 0;
  size_t n = 1;
  while (((unsigned char)s[n] & 0xc0) == 0x80) n++;
  memcpy(to, s, n);
  p->at += n;
  return n;
}

static void flush(struct set *best, char *run, size_t *len) {
  struct set s = {.words = {.count = 1}};
  if (*len) {
    run[*len] = 0;
    memcpy(s.words.at[0], run, *len + 1);
    score(&s);
    keep_better(best, &s);
  }
  *len = 0;
}

static void alternatives(struct parse *p, struct set *out, int depth);

static void other_element(struct parse *p, struct set *best, int depth) {
  bool there;
  if (*p->at == '(') {
    struct set inner = {0};
    p->at++;
    if (strncmp(p->at, "?:", 2) == 0) p->at += 2;
    alternatives(p, &inner, depth + 1);
    if (*p->at == ')')
      p->at++;
    else
      p->failed = true;
    if (quantifier(p, &there) > 0) keep_better(best, &inner);
    return;
  }
  if (*p->at == '[')
    skip_class(p);
  else if (*p->at == '\\' && p->at[1])
    p->at += 2;
  else
    p->at++;
  quantifier(p, &there);
}

static void sequence(struct parse *p, struct set *best, int depth) {
  char run[QUN_ANCHOR_BYTES], one[8];
  size_t len = 0;
  while (*p->at && *p->at != '|' && *p->at != ')' && !p->failed) {
    size_t n = literal(p, one);
    bool there = false;
    if (!n) {
      flush(best, run, &len);
      other_element(p, best, depth);
      continue;
    }
    int least = quantifier(p, &there);
    if (there && least == 0) {
      flush(best, run, &len);
      continue;
    }
    if (len + n + 1 >= sizeof run) flush(best, run, &len);
    memcpy(run + len, one, n);
    len += n;
    if (there) flush(best, run, &len);
  }
  flush(best, run, &len);
}

static void alternatives(struct parse *p, struct set *out, int depth) {
  bool none = false;
  if (depth > 8) p->failed = true;
  for (;;) {
    struct set one = {0};
    sequence(p, &one, depth);
    none |= one.score == 0;
    for (uint32_t i = 0; i < one.words.count; i++) {
      if (out->words.count == QUN_ANCHORS_MAX) {
        none = true;
        break;
      }
      memcpy(out->words.at[out->words.count++], one.words.at[i], QUN_ANCHOR_BYTES);
    }
    if (*p->at != '|' || p->failed) break;
    p->at++;
  }
  if (none) out->words.count = 0;
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
