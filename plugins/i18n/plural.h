/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Plural-Forms rule of a gettext catalogue ("nplurals=2; plural=(n != 1);"): a C expression over the unsigned
 * number n, compiled to a small tree and evaluated without a stack that the text could grow. Any thread, no blocking.
 */
#ifndef QUN_PLUGINS_I18N_PLURAL_H
#define QUN_PLUGINS_I18N_PLURAL_H

#include <stddef.h>
#include <stdint.h>

enum { QUN_PLURAL_NODES = 192, QUN_PLURAL_DEPTH = 48, QUN_PLURAL_FORMS = 16 };

struct qun__plural_node {
  uint8_t op;
  uint8_t a, b, c; /* operands: numbers of nodes */
  uint32_t value;  /* of a constant */
};

struct qun__plural {
  uint32_t forms; /* nplurals */
  uint8_t root;
  uint8_t count;
  struct qun__plural_node nodes[QUN_PLURAL_NODES];
};

/* The rule of catalogues that name none, as gettext has it: two forms, plural = n != 1. */
void qun__plural_default(struct qun__plural *rule);

/* Reads "nplurals=N; plural=EXPRESSION;". 0, or -1 with `at` (offset in the text) and `why` (a constant sentence).
   Refused: no more than 16 forms, deeper than 48, and any rule that divides by zero or names a form that is not there
   for an n of 0 to 1000 (msgfmt checks the same). */
int qun__plural_parse(struct qun__plural *rule, const char *text, size_t len, size_t *at, const char **why);

/* The form for n: 0..forms-1. A result outside that range (possible only above 1000) gives 0, as gettext does. */
uint32_t qun__plural_form(const struct qun__plural *rule, uint64_t n);

#endif
