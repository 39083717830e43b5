/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"

#include "activity.h"
#include "channel.h"
#include "groups.h"
#include "sets.h"

#include <qun/msgpack.h>

int growth_member_decode(struct growth_member *m, uint32_t number, qun_slice row) {
  struct growth_reader r = growth_read(row);
  qun_slice code;
  memset(m, 0, sizeof *m);
  m->number = number;
  m->kind = (uint8_t)growth_read_u8(&r);
  m->flags = (uint8_t)growth_read_u8(&r);
  m->root = growth_read_u32(&r);
  m->channel = growth_read_u32(&r);
  m->first_day = growth_read_i32(&r);
  m->left_day = growth_read_i32(&r);
  m->inviter = growth_read_u32(&r);
  m->groups = growth_read_u32(&r);
  m->purchases = growth_read_u32(&r);
  m->spend = growth_read_i64(&r);
  code = growth_read_name(&r);
  if (r.bad || code.len >= sizeof m->code) return QUN_EFAIL;
  if (code.len > 0) memcpy(m->code, code.ptr, (size_t)code.len);
  return QUN_OK;
}

int growth_member_row(const struct growth_call *c, uint32_t number, struct growth_member *m) {
  struct growth_key key = growth_key_number('m', number);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  if (rc < 0) return rc;
  if (growth_member_decode(m, number, row) < 0) return growth_fail(c, QUN_EFAIL, "growth: a member's row is not whole");
  return QUN_OK;
}

int growth_member_save(const struct growth_call *c, const struct growth_member *m) {
  struct growth_key key = growth_key_number('m', m->number);
  struct growth_row r;
  r.len = 0;
  growth_row_u8(&r, m->kind);
  growth_row_u8(&r, m->flags);
  growth_row_u32(&r, m->root);
  growth_row_u32(&r, m->channel);
  growth_row_i32(&r, m->first_day);
  growth_row_i32(&r, m->left_day);
  growth_row_u32(&r, m->inviter);
  growth_row_u32(&r, m->groups);
  growth_row_u32(&r, m->purchases);
  growth_row_i64(&r, m->spend);
  growth_row_name(&r, qun_str(m->code));
  return growth_put(c, &key, growth_row_slice(&r), m->number);
}

/* Each alias points to a smaller number, so the walk ends. */
int growth_member_find(const struct growth_call *c, uint32_t number, struct growth_member *m) {
  for (;;) {
    int rc = growth_member_row(c, number, m);
    if (rc < 0 || m->kind == GROWTH_PERSON) return rc;
    if (m->root >= number) return growth_fail(c, QUN_EFAIL, "growth: an alias points forward");
    number = m->root;
  }
}

static void copy_code(struct growth_member *m, qun_slice code) {
  const unsigned char *p = code.ptr;
  uint64_t len = code.len;
  if (len >= sizeof m->code) {
    len = sizeof m->code - 1;
    while (len > 0 && (p[len] & 0xc0) == 0x80) len--;
  }
  memset(m->code, 0, sizeof m->code);
  if (len > 0) memcpy(m->code, p, (size_t)len);
}

/* Counts a person in the cohort of its first day and channel, or takes it out of it (sign -1). */
static int file_person(const struct growth_call *c, const struct growth_member *m, int sign) {
  struct growth_set_id id = {GROWTH_SET_JOINED, m->first_day, m->channel};
  int rc = sign > 0 ? growth_set_append(c, id, m->number) : growth_set_remove(c, id, m->number);
  if (rc < 0) return rc;
  rc = growth_channel_add(c, m->channel, qun_month_of(m->first_day),
                          &(struct growth_channel_month){.joins = sign, .buyers = m->purchases > 0 ? sign : 0});
  if (rc < 0) return rc;
  rc = growth_day_open(c, m->first_day);
  if (rc < 0) return rc;
  c->t->day.fresh += (uint32_t)sign;
  if (m->flags & GROWTH_MEMBER_JOINED) c->t->day.joins += (uint32_t)sign;
  if (m->inviter != 0) c->t->day.invited += (uint32_t)sign;
  return growth_day_save(c);
}

static void create_person(const struct growth_call *c, const struct qun_event *e, uint32_t number,
                          struct growth_member *m) {
  struct growth_head *head = &c->t->head;
  memset(m, 0, sizeof *m);
  m->number = number;
  m->kind = GROWTH_PERSON;
  m->first_day = e->day;
  head->persons++;
  head->members++;
  if (number > head->max_member) head->max_member = number;
  c->t->head_dirty = true;
}

