/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/apply.h"
#include "tenants/deadletter.h"
#include "tenants/members.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- duplicates */

/* A known (source, id): the same content is a duplicate, other content goes to the dead letters. */
static int known(struct qun_apply *a, const struct qun_input *in, uint64_t seq, struct qun_error *err) {
  struct qun_record old;
  char reason[160];
  qun_slice bytes = qun__apply_bytes(a, seq);
  if (!bytes.ptr || qun_record_read(&old, seq, bytes) < 0)
    return qun_error_set(err, QUN_ECONFLICT, "record %llu cannot be read", (unsigned long long)seq);
  if (old.digest.len == QUN_DIGEST_SIZE && sodium_memcmp(old.digest.ptr, in->digest, QUN_DIGEST_SIZE) == 0) {
    a->duplicates++;
    return 0;
  }
  snprintf(reason, sizeof reason, "the same source and id came before with other content, as record %llu",
           (unsigned long long)seq);
  struct qun_dead_letter letter = {
      .seq = 0, .plugin = {NULL, 0}, .reason = qun_str(reason), .type = in->type, .id = in->id, .source = in->source};
  if (qun_dead_letter_add(&a->batch, &a->head, &letter) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  a->conflicts++;
  return 0;
}

/* ---------------------------------------------------------------- member references in data */

/* A value is a pseudonym. */
static bool has_pseudonym(qun_slice data) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return true; /* resolve says what is wrong */
  while (n-- > 0) {
    if (!qun_unpack_skip(&u) || qun_unpack_peek(&u) == QUN_MP_EXT) return true;
    if (!qun_unpack_skip(&u)) return true;
  }
  return false;
}

/* What intake normalised is packed as resolve packs it, so that without a pseudonym it stays as it is. What a plugin's
   request emitted may be packed in other ways. */
static bool must_resolve(const struct qun_input *in, const struct qun_hearers *hearers, qun_slice open) {
  return hearers->has_members && (in->origin.len || has_pseudonym(open));
}

/* Turns ext 2 pseudonyms into numbers. */
static int resolve(struct qun_apply *a, qun_slice data, qun_slice *out) {
  struct qun_unpack u;
  uint32_t n, count;
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return QUN_EFAIL;
  count = n;
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, count);
  while (n-- > 0) {
    qun_slice key, value, bytes;
    struct qun_unpack inner;
    int type = 0;
    uint64_t number = 0;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) return QUN_EFAIL;
    qun_pack_str(&a->pack2, key);
    qun_unpack_init(&inner, value);
    if (!qun_unpack_ext(&inner, &type, &bytes) || type != QUN_EXT_PSEUDONYM || bytes.len != QUN_PSEUDONYM_SIZE) {
      qun_pack_raw(&a->pack2, value);
      continue;
    }
    int rc = qun_member_number(&a->batch, &a->head, bytes.ptr, &number);
    if (rc < 0) return rc;
    qun_pack_uint(&a->pack2, number);
  }
  *out = qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
  return out->ptr ? 0 : QUN_EFAIL;
}

/* ---------------------------------------------------------------- the clock */

/* DECISIONS 7: max(previous, min(event time, receive time)). Control records of a tenant that lives in history do not
 * move it. */
static int64_t clock_of(const struct qun_apply *a, const struct qun_input *in) {
  int64_t at = in->time_ms == INT64_MIN || in->time_ms > a->now_ms ? a->now_ms : in->time_ms;
  if ((in->flags & QUN_INPUT_CONTROL) && !a->head.live) at = a->head.clock_ms;
  return at > a->head.clock_ms ? at : a->head.clock_ms;
}

static uint32_t flags_of(const struct qun_apply *a, const struct qun_input *in) {
  uint32_t flags = 0;
  if (in->flags & QUN_INPUT_CONTROL) flags |= QUN_EVENT_CONTROL;
  if (in->flags & QUN_INPUT_IMPORTED) flags |= QUN_EVENT_IMPORTED;
  if (a->head.importing && !(in->flags & (QUN_INPUT_IMPORTED | QUN_INPUT_CONTROL))) flags |= QUN_EVENT_LATE;
  return flags;
}

static int note_identified(struct qun_apply *a, const unsigned char *pseudonym) {
  if (a->identified_count == a->identified_cap) {
    uint32_t cap = a->identified_cap ? a->identified_cap * 2 : 64;
    void *grown = realloc(a->identified, cap * sizeof *a->identified);
    if (!grown) return QUN_EFAIL;
    a->identified = grown;
    a->identified_cap = cap;
  }
  memcpy(a->identified[a->identified_count++], pseudonym, QUN_PSEUDONYM_SIZE);
  return 0;
}

