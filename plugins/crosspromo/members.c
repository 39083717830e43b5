/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"

#include "code.h"

void cross_member_decode(struct cross_member *m, uint32_t number, qun_slice row) {
  memset(m, 0, sizeof *m);
  m->number = number;
  m->root = (uint32_t)qun_mp_int(row, "root", 0);
  m->first_day = (int32_t)qun_mp_int(row, "first", 0);
  m->left = qun_mp_bool(row, "left", 0) != 0;
  m->groups = qun_mp_int(row, "groups", 0);
  m->phone = qun_mp_bool(row, "phone", 0) != 0;
  m->unionid = qun_mp_bool(row, "unionid", 0) != 0;
  cross_text_set(&m->code, qun_mp_str(row, "code"));
  m->code_day = (int32_t)qun_mp_int(row, "code_day", 0);
}

int cross_member_row(const struct cross_call *c, uint64_t number, struct cross_member *m) {
  struct cross_key key;
  qun_slice row;
  int rc;
  if (number == 0 || number > UINT32_MAX)
    return cross_fail(c, QUN_EINVAL, "crosspromo: a member's number is out of range");
  key = cross_key_numbered('m', (uint32_t)number);
  rc = cross_get(c, &key, &row);
  if (rc >= 0) cross_member_decode(m, (uint32_t)number, row);
  return rc;
}

static int save(const struct cross_call *c, const struct cross_member *m) {
  struct cross_key key = cross_key_numbered('m', m->number);
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 8);
  qun_pack_kv_int(&p, "root", m->root);
  qun_pack_kv_int(&p, "first", m->first_day);
  qun_pack_kv_bool(&p, "left", m->left);
  qun_pack_kv_int(&p, "groups", m->groups);
  qun_pack_kv_bool(&p, "phone", m->phone);
  qun_pack_kv_bool(&p, "unionid", m->unionid);
  qun_pack_kv_cstr(&p, "code", m->code.at);
  qun_pack_kv_int(&p, "code_day", m->code_day);
  return cross_put(c, &key, &p, m->number);
}

/* Each alias leads to a smaller number, so the walk ends. */
int cross_member_find(const struct cross_call *c, uint64_t number, struct cross_member *m) {
  for (;;) {
    int rc = cross_member_row(c, number, m);
    if (rc < 0 || m->root == 0) return rc;
    if (m->root >= number) return cross_fail(c, QUN_EFAIL, "crosspromo: an alias points forward");
    number = m->root;
  }
}

/* The person behind the event's member; a new one is not saved yet. */
static int meet(const struct cross_call *c, const struct qun_event *e, struct cross_member *m) {
  int rc = cross_member_find(c, e->member, m);
  if (rc != QUN_ENOTFOUND) return rc;
  memset(m, 0, sizeof *m);
  m->number = (uint32_t)e->member;
  m->first_day = e->day;
  return QUN_OK;
}

static struct cross_key group_key(uint32_t member, qun_slice group) {
  struct cross_key k = cross_key_numbered('g', member);
  cross_key_text(&k, group);
  return k;
}

static int enter(const struct cross_call *c, struct cross_member *m, qun_slice group) {
  struct cross_key key = group_key(m->number, group);
  struct qun_pack p;
  qun_slice row;
  int rc = cross_get(c, &key, &row);
  if (rc != QUN_ENOTFOUND) return rc;
  m->groups++;
  qun_pack_init(&p);
  qun_pack_bool(&p, 1);
  return cross_put(c, &key, &p, m->number);
}

int cross_member_join(const struct cross_call *c, const struct qun_event *e) {
  qun_slice code = qun_mp_str(e->data, "code");
  struct cross_member m;
  int rc = meet(c, e, &m);
  if (rc < 0) return rc;
  m.left = false;
  if (e->day < m.first_day) m.first_day = e->day;
  if (e->group.len > 0) {
    rc = enter(c, &m, e->group);
    if (rc < 0) return rc;
  }
  if (cross_name_ok(code) && !m.code.at[0]) {
    cross_text_set(&m.code, code);
    m.code_day = e->day;
    rc = cross_code_add(c, code, qun_month_of(e->day), &(struct cross_sums){.joins = 1});
    if (rc < 0) return rc;
  }
  return save(c, &m);
}

