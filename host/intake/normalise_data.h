/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to intake: the `data` map of an event, checked against its type and written in the forms that a struct
 * qun_input holds. */
#ifndef QUN_HOST_INTAKE_NORMALISE_DATA_H
#define QUN_HOST_INTAKE_NORMALISE_DATA_H

#include "host/intake/normalise.h"

#include <qun/msgpack.h>

/* A checked value: bytes are borrowed from the canonical event. */
struct qun_data_slot {
  qun_slice name; /* the field's, as it was sent */
  qun_slice text; /* STR, MEMBER */
  int64_t number; /* INT, TIME, BOOL */
  qun_slice raw;  /* LIST, MAP */
};

struct qun_data {
  const struct qun_type_view *type;
  uint64_t set;   /* a bit a slot */
  uint32_t count; /* of them */
  bool sealed;    /* something in it is sealed */
  bool ident;     /* a field marked IDENT is set */
  struct qun_data_slot slots[QUN_FIELDS_MAX];
};

_Static_assert(QUN_FIELDS_MAX == 64, "a bit a slot");

/* Reads and checks the map that `u` stands at (NULL: an empty one); `u` stands behind it then. QUN_EINVAL. */
int qun__data_read(struct qun_data *d, const struct qun_type_view *type, struct qun_unpack *u, bool seal_text,
                   struct qun_error *err);

/* Bytes that any form of the map fits in. */
size_t qun__data_bound(const struct qun_data *d, bool sealing);

/* Appends the map with nothing sealed and members as their platform ids: what the digest covers. */
void qun__data_plain(const struct qun_data *d, struct qun_pack *p);

/* Fills in->data and in->data_open, and appends each IDENT field's name and sealed bytes to `identity` (count in
 * *identities). */
int qun__data_store(const struct qun_data *d, struct qun_normaliser *n, struct qun_arena *arena, struct qun_input *in,
                    struct qun_pack *identity, uint32_t *identities, struct qun_error *err);

/* qun_normalise of the event that `u` stands at; `u` stands behind it then, or anywhere if it is refused. `alone`: nothing
 * may follow it. */
int qun__normalise_next(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_unpack *u, bool alone,
                        struct qun_error *err);

/* The same of a CloudEvent in the JSON event format, already msgpack, with nothing unusual about it. Less than 0: it is
   refused or unusual, without words: qun_cloudevent_map and qun_normalise tell which. */
int qun__normalise_cloudevent(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_unpack *u);

/* A foreign text for use in a message: shortened, and without control characters or broken UTF-8. */
struct qun_quoted {
  char text[100];
};
struct qun_quoted qun__quote(qun_slice s);

/* Well-formed UTF-8 of at most `max` bytes, or QUN_EINVAL: "<what> is ...". */
int qun__text_check(qun_slice s, size_t max, const char *what, struct qun_error *err);

/* What a person calls the next value: "text", "a number with a fraction", ... */
const char *qun__value_name(const struct qun_unpack *u);

#endif
