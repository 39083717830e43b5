/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well two communities go together (catalogue X02), and who is never matched (X15). Pure; any thread.
 *
 * The score is the weighted mean of five parts of 0..100; a part that is not known counts 50.
 *   audience    overlap / own set: under 5 % 60, 5..30 % 100, over 30..60 % 60, more 20 (nobody new to reach)
 *   size        size classes apart: 0 100, 1 70, 2 40, more 10
 *   tone        the same 100, another 30
 *   place       the same country 100, another 40
 *   reputation  as recorded, 0..100
 */
#ifndef CROSS_FIT_H
#define CROSS_FIT_H

#include <qun/plugin.h>

#include <stdbool.h>

enum cross_fit_part { CROSS_AUDIENCE = 0, CROSS_SIZE, CROSS_TONE, CROSS_PLACE, CROSS_REPUTATION };
enum { CROSS_FIT_PARTS = 5, CROSS_UNKNOWN = -1 };

/* What a side publishes about itself. */
struct cross_side {
  qun_slice sector, country, tone; /* empty: not known */
  int64_t size;                    /* size class, 0: not known */
};

struct cross_fit {
  bool rival;
  int64_t part[CROSS_FIT_PARTS]; /* 0..100 or CROSS_UNKNOWN */
  int64_t score;                 /* ppm; 0 for a rival */
};

/* Size class of so many members: 1 under 100, 2 under 500, 3 under 2,000, 4 under 10,000, 5 from there. 0: none. */
int64_t cross_size_class(int64_t members);
/* `rivals` and `neutral`: msgpack arrays of texts. The same sector is a rival, and each of `rivals`; a neutral sector
 * tells nothing. */
bool cross_is_rival(qun_slice own_sector, qun_slice sector, qun_slice rivals, qun_slice neutral);
/* `overlap`: ppm of the own set, `reputation`: 0..100, each CROSS_UNKNOWN if it is. `weights`: CROSS_FIT_PARTS of them.
 */
void cross_fit_score(struct cross_fit *out, const struct cross_side *own, const struct cross_side *other, bool rival,
                     int64_t overlap, int64_t reputation, const int64_t weights[CROSS_FIT_PARTS]);

/* 1 if the msgpack array of texts holds `text`. */
bool cross_list_has(qun_slice list, qun_slice text);

#endif
