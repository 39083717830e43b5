/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include <qun/msgpack.h>

int64_t cross_size_class(int64_t members) {
  static const int64_t from[] = {1, 100, 500, 2000, 10000};
  int64_t size = 0;
  while (size < 5 && members >= from[size]) size++;
  return size;
}

bool cross_list_has(qun_slice list, qun_slice text) {
  struct qun_unpack u;
  qun_slice one;
  uint32_t n;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &n)) return false;
  while (n-- > 0 && qun_unpack_str(&u, &one))
    if (qun_slice_eq(one, text)) return true;
  return false;
}

bool cross_is_rival(qun_slice own_sector, qun_slice sector, qun_slice rivals, qun_slice neutral) {
  if (sector.len == 0 || cross_list_has(neutral, sector)) return false;
  return qun_slice_eq(own_sector, sector) || cross_list_has(rivals, sector);
}

static int64_t audience(int64_t overlap) {
  if (overlap == CROSS_UNKNOWN) return CROSS_UNKNOWN;
  if (overlap < 50000) return 60;
  if (overlap <= 300000) return 100;
  return overlap <= 600000 ? 60 : 20;
}

static int64_t size_part(int64_t a, int64_t b) {
  static const int64_t by_distance[] = {100, 70, 40, 10};
  int64_t apart = a > b ? a - b : b - a;
  if (a == 0 || b == 0) return CROSS_UNKNOWN;
  return by_distance[apart > 3 ? 3 : apart];
}

static int64_t same(qun_slice a, qun_slice b, int64_t otherwise) {
  if (a.len == 0 || b.len == 0) return CROSS_UNKNOWN;
  return qun_slice_eq(a, b) ? 100 : otherwise;
}

void cross_fit_score(struct cross_fit *out, const struct cross_side *own, const struct cross_side *other, bool rival,
                     int64_t overlap, int64_t reputation, const int64_t weights[CROSS_FIT_PARTS]) {
  int64_t sum = 0, weight = 0;
  out->rival = rival;
  out->part[CROSS_AUDIENCE] = audience(overlap);
  out->part[CROSS_SIZE] = size_part(own->size, other->size);
  out->part[CROSS_TONE] = same(own->tone, other->tone, 30);
  out->part[CROSS_PLACE] = same(own->country, other->country, 40);
  out->part[CROSS_REPUTATION] = reputation;
  for (int i = 0; i < CROSS_FIT_PARTS; i++) {
    sum += weights[i] * (out->part[i] == CROSS_UNKNOWN ? 50 : out->part[i]);
    weight += weights[i];
  }
  out->score = rival || weight == 0 ? 0 : sum * 10000 / weight;
}