/* Back after leaving. */
static int come_back(const struct growth_call *c, const struct qun_event *e, struct growth_member *m) {
  int rc;
  m->flags &= (uint8_t)~GROWTH_MEMBER_LEFT;
  c->t->head.members++;
  c->t->head_dirty = true;
  rc = growth_day_open(c, e->day);
  if (rc < 0) return rc;
  c->t->day.returned++;
  return growth_day_save(c);
}

static int enter_group(const struct growth_call *c, const struct qun_event *e, struct growth_member *m, bool *changed) {
  uint32_t group;
  bool fresh;
  int rc;
  if (e->group.len == 0) return QUN_OK;
  rc = growth_group_intern(c, e->group, &group);
  if (rc < 0) return rc;
  rc = growth_group_enter(c, group, m->number, e->day, &fresh);
  if (rc < 0 || !fresh) return rc;
  m->groups++;
  *changed = true;
  return QUN_OK;
}

/* Finds the event's member or makes a person of it; *is_new says which. Nothing is saved yet. */
static int find_or_create(const struct growth_call *c, const struct qun_event *e, uint64_t number,
                          struct growth_member *m, bool *is_new) {
  int rc;
  if (number == 0 || number > UINT32_MAX)
    return growth_fail(c, QUN_EINVAL, "growth: a member's number is out of range");
  rc = growth_member_find(c, (uint32_t)number, m);
  *is_new = rc == QUN_ENOTFOUND;
  if (!*is_new) return rc;
  create_person(c, e, (uint32_t)number, m);
  return QUN_OK;
}

int growth_member_meet(const struct growth_call *c, const struct qun_event *e, struct growth_member *m) {
  bool is_new, changed;
  int rc = find_or_create(c, e, e->member, m, &is_new);
  if (rc < 0) return rc;
  changed = is_new;
  if (is_new) {
    rc = file_person(c, m, 1);
    if (rc < 0) return rc;
  }
  if (m->flags & GROWTH_MEMBER_LEFT) {
    rc = come_back(c, e, m);
    if (rc < 0) return rc;
    changed = true;
  }
  rc = enter_group(c, e, m, &changed);
  return rc < 0 || !changed ? rc : growth_member_save(c, m);
}

/* The first join tells the source: the channel, else "referral" when somebody invited. */
static int take_source(const struct growth_call *c, const struct qun_event *e, struct growth_member *m) {
  struct qun_unpack u;
  qun_slice value;
  int64_t inviter = 0;
  int rc = QUN_OK;
  if (qun_mp_find(e->data, "inviter", &value)) {
    qun_unpack_init(&u, value);
    if (!qun_unpack_int(&u, &inviter) || inviter < 0 || inviter > UINT32_MAX) inviter = 0;
  }
  m->flags |= GROWTH_MEMBER_JOINED;
  m->inviter = (uint32_t)inviter;
  copy_code(m, qun_mp_str(e->data, "code"));
  if (e->channel.len > 0)
    rc = growth_channel_intern(c, e->channel, &m->channel);
  else if (m->inviter != 0)
    rc = growth_channel_intern(c, qun_str("referral"), &m->channel);
  if (rc >= 0 && m->code[0]) rc = growth_code_add(c, qun_str(m->code));
  return rc;
}

int growth_member_join(const struct growth_call *c, const struct qun_event *e) {
  struct growth_member m;
  bool is_new, changed = false;
  int rc = find_or_create(c, e, e->member, &m, &is_new);
  if (rc < 0) return rc;
  if (!is_new && !(m.flags & GROWTH_MEMBER_JOINED)) {
    /* Seen before the join was: the cohort is filed anew, under the earlier of both days. */
    rc = file_person(c, &m, -1);
    if (rc < 0) return rc;
    is_new = true;
    if (e->day < m.first_day) m.first_day = e->day;
  }
  if (is_new) {
    rc = take_source(c, e, &m);
    if (rc < 0) return rc;
    rc = file_person(c, &m, 1);
    if (rc < 0) return rc;
  }
  if (m.flags & GROWTH_MEMBER_LEFT) {
    rc = come_back(c, e, &m);
    if (rc < 0) return rc;
  }
  rc = enter_group(c, e, &m, &changed);
  return rc < 0 ? rc : growth_member_save(c, &m);
}

static int depart(const struct growth_call *c, const struct qun_event *e, struct growth_member *m, bool kicked) {
  int rc;
  m->flags |= GROWTH_MEMBER_LEFT;
  m->left_day = e->day;
  c->t->head.members--;
  c->t->head_dirty = true;
  rc = growth_day_open(c, e->day);
  if (rc < 0) return rc;
  c->t->day.left++;
  if (kicked) c->t->day.kicked++;
  rc = growth_day_save(c);
  return rc < 0 ? rc : growth_set_append(c, (struct growth_set_id){GROWTH_SET_LEFT, e->day, 0}, m->number);
}

