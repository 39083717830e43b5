/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/agreement.h"

enum { ID_MAX = 200 };

static qun_slice key_of(unsigned char key[1 + ID_MAX], qun_slice id) {
  key[0] = 'a';
  memcpy(key + 1, id.ptr, (size_t)id.len);
  return qun_slice_of(key, 1 + (size_t)id.len);
}

static int write(struct qun_batch *b, const struct qun_agreement *a) {
  unsigned char key[1 + ID_MAX];
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 7);
  qun_pack_kv_str(&p, "partner", a->partner);
  qun_pack_cstr(&p, "kinds");
  if (a->kinds.len)
    qun_pack_raw(&p, a->kinds);
  else
    qun_pack_array(&p, 0);
  qun_pack_kv_int(&p, "from", a->from_ms);
  qun_pack_kv_int(&p, "to", a->to_ms);
  qun_pack_kv_int(&p, "share", a->share);
  qun_pack_kv_bool(&p, "ended", a->ended);
  qun_pack_kv_int(&p, "seq", (int64_t)a->seq);
  int rc = p.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_BRIDGE, key_of(key, a->id), qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

int qun_agreement_get(const struct qun_view *v, qun_slice id, struct qun_agreement *out) {
  unsigned char key[1 + ID_MAX];
  qun_slice m;
  if (id.len == 0 || id.len > ID_MAX) return QUN_ENOTFOUND;
  int rc = qun_view_get(v, QUN_TABLE_BRIDGE, key_of(key, id), &m);
  if (rc < 0) return rc;
  *out = (struct qun_agreement){.id = id,
                                .partner = qun_mp_str(m, "partner"),
                                .from_ms = qun_mp_int(m, "from", INT64_MIN),
                                .to_ms = qun_mp_int(m, "to", INT64_MAX),
                                .share = qun_mp_int(m, "share", 0),
                                .ended = qun_mp_bool(m, "ended", 0) != 0,
                                .seq = (uint64_t)qun_mp_int(m, "seq", 0)};
  return qun_mp_find(m, "kinds", &out->kinds) ? 0 : QUN_EFAIL;
}

int qun_agreement_apply(struct qun_batch *b, const struct qun_record *r) {
  struct qun_agreement a = {0};
  if (r->subject.len == 0 || r->subject.len > ID_MAX) return 0;
  if (qun_slice_is(r->type, "agreement.accepted")) {
    a = (struct qun_agreement){.id = r->subject,
                               .partner = qun_mp_str(r->data, "partner"),
                               .from_ms = qun_mp_int(r->data, "from", INT64_MIN),
                               .to_ms = qun_mp_int(r->data, "to", INT64_MAX),
                               .share = qun_mp_int(r->data, "share", 0),
                               .seq = r->seq};
    if (!qun_mp_find(r->data, "kinds", &a.kinds)) a.kinds = (qun_slice){NULL, 0};
    return write(b, &a);
  }
  if (qun_slice_is(r->type, "agreement.ended") && qun_agreement_get(&b->view, r->subject, &a) == 0) {
    a.ended = true;
    return write(b, &a);
  }
  return 0;
}

int qun_agreement_allows(const struct qun_agreement *a, qun_slice partner, qun_slice kind, int64_t now_ms) {
  struct qun_unpack u;
  uint32_t n;
  if (a->ended || !qun_slice_eq(a->partner, partner) || now_ms < a->from_ms || now_ms > a->to_ms) return 0;
  qun_unpack_init(&u, a->kinds);
  if (!qun_unpack_array(&u, &n)) return 0;
  while (n-- > 0) {
    qun_slice k;
    if (!qun_unpack_str(&u, &k)) return 0;
    if (qun_slice_eq(k, kind)) return 1;
  }
  return 0;
}

int qun_agreement_same_terms(const struct qun_agreement *a, const struct qun_agreement *b) {
  return a->from_ms == b->from_ms && a->to_ms == b->to_ms && a->share == b->share && qun_slice_eq(a->kinds, b->kinds);
}
