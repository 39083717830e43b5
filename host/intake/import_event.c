/* SPDX-License-Identifier: Apache-2.0 */
/* What all importers write events with. */
#include "host/intake/import_internal.h"
#include "host/intake/normalise.h"

#include <unicode/ucal.h>

#include <stdarg.h>
#include <stdlib.h>
#include <uthash.h>

void qun__event_begin(struct qun__event *e, struct qun_pack *out, const char *type) {
  memset(e, 0, sizeof *e);
  e->out = out;
  e->at = qun_pack_open_map(out);
  qun__event_text(e, "type", qun_str(type));
}

void qun__event_text(struct qun__event *e, const char *name, qun_slice text) {
  if (text.len == 0) return;
  qun_pack_kv_str(e->out, name, text);
  e->count++;
}

void qun__event_format(struct qun__event *e, const char *name, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  qun__event_text(e, name, qun_str(text));
}

void qun__event_time(struct qun__event *e, int64_t ms) {
  qun_pack_kv_int(e->out, "time", ms);
  e->count++;
}

void qun__event_data(struct qun__event *e) {
  qun_pack_cstr(e->out, "data");
  e->count++;
  e->data_at = qun_pack_open_map(e->out);
}

void qun__event_data_text(struct qun__event *e, const char *name, qun_slice text) {
  if (text.len == 0) return;
  qun_pack_kv_str(e->out, name, text);
  e->data_count++;
}

void qun__event_data_int(struct qun__event *e, const char *name, int64_t v) {
  qun_pack_kv_int(e->out, name, v);
  e->data_count++;
}

void qun__event_data_bool(struct qun__event *e, const char *name, int v) {
  qun_pack_kv_bool(e->out, name, v);
  e->data_count++;
}

void qun__event_data_value(struct qun__event *e, const char *name, qun_slice value) {
  qun_pack_cstr(e->out, name);
  qun_pack_raw(e->out, value);
  e->data_count++;
}

void qun__event_data_list(struct qun__event *e, const char *name, qun_slice text) {
  if (text.len == 0) return;
  qun_pack_cstr(e->out, name);
  qun_pack_array(e->out, 1);
  qun_pack_str(e->out, text);
  e->data_count++;
}

void qun__event_end(struct qun__event *e) {
  if (e->data_at) qun_pack_close(e->out, e->data_at, e->data_count);
  qun_pack_close(e->out, e->at, e->count);
}

qun_slice qun__as_text(qun_slice map, const char *key, struct qun__digits *digits) {
  struct qun_unpack u;
  qun_slice v, s;
  int64_t number;
  if (!qun_mp_find(map, key, &v)) return qun_slice_of(NULL, 0);
  qun_unpack_init(&u, v);
  if (qun_unpack_str(&u, &s)) return s;
  if (!qun_unpack_int(&u, &number)) return qun_slice_of(NULL, 0);
  int n = snprintf(digits->text, sizeof digits->text, "%lld", (long long)number);
  return qun_slice_of(digits->text, (size_t)n);
}

/* ---------------------------------------------------------------- profiles */

struct qun__seen {
  UT_hash_handle hh;
  size_t len;
  char key[];
};

int qun__profile_wanted(const struct qun__import_context *context, qun_slice member) {
  struct qun__seen *s;
  HASH_FIND(hh, context->seen, member.ptr, member.len, s);
  return s == NULL;
}

/* 1 the first time. */
static int first_time(struct qun__import_context *context, qun_slice key) {
  if (!qun__profile_wanted(context, key)) return 0;
  struct qun__seen *s = malloc(sizeof *s + (size_t)key.len);
  if (!s) return 0;
  memcpy(s->key, key.ptr, (size_t)key.len);
  s->len = (size_t)key.len;
  HASH_ADD_KEYPTR(hh, context->seen, s->key, s->len, s);
  return 1;
}

void qun__seen_free(struct qun__seen *seen) {
  struct qun__seen *s, *next;
  HASH_ITER(hh, seen, s, next) {
    HASH_DEL(seen, s);
    free(s);
  }
}

void qun__event_profile(struct qun__import_context *context, struct qun_pack *out, const char *source, qun_slice member,
                        qun_slice name, qun_slice email, int64_t time_ms) {
  struct qun__event e;
  if (member.len == 0 || (name.len == 0 && email.len == 0) || qun_slice_eq(member, name)) return;
  if (!first_time(context, member)) return;
  qun__event_begin(&e, out, "member.profile");
  qun__event_format(&e, "id", "profile/%.*s", (int)(member.len < 180 ? member.len : 180), (const char *)member.ptr);
  qun__event_text(&e, "source", qun_str(source));
  qun__event_text(&e, "member", member);
  qun__event_time(&e, time_ms);
  qun__event_data(&e);
  qun__event_data_text(&e, "name", name);
  qun__event_data_text(&e, "email", email);
  qun__event_end(&e);
}

/* ---------------------------------------------------------------- local time */

static int to_utc(int64_t local_ms, const char *zone, int64_t *ms) {
  UChar id[64];
  UErrorCode status = U_ZERO_ERROR;
  int32_t raw, summer;
  size_t n = strlen(zone);
  if (n >= sizeof id / sizeof *id) return QUN_EINVAL;
  for (size_t i = 0; i <= n; i++) id[i] = (UChar)(unsigned char)zone[i];
  UCalendar *calendar = ucal_open(id, (int32_t)n, "en", UCAL_GREGORIAN, &status);
  if (U_FAILURE(status)) return QUN_EINVAL;
  ucal_setMillis(calendar, (UDate)local_ms, &status);
  ucal_getTimeZoneOffsetFromLocal(calendar, UCAL_TZ_LOCAL_FORMER, UCAL_TZ_LOCAL_FORMER, &raw, &summer, &status);
  ucal_close(calendar);
  if (U_FAILURE(status)) return QUN_EINVAL;
  *ms = local_ms - raw - summer;
  return QUN_OK;
}

int qun__local_time(qun_slice text, const char *zone, int64_t *ms) {
  char whole[40];
  int64_t local;
  if (qun_time_parse(text, ms) == 0) return QUN_OK;
  if (text.len > 30) return QUN_EINVAL;
  snprintf(whole, sizeof whole, "%.*s%sZ", (int)text.len, (const char *)text.ptr, text.len == 16 ? ":00" : "");
  if (qun_time_parse(qun_str(whole), &local) < 0) return QUN_EINVAL;
  return to_utc(local, zone, ms);
}