int growth_member_leave(const struct growth_call *c, const struct qun_event *e, bool kicked) {
  struct growth_member m;
  uint32_t group;
  bool is_new, was_in = false;
  int rc = find_or_create(c, e, e->member, &m, &is_new);
  if (rc < 0) return rc;
  if (is_new) {
    rc = file_person(c, &m, 1);
    if (rc < 0) return rc;
  }
  if (e->group.len > 0) {
    rc = growth_group_intern(c, e->group, &group);
    if (rc >= 0) rc = growth_group_exit(c, group, m.number, &was_in);
  } else {
    rc = growth_group_exit_all(c, m.number);
    m.groups = 0;
  }
  if (rc < 0) return rc;
  if (was_in && m.groups > 0) m.groups--;
  growth_activity_drop(c->t, m.number);
  if (m.groups == 0 && !(m.flags & GROWTH_MEMBER_LEFT)) rc = depart(c, e, &m, kicked);
  return rc < 0 ? rc : growth_member_save(c, &m);
}

int growth_member_close(const struct growth_call *c, const struct qun_event *e) {
  struct qun_event all = *e;
  all.group = qun_slice_of(NULL, 0);
  return growth_member_leave(c, &all, false);
}

struct growth_key growth_spend_key(int32_t month, uint32_t member) {
  struct growth_key k = growth_key_of('p');
  growth_key_i32(&k, month);
  growth_key_u32(&k, member);
  return k;
}

int growth_spend_decode(struct growth_spend *s, qun_slice row) {
  struct growth_reader r = growth_read(row);
  s->purchases = growth_read_u32(&r);
  s->amount = growth_read_i64(&r);
  return r.bad ? QUN_EFAIL : QUN_OK;
}

int growth_spend_get(const struct growth_call *c, int32_t month, uint32_t member, struct growth_spend *s) {
  struct growth_key key = growth_spend_key(month, member);
  qun_slice row;
  int rc = growth_get(c, &key, &row);
  memset(s, 0, sizeof *s);
  if (rc == QUN_ENOTFOUND) return QUN_OK;
  return rc < 0 ? rc : growth_spend_decode(s, row);
}

static int spend_put(const struct growth_call *c, int32_t month, uint32_t member, const struct growth_spend *s) {
  struct growth_key key = growth_spend_key(month, member);
  struct growth_row r;
  r.len = 0;
  growth_row_u32(&r, s->purchases);
  growth_row_i64(&r, s->amount);
  return growth_put(c, &key, growth_row_slice(&r), member);
}

/* Sums stay far from overflow: an amount over 10^15 minor units is no price. */
static int64_t amount_of(const struct growth_call *c, const struct qun_event *e) {
  const int64_t most = 1000000000000000;
  int64_t amount = qun_mp_int(e->data, "amount", 0);
  qun_slice currency = qun_mp_str(e->data, "currency");
  if (currency.len > 0 && !qun_slice_is(currency, c->t->currency)) return 0; /* money of another kind can't be added */
  if (amount < 0 || amount > most) return 0;
  return amount;
}

int growth_member_purchase(const struct growth_call *c, const struct qun_event *e, bool refund) {
  struct growth_member m;
  struct growth_spend s;
  struct growth_channel_month add = {0};
  int32_t month = qun_month_of(e->day);
  int64_t amount = refund ? -amount_of(c, e) : amount_of(c, e);
  int rc = growth_member_find(c, (uint32_t)e->member, &m);
  if (rc < 0) return rc;
  rc = growth_spend_get(c, month, m.number, &s);
  if (rc < 0) return rc;
  s.purchases += refund ? 0 : 1;
  s.amount += amount;
  rc = spend_put(c, month, m.number, &s);
  if (rc < 0) return rc;
  add.spend = amount;
  add.purchases = refund ? 0 : 1;
  rc = growth_channel_add(c, m.channel, month, &add);
  if (rc < 0) return rc;
  if (!refund && m.purchases == 0) {
    rc = growth_channel_add(c, m.channel, qun_month_of(m.first_day), &(struct growth_channel_month){.buyers = 1});
    if (rc < 0) return rc;
  }
  m.purchases += refund ? 0 : 1;
  m.spend += amount;
  c->t->head.purchases += refund ? 0 : 1;
  c->t->head_dirty = true;
  rc = growth_day_open(c, e->day);
  if (rc < 0) return rc;
  c->t->day.purchases += refund ? 0 : 1;
  c->t->day.spend += amount;
  rc = growth_day_save(c);
  return rc < 0 ? rc : growth_member_save(c, &m);
}

