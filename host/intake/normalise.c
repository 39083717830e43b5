/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/normalise.h"

#include "host/intake/normalise_data.h"

#include <stdio.h>
#include <stdlib.h>

/* The envelope as it stands in the canonical bytes. */
enum attribute { ID, SOURCE, TYPE, SUBJECT, MEMBER, GROUP, CHANNEL, LANG, TIME, DATA, ATTRIBUTES };

#define ATTRIBUTE(text, is_required)                                                                                   \
  { text, sizeof text - 1, is_required }
static const struct {
  const char *name;
  uint8_t len;
  bool required;
} attributes[ATTRIBUTES] = {
    [ID] = ATTRIBUTE("id", true),
    [SOURCE] = ATTRIBUTE("source", true),
    [TYPE] = ATTRIBUTE("type", true),
    [SUBJECT] = ATTRIBUTE("subject", false),
    [MEMBER] = ATTRIBUTE("member", false),
    [GROUP] = ATTRIBUTE("group", false),
    [CHANNEL] = ATTRIBUTE("channel", false),
    [LANG] = ATTRIBUTE("lang", false),
    [TIME] = ATTRIBUTE("time", false),
    [DATA] = ATTRIBUTE("data", false),
};

struct envelope {
  bool given[ATTRIBUTES];
  qun_slice text[ATTRIBUTES];       /* texts; of DATA the raw value, if it came before the type */
  int64_t time_ms;                  /* INT64_MIN: none */
  const struct qun_type_view *type; /* NULL: not yet looked up */
  bool data_read;
  bool foreign;       /* a CloudEvent: has attributes of its own */
  bool version;       /* its specversion was good */
  char id_digits[24]; /* an integer id as text */
};

static int find_attribute(qun_slice key) {
  const char *want = key.ptr;
  for (int i = 0; i < ATTRIBUTES; i++)
    if (attributes[i].len == key.len && attributes[i].name[0] == want[0] &&
        memcmp(attributes[i].name, want, attributes[i].len) == 0)
      return i;
  return -1;
}

static int read_time(struct envelope *e, struct qun_unpack *u, struct qun_error *err) {
  qun_slice s;
  if (qun_unpack_int(u, &e->time_ms)) return QUN_OK;
  if (!qun_unpack_str(u, &s))
    return qun_error_set(err, QUN_EINVAL, "time must be RFC 3339 text or integer UTC milliseconds (got %s)",
                         qun__value_name(u));
  if (qun_time_parse(s, &e->time_ms) < 0)
    return qun_error_set(err, QUN_EINVAL, "time must be such as 2026-11-21T08:00:00Z (got \"%s\")", qun__quote(s).text);
  return QUN_OK;
}

static int read_text(struct envelope *e, int which, struct qun_unpack *u, struct qun_error *err) {
  int64_t number;
  if (which == ID && qun_unpack_int(u, &number)) {
    int n = snprintf(e->id_digits, sizeof e->id_digits, "%lld", (long long)number);
    e->text[ID] = qun_slice_of(e->id_digits, (size_t)n);
    return QUN_OK;
  }
  if (!qun_unpack_str(u, &e->text[which]))
    return qun_error_set(err, QUN_EINVAL, "%s must be text%s (got %s)", attributes[which].name,
                         which == ID ? " or an integer" : "", qun__value_name(u));
  return qun__text_check(e->text[which], QUN_ATTRIBUTE_MAX, attributes[which].name, err);
}

/* ---------------------------------------------------------------- rules that need more than the bytes */

static int check_time(const struct qun_normaliser *n, const struct envelope *e, struct qun_error *err) {
  char at[25], now[25];
  if (e->time_ms == INT64_MIN) return QUN_OK;
  if (e->time_ms < 0 || e->time_ms > 253402300799999)
    return qun_error_set(err, QUN_EINVAL, "time %lld is not between 1970 and 9999 in UTC milliseconds",
                         (long long)e->time_ms);
  if (e->time_ms <= n->now_ms + QUN_AHEAD_MAX_MS) return QUN_OK;
  qun_time_format(e->time_ms, at);
  qun_time_format(n->now_ms, now);
  return qun_error_set(err, QUN_EINVAL, "time %s is more than 5 minutes ahead of the receive time %s", at, now);
}

