/* SPDX-License-Identifier: Apache-2.0 */
#include "plural.h"

#include <string.h>

enum op {
  OP_N,
  OP_CONST,
  OP_NOT,
  OP_MUL,
  OP_DIV,
  OP_MOD,
  OP_ADD,
  OP_SUB,
  OP_LT,
  OP_GT,
  OP_LE,
  OP_GE,
  OP_EQ,
  OP_NE,
  OP_AND,
  OP_OR,
  OP_IF
};

struct parser {
  struct qun__plural *rule;
  const char *at, *end;
  const char *why;
  unsigned depth;
};

/* Binary operators; a longer sign stands before its own beginning. */
static const struct {
  const char *sign;
  uint8_t op, level;
} binary[] = {
    {"||", OP_OR, 1}, {"&&", OP_AND, 2}, {"==", OP_EQ, 3}, {"!=", OP_NE, 3}, {"<=", OP_LE, 4},
    {">=", OP_GE, 4}, {"<", OP_LT, 4},   {">", OP_GT, 4},  {"+", OP_ADD, 5}, {"-", OP_SUB, 5},
    {"*", OP_MUL, 6}, {"/", OP_DIV, 6},  {"%", OP_MOD, 6},
};

static int expression(struct parser *p, uint8_t *out);

static int fail(struct parser *p, const char *why) {
  if (!p->why) p->why = why;
  return -1;
}

static void skip_space(struct parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')) p->at++;
}

static int node(struct parser *p, struct qun__plural_node n, uint8_t *out) {
  if (p->rule->count >= QUN_PLURAL_NODES - 1) return fail(p, "the plural rule is too long");
  *out = p->rule->count++;
  p->rule->nodes[*out] = n;
  return 0;
}

static int number(struct parser *p, uint32_t *out) {
  uint64_t v = 0;
  const char *from = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
    v = v * 10 + (uint64_t)(*p->at - '0');
    if (v > UINT32_MAX) return fail(p, "a number of the plural rule is too large");
    p->at++;
  }
  if (p->at == from) return fail(p, "the plural rule has a number, 'n' or '(' missing here");
  *out = (uint32_t)v;
  return 0;
}

static int primary(struct parser *p, uint8_t *out) {
  struct qun__plural_node n = {0};
  int error;
  skip_space(p);
  if (p->at == p->end) return fail(p, "the plural rule ends too early");
  if (++p->depth > QUN_PLURAL_DEPTH) return fail(p, "the plural rule is nested too deep");
  if (*p->at == '!') {
    p->at++;
    n.op = OP_NOT;
    error = primary(p, &n.a);
    if (!error) error = node(p, n, out);
  } else if (*p->at == '(') {
    p->at++;
    error = expression(p, out);
    skip_space(p);
    if (!error && (p->at == p->end || *p->at++ != ')')) error = fail(p, "the plural rule has a ')' missing");
  } else if (*p->at == 'n') {
    p->at++;
    n.op = OP_N;
    error = node(p, n, out);
  } else {
    n.op = OP_CONST;
    error = number(p, &n.value);
    if (!error) error = node(p, n, out);
  }
  p->depth--;
  return error;
}

/* The operator that stands here and binds at least as tight as `level`; -1: none. */
static int operator_here(const struct parser *p, unsigned level) {
  for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
    size_t n = strlen(binary[i].sign);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, binary[i].sign, n) != 0) continue;
    return binary[i].level >= level ? (int)i : -1;
  }
  return -1;
}

static int operation(struct parser *p, unsigned level, uint8_t *out) {
  int i, error = primary(p, out);
  if (error) return error;
  if (++p->depth > QUN_PLURAL_DEPTH) return fail(p, "the plural rule is nested too deep");
  for (skip_space(p); !error && (i = operator_here(p, level)) >= 0; skip_space(p)) {
    struct qun__plural_node n = {.op = binary[i].op, .a = *out};
    p->at += strlen(binary[i].sign);
    error = operation(p, binary[i].level + 1u, &n.b);
    if (!error) error = node(p, n, out);
  }
  p->depth--;
  return error;
}

