/* SPDX-License-Identifier: Apache-2.0 */
#include "po.h"

#include "arena.h"
#include "po_lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parser {
  struct qun__po *po;
  struct qun__arena *arena;
  struct qun__lexer lex;
  struct qun__token token; /* the next one, not taken yet */
  uint32_t capacity;
  uint32_t *seen; /* open hash of messages, number + 1 */
  uint32_t seen_mask;
  bool has_header;
};

static int wrong(struct parser *p, const struct qun__token *at, const char *what) {
  return qun__lexer_fail(&p->lex, at->line, at->column, "%s", what);
}

static int advance(struct parser *p) {
  return qun__lexer_next(&p->lex, &p->token);
}

/* One or more strings after a keyword, joined. */
static int strings(struct parser *p, const struct qun__token *keyword, const char **out) {
  struct qun_pack joined;
  int error = 0;
  qun_pack_init(&joined);
  if (p->token.kind != QUN_PO_STRING) {
    error = wrong(p, &p->token, "a string in double quotes must stand after a keyword");
    goto out;
  }
  while (!error && p->token.kind == QUN_PO_STRING) {
    if (p->token.obsolete != keyword->obsolete) {
      error = wrong(p, &p->token, "#~ is used on some lines of a message and not on others");
      break;
    }
    qun_pack_raw(&joined, p->token.text);
    error = advance(p);
  }
  /* Escapes such as \377 can make bytes that the file's own check never saw. */
  if (!error && qun__utf8_span(qun_pack_slice(&joined)) != joined.len)
    error = wrong(p, keyword, "escapes of this string give bytes that are not UTF-8");
  if (!error) {
    *out = qun__arena_copy(p->arena, joined.buf, joined.len);
    if (!*out || joined.failed) error = QUN_EFAIL;
  }
out:
  qun_pack_fini(&joined);
  return error;
}

/* Takes the keyword that stands here and its strings. */
static int field(struct parser *p, const char **out) {
  struct qun__token keyword = p->token;
  int error = advance(p);
  return error ? error : strings(p, &keyword, out);
}

static int plural_texts(struct parser *p, struct qun__po_message *m) {
  const char *texts[QUN_PLURAL_FORMS];
  uint32_t n = 0;
  int error = 0;
  while (!error && p->token.kind == QUN_PO_MSGSTR_N) {
    if (p->token.index != n) return wrong(p, &p->token, "the plural forms msgstr[N] are not in order from 0");
    if (n == QUN_PLURAL_FORMS) return wrong(p, &p->token, "a message has more than 16 plural forms");
    error = field(p, &texts[n++]);
  }
  if (error) return error;
  m->text = qun__arena_take(p->arena, n * sizeof *m->text);
  if (!m->text) return QUN_EFAIL;
  memcpy(m->text, texts, n * sizeof *m->text);
  m->texts = n;
  return 0;
}

static int message_texts(struct parser *p, struct qun__po_message *m) {
  if (m->plural) {
    if (p->token.kind == QUN_PO_MSGSTR_N) return plural_texts(p, m);
    return wrong(p, &p->token, "a message with msgid_plural needs msgstr[0]");
  }
  if (p->token.kind == QUN_PO_MSGSTR_N) return wrong(p, &p->token, "msgstr[N] needs msgid_plural before it");
  if (p->token.kind != QUN_PO_MSGSTR) return wrong(p, &p->token, "a message has no msgstr");
  m->text = qun__arena_take(p->arena, sizeof *m->text);
  if (!m->text) return QUN_EFAIL;
  m->texts = 1;
  return field(p, &m->text[0]);
}

static int message(struct parser *p, struct qun__po_message *m) {
  int error = 0;
  *m = (struct qun__po_message){.line = p->token.line, .fuzzy = p->lex.fuzzy, .obsolete = p->token.obsolete};
  p->lex.fuzzy = false;
  if (p->token.kind == QUN_PO_MSGCTXT) error = field(p, &m->context);
  if (error) return error;
  if (p->token.kind != QUN_PO_MSGID) return wrong(p, &p->token, "msgid or msgctxt must stand here");
  error = field(p, &m->id);
  if (!error && p->token.kind == QUN_PO_MSGID_PLURAL) error = field(p, &m->plural);
  return error ? error : message_texts(p, m);
}