struct groups {
  struct cross_key at[16];
  uint32_t count;
};

static int collect(void *arg, qun_slice key, qun_slice value) {
  struct groups *g = arg;
  (void)value;
  if (g->count == sizeof g->at / sizeof g->at[0] || key.len > sizeof g->at[0].bytes) return 1;
  memcpy(g->at[g->count].bytes, key.ptr, (size_t)key.len);
  g->at[g->count++].len = (uint32_t)key.len;
  return QUN_OK;
}

/* Takes the person `from` out of all groups, and puts `into`, if it is one, in. */
static int move_groups(const struct cross_call *c, uint32_t from, struct cross_member *into) {
  struct cross_key prefix = cross_key_numbered('g', from);
  for (;;) {
    struct groups g = {.count = 0};
    int rc = cross_scan(c, &prefix, collect, &g);
    if (rc < 0 || g.count == 0) return rc;
    for (uint32_t i = 0; i < g.count; i++) {
      qun_slice name = qun_slice_of(g.at[i].bytes + 5, g.at[i].len - 6);
      rc = cross_del(c, &g.at[i]);
      if (rc >= 0 && into) rc = enter(c, into, name);
      if (rc < 0) return rc;
    }
  }
}

int cross_member_leave(const struct cross_call *c, const struct qun_event *e) {
  struct cross_member m;
  struct cross_key key;
  qun_slice row;
  int rc = meet(c, e, &m);
  if (rc < 0) return rc;
  if (e->group.len == 0) {
    rc = move_groups(c, m.number, NULL);
    m.groups = 0;
  } else {
    key = group_key(m.number, e->group);
    rc = cross_get(c, &key, &row);
    if (rc >= 0) {
      m.groups--;
      rc = cross_del(c, &key);
    } else if (rc == QUN_ENOTFOUND) {
      rc = QUN_OK;
    }
  }
  if (rc < 0) return rc;
  m.left = m.groups <= 0;
  return save(c, &m);
}

int cross_member_close(const struct cross_call *c, const struct qun_event *e) {
  struct qun_event all = *e;
  all.group = qun_slice_of(NULL, 0);
  return cross_member_leave(c, &all);
}

int cross_member_profile(const struct cross_call *c, const struct qun_event *e) {
  struct cross_member person, m;
  int rc = meet(c, e, &person);
  if (rc >= 0) rc = person.number == (uint32_t)e->member ? QUN_OK : cross_member_row(c, e->member, &m);
  if (rc < 0) return rc;
  if (person.number == (uint32_t)e->member) m = person;
  if (qun_mp_bool(e->data, "phone", 0) == 1) m.phone = true;
  if (qun_mp_bool(e->data, "unionid", 0) == 1) m.unionid = true;
  return save(c, &m);
}

/* ---------------------------------------------------------------- consent */

static struct cross_key consent_key(uint32_t person, qun_slice partner) {
  struct cross_key k = cross_key_numbered('c', person);
  cross_key_text(&k, partner);
  return k;
}

static int put_consent(const struct cross_call *c, uint32_t person, qun_slice partner, int64_t until) {
  struct cross_key key = consent_key(person, partner);
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_int(&p, until);
  return cross_put(c, &key, &p, person);
}

/* Takes back all consents of a person, giving them to `into` if it is one and has none for that partner. */
static int move_consents(const struct cross_call *c, uint32_t from, uint32_t into) {
  struct cross_key prefix = cross_key_numbered('c', from);
  for (;;) {
    struct groups g = {.count = 0};
    int rc = cross_scan(c, &prefix, collect, &g);
    if (rc < 0 || g.count == 0) return rc;
    for (uint32_t i = 0; i < g.count; i++) {
      qun_slice partner = qun_slice_of(g.at[i].bytes + 5, g.at[i].len - 6);
      struct cross_key there = consent_key(into, partner);
      int64_t until;
      qun_slice row;
      rc = cross_counted(c, &g.at[i], &until);
      if (rc >= 0) rc = cross_del(c, &g.at[i]);
      if (rc < 0) return rc;
      if (into == 0 || cross_get(c, &there, &row) != QUN_ENOTFOUND) continue;
      rc = put_consent(c, into, partner, until);
      if (rc < 0) return rc;
    }
  }
}

