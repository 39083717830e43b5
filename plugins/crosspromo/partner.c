/* SPDX-License-Identifier: Apache-2.0 */
#include "partner.h"

int cross_partner_decode(struct cross_partner *p, qun_slice name, qun_slice row) {
  memset(p, 0, sizeof *p);
  cross_text_set(&p->name, name);
  cross_text_set(&p->sector, qun_mp_str(row, "sector"));
  cross_text_set(&p->country, qun_mp_str(row, "country"));
  cross_text_set(&p->tone, qun_mp_str(row, "tone"));
  cross_text_set(&p->resources, qun_mp_str(row, "resources"));
  cross_text_set(&p->advice, qun_mp_str(row, "advice"));
  cross_text_set(&p->overlap_refused, qun_mp_str(row, "overlap_refused"));
  p->size = qun_mp_int(row, "size", 0);
  p->reputation = qun_mp_int(row, "reputation", CROSS_UNKNOWN);
  p->card_ms = qun_mp_int(row, "card_ms", 0);
  p->overlap = qun_mp_int(row, "overlap", CROSS_UNKNOWN);
  p->overlap_own = qun_mp_int(row, "overlap_own", 0);
  p->overlap_ms = qun_mp_int(row, "overlap_ms", 0);
  p->sent = qun_mp_int(row, "sent", 0);
  p->received = qun_mp_int(row, "received", 0);
  p->refused = qun_mp_int(row, "refused", 0);
  p->quarter = qun_mp_int(row, "quarter", 0);
  p->points = qun_mp_int(row, "points", 0);
  p->rank = qun_mp_int(row, "rank", 0);
  p->of = qun_mp_int(row, "of", 0);
  return QUN_OK;
}

int cross_partner_get(const struct cross_call *c, qun_slice name, struct cross_partner *p, bool *found) {
  struct cross_key key = cross_key_named('P', name);
  qun_slice row;
  int rc = cross_get(c, &key, &row);
  if (found) *found = rc >= 0;
  if (rc == QUN_ENOTFOUND) return cross_partner_decode(p, name, qun_slice_of("\x80", 1));
  return rc < 0 ? rc : cross_partner_decode(p, name, row);
}

int cross_partner_save(const struct cross_call *c, const struct cross_partner *p) {
  struct cross_key key = cross_key_named('P', cross_text_slice(&p->name));
  struct qun_pack r;
  qun_pack_init(&r);
  qun_pack_map(&r, 19);
  qun_pack_kv_cstr(&r, "sector", p->sector.at);
  qun_pack_kv_cstr(&r, "country", p->country.at);
  qun_pack_kv_cstr(&r, "tone", p->tone.at);
  qun_pack_kv_cstr(&r, "resources", p->resources.at);
  qun_pack_kv_cstr(&r, "advice", p->advice.at);
  qun_pack_kv_cstr(&r, "overlap_refused", p->overlap_refused.at);
  qun_pack_kv_int(&r, "size", p->size);
  qun_pack_kv_int(&r, "reputation", p->reputation);
  qun_pack_kv_int(&r, "card_ms", p->card_ms);
  qun_pack_kv_int(&r, "overlap", p->overlap);
  qun_pack_kv_int(&r, "overlap_own", p->overlap_own);
  qun_pack_kv_int(&r, "overlap_ms", p->overlap_ms);
  qun_pack_kv_int(&r, "sent", p->sent);
  qun_pack_kv_int(&r, "received", p->received);
  qun_pack_kv_int(&r, "refused", p->refused);
  qun_pack_kv_int(&r, "quarter", p->quarter);
  qun_pack_kv_int(&r, "points", p->points);
  qun_pack_kv_int(&r, "rank", p->rank);
  qun_pack_kv_int(&r, "of", p->of);
  return cross_put(c, &key, &r, 0);
}

static void learn_text(struct cross_text *to, qun_slice fields, const char *key) {
  qun_slice value = qun_mp_str(fields, key);
  if (value.len > 0) cross_text_set(to, value);
}

void cross_partner_learn(struct cross_partner *p, qun_slice card) {
  int64_t size = qun_mp_int(card, "size", 0);
  learn_text(&p->sector, card, "sector");
  learn_text(&p->country, card, "country");
  learn_text(&p->tone, card, "tone");
  if (size > 0 && size <= 5) p->size = size;
}

void cross_partner_fit(const struct cross_call *c, const struct cross_partner *p, int64_t own_size,
                       struct cross_fit *fit) {
  const struct cross_settings *s = &c->t->settings;
  const int64_t weights[CROSS_FIT_PARTS] = {s->fit_audience, s->fit_size, s->fit_tone, s->fit_place, s->fit_reputation};
  struct cross_side own = {cross_text_slice(&c->t->sector), cross_text_slice(&c->t->country),
                           cross_text_slice(&c->t->tone), own_size};
  struct cross_side other = {cross_text_slice(&p->sector), cross_text_slice(&p->country), cross_text_slice(&p->tone),
                             p->size};
  int64_t overlap =
      p->overlap != CROSS_UNKNOWN && p->overlap_own > 0 ? p->overlap * 1000000 / p->overlap_own : CROSS_UNKNOWN;
  bool rival = cross_is_rival(own.sector, other.sector, qun_pack_slice(&c->t->rivals), qun_pack_slice(&c->t->neutral));
  cross_fit_score(fit, &own, &other, rival, overlap, p->reputation, weights);
}

int cross_partner_recorded(const struct cross_call *c, const struct qun_event *e) {
  struct cross_partner p;
  qun_slice name = qun_mp_str(e->data, "partner");
  int64_t reputation;
  int rc;
  if (!cross_name_ok(name)) return cross_fail(c, QUN_EINVAL, "crosspromo.partner without a partner");
  rc = cross_partner_get(c, name, &p, NULL);
  if (rc < 0) return rc;
  cross_partner_learn(&p, e->data);
  learn_text(&p.resources, e->data, "resources");
  reputation = qun_mp_int(e->data, "reputation", CROSS_UNKNOWN);
  if (reputation >= 0 && reputation <= 100) p.reputation = reputation;
  return cross_partner_save(c, &p);
}
