/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of member numbers in the keyspace, one for each kind, day and sub-number.
 *
 * A set is two rows: a roaring bitmap ('b') and a tail ('t') of at most GROWTH_TAIL numbers in the order they came. A
 * new number costs one short row; a full tail is folded into the bitmap. Both rows depend on the sequence of appends
 * alone, never on what is in memory.
 */
#ifndef GROWTH_SETS_H
#define GROWTH_SETS_H

#include "growth.h"

enum { GROWTH_TAIL = 128 };

enum growth_set_kind {
  GROWTH_SET_TOPIC = 1,  /* by day: wrote or reacted */
  GROWTH_SET_TASK = 2,   /* by day: checked in, answered a survey, shared */
  GROWTH_SET_OTHER = 3,  /* by day: read, clicked, bought, ... */
  GROWTH_SET_JOINED = 4, /* by first day and channel */
  GROWTH_SET_LEFT = 5,   /* by day */
  GROWTH_SET_MERGED = 6, /* one set: numbers that a rename joined to an older person */
  GROWTH_SET_LIFE = 7,   /* by month and lifecycle group */
  GROWTH_SET_TIER = 8    /* by month and tier */
};

struct growth_set_id {
  uint8_t kind;
  int32_t day;
  uint32_t sub;
};

/* Appends a number that is not in the set, or whose second mention does no harm. */
int growth_set_append(const struct growth_call *c, struct growth_set_id id, uint32_t member);
/* Takes a number out; fine when it is not in. */
int growth_set_remove(const struct growth_call *c, struct growth_set_id id, uint32_t member);
/* Appends to a day's set unless it is in; *fresh says which. Keeps the day's set in memory. */
int growth_set_mark(const struct growth_call *c, uint8_t kind, int32_t day, uint32_t member, bool *fresh);
/* Writes a whole set; an empty one is deleted. */
int growth_set_replace(const struct growth_call *c, struct growth_set_id id, const roaring_bitmap_t *set);
/* Adds the set's numbers to `into`. */
int growth_set_read(const struct growth_call *c, struct growth_set_id id, roaring_bitmap_t *into);
/* Adds the numbers of all sets of a kind from day `from` up to, not with, day `to`. */
int growth_set_union(const struct growth_call *c, uint8_t kind, int32_t from, int32_t to, roaring_bitmap_t *into);
/* The same for the three kinds of interaction: everybody active in those days. */
int growth_set_active(const struct growth_call *c, int32_t from, int32_t to, roaring_bitmap_t *into);

/* Calls `visit` for both rows of each set of a kind, in order of day, sub-number and row, from day `from` up to, not
 * with, `to`. */
typedef int (*growth_set_visit)(void *arg, struct growth_set_id id, bool tail, qun_slice value);
int growth_set_walk(const struct growth_call *c, uint8_t kind, int32_t from, int32_t to, growth_set_visit visit,
                    void *arg);
/* Adds what one row holds. QUN_EFAIL: the row is not whole. */
int growth_set_row_into(bool tail, qun_slice value, roaring_bitmap_t *into);

/* Puts, for each number that a rename joined to an older person, that person's number in its place. */
int growth_set_fold_merged(const struct growth_call *c, roaring_bitmap_t *set);

#endif
