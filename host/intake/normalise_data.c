/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/normalise_data.h"

#include <stdio.h>

/* Where a value stands, for messages: `data.amount of "purchase"`. Made only when something is wrong. */
struct place {
  char text[240];
};

static struct place place_of(const struct qun_type_view *type, const struct qun_manifest_field *field) {
  struct place p;
  snprintf(p.text, sizeof p.text, "data.%s of \"%s\"", field->name, type->name);
  return p;
}

const char *qun__value_name(const struct qun_unpack *u) {
  switch (qun_unpack_peek(u)) {
  case QUN_MP_NIL: return "nothing";
  case QUN_MP_BOOL: return "true or false";
  case QUN_MP_INT: return *u->at == 0xcf ? "a number out of range" : "an integer";
  case QUN_MP_FLOAT: return "a number with a fraction";
  case QUN_MP_STR: return "text";
  case QUN_MP_BIN: return "bytes";
  case QUN_MP_ARRAY: return "a list";
  case QUN_MP_MAP: return "a map";
  case QUN_MP_EXT: return "an extension value";
  case QUN_MP_NONE: break;
  }
  return "nothing readable";
}

/* Most bytes of `s` that end at a character's border and fit. */
static size_t whole_chars(qun_slice s, size_t max) {
  const unsigned char *at = s.ptr;
  size_t n = s.len < max ? (size_t)s.len : max;
  if (n == s.len) return n;
  while (n > 0 && (at[n] & 0xc0) == 0x80) n--;
  return n;
}

struct qun_quoted qun__quote(qun_slice s) {
  struct qun_quoted q;
  size_t n = whole_chars(s, 80);
  const unsigned char *from = s.ptr;
  int valid = qun_utf8_valid(qun_slice_of(s.ptr, n));
  for (size_t i = 0; i < n; i++) {
    int bad = from[i] < 0x20 || from[i] == 0x7f || (!valid && from[i] >= 0x80);
    q.text[i] = bad ? '?' : (char)from[i];
  }
  memcpy(q.text + n, n < s.len ? "..." : "", n < s.len ? 4 : 1);
  return q;
}

int qun__text_check(qun_slice s, size_t max, const char *what, struct qun_error *err) {
  if (s.len > max)
    return qun_error_set(err, QUN_EINVAL, "%s is too long: %llu bytes, at most %zu are allowed", what,
                         (unsigned long long)s.len, max);
  if (!qun_utf8_valid(s)) return qun_error_set(err, QUN_EINVAL, "%s is not valid UTF-8 text without NUL", what);
  return QUN_OK;
}

/* ---------------------------------------------------------------- checks, one a kind */

struct reading {
  const struct qun_type_view *type;
  const struct qun_manifest_field *field;
  struct qun_error *err;
};

static int wrong_kind(const struct reading *r, const struct qun_unpack *u, const char *must) {
  const char *unit = r->field->unit ? r->field->unit : "";
  return qun_error_set(r->err, QUN_EINVAL, "%s must be %s%s%s (got %s)", place_of(r->type, r->field).text, must,
                       *unit ? " in " : "", unit, qun__value_name(u));
}

static int read_str(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  size_t max = r->field->flags & QUN_FIELD_IDENT  ? QUN_IDENT_MAX
               : r->field->flags & QUN_FIELD_TEXT ? QUN_TEXT_MAX
                                                  : QUN_STR_MAX;
  if (!qun_unpack_str(u, &slot->text)) return wrong_kind(r, u, "text");
  if (slot->text.len > max || !qun_utf8_valid(slot->text))
    return qun__text_check(slot->text, max, place_of(r->type, r->field).text, r->err);
  return QUN_OK;
}

