/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of a message's text:
 *   {name}                       the argument; an integer as a number of the locale
 *   {n, number} {x, ratio} {m, money} {m, money, CNY} {d, day} {d, month} {t, time} {t, duration} {k, id}
 *                                units as in qun/report.h; `id` shows an integer's bare digits
 *   {n, plural, =0 {none} one {# thing} other {# things}}      by CLDR's plural categories; # is the number; also
 * selectordinal {kind, select, good {...} other {...}}                     by an argument's text
 *   {{                           a brace; outside of a choice }} is one too
 * Any thread that owns the formatter; no blocking.
 */
#ifndef QUN_PLUGINS_I18N_MESSAGE_H
#define QUN_PLUGINS_I18N_MESSAGE_H

#include "format.h"

#include <stdbool.h>

enum { QUN_MESSAGE_DEPTH = 4 };

struct qun__message {
  qun_slice args; /* msgpack map of integers, texts and booleans */
  struct qun__format *format;
  const char *currency; /* when {m, money} names none */
  qun_slice yes, no;    /* words for booleans */
};

/* Appends the text with its arguments put in. An argument that is not there stays as it is written; a text that breaks
   the syntax is appended as it is, and the answer is false. */
bool qun__message_format(struct qun_pack *out, qun_slice text, const struct qun__message *m);

/* Calls `each` for every argument that the text names. False: the syntax is broken; *at is the offset and *why a
 * sentence. */
bool qun__message_scan(qun_slice text, void (*each)(void *arg, qun_slice name), void *arg, size_t *at,
                       const char **why);

#endif