static int check_type(const struct qun_normaliser *n, qun_slice name, const struct qun_type_view **type,
                      struct qun_error *err) {
  const struct qun_type_view *t;
  if (!qun_plugin_set_type(n->plugins, name, &t))
    return qun_error_set(err, QUN_EINVAL, "type \"%s\" is not known to this host", qun__quote(name).text);
  if (t->flags & QUN_TYPE_HOST && t->plugin)
    return qun_error_set(err, QUN_EDENIED, "type \"%s\" is written by plugin \"%s\" alone", t->name, t->plugin);
  if (t->flags & QUN_TYPE_HOST)
    return qun_error_set(err, QUN_EDENIED, "type \"%s\" is written by the host alone", t->name);
  if (t->flags & QUN_TYPE_OPERATOR && !n->operator_types)
    return qun_error_set(err, QUN_EDENIED, "type \"%s\" needs a token of role owner or operator", t->name);
  *type = t;
  return QUN_OK;
}

/* Data is read where it stands if its type is known by then, as it mostly is; else it is stepped over. */
static int read_data(const struct qun_normaliser *n, struct envelope *e, struct qun_data *d, struct qun_unpack *u,
                     struct qun_error *err) {
  int rc;
  if (e->text[TYPE].len > 0) {
    if ((rc = check_type(n, e->text[TYPE], &e->type, err)) < 0) return rc;
    e->data_read = true;
    return qun__data_read(d, e->type, u, n->seal_text, err);
  }
  if (qun_unpack_any(u, &e->text[DATA])) return QUN_OK;
  return qun_error_set(err, QUN_EINVAL, "data is not whole msgpack: the event is cut off or damaged");
}

/* An attribute that CloudEvents have and events here have not. What is out of the ordinary is refused without words: the
   caller looks at it again. */
static int read_foreign(struct envelope *e, qun_slice key, struct qun_unpack *u) {
  qun_slice s;
  if (qun_slice_is(key, "specversion")) {
    e->version = qun_unpack_str(u, &s) && qun_slice_is(s, "1.0");
    return e->version ? QUN_OK : QUN_EINVAL;
  }
  if (qun_unpack_nil(u)) return QUN_OK;
  if (qun_slice_is(key, "data_base64")) return QUN_EINVAL;
  if (qun_slice_is(key, "datacontenttype"))
    return qun_unpack_str(u, &s) && qun_slice_is(s, "application/json") ? QUN_OK : QUN_EUNSUPPORTED;
  return qun_unpack_skip(u) ? QUN_OK : QUN_EINVAL;
}

static int read_attribute(const struct qun_normaliser *n, struct envelope *e, struct qun_data *d, struct qun_unpack *u,
                          struct qun_error *err) {
  qun_slice key;
  if (!qun_unpack_str(u, &key))
    return qun_error_set(err, QUN_EINVAL, "an event's key must be text (got %s)", qun__value_name(u));
  int which = find_attribute(key);
  if (which < 0 && e->foreign) return read_foreign(e, key, u);
  if (which < 0)
    return qun_error_set(err, QUN_EINVAL,
                         "\"%s\" is not an attribute of an event; it has id, source, type, time, subject, member, "
                         "group, channel, lang and data",
                         qun__quote(key).text);
  if (e->given[which]) return qun_error_set(err, QUN_EINVAL, "%s is given twice", attributes[which].name);
  e->given[which] = true;
  if (qun_unpack_nil(u)) return QUN_OK;
  if (which == TIME) return read_time(e, u, err);
  if (which == DATA) return read_data(n, e, d, u, err);
  return read_text(e, which, u, err);
}

static int read_late_data(const struct qun_normaliser *n, struct envelope *e, struct qun_data *d,
                          struct qun_error *err) {
  struct qun_unpack u;
  int rc = check_type(n, e->text[TYPE], &e->type, err);
  if (rc < 0) return rc;
  qun_unpack_init(&u, e->text[DATA]);
  return qun__data_read(d, e->type, e->text[DATA].len > 0 ? &u : NULL, n->seal_text, err);
}

static int read_event(const struct qun_normaliser *n, struct envelope *e, struct qun_data *d, struct qun_unpack *u,
                      struct qun_error *err) {
  const unsigned char *from = u->at;
  uint32_t count;
  int rc;
  if (!qun_unpack_map(u, &count))
    return qun_error_set(err, QUN_EINVAL, "an event must be a map (got %s)", qun__value_name(u));
  while (count-- > 0)
    if ((rc = read_attribute(n, e, d, u, err)) < 0) return rc;
  if (u->at - from > QUN_EVENT_MAX)
    return qun_error_set(err, QUN_EINVAL, "the event is too long: %lld bytes, at most %d are allowed",
                         (long long)(u->at - from), QUN_EVENT_MAX);
  for (int i = 0; i < ATTRIBUTES; i++)
    if (attributes[i].required && e->text[i].len == 0)
      return qun_error_set(err, QUN_EINVAL, "%s is %s", attributes[i].name, e->given[i] ? "empty" : "missing");
  return e->data_read ? QUN_OK : read_late_data(n, e, d, err);
}

