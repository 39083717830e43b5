/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a PO file. Used by po.c alone. */
#ifndef QUN_PLUGINS_I18N_PO_LEXER_H
#define QUN_PLUGINS_I18N_PO_LEXER_H

#include "po.h"

#include <qun/msgpack.h>

#include <stdbool.h>

enum qun__po_token {
  QUN_PO_END,
  QUN_PO_STRING,
  QUN_PO_MSGCTXT,
  QUN_PO_MSGID,
  QUN_PO_MSGID_PLURAL,
  QUN_PO_MSGSTR,
  QUN_PO_MSGSTR_N
};

struct qun__token {
  enum qun__po_token kind;
  uint32_t line, column;
  uint32_t index; /* of msgstr[N] */
  qun_slice text; /* of a string, without its escapes; borrowed until the next token */
  bool obsolete;  /* behind #~ */
};

struct qun__lexer {
  const char *at, *end;
  uint32_t line;
  const char *mark; /* a place of this line */
  uint32_t mark_column;
  bool obsolete; /* this line began with #~ */
  bool fuzzy;    /* a comment since the caller last cleared this said "fuzzy" */
  struct qun_pack scratch;
  struct qun__po_error *err;
};

/* `text` is UTF-8 and outlives the lexer. */
void qun__lexer_init(struct qun__lexer *l, qun_slice text, struct qun__po_error *err);
void qun__lexer_fini(struct qun__lexer *l);
/* 0, or QUN_EINVAL with the place. */
int qun__lexer_next(struct qun__lexer *l, struct qun__token *token);
/* Notes an error and answers QUN_EINVAL. */
int qun__lexer_fail(struct qun__lexer *l, uint32_t line, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Turns *text into UTF-8 by the charset of its header, and checks it. *converted (free it) is set when a copy was made.
   QUN_EINVAL with the place, QUN_EFAIL. */
int qun__po_to_utf8(qun_slice *text, char **converted, struct qun__po_error *err);

/* How many bytes from the front are whole UTF-8 characters other than NUL. */
size_t qun__utf8_span(qun_slice text);

#endif