/* Moves what `from` bought in this month and the last; earlier months are judged already. */
static int move_spend(const struct growth_call *c, uint32_t from, uint32_t to) {
  int32_t now = qun_month_of(c->ctx->clock_day);
  for (int32_t month = now - 1; month <= now; month++) {
    struct growth_key key = growth_spend_key(month, from);
    struct growth_spend a, b;
    int rc = growth_spend_get(c, month, from, &a);
    if (rc < 0) return rc;
    if (a.purchases == 0 && a.amount == 0) continue;
    rc = growth_spend_get(c, month, to, &b);
    if (rc < 0) return rc;
    b.purchases += a.purchases;
    b.amount += a.amount;
    rc = spend_put(c, month, to, &b);
    if (rc >= 0) rc = growth_del(c, &key);
    if (rc < 0) return rc;
  }
  return QUN_OK;
}

/* Two persons turn out to be one: the older number takes over groups, purchases and the earlier first day with its
 * source. */
static int merge(const struct growth_call *c, struct growth_member *into, struct growth_member *from) {
  struct growth_key tier = growth_key_number('t', from->number);
  uint32_t moved = 0;
  int rc = file_person(c, into, -1);
  if (rc >= 0) rc = file_person(c, from, -1);
  if (rc >= 0) rc = growth_group_move(c, from->number, into->number, &moved);
  if (rc >= 0) rc = move_spend(c, from->number, into->number);
  if (rc >= 0) rc = growth_del(c, &tier);
  if (rc < 0) return rc;
  if ((from->flags | into->flags) & GROWTH_MEMBER_LEFT) {
    /* One departure less than was counted, or the person is here under the other number. */
    rc = growth_day_open(c, c->ctx->clock_day);
    if (rc < 0) return rc;
    c->t->day.returned++;
    rc = growth_day_save(c);
    if (rc < 0) return rc;
  }
  c->t->head.persons--;
  if (!(from->flags & GROWTH_MEMBER_LEFT) && !(into->flags & GROWTH_MEMBER_LEFT)) c->t->head.members--;
  if (!(from->flags & GROWTH_MEMBER_LEFT)) into->flags &= (uint8_t)~GROWTH_MEMBER_LEFT;
  if (into->channel == 0 || (from->channel != 0 && from->first_day < into->first_day)) {
    into->channel = from->channel;
    into->inviter = from->inviter;
    memcpy(into->code, from->code, sizeof into->code);
  }
  into->flags |= from->flags & GROWTH_MEMBER_JOINED;
  if (from->first_day < into->first_day) into->first_day = from->first_day;
  into->groups += moved;
  into->purchases += from->purchases;
  into->spend += from->spend;
  c->t->head_dirty = true;
  rc = file_person(c, into, 1);
  if (rc >= 0) rc = growth_set_append(c, (struct growth_set_id){GROWTH_SET_MERGED, 0, 0}, from->number);
  if (rc >= 0 && c->t->merged) roaring_bitmap_add(c->t->merged, from->number);
  return rc < 0 ? rc : growth_member_save(c, into);
}

static int save_alias(const struct growth_call *c, uint32_t number, uint32_t root) {
  struct growth_member alias = {.number = number, .kind = GROWTH_ALIAS, .root = root};
  return growth_member_save(c, &alias);
}

int growth_member_rename(const struct growth_call *c, const struct qun_event *e) {
  struct growth_member old, other, *older, *younger;
  int64_t number = qun_mp_int(e->data, "new_member", 0);
  int rc = growth_member_meet(c, e, &old);
  if (rc < 0) return rc;
  if (number <= 0 || number > UINT32_MAX) return growth_fail(c, QUN_EINVAL, "growth: rename without a new_member");
  if ((uint32_t)number > c->t->head.max_member) {
    c->t->head.max_member = (uint32_t)number;
    c->t->head_dirty = true;
  }
  rc = growth_member_find(c, (uint32_t)number, &other);
  if (rc == QUN_ENOTFOUND && (uint32_t)number > old.number) return save_alias(c, (uint32_t)number, old.number);
  if (rc == QUN_ENOTFOUND) {
    create_person(c, e, (uint32_t)number, &other);
    rc = file_person(c, &other, 1);
  }
  if (rc < 0 || other.number == old.number) return rc;
  older = other.number < old.number ? &other : &old;
  younger = other.number < old.number ? &old : &other;
  growth_activity_drop(c->t, younger->number);
  rc = merge(c, older, younger);
  return rc < 0 ? rc : save_alias(c, younger->number, older->number);
}
