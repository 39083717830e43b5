/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors that judge one record, with what the ledger knows at that moment. Each adds facts and answers 0, 1 when the
 * record is none that the rule looks at, or less. */
#include "detect_list.h"

#include <stdio.h>

static int fact(struct qun_work *w, const struct qun_rule *r, const char *note) {
  return qun__finding_add(w, r, true, w->event->seq, 0, 0, note);
}

int qun__detect_fields(struct qun_work *w, const struct qun_rule *r) {
  char note[160] = "missing:";
  bool missing = false;
  for (uint32_t i = 0; i < r->fields.count; i++) {
    if (qun__field_set(w, r->fields.at[i])) continue;
    size_t n = strlen(note);
    snprintf(note + n, sizeof note - n, " %s", r->fields.at[i]);
    missing = true;
  }
  return missing ? fact(w, r, note) : 0;
}

int qun__detect_match(struct qun_work *w, const struct qun_rule *r) {
  return fact(w, r, "");
}

int qun__detect_contents(struct qun_work *w, const struct qun_rule *r) {
  char note[160] = "missing:";
  bool missing = false;
  for (uint32_t i = 0; i < r->values.count; i++) {
    struct qun_words one = {&r->values.at[i], 1};
    struct qun_match m = {r->field, one};
    struct qun_matches all = {&m, 1};
    if (qun__matches(w, &all)) continue;
    size_t n = strlen(note);
    snprintf(note + n, sizeof note - n, " %s", r->values.at[i]);
    missing = true;
  }
  return missing ? fact(w, r, note) : 0;
}

int qun__detect_limit(struct qun_work *w, const struct qun_rule *r) {
  int64_t v, other;
  char note[80];
  if (!qun__field_int(w, r->field, &v)) return 1;
  int64_t base = 0;
  if (r->days) base = w->event->time_ms;
  if (r->other && qun__field_int(w, r->other, &other))
    base = other;
  else if (r->other && !r->days)
    return 1;
  bool ok = true;
  if (r->days)
    ok = v >= base + r->days * (int64_t)QUN_DAY_MS;
  else if (r->other)
    ok = v <= other;
  else
    ok = (!r->max || v <= r->max) && (!r->min || v >= r->min);
  if (ok) return 0;
  snprintf(note, sizeof note, "%s=%lld", r->field, (long long)v);
  return fact(w, r, note);
}

/* The record stands on a consent: of its member, or, when it names only a number of persons, of at least so many. */
int qun__detect_consent(struct qun_work *w, const struct qun_rule *r) {
  struct qun_consent c;
  if ((r->field && !qun__field_set(w, r->field)) || (r->ads_only && !w->is_ad)) return 1;
  if (w->member) {
    int live = qun__consent_live(w, r, w->member, w->event->time_ms, &c);
    if (live < 0) return live;
    return live ? 0 : fact(w, r, r->separate ? "no separate consent" : "no consent");
  }
  int64_t need = 0, have = 0;
  if (!qun__field_int(w, "subjects", &need)) return 1;
  for (uint32_t i = 0; i < r->purpose.count; i++) {
    struct qun_key k;
    int64_t n;
    qun__key_begin(&k, "x/");
    qun__key_text(&k, qun_str(r->purpose.at[i]));
    int error = qun__get_ints(w, &k, &n, 1);
    if (error < 0) return error;
    have += n;
  }
  char note[80];
  snprintf(note, sizeof note, "subjects=%lld consents=%lld", (long long)need, (long long)have);
  return need > have ? fact(w, r, note) : 0;
}

int qun__detect_withdrawn(struct qun_work *w, const struct qun_rule *r) {
  if (!w->member) return 1;
  for (uint32_t i = 0; i < r->purpose.count; i++) {
    struct qun_consent c;
    int found = qun__consent_read(w, w->member, r->purpose.at[i], &c);
    if (found < 0) return found;
    if (found && c.withdrawn_ms > 0 && c.withdrawn_ms >= c.given_ms && c.withdrawn_ms <= w->event->time_ms)
      return fact(w, r, "consent was withdrawn");
  }
  return 0;
}

int qun__detect_expired(struct qun_work *w, const struct qun_rule *r) {
  struct qun_consent c;
  if (!w->member) return 1;
  for (uint32_t i = 0; i < r->purpose.count; i++) {
    int found = qun__consent_read(w, w->member, r->purpose.at[i], &c);
    if (found < 0) return found;
    if (found && c.expires_ms > 0 && c.expires_ms <= w->event->time_ms && c.withdrawn_ms < c.given_ms)
      return fact(w, r, "consent has expired");
  }
  return 0;
}

