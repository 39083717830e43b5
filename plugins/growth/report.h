/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services of the plugin: growth.report, growth.explain, growth.members. Each view is a file of its own; all
 * numbers come from the keyspace of the request's snapshot.
 */
#ifndef GROWTH_REPORT_H
#define GROWTH_REPORT_H

#include "growth.h"

#include <qun/report.h>

/* One view in the making. */
struct growth_view {
  const struct growth_call *c;
  struct qun_report r;
  int32_t from, to; /* days, both in */
};

/* Answers a request of any service of this plugin. */
int growth_answer(const struct growth_call *c, const struct qun_request *request);

/* The views; each writes its sections and its part of the glossary. */
int growth_view_overview(struct growth_view *v);
int growth_view_channels(struct growth_view *v);
int growth_view_cohorts(struct growth_view *v);
int growth_view_tiers(struct growth_view *v);
int growth_view_lifecycle(struct growth_view *v);
int growth_view_activity(struct growth_view *v);

/* growth.explain and growth.members. */
int growth_explain(const struct growth_call *c, const struct qun_request *request);
int growth_members(const struct growth_call *c, const struct qun_request *request);

/* ---- what several views use ---- */

/* Terms of the glossary by id; NULL ends the list. */
void growth_glossary(struct growth_view *v, const char *const *ids);

enum growth_goal { GROWTH_AT_LEAST, GROWTH_AT_MOST };
/* "good", "warn" (missed by at most the share plan_near of the target) or "bad"; "none" without a target. */
const char *growth_status(const struct growth_settings *s, enum growth_goal goal, int64_t value, int64_t target);
/* A figure whose value is judged against a target, which stands in its reason. */
void growth_figure_goal(struct growth_view *v, const char *id, const char *label, int64_t value, enum growth_goal goal,
                        int64_t target);
/* A figure that is not known, and why. */
void growth_figure_unknown(struct growth_view *v, const char *id, const char *label, const char *kind,
                           const char *reason);

/* Distinct members active on days from..to, both in. */
int growth_count_active(const struct growth_call *c, int32_t from, int32_t to, uint32_t *count);

/* Day rows from..to, both in, as an array of `count` days without gaps. Free it. */
int growth_days_read(const struct growth_call *c, int32_t from, int32_t to, struct growth_day **days, uint32_t *count);
/* Members at the end of day `to`: everybody who came up to then, less who left. */
int growth_members_at(const struct growth_call *c, int32_t to, int64_t *members);

/* The name of a channel as a T: its own name, or "not known". */
int growth_pack_channel(struct qun_pack *p, const struct growth_call *c, uint32_t id);

/* A ratio as a value: nil when the whole is 0. */
void growth_pack_ratio(struct qun_pack *p, int64_t part, int64_t whole);
/* A quotient as a value: nil when the divisor is 0. */
void growth_pack_quotient(struct qun_pack *p, int64_t sum, int64_t divisor);

#endif