static int read_member(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  if (!qun_unpack_str(u, &slot->text)) return wrong_kind(r, u, "a member's id as text");
  if (slot->text.len == 0)
    return qun_error_set(r->err, QUN_EINVAL, "%s is empty: a member's id is needed", place_of(r->type, r->field).text);
  if (slot->text.len > QUN_ATTRIBUTE_MAX || !qun_utf8_valid(slot->text))
    return qun__text_check(slot->text, QUN_ATTRIBUTE_MAX, place_of(r->type, r->field).text, r->err);
  return QUN_OK;
}

static int read_int(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  if (qun_unpack_int(u, &slot->number)) return QUN_OK;
  return wrong_kind(r, u, "an integer");
}

static int read_bool(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  int v;
  if (!qun_unpack_bool(u, &v)) return wrong_kind(r, u, "true or false");
  slot->number = v;
  return QUN_OK;
}

static int read_time(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  qun_slice s;
  if (qun_unpack_int(u, &slot->number)) return QUN_OK;
  if (!qun_unpack_str(u, &s))
    return qun_error_set(r->err, QUN_EINVAL, "%s must be a time: RFC 3339 text or integer UTC milliseconds (got %s)",
                         place_of(r->type, r->field).text, qun__value_name(u));
  if (qun_time_parse(s, &slot->number) < 0)
    return qun_error_set(r->err, QUN_EINVAL, "%s must be a time such as 2026-11-21T08:00:00Z (got \"%s\")",
                         place_of(r->type, r->field).text, qun__quote(s).text);
  return QUN_OK;
}

static int check_item(const struct reading *r, qun_slice s, uint32_t number, const char *part) {
  struct place at = place_of(r->type, r->field);
  char what[320];
  if (s.len <= QUN_ITEM_MAX && qun_utf8_valid(s)) return QUN_OK;
  snprintf(what, sizeof what, "%s %u of %s", part, number, at.text);
  return qun__text_check(s, QUN_ITEM_MAX, what, r->err);
}

static int check_count(const struct reading *r, uint32_t count) {
  if (count <= QUN_ITEMS_MAX) return QUN_OK;
  return qun_error_set(r->err, QUN_EINVAL, "%s has too many values: %u, at most %d are allowed",
                       place_of(r->type, r->field).text, count, QUN_ITEMS_MAX);
}

static int read_list(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  const unsigned char *from = u->at;
  uint32_t count;
  int rc;
  if (!qun_unpack_array(u, &count)) return wrong_kind(r, u, "a list of texts");
  if ((rc = check_count(r, count)) < 0) return rc;
  for (uint32_t i = 0; i < count; i++) {
    qun_slice s;
    if (!qun_unpack_str(u, &s))
      return qun_error_set(r->err, QUN_EINVAL, "value %u of %s must be text (got %s)", i + 1,
                           place_of(r->type, r->field).text, qun__value_name(u));
    if ((rc = check_item(r, s, i + 1, "value")) < 0) return rc;
  }
  slot->raw = qun_slice_of(from, (size_t)(u->at - from));
  return QUN_OK;
}

static int read_map(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  const unsigned char *from = u->at;
  uint32_t count;
  int rc;
  if (!qun_unpack_map(u, &count)) return wrong_kind(r, u, "a map of texts to texts or integers");
  if ((rc = check_count(r, count)) < 0) return rc;
  for (uint32_t i = 0; i < count; i++) {
    qun_slice s;
    int64_t number;
    if (!qun_unpack_str(u, &s))
      return qun_error_set(r->err, QUN_EINVAL, "key %u of %s must be text (got %s)", i + 1,
                           place_of(r->type, r->field).text, qun__value_name(u));
    if ((rc = check_item(r, s, i + 1, "key")) < 0) return rc;
    if (qun_unpack_int(u, &number)) continue;
    if (!qun_unpack_str(u, &s))
      return qun_error_set(r->err, QUN_EINVAL, "value %u of %s must be text or an integer (got %s)", i + 1,
                           place_of(r->type, r->field).text, qun__value_name(u));
    if ((rc = check_item(r, s, i + 1, "value")) < 0) return rc;
  }
  slot->raw = qun_slice_of(from, (size_t)(u->at - from));
  return QUN_OK;
}