static uint64_t message_hash(const struct qun__po_message *m) {
  uint64_t h = 14695981039346656037u;
  const char *parts[2] = {m->context ? m->context : "\x01", m->id};
  for (int i = 0; i < 2; i++) {
    for (const char *c = parts[i]; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
    h = (h ^ 4) * 1099511628211u;
  }
  return h;
}

static bool same_message(const struct qun__po_message *a, const struct qun__po_message *b) {
  if (!a->context != !b->context || strcmp(a->id, b->id) != 0) return false;
  return !a->context || strcmp(a->context, b->context) == 0;
}

static int seen_grow(struct parser *p) {
  uint32_t size = p->seen ? (p->seen_mask + 1) * 2 : 256;
  uint32_t *slots = calloc(size, sizeof *slots);
  if (!slots) return QUN_EFAIL;
  for (uint32_t i = 0; i < p->po->count; i++) {
    uint64_t at;
    if (p->po->messages[i].obsolete) continue;
    for (at = message_hash(&p->po->messages[i]); slots[at & (size - 1)]; at++) continue;
    slots[at & (size - 1)] = i + 1;
  }
  free(p->seen);
  p->seen = slots;
  p->seen_mask = size - 1;
  return 0;
}

/* Refuses a message that is there already, else notes message number `n`. */
static int seen_add(struct parser *p, uint32_t n) {
  const struct qun__po_message *m = &p->po->messages[n];
  uint64_t at;
  if ((n + 1) * 2 > p->seen_mask && seen_grow(p)) return QUN_EFAIL;
  for (at = message_hash(m); p->seen[at & p->seen_mask]; at++) {
    const struct qun__po_message *other = &p->po->messages[p->seen[at & p->seen_mask] - 1];
    if (same_message(m, other))
      return qun__lexer_fail(&p->lex, m->line, 1, "the same message stands in line %u already", other->line);
  }
  p->seen[at & p->seen_mask] = n + 1;
  return 0;
}

static int keep(struct parser *p, const struct qun__po_message *m) {
  struct qun__po *po = p->po;
  int error = 0;
  if (po->count == p->capacity) {
    uint32_t capacity = p->capacity ? p->capacity * 2 : 128;
    struct qun__po_message *more = realloc(po->messages, capacity * sizeof *more);
    if (!more) return QUN_EFAIL;
    po->messages = more;
    p->capacity = capacity;
  }
  po->messages[po->count] = *m;
  if (!m->obsolete) error = seen_add(p, po->count);
  if (!error) po->count++;
  return error;
}

/* The value of "Name: value\n" in the header, or NULL. */
static const char *header_field(const char *header, const char *name, size_t *len) {
  size_t n = strlen(name);
  for (const char *line = header; *line;) {
    const char *end = strchrnul(line, '\n');
    if ((size_t)(end - line) > n && strncasecmp(line, name, n) == 0 && line[n] == ':') {
      for (line += n + 1; line < end && *line == ' ';) line++;
      *len = (size_t)(end - line);
      return line;
    }
    line = *end ? end + 1 : end;
  }
  return NULL;
}

static int read_header(struct parser *p, const struct qun__po_message *m) {
  struct qun__po *po = p->po;
  const char *field_at, *why = "";
  size_t len, at = 0;
  if (m->plural || p->has_header)
    return qun__lexer_fail(&p->lex, m->line, 1,
                           p->has_header ? "the header stands here twice" : "the header has a plural");
  p->has_header = true;
  po->header = m->text[0];
  field_at = header_field(po->header, "Language", &len);
  if (field_at && !(po->language = qun__arena_copy(p->arena, field_at, len))) return QUN_EFAIL;
  field_at = header_field(po->header, "Plural-Forms", &len);
  /* A template's "nplurals=INTEGER; plural=EXPRESSION;" is no rule yet. */
  if (!field_at || memmem(field_at, len, "INTEGER", 7)) return 0;
  if (qun__plural_parse(&po->rule, field_at, len, &at, &why) == 0) return 0;
  return qun__lexer_fail(&p->lex, m->line, 1, "%s (Plural-Forms of the header, character %zu)", why, at + 1);
}

static int parse_all(struct parser *p) {
  struct qun__po_message m;
  int error = advance(p);
  while (!error && p->token.kind != QUN_PO_END) {
    error = message(p, &m);
    if (error) break;
    if (!m.context && m.id[0] == 0 && !m.obsolete)
      error = read_header(p, &m);
    else
      error = keep(p, &m);
  }
  return error;
}

int qun__po_parse(struct qun__po **out, qun_slice text, struct qun__po_error *err) {
  struct parser p = {0};
  qun_slice utf8 = text;
  char *converted = NULL;
  int error = QUN_EFAIL;
  *err = (struct qun__po_error){0};
  p.po = calloc(1, sizeof *p.po);
  p.arena = calloc(1, sizeof *p.arena);
  if (!p.po || !p.arena) goto out;
  p.po->memory = p.arena;
  p.po->header = p.po->language = "";
  qun__plural_default(&p.po->rule);
  error = qun__po_to_utf8(&utf8, &converted, err);
  if (error) goto out;
  qun__lexer_init(&p.lex, utf8, err);
  error = parse_all(&p);
out:
  if (error == QUN_EFAIL && !err->message[0]) snprintf(err->message, sizeof err->message, "memory ran out");
  qun__lexer_fini(&p.lex);
  free(converted);
  free(p.seen);
  if (error) {
    if (!p.po) free(p.arena);
    qun__po_destroy(p.po);
  } else {
    *out = p.po;
  }
  return error;
}

void qun__po_destroy(struct qun__po *po) {
  if (!po) return;
  if (po->memory) {
    qun__arena_fini(po->memory);
    free(po->memory);
  }
  free(po->messages);
  free(po);
}
