/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of gettext's PO files (format: GNU gettext manual, "The Format of PO Files"). Any thread, no blocking.
 *
 * Read: comments, flags, msgctxt, msgid, msgid_plural, msgstr, msgstr[N], strings over several lines with C escapes,
 * obsolete entries
 * (#~), previous ids (#|, stepped over), and the header's charset, language and plural rule. A file in another charset
 * is turned into UTF-8 by ICU first. Not read: the `domain` directive (a file is one domain).
 */
#ifndef QUN_PLUGINS_I18N_PO_H
#define QUN_PLUGINS_I18N_PO_H

#include "plural.h"

#include <qun/plugin.h>

struct qun__po_message {
  const char *context; /* msgctxt, or NULL */
  const char *id;
  const char *plural; /* msgid_plural, or NULL */
  const char **text;  /* msgstr or msgstr[0..texts-1] */
  uint32_t texts;
  uint32_t line; /* of the first keyword */
  uint8_t fuzzy;
  uint8_t obsolete;
};

struct qun__po {
  struct qun__po_message *messages; /* in the file's order, without the header; obsolete ones too */
  uint32_t count;
  const char *header;   /* the header's text, or "" */
  const char *language; /* its Language field, or "" */
  struct qun__plural rule;
  void *memory; /* all texts above live here */
};

struct qun__po_error {
  uint32_t line, column; /* from 1; column counts characters */
  char message[240];
};

enum { QUN_PO_BYTES_MAX = 16 << 20 };

/* Reads a whole file. *out is set on success, and released with qun__po_destroy. Less than 0: QUN_EINVAL with line and
   column of the first thing that is wrong, QUN_EFAIL when memory ran out. Refused like msgfmt does: the same message
   twice, a message without msgstr, plural forms out of order, bytes that are not of the charset. */
int qun__po_parse(struct qun__po **out, qun_slice text, struct qun__po_error *err);
/* NULL is fine. */
void qun__po_destroy(struct qun__po *po);

#endif
