/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts: events growth.alert in the log, and a row each for the report. Row 'A' number -> what the event says.
 */
#ifndef GROWTH_ALERT_H
#define GROWTH_ALERT_H

#include "growth.h"

enum growth_alert_kind {
  GROWTH_ALERT_OPTIMISE = 1, /* a channel's retention is low: start optimisation (G30, G33) */
  GROWTH_ALERT_RETIRE,       /* a channel is to be closed (G31) */
  GROWTH_ALERT_FOCUS,        /* a channel deserves the budget (G32) */
  GROWTH_ALERT_RECOVERED,    /* a channel is back in the neutral band (G30, G33) */
  GROWTH_ALERT_COST,         /* a channel costs too much per new member (G34) */
  GROWTH_ALERT_CHURN         /* too many members were lost in a month (G55) */
};
enum { GROWTH_ALERT_KINDS = 7 };

struct growth_alert {
  enum growth_alert_kind kind;
  char rule[8]; /* catalogue row */
  char unit[8]; /* of value and threshold: "ppm" or "minor" */
  int64_t value, threshold;
  int64_t since_ms;                  /* the fact holds since */
  int64_t ms;                        /* raised */
  char channel[GROWTH_NAME_MAX + 1]; /* or "" */
};

/* Emits and records. */
int growth_alert_raise(const struct growth_call *c, const struct growth_alert *a);
/* The nth alert, from 1. QUN_ENOTFOUND. */
int growth_alert_get(const struct growth_call *c, uint32_t nth, struct growth_alert *a);
/* "optimise", "cost", ...: ids that scripts read. */
const char *growth_alert_name(enum growth_alert_kind kind);

#endif