int qun__detect_optout(struct qun_work *w, const struct qun_rule *r) {
  if (!w->member || (r->ads_only && !w->is_ad)) return 1;
  int64_t at = qun__optout_time(w, w->member, "marketing");
  if (at < 0) return (int)at;
  if (at == 0 || w->event->time_ms < at + r->grace_days * (int64_t)QUN_DAY_MS) return 0;
  return fact(w, r, "after an opt-out");
}

/* Someone whose consent names an older notice than the one in force, when the purposes have changed since. */
int qun__detect_stale_consent(struct qun_work *w, const struct qun_rule *r) {
  struct qun_consent c;
  struct qun_key k;
  struct qun_unpack u;
  qun_slice row, version;
  uint32_t n;
  int64_t old[3], time, seq, digest;
  if (!w->member) return 1;
  int live = qun__consent_live(w, r, w->member, w->event->time_ms, &c);
  if (live <= 0 || c.notice.len == 0) return live < 0 ? live : 0;
  qun__key_begin(&k, "N/general");
  int found = qun__get(w, &k, &row);
  if (found <= 0) return found;
  qun_unpack_init(&u, row);
  if (!qun_unpack_array(&u, &n) || !qun_unpack_int(&u, &time) || !qun_unpack_int(&u, &seq) ||
      !qun_unpack_str(&u, &version) || !qun_unpack_int(&u, &digest))
    return QUN_EFAIL;
  if (qun_slice_eq(version, c.notice)) return 0;
  qun__key_begin(&k, "n/general/");
  qun__key_text(&k, c.notice);
  found = qun__get_ints(w, &k, old, 3);
  if (found < 0) return found;
  return found == 1 && old[2] != digest ? fact(w, r, "purposes changed since the consent") : 0;
}

/* A consent is informed: it names a notice that was published before, and how it was given. */
int qun__detect_consent_notice(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  int64_t v[3];
  qun_slice version = qun_mp_str(w->data, "notice");
  if (version.len == 0) return fact(w, r, "missing: notice");
  if (!qun__field_set(w, "method")) return fact(w, r, "missing: method");
  qun__key_begin(&k, "n/general/");
  qun__key_text(&k, version);
  int found = qun__get_ints(w, &k, v, 3);
  if (found < 0) return found;
  return found == 0 || v[0] > w->event->time_ms ? fact(w, r, "the notice was not published by then") : 0;
}

int qun__detect_notice(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  qun_slice row;
  qun__key_begin(&k, "N/");
  qun__key_text(&k, qun_str(r->class_));
  int found = qun__get(w, &k, &row);
  if (found < 0) return found;
  return found ? 0 : fact(w, r, "no notice before");
}

/* Personal fields of a profile that the notice in force does not name. */
int qun__detect_undeclared(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  struct qun_unpack u;
  qun_slice row, skip, list;
  uint32_t n;
  char note[160] = "not declared:";
  bool bad = false;
  qun__key_begin(&k, "N/general");
  int found = qun__get(w, &k, &row);
  if (found < 0) return found;
  qun_unpack_init(&u, found ? row : qun_slice_of("\x90", 1));
  if (!qun_unpack_array(&u, &n)) return QUN_EFAIL;
  for (uint32_t i = 0; i < 5 && i < n; i++)
    if (!qun_unpack_any(&u, &skip)) return QUN_EFAIL;
  list = qun_slice_of(u.at, (size_t)(u.end - u.at));
  for (uint32_t i = 0; i < r->fields.count; i++) {
    if (!qun__field_set(w, r->fields.at[i])) continue;
    bool named = false;
    struct qun_unpack l;
    qun_slice text;
    qun_unpack_init(&l, list);
    for (uint32_t m = 0, all = qun_unpack_array(&l, &m) ? m : 0; all > 0 && qun_unpack_str(&l, &text); all--)
      named |= qun_slice_is(text, r->fields.at[i]);
    if (named) continue;
    size_t at = strlen(note);
    snprintf(note + at, sizeof note - at, " %s", r->fields.at[i]);
    bad = true;
  }
  return bad ? fact(w, r, note) : 0;
}

int qun__detect_assessment(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  int64_t v[2];
  if (r->field && !qun__field_set(w, r->field)) return 1;
  qun__key_begin(&k, "a/");
  qun__key_text(&k, qun_str(r->scope));
  int found = qun__get_ints(w, &k, v, 2);
  if (found < 0) return found;
  return found == 0 || v[0] > w->event->time_ms ? fact(w, r, "no assessment before") : 0;
}

