/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text into a growing buffer, escaped for where it goes. What is not well-formed UTF-8 becomes U+FFFD. A failed
 * allocation is remembered in the buffer (qun/msgpack.h). Any thread; no blocking.
 */
#ifndef QUN_HOST_REPORTS_TEXT_H
#define QUN_HOST_REPORTS_TEXT_H

#include <qun/msgpack.h>

/* As it stands: for constants. */
void qun__out(struct qun_pack *out, const char *text);
void qun__out_format(struct qun_pack *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Inside an HTML element or a double-quoted attribute. */
void qun__out_html(struct qun_pack *out, qun_slice text);
/* A JSON string with its quotes. "<", ">" and "&" are escaped too, so that it may stand in an HTML script element. */
void qun__out_json(struct qun_pack *out, qun_slice text);
/* A CSV field; quoted when it must be; led by an apostrophe when a spreadsheet would run it (=, +, -, @, tab, return
 * first), unless `number`. */
void qun__out_csv(struct qun_pack *out, qun_slice text, int number);
/* Columns that `text` takes on a terminal: East Asian wide and full-width signs two, marks and controls none. */
uint32_t qun__text_width(qun_slice text);
/* For a terminal's one line: controls and line breaks become spaces. Pads with spaces to `width` columns; `right`:
 * before the text. */
void qun__out_padded(struct qun_pack *out, qun_slice text, uint32_t width, int right);

#endif
