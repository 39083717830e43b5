/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the table of detectors. */
#ifndef QUN_COMPLIANCE_DETECT_LIST_H
#define QUN_COMPLIANCE_DETECT_LIST_H

#include "core.h"

int qun__detect_fields(struct qun_work *w, const struct qun_rule *r);
int qun__detect_match(struct qun_work *w, const struct qun_rule *r);
int qun__detect_contents(struct qun_work *w, const struct qun_rule *r);
int qun__detect_limit(struct qun_work *w, const struct qun_rule *r);
int qun__detect_consent(struct qun_work *w, const struct qun_rule *r);
int qun__detect_withdrawn(struct qun_work *w, const struct qun_rule *r);
int qun__detect_expired(struct qun_work *w, const struct qun_rule *r);
int qun__detect_optout(struct qun_work *w, const struct qun_rule *r);
int qun__detect_stale_consent(struct qun_work *w, const struct qun_rule *r);
int qun__detect_consent_notice(struct qun_work *w, const struct qun_rule *r);
int qun__detect_notice(struct qun_work *w, const struct qun_rule *r);
int qun__detect_undeclared(struct qun_work *w, const struct qun_rule *r);
int qun__detect_assessment(struct qun_work *w, const struct qun_rule *r);
int qun__detect_kick(struct qun_work *w, const struct qun_rule *r);
int qun__detect_closed(struct qun_work *w, const struct qun_rule *r);
int qun__detect_reask(struct qun_work *w, const struct qun_rule *r);
int qun__detect_minor_access(struct qun_work *w, const struct qun_rule *r);
int qun__detect_volume(struct qun_work *w, const struct qun_rule *r);
int qun__detect_duplicate(struct qun_work *w, const struct qun_rule *r);
int qun__detect_clock(struct qun_work *w, const struct qun_rule *r);

int qun__audit_present(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
int qun__audit_complaints(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
int qun__audit_joins(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
int qun__audit_retention(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
int qun__audit_floor(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);
int qun__audit_officer(struct qun_work *w, const struct qun_rule *r, struct qun_verdict_of *v);

#endif