int cross_member_consent(const struct cross_call *c, const struct qun_event *e) {
  qun_slice partner = qun_mp_str(e->data, "partner");
  struct cross_member m;
  int rc;
  if (!qun_slice_is(qun_mp_str(e->data, "purpose"), "overlap")) return QUN_OK;
  if (partner.len > 0 && !cross_name_ok(partner)) return QUN_OK; /* no tenant has such a name */
  rc = meet(c, e, &m);
  if (rc < 0) return rc;
  rc = save(c, &m);
  if (rc < 0) return rc;
  if (!qun_slice_is(e->type, "consent.given")) return move_consents(c, m.number, 0);
  return put_consent(c, m.number, partner, qun_mp_int(e->data, "expires", INT64_MAX));
}

static int holds(const struct cross_call *c, uint32_t person, qun_slice partner, int64_t ms, bool *agreed) {
  struct cross_key key = consent_key(person, partner);
  struct qun_unpack u;
  qun_slice row;
  int64_t until;
  int rc = cross_get(c, &key, &row);
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  if (rc < 0) return rc;
  qun_unpack_init(&u, row);
  if (qun_unpack_int(&u, &until) && ms < until) *agreed = true;
  return QUN_OK;
}

int cross_member_agreed(const struct cross_call *c, uint32_t person, qun_slice partner, int64_t ms, bool *agreed) {
  int rc;
  *agreed = false;
  rc = holds(c, person, partner, ms, agreed);
  if (rc >= 0 && !*agreed && c->t->settings.overlap_any_partner)
    rc = holds(c, person, qun_slice_of(NULL, 0), ms, agreed);
  return rc;
}

/* ---------------------------------------------------------------- rename */

static int make_alias(const struct cross_call *c, struct cross_member *m, uint32_t root) {
  struct cross_member alias = {
      .number = m->number, .root = root, .first_day = m->first_day, .phone = m->phone, .unionid = m->unionid};
  return save(c, &alias);
}

/* The older number takes over what belongs to the person; what belongs to the number (phone, unionid) stays with it. */
static int merge(const struct cross_call *c, struct cross_member *into, struct cross_member *from) {
  int rc = move_groups(c, from->number, into);
  if (rc >= 0) rc = move_consents(c, from->number, into->number);
  if (rc < 0) return rc;
  if (from->first_day < into->first_day) into->first_day = from->first_day;
  into->left = into->left && from->left;
  if (!into->code.at[0]) {
    into->code = from->code;
    into->code_day = from->code_day;
  }
  rc = save(c, into);
  return rc < 0 ? rc : make_alias(c, from, into->number);
}

int cross_member_rename(const struct cross_call *c, const struct qun_event *e) {
  int64_t number = qun_mp_int(e->data, "new_member", 0);
  struct cross_member old, other;
  int rc = meet(c, e, &old);
  if (rc >= 0) rc = save(c, &old);
  if (rc < 0) return rc;
  if (number <= 0 || number > UINT32_MAX) return cross_fail(c, QUN_EINVAL, "crosspromo: rename without a new_member");
  rc = cross_member_find(c, (uint64_t)number, &other);
  if (rc == QUN_ENOTFOUND) {
    memset(&other, 0, sizeof other);
    other.number = (uint32_t)number;
    other.first_day = e->day;
    other.left = true; /* nobody is there yet but the one who comes */
  } else if (rc < 0 || other.number == old.number) {
    return rc;
  }
  return other.number < old.number ? merge(c, &other, &old) : merge(c, &old, &other);
}
