/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text rules over one text. The words and the anchors of the patterns (regex.h) of all packs are in two Hyperscan
 * databases: one for every text, one more for advertisements, so that a chat message is scanned once. Hits are judged
 * rule by rule: gates, exceptions, negation, names of works in 《》, company of other words.
 */
#ifndef QUN_COMPLIANCE_SCAN_H
#define QUN_COMPLIANCE_SCAN_H

#include "fold.h"
#include "rule.h"

struct qun_scanner;

/* What is known of a text beside its words. */
struct qun_text {
  qun_slice text;
  qun_slice category, label, audience;
  const char *kind; /* ad, chat or article */
  bool is_ad, staff, direct;
  const uint8_t *bound; /* per rule: 1 when the tenant is bound to it; NULL: all */
};

struct qun_hit {
  uint32_t rule;       /* index in the rulebook */
  uint32_t start, end; /* bytes of the original */
  uint32_t pii;        /* kind of personal data, or 0 */
  bool whole;          /* something is missing: the span is the text */
};

enum { QUN_HITS_MAX = 128 };

struct qun_hits {
  struct qun_hit at[QUN_HITS_MAX];
  uint32_t count;
};

/* Compiles the rules' words (folded first). QUN_EINVAL: `message` names the rule and the pattern. Some 100 ms. */
int qun__scanner_create(struct qun_scanner **out, const struct qun_rules *rules, char *message, size_t message_cap);
/* NULL is fine. */
void qun__scanner_destroy(struct qun_scanner *s);
/* Judges a text. Hits are in order of rule, then place; at most QUN_HITS_MAX, and at most 8 a rule. 0, or QUN_EINVAL
   when the scan itself fails. The scanner has scratch memory: one thread at a time. */
int qun__scan(struct qun_scanner *s, const struct qun_text *text, struct qun_hits *hits);

#endif