static int read_value(const struct reading *r, struct qun_unpack *u, struct qun_data_slot *slot) {
  switch (r->field->kind) {
  case QUN_FIELD_STR: return read_str(r, u, slot);
  case QUN_FIELD_INT: return read_int(r, u, slot);
  case QUN_FIELD_BOOL: return read_bool(r, u, slot);
  case QUN_FIELD_TIME: return read_time(r, u, slot);
  case QUN_FIELD_MEMBER: return read_member(r, u, slot);
  case QUN_FIELD_LIST: return read_list(r, u, slot);
  case QUN_FIELD_MAP: return read_map(r, u, slot);
  }
  return qun_error_set(r->err, QUN_EFAIL, "%s has an unknown kind", place_of(r->type, r->field).text);
}

/* ---------------------------------------------------------------- the map */

/* Fields mostly come in the vocabulary's order: the one behind the last is tried first. */
static int find_field(const struct qun_type_view *type, qun_slice key, uint32_t hint) {
  const char *want = key.ptr;
  size_t len = (size_t)key.len;
  if (len == 0) return -1;
  for (uint32_t i = 0; i < type->fields_count; i++) {
    uint32_t at = hint + i < type->fields_count ? hint + i : hint + i - type->fields_count;
    const char *name = type->fields[at].name;
    if (name[0] == want[0] && strncmp(name, want, len) == 0 && strlen(name) == len)
      return (int)at; /* a key may have a NUL */
  }
  return -1;
}

/* `data.foo: "purchase" has no such field; it has amount, currency, ...` */
static int unknown_field(const struct qun_type_view *type, qun_slice key, struct qun_error *err) {
  char names[240];
  size_t at = 0;
  for (uint32_t i = 0; i < type->fields_count && at < sizeof names; i++)
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", type->fields[i].name);
  return qun_error_set(err, QUN_EINVAL, "data.%s: \"%s\" has no such field; %s%s", qun__quote(key).text, type->name,
                       type->fields_count ? "it has " : "it has none", type->fields_count ? names : "");
}

static int read_pair(struct qun_data *d, struct qun_unpack *u, uint32_t *hint, bool seal_text, struct qun_error *err) {
  struct reading r = {d->type, NULL, err};
  qun_slice key;
  if (!qun_unpack_str(u, &key))
    return qun_error_set(err, QUN_EINVAL, "data of \"%s\": a key must be text (got %s)", d->type->name,
                         qun__value_name(u));
  int i = find_field(d->type, key, *hint);
  if (i < 0) return unknown_field(d->type, key, err);
  *hint = (uint32_t)i + 1 < d->type->fields_count ? (uint32_t)i + 1 : 0;
  struct qun_data_slot *slot = &d->slots[i];
  r.field = &d->type->fields[i];
  if (d->set >> i & 1) return qun_error_set(err, QUN_EINVAL, "%s is given twice", place_of(d->type, r.field).text);
  if (qun_unpack_nil(u)) return QUN_OK;
  int rc = read_value(&r, u, slot);
  if (rc < 0) return rc;
  slot->name = key;
  d->set |= 1ull << i;
  d->count++;
  if (r.field->flags & QUN_FIELD_IDENT) d->ident = true;
  if (r.field->flags & QUN_FIELD_IDENT || (seal_text && r.field->flags & QUN_FIELD_TEXT)) {
    if (r.field->kind != QUN_FIELD_STR)
      return qun_error_set(err, QUN_EFAIL, "%s cannot be sealed: only text can", place_of(d->type, r.field).text);
    d->sealed = true;
  }
  return QUN_OK;
}