static int expression(struct parser *p, uint8_t *out) {
  struct qun__plural_node n = {.op = OP_IF};
  int error;
  if (++p->depth > QUN_PLURAL_DEPTH) return fail(p, "the plural rule is nested too deep");
  error = operation(p, 1, &n.a);
  if (!error && p->at < p->end && *p->at == '?') {
    p->at++;
    error = expression(p, &n.b);
    skip_space(p);
    if (!error && (p->at == p->end || *p->at++ != ':')) error = fail(p, "the plural rule has a ':' missing");
    if (!error) error = expression(p, &n.c);
    if (!error) error = node(p, n, out);
  } else if (!error) {
    *out = n.a;
  }
  p->depth--;
  return error;
}

/* -1: division by zero. No deeper than the tree has nodes. */
static int evaluate(const struct qun__plural *r, uint8_t at, uint64_t n, uint64_t *out) {
  const struct qun__plural_node *e = &r->nodes[at];
  uint64_t a = 0, b = 0;
  if (e->op == OP_N || e->op == OP_CONST) {
    *out = e->op == OP_N ? n : e->value;
    return 0;
  }
  if (evaluate(r, e->a, n, &a)) return -1;
  if (e->op == OP_IF) return evaluate(r, a ? e->b : e->c, n, out);
  if (e->op == OP_NOT || (e->op == OP_AND && !a) || (e->op == OP_OR && a)) {
    *out = e->op == OP_AND ? 0 : e->op == OP_OR ? 1 : !a;
    return 0;
  }
  if (evaluate(r, e->b, n, &b)) return -1;
  if ((e->op == OP_DIV || e->op == OP_MOD) && b == 0) return -1;
  switch (e->op) {
  case OP_MUL: *out = a * b; break;
  case OP_DIV: *out = a / b; break;
  case OP_MOD: *out = a % b; break;
  case OP_ADD: *out = a + b; break;
  case OP_SUB: *out = a - b; break;
  case OP_LT: *out = a < b; break;
  case OP_GT: *out = a > b; break;
  case OP_LE: *out = a <= b; break;
  case OP_GE: *out = a >= b; break;
  case OP_EQ: *out = a == b; break;
  case OP_NE: *out = a != b; break;
  default: *out = b != 0; break; /* the second half of && and || */
  }
  return 0;
}

static int keyword(struct parser *p, const char *word) {
  size_t n = strlen(word);
  skip_space(p);
  if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0) return -1;
  p->at += n;
  skip_space(p);
  if (p->at == p->end || *p->at != '=') return -1;
  p->at++;
  skip_space(p);
  return 0;
}

static int check_values(struct parser *p) {
  for (uint64_t n = 0; n <= 1000; n++) {
    uint64_t form;
    if (evaluate(p->rule, p->rule->root, n, &form)) return fail(p, "the plural rule divides by zero");
    if (form >= p->rule->forms) return fail(p, "the plural rule names a form beyond nplurals");
  }
  return 0;
}

int qun__plural_parse(struct qun__plural *rule, const char *text, size_t len, size_t *at, const char **why) {
  struct qun__plural made = {0};
  struct parser p = {.rule = &made, .at = text, .end = text + len};
  int error = 0;
  if (keyword(&p, "nplurals")) error = fail(&p, "the plural rule does not begin with 'nplurals='");
  if (!error) error = number(&p, &made.forms);
  if (!error && (made.forms == 0 || made.forms > QUN_PLURAL_FORMS))
    error = fail(&p, "nplurals is not between 1 and 16");
  skip_space(&p);
  if (!error && (p.at == p.end || *p.at++ != ';')) error = fail(&p, "the plural rule has a ';' missing");
  if (!error && keyword(&p, "plural")) error = fail(&p, "the plural rule has 'plural=' missing");
  if (!error) error = expression(&p, &made.root);
  skip_space(&p);
  if (!error && p.at < p.end && *p.at == ';') p.at++;
  skip_space(&p);
  if (!error && p.at != p.end) error = fail(&p, "the plural rule has something behind its end");
  if (!error) error = check_values(&p);
  if (error) {
    *at = (size_t)(p.at - text);
    *why = p.why;
    return -1;
  }
  *rule = made;
  return 0;
}

void qun__plural_default(struct qun__plural *rule) {
  static const char germanic[] = "nplurals=2; plural=n != 1;";
  size_t at;
  const char *why;
  (void)qun__plural_parse(rule, germanic, sizeof germanic - 1, &at, &why);
}

uint32_t qun__plural_form(const struct qun__plural *rule, uint64_t n) {
  uint64_t form;
  if (evaluate(rule, rule->root, n, &form) || form >= rule->forms) return 0;
  return (uint32_t)form;
}
