/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns. Hyperscan takes seconds to compile gaps of wide characters, so it only looks for a pattern's anchors: a set
 * of literals of which every match has one. Where an anchor is met, ICU's regular expressions find the exact place.
 */
#ifndef QUN_COMPLIANCE_REGEX_H
#define QUN_COMPLIANCE_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUN_ANCHORS_MAX = 64, QUN_ANCHOR_BYTES = 48 };

struct qun_anchors {
  char at[QUN_ANCHORS_MAX][QUN_ANCHOR_BYTES];
  uint32_t count; /* 0: the pattern has none */
};

/* Literals of which each match of the pattern has at least one. Syntax: literals, escapes, classes, groups, looks ahead, alternation
 * and ? * + {n,m}. */
void qun__regex_anchors(const char *pattern, struct qun_anchors *out);

struct qun_regex;
/* NULL: not a pattern; *why is a static sentence of ICU. */
struct qun_regex *qun__regex_create(const char *pattern, const char **why);
/* NULL is fine. */
void qun__regex_destroy(struct qun_regex *r);
/* The next match in folded text at or after byte `after`. 1 found, 0 none, -1 failed. Empty matches are passed over. */
int qun__regex_next(struct qun_regex *r, const char *text, size_t len, size_t after, size_t *from, size_t *to);

#endif
