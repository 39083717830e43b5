/* SPDX-License-Identifier: Apache-2.0 */
#include "detect_list.h"

#define TEXT(NAME, NEEDS)                                                                                              \
  { .name = NAME, .kind = QUN_RULE_TEXT, .needs = NEEDS }
#define RECORD(NAME, NEEDS, FUNCTION)                                                                                  \
  { .name = NAME, .kind = QUN_RULE_RECORD, .needs = NEEDS, .on_event = FUNCTION }
#define AUDIT(NAME, NEEDS, FUNCTION)                                                                                   \
  { .name = NAME, .kind = QUN_RULE_RECORD, .needs = NEEDS, .audit = FUNCTION }

/* `needs`: keys divided by blanks; a|b: one of the two. */
const struct qun_detector qun__detectors[] = {
    TEXT("lexicon", "terms|patterns"),
    TEXT("missing", "terms|patterns"),
    TEXT("pii", "pii"),
    TEXT("gate", "gate"),
    RECORD("fields", "event fields", qun__detect_fields),
    RECORD("match", "event where", qun__detect_match),
    RECORD("contents", "event field values", qun__detect_contents),
    RECORD("limit", "event field", qun__detect_limit),
    RECORD("consent", "event purpose", qun__detect_consent),
    RECORD("withdrawn", "event purpose", qun__detect_withdrawn),
    RECORD("expired", "event purpose", qun__detect_expired),
    RECORD("optout", "event", qun__detect_optout),
    RECORD("stale_consent", "event purpose", qun__detect_stale_consent),
    RECORD("consent_notice", "event", qun__detect_consent_notice),
    RECORD("notice", "event class", qun__detect_notice),
    RECORD("undeclared", "event fields", qun__detect_undeclared),
    RECORD("assessment", "event scope", qun__detect_assessment),
    RECORD("kick", "event days", qun__detect_kick),
    RECORD("closed", "event", qun__detect_closed),
    RECORD("reask", "event days", qun__detect_reask),
    RECORD("minor_access", "event", qun__detect_minor_access),
    RECORD("volume", "event values", qun__detect_volume),
    RECORD("duplicate", "event", qun__detect_duplicate),
    RECORD("clock", "event close", qun__detect_clock),
    AUDIT("unacted", "close hours", NULL), /* opened by findings of rules that are `banned` */
    AUDIT("present", "event", qun__audit_present),
    AUDIT("complaints", "", qun__audit_complaints),
    AUDIT("joins", "", qun__audit_joins),
    AUDIT("retention", "class", qun__audit_retention),
    {.name = "floor",
     .kind = QUN_RULE_RECORD,
     .needs = "event field min",
     .on_event = qun__detect_limit,
     .audit = qun__audit_floor},
    AUDIT("officer", "min", qun__audit_officer),
    {.name = NULL},
};

const struct qun_detector *qun__detector_find(const char *name) {
  for (const struct qun_detector *d = qun__detectors; d->name; d++)
    if (strcmp(d->name, name) == 0) return d;
  return NULL;
}