int qun__data_read(struct qun_data *d, const struct qun_type_view *type, struct qun_unpack *u, bool seal_text,
                   struct qun_error *err) {
  uint32_t count = 0, hint = 0;
  int rc;
  if (type->fields_count > QUN_FIELDS_MAX)
    return qun_error_set(err, QUN_EFAIL, "type \"%s\" has more than %d fields", type->name, QUN_FIELDS_MAX);
  d->type = type;
  d->set = 0;
  d->count = 0;
  d->sealed = d->ident = false;
  if (u && !qun_unpack_map(u, &count))
    return qun_error_set(err, QUN_EINVAL, "data must be a map of the fields of \"%s\" (got %s)", type->name,
                         qun__value_name(u));
  while (count-- > 0)
    if ((rc = read_pair(d, u, &hint, seal_text, err)) < 0) return rc;
  for (uint32_t i = 0; i < type->fields_count; i++)
    if (type->fields[i].flags & QUN_FIELD_REQ && !(d->set >> i & 1))
      return qun_error_set(err, QUN_EINVAL, "%s is missing", place_of(type, &type->fields[i]).text);
  return QUN_OK;
}

/* ---------------------------------------------------------------- writing */

/* A container again with the shortest heads, so that equal content has equal bytes. */
static void write_container(struct qun_pack *p, qun_slice raw) {
  struct qun_unpack u;
  uint32_t count = 0;
  qun_unpack_init(&u, raw);
  if (qun_unpack_map(&u, &count)) {
    qun_pack_map(p, count);
    count *= 2;
  } else if (qun_unpack_array(&u, &count)) {
    qun_pack_array(p, count);
  }
  while (count-- > 0) {
    qun_slice s;
    int64_t v;
    if (qun_unpack_str(&u, &s))
      qun_pack_str(p, s);
    else if (qun_unpack_int(&u, &v))
      qun_pack_int(p, v);
  }
}

static void write_open(struct qun_pack *p, enum qun_field_kind kind, const struct qun_data_slot *slot) {
  switch (kind) {
  case QUN_FIELD_STR:
  case QUN_FIELD_MEMBER: qun_pack_str(p, slot->text); break;
  case QUN_FIELD_INT:
  case QUN_FIELD_TIME: qun_pack_int(p, slot->number); break;
  case QUN_FIELD_BOOL: qun_pack_bool(p, slot->number != 0); break;
  case QUN_FIELD_LIST:
  case QUN_FIELD_MAP: write_container(p, slot->raw); break;
  }
}

/* The slots that are set, in the vocabulary's order: `left` holds the bits of those to come. */
static uint32_t next_slot(uint64_t *left) {
  uint32_t i = (uint32_t)__builtin_ctzll(*left);
  *left &= *left - 1;
  return i;
}

void qun__data_plain(const struct qun_data *d, struct qun_pack *p) {
  qun_pack_map(p, d->count);
  for (uint64_t left = d->set; left;) {
    uint32_t i = next_slot(&left);
    qun_pack_str(p, d->slots[i].name);
    write_open(p, d->type->fields[i].kind, &d->slots[i]);
  }
}

static int write_sealed(struct qun_normaliser *n, const struct qun_input *in, struct qun_pack *p, qun_slice plain,
                        qun_slice *sealed, struct qun_error *err) {
  size_t size = qun_vault_sealed_len(n->vault, plain.len);
  qun__pack_head(p, 0xc9, size, 4);
  unsigned char *at = qun__pack_room(p, 1 + size);
  if (!at) return qun_error_set(err, QUN_EFAIL, "out of memory");
  at[0] = QUN_EXT_SEALED;
  *sealed = qun_slice_of(at + 1, size);
  return qun_vault_seal(n->vault, in->member, plain, at + 1, err);
}

/* A pack over memory of the arena that is large enough for all that is written, so that it never grows. */
static int arena_pack(struct qun_pack *p, struct qun_arena *arena, size_t size) {
  qun_pack_init(p);
  p->buf = qun_arena_alloc(arena, size);
  p->cap = p->buf ? size : 0;
  return p->buf ? QUN_OK : QUN_EFAIL;
}

