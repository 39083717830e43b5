/* SPDX-License-Identifier: Apache-2.0 */
#include "po_lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *word;
  enum qun__po_token kind;
} keywords[] = {
    {"msgctxt", QUN_PO_MSGCTXT},
    {"msgid", QUN_PO_MSGID},
    {"msgid_plural", QUN_PO_MSGID_PLURAL},
    {"msgstr", QUN_PO_MSGSTR},
};

void qun__lexer_init(struct qun__lexer *l, qun_slice text, struct qun__po_error *err) {
  const char *from = text.len ? text.ptr : "";
  *l = (struct qun__lexer){.at = from, .end = from + text.len, .line = 1, .mark = from, .mark_column = 1, .err = err};
  qun_pack_init(&l->scratch);
}

void qun__lexer_fini(struct qun__lexer *l) {
  qun_pack_fini(&l->scratch);
}

int qun__lexer_fail(struct qun__lexer *l, uint32_t line, uint32_t column, const char *format, ...) {
  va_list args;
  l->err->line = line;
  l->err->column = column;
  va_start(args, format);
  vsnprintf(l->err->message, sizeof l->err->message, format, args);
  va_end(args);
  return QUN_EINVAL;
}

/* Places are asked for in rising order mostly, so that a file of one endless line stays linear. */
static uint32_t column_of(struct qun__lexer *l, const char *at) {
  uint32_t column = l->mark_column;
  for (const char *c = l->mark; c < at; c++) column += ((unsigned char)*c & 0xc0) != 0x80;
  for (const char *c = at; c < l->mark; c++) column -= ((unsigned char)*c & 0xc0) != 0x80;
  l->mark = at;
  l->mark_column = column;
  return column;
}

static int fail_here(struct qun__lexer *l, const char *at, const char *what) {
  return qun__lexer_fail(l, l->line, column_of(l, at), "%s", what);
}

static void next_line(struct qun__lexer *l) {
  const char *end = memchr(l->at, '\n', (size_t)(l->end - l->at));
  l->at = end ? end + 1 : l->end;
  if (!end) return;
  l->line++;
  l->mark = l->at;
  l->mark_column = 1;
  l->obsolete = false;
}

/* "#, fuzzy, c-format": is the word there? */
static bool has_flag(const char *at, const char *end, const char *flag) {
  size_t n = strlen(flag);
  while (at < end) {
    const char *comma = memchr(at, ',', (size_t)(end - at));
    const char *stop = comma ? comma : end;
    while (at < stop && isspace((unsigned char)*at)) at++;
    while (stop > at && isspace((unsigned char)stop[-1])) stop--;
    if ((size_t)(stop - at) == n && memcmp(at, flag, n) == 0) return true;
    at = comma ? comma + 1 : end;
  }
  return false;
}

static void comment(struct qun__lexer *l) {
  const char *end = memchr(l->at, '\n', (size_t)(l->end - l->at));
  if (!end) end = l->end;
  if (end - l->at > 1 && l->at[1] == '~') {
    l->obsolete = true;
    l->at += 2;
    if (l->at < end && *l->at == '|') next_line(l);
    return;
  }
  if (end - l->at > 1 && l->at[1] == ',' && has_flag(l->at + 2, end, "fuzzy")) l->fuzzy = true;
  next_line(l);
}

static void skip_blank(struct qun__lexer *l) {
  while (l->at < l->end) {
    if (*l->at == '\n')
      next_line(l);
    else if (*l->at == ' ' || *l->at == '\t' || *l->at == '\r' || *l->at == '\f' || *l->at == '\v')
      l->at++;
    else if (*l->at == '#')
      comment(l);
    else
      return;
  }
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* A number after the backslash: up to three octal digits, or x and up to two hexadecimal ones. -1: no digits. */
static int numeric_escape(struct qun__lexer *l) {
  int value = 0, digits = 0, base = 8, d;
  if (*l->at == 'x') {
    base = 16;
    l->at++;
  }
  while (digits < (base == 8 ? 3 : 2) && l->at < l->end && (d = hex_digit(*l->at)) >= 0 && d < base) {
    value = value * base + d;
    digits++;
    l->at++;
  }
  return digits ? value : -1;
}

static int escape(struct qun__lexer *l) {
  static const char letters[] = "n\nt\tb\br\rf\fv\va\a\"\"\\\\";
  const char *from = l->at++; /* the backslash */
  unsigned char byte;
  int value;
  if (l->at == l->end) return fail_here(l, from, "the file ends inside a string");
  for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
    if (*l->at != letters[i]) continue;
    byte = (unsigned char)letters[i + 1];
    l->at++;
    qun_pack_raw(&l->scratch, qun_slice_of(&byte, 1));
    return 0;
  }
  value = numeric_escape(l);
  if (value <= 0 || value > 255)
    return fail_here(l, from, value < 0 ? "no such escape in a string" : "this escape gives no character");
  byte = (unsigned char)value;
  qun_pack_raw(&l->scratch, qun_slice_of(&byte, 1));
  return 0;
}

static int string(struct qun__lexer *l, struct qun__token *t) {
  int error = 0;
  qun_pack_clear(&l->scratch);
  l->at++;
  while (!error) {
    const char *from = l->at;
    while (l->at < l->end && *l->at != '"' && *l->at != '\\' && *l->at != '\n') l->at++;
    qun_pack_raw(&l->scratch, qun_slice_of(from, (size_t)(l->at - from)));
    if (l->at == l->end) return fail_here(l, l->at, "the file ends inside a string");
    if (*l->at == '\n') return fail_here(l, l->at, "the line ends inside a string");
    if (*l->at == '"') break;
    error = escape(l);
  }
  if (error) return error;
  l->at++;
  if (l->scratch.failed) return QUN_EFAIL;
  t->kind = QUN_PO_STRING;
  t->text = qun_pack_slice(&l->scratch);
  return 0;
}

static int form_index(struct qun__lexer *l, struct qun__token *t) {
  const char *from = l->at++; /* the bracket */
  uint32_t value = 0, digits = 0;
  for (; l->at < l->end && *l->at >= '0' && *l->at <= '9' && digits < 4; l->at++, digits++)
    value = value * 10 + (uint32_t)(*l->at - '0');
  if (!digits || l->at == l->end || *l->at != ']') return fail_here(l, from, "msgstr[ needs a number and ']'");
  l->at++;
  t->kind = QUN_PO_MSGSTR_N;
  t->index = value;
  return 0;
}

static int keyword(struct qun__lexer *l, struct qun__token *t) {
  const char *from = l->at;
  size_t n;
  while (l->at < l->end && (isalnum((unsigned char)*l->at) || *l->at == '_')) l->at++;
  n = (size_t)(l->at - from);
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    if (strlen(keywords[i].word) != n || memcmp(keywords[i].word, from, n) != 0) continue;
    t->kind = keywords[i].kind;
    if (t->kind == QUN_PO_MSGSTR && l->at < l->end && *l->at == '[') return form_index(l, t);
    return 0;
  }
  if (n == 0) return fail_here(l, from, "a keyword, a string or a comment must stand here");
  if (n > 40) n = 40;
  return qun__lexer_fail(l, l->line, column_of(l, from), "'%.*s' is no keyword", (int)n, from);
}

int qun__lexer_next(struct qun__lexer *l, struct qun__token *token) {
  skip_blank(l);
  *token =
      (struct qun__token){.kind = QUN_PO_END, .line = l->line, .column = column_of(l, l->at), .obsolete = l->obsolete};
  if (l->at == l->end) return 0;
  return *l->at == '"' ? string(l, token) : keyword(l, token);
}
