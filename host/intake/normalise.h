/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate into the engine. Every format becomes a canonical event map; this turns it into a struct qun_input:
 * checked against the vocabulary, platform ids turned into pseudonyms, personal fields sealed.
 *
 * A canonical event is a msgpack map with these keys, others refused:
 *   id       text or integer, 1..200 bytes as text        source   text 1..200
 *   type     text                                         time     RFC 3339 text, or integer UTC ms; absent: receive time
 *   subject, group, channel, lang: text up to 200         member   text 1..200: the platform's id of who did it
 *   data     map of the type's fields (qun/events.h)
 */
#ifndef QUN_HOST_INTAKE_NORMALISE_H
#define QUN_HOST_INTAKE_NORMALISE_H

#include "host/intake/identified.h"
#include "host/plugins/plugin_set.h"
#include "tenants/input.h"
#include "tenants/vault.h"

/* Limits, in bytes unless said otherwise. */
enum {
  QUN_ATTRIBUTE_MAX = 200,    /* id, source, subject, member, group, channel, lang */
  QUN_TEXT_MAX = 65536,       /* a TEXT field */
  QUN_STR_MAX = 8192,         /* another STR field */
  QUN_IDENT_MAX = 1024,       /* an IDENT field */
  QUN_ITEMS_MAX = 1000,       /* values in a LIST or MAP */
  QUN_ITEM_MAX = 1024,        /* one text in a LIST or MAP */
  QUN_FIELDS_MAX = 64,        /* fields of a type */
  QUN_EVENT_MAX = 256 * 1024, /* a canonical event */
  QUN_AHEAD_MAX_MS = 300000,  /* how far ahead of the receive time an event may be dated */
  QUN_SEEN_SLOTS = 1024       /* members whose id was sealed in this batch */
};

/* All zero before use; nothing to free. */
struct qun_normaliser {
  const struct qun_plugin_set *plugins;
  struct qun_vault *vault;
  const struct qun_identified *identified; /* members whose id the store has; NULL: unknown */
  bool seal_text;                          /* the tenant's setting; default on */
  bool operator_types;                     /* the caller may send types marked OPERATOR */
  bool imported;                           /* sets QUN_INPUT_IMPORTED */
  int64_t now_ms;                          /* receive time; an event dated more than 5 minutes ahead of it is refused */
  struct { /* internal: a member's platform id is sealed once a batch, in the first event that names the member */
    const struct qun_input_batch *batch;
    uint32_t round;
    uint32_t rounds[QUN_SEEN_SLOTS];
    unsigned char members[QUN_SEEN_SLOTS][QUN_PSEUDONYM_SIZE];
  } seen;
};

/* Appends one event to `batch`. `canonical` is checked for well-formed msgpack, depth (16) and UTF-8 first, so foreign
   bytes may be given as they are. QUN_EINVAL: what is wrong and where (`data.amount of "purchase" must be an integer in
   minor units (got text)`); QUN_EDENIED: a type the caller may not send, or the source "qun" or "qun:...". The batch is unchanged on refusal. Any thread;
   a normaliser belongs to one thread at a time. An absent value and nil are the same. Fields are stored in the
   vocabulary's order, so the digest does not depend on the sender's order. identity: the sealed fields marked IDENT,
   and "id": the member's sealed platform id, in the first event of the batch that names the member. */
int qun_normalise(struct qun_normaliser *n, struct qun_input_batch *batch, qun_slice canonical, struct qun_error *err);

/* RFC 3339 with time zone to UTC milliseconds. 0 or QUN_EINVAL. Pure. */
int qun_time_parse(qun_slice text, int64_t *ms);
/* "2026-11-21T08:00:00.000Z" (24 bytes and a NUL). Pure. */
void qun_time_format(int64_t ms, char out[25]);
/* 1 if well-formed UTF-8 (RFC 3629) without NUL. Pure. */
int qun_utf8_valid(qun_slice text);

#endif