size_t qun__data_bound(const struct qun_data *d, bool sealing) {
  size_t size = 16;
  for (uint64_t left = d->set; left;) {
    uint32_t i = next_slot(&left);
    const struct qun_data_slot *slot = &d->slots[i];
    enum qun_field_kind kind = d->type->fields[i].kind;
    size += (size_t)slot->name.len + 32;
    if (kind == QUN_FIELD_STR)
      size += (size_t)slot->text.len + (sealing ? QUN_SEAL_ROOM : 0);
    else if (kind == QUN_FIELD_MEMBER) /* the id in the digest, a pseudonym of a few bytes elsewhere */
      size += (size_t)slot->text.len;
    else if (kind == QUN_FIELD_LIST || kind == QUN_FIELD_MAP)
      size += (size_t)slot->raw.len;
  }
  return size;
}

static void write_member(struct qun_normaliser *n, struct qun_pack *p, qun_slice id) {
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE];
  qun_vault_pseudonym(n->vault, id, pseudonym);
  qun_pack_ext(p, QUN_EXT_PSEUDONYM, qun_slice_of(pseudonym, sizeof pseudonym));
}

static int write_stored(const struct qun_data *d, struct qun_normaliser *n, const struct qun_input *in,
                        struct qun_pack *p, struct qun_pack *identity, uint32_t *identities, struct qun_error *err) {
  qun_pack_map(p, d->count);
  for (uint64_t left = d->set; left;) {
    uint32_t i = next_slot(&left);
    const struct qun_manifest_field *f = &d->type->fields[i];
    const struct qun_data_slot *slot = &d->slots[i];
    qun_slice sealed = {NULL, 0};
    qun_pack_str(p, slot->name);
    if (f->kind == QUN_FIELD_MEMBER) {
      write_member(n, p, slot->text);
    } else if (f->flags & QUN_FIELD_IDENT || (n->seal_text && f->flags & QUN_FIELD_TEXT)) {
      int rc = write_sealed(n, in, p, slot->text, &sealed, err);
      if (rc < 0) return rc;
      if (!(f->flags & QUN_FIELD_IDENT)) continue;
      qun_pack_cstr(identity, f->name);
      qun_pack_bin(identity, sealed);
      (*identities)++;
    } else {
      write_open(p, f->kind, slot);
    }
  }
  return QUN_OK;
}

/* For the handlers: text open, identity only as a fact. Members are copied from the stored form, where their pseudonyms
 * are made. */
static void write_handlers(const struct qun_data *d, struct qun_pack *p, qun_slice stored) {
  struct qun_unpack u;
  uint32_t count;
  qun_unpack_init(&u, stored);
  if (!qun_unpack_map(&u, &count)) return;
  qun_pack_map(p, d->count);
  for (uint64_t left = d->set; left;) {
    uint32_t i = next_slot(&left);
    const struct qun_manifest_field *f = &d->type->fields[i];
    qun_slice key, value;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) return;
    qun_pack_str(p, key);
    if (f->flags & QUN_FIELD_IDENT)
      qun_pack_bool(p, 1);
    else if (f->kind == QUN_FIELD_MEMBER)
      qun_pack_raw(p, value);
    else
      write_open(p, f->kind, &d->slots[i]);
  }
}

int qun__data_store(const struct qun_data *d, struct qun_normaliser *n, struct qun_arena *arena, struct qun_input *in,
                    struct qun_pack *identity, uint32_t *identities, struct qun_error *err) {
  struct qun_pack p;
  if (arena_pack(&p, arena, qun__data_bound(d, true)) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  int rc = write_stored(d, n, in, &p, identity, identities, err);
  if (rc < 0) return rc;
  in->data = qun_pack_slice(&p);
  if (!d->sealed) return QUN_OK;
  if (arena_pack(&p, arena, qun__data_bound(d, false)) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  write_handlers(d, &p, in->data);
  in->data_open = qun_pack_slice(&p);
  return QUN_OK;
}