static int member_row(struct qun_work *w, uint64_t member, int64_t *m) {
  struct qun_key k;
  qun__key_begin(&k, "m/");
  qun__key_u64(&k, member);
  return qun__get_ints(w, &k, m, 4);
}

int qun__detect_kick(struct qun_work *w, const struct qun_rule *r) {
  int64_t m[4];
  int found = member_row(w, w->event->member, m);
  if (found <= 0 || m[1] == 0 || qun__field_set(w, "reason")) return found < 0 ? found : 0;
  return w->event->time_ms <= m[1] + r->days * (int64_t)QUN_DAY_MS ? fact(w, r, "removed soon after a withdrawal") : 0;
}

int qun__detect_closed(struct qun_work *w, const struct qun_rule *r) {
  int64_t m[4];
  if (!w->member) return 1;
  int found = member_row(w, w->member, m);
  return found == 1 && m[0] > 0 && m[0] < w->event->time_ms ? fact(w, r, "after the account was closed")
         : found < 0                                        ? found
                                                            : 0;
}

int qun__detect_reask(struct qun_work *w, const struct qun_rule *r) {
  struct qun_consent c;
  char purpose[120];
  qun_slice p = qun_mp_str(w->data, "purpose");
  if (p.len >= sizeof purpose) return 0;
  if (p.len) memcpy(purpose, p.ptr, (size_t)p.len);
  purpose[p.len] = 0;
  int found = qun__consent_read(w, w->event->member, purpose, &c);
  if (found <= 0 || c.refused_ms == 0) return found;
  return w->event->time_ms <= c.refused_ms + r->days * (int64_t)QUN_DAY_MS ? fact(w, r, "asked again after a refusal")
                                                                           : 0;
}

int qun__detect_minor_access(struct qun_work *w, const struct qun_rule *r) {
  int64_t m[4];
  if (!w->member) return 1;
  int found = member_row(w, w->member, m);
  if (found <= 0 || m[2] == 0) return found < 0 ? found : 1;
  return qun__field_set(w, "approved") ? 0 : fact(w, r, "read without approval");
}

/* Persons given abroad since 1 January, against a number and the paths that it asks for (where: the record has no such
 * path). */
int qun__detect_volume(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  int64_t v[2];
  char note[80];
  int year, month, mday;
  qun__day_split(w->event->day, &year, &month, &mday);
  qun__key_begin(&k, "y/");
  qun__key_u32(&k, (uint32_t)year);
  int error = qun__get_ints(w, &k, v, 2);
  if (error < 0) return error;
  int64_t subjects = qun_mp_int(w->data, "subjects", 0);
  if (subjects > 0) v[qun_mp_bool(w->data, "sensitive", 0)] += subjects;
  bool over = (r->min && v[0] >= r->min && (!r->max || v[0] < r->max)) || (r->sensitive && v[1] >= r->sensitive);
  if (!over) return 0;
  if (qun__words_have(&r->values, qun_mp_str(w->data, "path"))) return 0;
  snprintf(note, sizeof note, "persons=%lld sensitive=%lld", (long long)v[0], (long long)v[1]);
  return fact(w, r, note);
}

/* The same long text from more than one account or member of staff. */
int qun__detect_duplicate(struct qun_work *w, const struct qun_rule *r) {
  struct qun_key k;
  int64_t v[3];
  qun_slice text = qun_mp_str(w->data, "text");
  if (text.len < (uint64_t)(r->min ? r->min : 60)) return 1;
  qun__key_begin(&k, "d/");
  qun__key_u64(&k, qun__digest(text, 0));
  qun__key_u64(&k, qun__digest(text, 0x9e3779b97f4a7c15ull));
  int64_t place = (int64_t)(qun__digest(w->event->group, 7) >> 1);
  int found = qun__get_ints(w, &k, v, 3);
  if (found < 0) return found;
  if (found && v[1] != place) {
    char note[60];
    snprintf(note, sizeof note, "the same text as record %lld", (long long)v[0]);
    return qun__finding_add(w, r, false, w->event->seq, 0, (uint32_t)text.len, note);
  }
  if (found) return 0;
  v[0] = (int64_t)w->event->seq;
  v[1] = place;
  return qun__put_ints(w, &k, v, 2, w->event->member);
}

int qun__detect_clock(struct qun_work *w, const struct qun_rule *r) {
  int64_t from = w->event->time_ms, detected, m[4];
  if (r->minors) {
    int found = member_row(w, w->member, m);
    if (found <= 0 || m[2] == 0) return found < 0 ? found : 1;
  }
  if (r->field && qun__field_int(w, r->field, &detected) && detected > 0 && detected <= from) from = detected;
  return qun__clock_open(w, r, w->event->id, from);
}