/* Every seal of the same id differs; the one that is stored stays, unless other fields came with it. */
static bool says_nothing_new(const struct qun_apply *a, const struct qun_input *in, uint64_t number) {
  struct qun_unpack u;
  uint32_t n = 0;
  qun_slice sealed;
  qun_unpack_init(&u, in->identity);
  return qun_unpack_map(&u, &n) && n == 1 && qun_mp_find(in->identity, "id", &sealed) &&
         qun_member_identity(&a->batch.view, number, "id", &sealed) == 0;
}

static int member_of(struct qun_apply *a, const struct qun_input *in, uint64_t *number) {
  *number = in->member_no;
  if (!in->has_member) return 0;
  int rc = qun_member_number(&a->batch, &a->head, in->member, number);
  if (rc < 0 || !in->identity.len) return rc;
  if (!says_nothing_new(a, in, *number)) rc = qun_member_identify(&a->batch, *number, in->identity);
  return rc < 0 ? rc : note_identified(a, in->member);
}

int qun_apply_input(struct qun_apply *a, const struct qun_input *in, struct qun_error *err) {
  static const unsigned char empty = 0x80;
  const struct qun_hearers *hearers = qun_subscriptions_find(a->o.rt->subscriptions, in->type);
  unsigned char key[QUN_DUP_KEY];
  uint64_t seq = 0;
  struct qun_record r = {.type = in->type,
                         .id = in->id,
                         .source = in->source,
                         .subject = in->subject,
                         .group = in->group,
                         .channel = in->channel,
                         .lang = in->lang,
                         .data = in->data.len ? in->data : qun_slice_of(&empty, 1),
                         .digest = qun_slice_of(in->digest, QUN_DIGEST_SIZE)};
  if (!hearers)
    return qun_error_set(err, QUN_EINVAL, "no event type \"%.*s\"", (int)in->type.len, (const char *)in->type.ptr);
  if (a->o.dup) {
    qun_dupguard_key(a->o.dup, in->source, in->id, key);
    int found = qun_dupguard_find(a->o.dup, &a->batch.view, key, &seq);
    if (found)
      return found < 0 ? qun_error_set(err, QUN_ECONFLICT, "the duplicate index is damaged") : known(a, in, seq, err);
  }
  qun_slice open = in->data_open.len ? in->data_open : r.data;
  bool same = open.ptr == r.data.ptr;
  int rc = member_of(a, in, &r.member);
  if (rc == 0 && must_resolve(in, hearers, open)) {
    rc = resolve(a, r.data, &r.data);
    if (rc == 0 && !same) rc = resolve(a, open, &open);
    if (same) open = r.data;
  }
  if (rc < 0) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  if (!(in->flags & (QUN_INPUT_CONTROL | QUN_INPUT_IMPORTED)) && in->member_no == 0 && !in->origin.len)
    a->head.live = 1;
  r.origin = in->origin;
  r.flags = flags_of(a, in);
  r.clock_ms = clock_of(a, in);
  r.time_ms = in->time_ms == INT64_MIN ? r.clock_ms : in->time_ms < r.clock_ms ? in->time_ms : r.clock_ms;
  rc = qun__apply_stage(a, &r, hearers, open, err);
  if (rc < 0) return rc;
  a->accepted++;
  if (a->o.dup && qun_dupguard_add(a->o.dup, key, r.seq) < 0)
    return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  return 0;
}

/* ---------------------------------------------------------------- sealed fields of emitted events and of records read
 * again */

static const struct qun_manifest_field *field_of(const struct qun_type_view *type, qun_slice name) {
  for (uint32_t i = 0; i < type->fields_count; i++) {
    if (qun_slice_is(name, type->fields[i].name)) return &type->fields[i];
  }
  return NULL;
}

static int seal_value(struct qun_apply *a, const unsigned char *pseudonym, qun_slice value, struct qun_error *err) {
  struct qun_arena *arena = qun_overlay_arena(a->batch.view.overlay);
  size_t size = qun_vault_sealed_len(a->o.vault, value.len);
  unsigned char *sealed = qun_arena_alloc(arena, size);
  if (!sealed) return qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  int rc = qun_vault_seal(a->o.vault, pseudonym, value, sealed, err);
  if (rc == 0) qun_pack_ext(&a->pack2, QUN_EXT_SEALED, qun_slice_of(sealed, size));
  return rc;
}

