/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat groups and accounts of the tenant, and who is in which (catalogue G44). Rows: 'G' name -> id, 'i' id -> name and
 * count, 'g' member, group -> day of entry.
 */
#ifndef GROWTH_GROUPS_H
#define GROWTH_GROUPS_H

#include "growth.h"

/* The number of a group, given out at first sight. */
int growth_group_intern(const struct growth_call *c, qun_slice name, uint32_t *id);
/* *fresh: was not in it. */
int growth_group_enter(const struct growth_call *c, uint32_t group, uint32_t member, int32_t day, bool *fresh);
/* *was_in: was in it. */
int growth_group_exit(const struct growth_call *c, uint32_t group, uint32_t member, bool *was_in);
int growth_group_exit_all(const struct growth_call *c, uint32_t member);
/* Gives one person's groups to another; *gained: groups that the other was not in. */
int growth_group_move(const struct growth_call *c, uint32_t from, uint32_t to, uint32_t *gained);

struct growth_group {
  uint32_t members;
  qun_slice name; /* borrowed from the row */
};
int growth_group_decode(struct growth_group *g, qun_slice row);

#endif
