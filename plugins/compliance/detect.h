/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors: what a rule's `detector` key may name. One table; the pack parser, the handlers, the audit and README.md
 * follow it. */
#ifndef QUN_COMPLIANCE_DETECT_H
#define QUN_COMPLIANCE_DETECT_H

#include "rule.h"

struct qun_work;
struct qun_verdict_of;

struct qun_detector {
  const char *name;
  enum qun_rule_kind kind;
  const char *needs; /* keys that a rule must have, separated by blanks */
  /* One record of the rule's event (its `where` fits): adds findings. 0; 1 when it is none that the rule looks at;
     less: failed. Handlers only. NULL: none. */
  int (*on_event)(struct qun_work *w, const struct qun_rule *rule);
  /* What cannot be seen in one record: judges the snapshot. Reads only. NULL: findings and population alone decide. */
  int (*audit)(struct qun_work *w, const struct qun_rule *rule, struct qun_verdict_of *v);
};

extern const struct qun_detector qun__detectors[];
/* By name; NULL if there is none. */
const struct qun_detector *qun__detector_find(const char *name);

#endif