qun_slice qun__apply_seal(struct qun_apply *a, const struct qun_emitted *e, struct qun_error *err) {
  static const unsigned char empty = 0x80;
  static const qun_slice failed = {NULL, 0};
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE] = {0};
  struct qun_unpack u;
  uint32_t n;
  if (!e->data.len) return qun_slice_of(&empty, 1);
  if (!a->o.seal || !e->hearers->texts_count || !a->slot->config->seal_text) return e->data;
  if (e->member && qun_member_pseudonym(&a->batch.view, e->member, pseudonym) < 0)
    memset(pseudonym, 0, sizeof pseudonym);
  qun_unpack_init(&u, e->data);
  if (!qun_unpack_map(&u, &n)) return e->data;
  qun_pack_clear(&a->pack2);
  qun_pack_map(&a->pack2, n);
  while (n-- > 0) {
    qun_slice key, value;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) return failed;
    qun_pack_str(&a->pack2, key);
    const struct qun_manifest_field *f = field_of(e->hearers->type, key);
    struct qun_unpack inner;
    qun_slice text;
    qun_unpack_init(&inner, value);
    if (!f || !(f->flags & QUN_FIELD_TEXT) || !qun_unpack_str(&inner, &text))
      qun_pack_raw(&a->pack2, value);
    else if (seal_value(a, pseudonym, text, err) < 0)
      return failed;
  }
  return qun_arena_copy(qun_overlay_arena(a->batch.view.overlay), qun_pack_slice(&a->pack2));
}

static bool has_sealed(qun_slice data) {
  struct qun_unpack u;
  uint32_t n;
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return false;
  while (n-- > 0) {
    if (!qun_unpack_skip(&u)) return false;
    if (qun_unpack_peek(&u) == QUN_MP_EXT) return true;
    if (!qun_unpack_skip(&u)) return false;
  }
  return false;
}

/* Sealed bytes are a text. */
static bool open_text(struct qun_vault *vault, const unsigned char *pseudonym, qun_slice sealed,
                      struct qun_arena *arena, struct qun_pack *out) {
  size_t n;
  if (!qun_sealed_plain_len(sealed, &n)) return false;
  unsigned char *plain = qun_arena_alloc(arena, n ? n : 1);
  if (!plain || qun_vault_open_sealed(vault, pseudonym, sealed, plain, NULL) < 0) return false;
  qun_pack_str(out, qun_slice_of(plain, n));
  return true;
}

qun_slice qun_apply_open(struct qun_vault *vault, const struct qun_view *view, const struct qun_type_view *type,
                         const struct qun_record *r, struct qun_arena *arena) {
  unsigned char pseudonym[QUN_PSEUDONYM_SIZE] = {0};
  if (!has_sealed(r->data)) return r->data;
  if (r->member && qun_member_pseudonym(view, r->member, pseudonym) < 0) memset(pseudonym, 0, sizeof pseudonym);
  return qun_apply_open_data(vault, pseudonym, type, r->data, arena);
}

qun_slice qun_apply_open_data(struct qun_vault *vault, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE],
                              const struct qun_type_view *type, qun_slice data, struct qun_arena *arena) {
  struct qun_unpack u;
  struct qun_pack p;
  uint32_t n, kept = 0;
  if (!has_sealed(data)) return data;
  qun_unpack_init(&u, data);
  if (!qun_unpack_map(&u, &n)) return data;
  qun_pack_init(&p);
  size_t at = qun_pack_open_map(&p);
  while (n-- > 0) {
    qun_slice key, value, sealed;
    struct qun_unpack inner;
    int ext = 0;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) break;
    size_t before = p.len;
    qun_pack_str(&p, key);
    qun_unpack_init(&inner, value);
    const struct qun_manifest_field *f = type ? field_of(type, key) : NULL;
    if (!qun_unpack_ext(&inner, &ext, &sealed) || ext != QUN_EXT_SEALED) {
      qun_pack_raw(&p, value);
    } else if (f && (f->flags & QUN_FIELD_IDENT)) {
      qun_pack_bool(&p, 1);
    } else if (!open_text(vault, pseudonym, sealed, arena, &p)) {
      p.len = before; /* the member was forgotten: the field is gone */
      continue;
    }
    kept++;
  }
  qun_pack_close(&p, at, kept);
  qun_slice out = qun_arena_copy(arena, qun_pack_slice(&p));
  qun_pack_fini(&p);
  return out.ptr ? out : data;
}