static int check_ident(const struct envelope *e, const struct qun_data *d, struct qun_error *err) {
  if (!d->ident || e->text[MEMBER].len > 0) return QUN_OK;
  for (uint32_t i = 0; i < d->type->fields_count; i++)
    if (d->set >> i & 1 && d->type->fields[i].flags & QUN_FIELD_IDENT)
      return qun_error_set(err, QUN_EINVAL, "data.%s of \"%s\" identifies a person, so the event needs a member",
                           d->type->fields[i].name, d->type->name);
  return QUN_OK;
}

/* ---------------------------------------------------------------- digest */

/* Over all that the sender said, in one fixed form; the receive time is not part of it. */
static int make_digest(const struct qun_normaliser *n, const struct envelope *e, const struct qun_data *d,
                       struct qun_input *in, struct qun_error *err) {
  unsigned char small[2048];
  struct qun_pack p;
  qun_pack_init(&p);
  p.cap = qun__data_bound(d, false) + 16;
  for (int i = ID; i < TIME; i++) p.cap += (size_t)e->text[i].len + 5;
  p.buf = p.cap <= sizeof small ? small : malloc(p.cap);
  if (!p.buf) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (int i = ID; i < TIME; i++) qun_pack_str(&p, e->text[i]);
  qun_pack_int(&p, e->time_ms);
  qun__data_plain(d, &p);
  qun_vault_digest(n->vault, qun_pack_slice(&p), in->digest);
  if (p.buf != small) free(p.buf);
  return QUN_OK;
}

/* ---------------------------------------------------------------- the member's own id */

static uint32_t seen_slot(const unsigned char member[QUN_PSEUDONYM_SIZE]) {
  uint32_t h;
  memcpy(&h, member, sizeof h); /* a keyed hash already */
  return h % QUN_SEEN_SLOTS;
}

/* A batch is kept or lost as a whole, so what was sealed in it is remembered for this batch alone. */
static void seen_round(struct qun_normaliser *n, const struct qun_input_batch *batch) {
  if (n->seen.round != 0 && n->seen.batch == batch && batch->count > 0) return;
  n->seen.batch = batch;
  if (++n->seen.round != 0) return;
  memset(n->seen.rounds, 0, sizeof n->seen.rounds);
  n->seen.round = 1;
}

static bool seen(const struct qun_normaliser *n, const unsigned char member[QUN_PSEUDONYM_SIZE]) {
  uint32_t slot = seen_slot(member);
  return n->seen.rounds[slot] == n->seen.round && memcmp(n->seen.members[slot], member, QUN_PSEUDONYM_SIZE) == 0;
}

static void see(struct qun_normaliser *n, const unsigned char member[QUN_PSEUDONYM_SIZE]) {
  uint32_t slot = seen_slot(member);
  n->seen.rounds[slot] = n->seen.round;
  memcpy(n->seen.members[slot], member, QUN_PSEUDONYM_SIZE);
}

static int seal_id(struct qun_normaliser *n, const struct qun_input *in, qun_slice id, struct qun_pack *identity,
                   struct qun_error *err) {
  unsigned char sealed[QUN_ATTRIBUTE_MAX + QUN_SEAL_ROOM];
  int rc = qun_vault_seal(n->vault, in->member, id, sealed, err);
  if (rc < 0) return rc;
  qun_pack_cstr(identity, "id");
  qun_pack_bin(identity, qun_slice_of(sealed, qun_vault_sealed_len(n->vault, id.len)));
  return QUN_OK;
}

/* ---------------------------------------------------------------- one event */

/* The host's own records have these sources; their ids must not be taken by others beforehand. */
static int check_source(qun_slice source, struct qun_error *err) {
  if (!qun_slice_is(source, "qun") && (source.len < 4 || memcmp(source.ptr, "qun:", 4) != 0)) return QUN_OK;
  return qun_error_set(err, QUN_EDENIED, "source \"%s\" is the host's own", qun__quote(source).text);
}

static const enum attribute kept[] = {ID, SOURCE, SUBJECT, GROUP, CHANNEL, LANG};
enum { KEPT = sizeof kept / sizeof *kept };

