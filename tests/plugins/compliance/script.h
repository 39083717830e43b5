/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records written as lines of text:
 *     2026-03-02T10:00 consent.given m=7 purpose=marketing method=form notice=v1
 * m= member, s= subject, g= group, id= id; other names are fields, typed by the vocabulary; `_` stands for a blank;
 * dates are the tenant's. "until 2026-05-01" moves the clock.
 */
#ifndef QUN_TESTS_COMPLIANCE_SCRIPT_H
#define QUN_TESTS_COMPLIANCE_SCRIPT_H

#include <qun/fake_host.h>

/* Plays a script; a line that is refused fails the test. */
void script_play(struct qun_fake *f, const char *script);
/* A host with the plugin, and one with which content.send can be played. */
struct qun_fake *script_host(const char *tenant, const char *country);
/* The audit's entry of one rule. */
qun_slice script_audit(struct qun_fake *f, const char *rule);
/* The status of that entry as a C string. */
const char *script_status(struct qun_fake *f, const char *rule, char *buf, size_t cap);

struct text_case {
  const char *rule;
  const char *params; /* "kind=ad category=drug audience=minor label=广告" */
  const char *fires, *passes;
  const char *passing; /* params of the text that passes; NULL: the same */
};
extern const struct text_case text_cases[];

struct record_case {
  const char *rule, *fires, *passes;
};
extern const struct record_case record_cases[];
extern const struct record_case record_cases_more[];

#endif