/* All texts in one piece of the arena, each with a NUL behind it. */
static int copy_envelope(struct qun_arena *arena, struct qun_input *in, const struct envelope *e,
                         struct qun_error *err) {
  qun_slice *const places[KEPT] = {&in->id, &in->source, &in->subject, &in->group, &in->channel, &in->lang};
  size_t size = 0;
  for (int i = 0; i < KEPT; i++) size += (size_t)e->text[kept[i]].len + 1;
  char *at = qun_arena_alloc(arena, size);
  if (!at) return qun_error_set(err, QUN_EFAIL, "out of memory");
  for (int i = 0; i < KEPT; i++) {
    qun_slice from = e->text[kept[i]];
    if (from.len == 0) continue;
    memcpy(at, from.ptr, (size_t)from.len);
    at[from.len] = '\0';
    *places[i] = qun_slice_of(at, (size_t)from.len);
    at += from.len + 1;
  }
  in->type = qun_str(e->type->name); /* lives as long as the plugin set */
  in->type_flags = e->type->flags;
  in->time_ms = e->time_ms;
  return QUN_OK;
}

/* Seals and stores the data, and what identifies the member. */
static int store(struct qun_normaliser *n, struct qun_arena *arena, struct qun_input *in, const struct envelope *e,
                 const struct qun_data *d, struct qun_error *err) {
  struct qun_pack fields, whole;
  uint32_t count = 0;
  int rc;
  qun_pack_init(&fields);
  qun_pack_init(&whole);
  if (in->has_member && !seen(n, in->member) && !qun_identified_has(n->identified, in->member)) {
    if ((rc = seal_id(n, in, e->text[MEMBER], &fields, err)) < 0) goto out;
    count = 1;
  }
  if ((rc = qun__data_store(d, n, arena, in, &fields, &count, err)) < 0) goto out;
  if (count > 0) {
    qun_pack_map(&whole, count);
    qun_pack_raw(&whole, qun_pack_slice(&fields));
    in->identity = qun_arena_copy(arena, qun_pack_slice(&whole));
    if (fields.failed || whole.failed || !in->identity.ptr) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
out:
  qun_pack_fini(&fields);
  qun_pack_fini(&whole);
  return rc;
}

static int fill(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_input *in, const struct envelope *e,
                const struct qun_data *d, struct qun_error *err) {
  int rc;
  in->flags = n->imported ? QUN_INPUT_IMPORTED : 0;
  in->has_member = e->text[MEMBER].len > 0;
  if (in->has_member) qun_vault_pseudonym(n->vault, e->text[MEMBER], in->member);
  if ((rc = copy_envelope(&batch->arena, in, e, err)) < 0) return rc;
  if ((rc = make_digest(n, e, d, in, err)) < 0) return rc;
  if ((rc = store(n, &batch->arena, in, e, d, err)) < 0) return rc;
  if (in->has_member) see(n, in->member);
  return QUN_OK;
}

static int take(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_unpack *u, struct envelope *e,
                bool alone, struct qun_error *err) {
  struct qun_data d;
  int rc;
  e->time_ms = INT64_MIN;
  if ((rc = read_event(n, e, &d, u, err)) < 0) return rc;
  if (e->foreign && !e->version) return QUN_EINVAL;
  if (alone && u->at != u->end) return qun_error_set(err, QUN_EINVAL, "bytes follow the event");
  if ((rc = check_source(e->text[SOURCE], err)) < 0) return rc;
  if ((rc = check_time(n, e, err)) < 0) return rc;
  if ((rc = check_ident(e, &d, err)) < 0) return rc;
  seen_round(n, batch);
  struct qun_input *in = qun_input_batch_add(batch);
  if (!in) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if ((rc = fill(n, batch, in, e, &d, err)) < 0) batch->count--;
  return rc;
}

int qun__normalise_next(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_unpack *u, bool alone,
                        struct qun_error *err) {
  struct envelope e = {0};
  return take(n, batch, u, &e, alone, err);
}

int qun__normalise_cloudevent(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_unpack *u) {
  struct envelope e = {.foreign = true};
  struct qun_error unsaid;
  return take(n, batch, u, &e, false, &unsaid);
}

int qun_normalise(struct qun_normaliser *n, struct qun_input_batch *batch, qun_slice canonical, struct qun_error *err) {
  struct qun_unpack u;
  if (canonical.len > QUN_EVENT_MAX)
    return qun_error_set(err, QUN_EINVAL, "the event is too long: %llu bytes, at most %d are allowed",
                         (unsigned long long)canonical.len, QUN_EVENT_MAX);
  qun_unpack_init(&u, canonical);
  int rc = qun__normalise_next(n, batch, &u, true, err);
  /* the one pass finds any damage; only the words for it need a second look */
  if (rc == QUN_EINVAL && !qun_mp_valid(canonical, 16))
    return qun_error_set(err, QUN_EINVAL, "the event is not one whole msgpack value nested at most 16 deep");
  return rc;
}
