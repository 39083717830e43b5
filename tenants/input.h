/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event between intake and the engine: checked against the vocabulary, its member turned into a pseudonym, its
 * personal fields sealed. All slices live in the batch's arena.
 */
#ifndef QUN_TENANTS_INPUT_H
#define QUN_TENANTS_INPUT_H

#include "tenants/arena.h"

#include <stdbool.h>

enum { QUN_PSEUDONYM_SIZE = 16, QUN_DIGEST_SIZE = 8 };

/* msgpack ext types inside stored and in-flight data maps */
enum {
  QUN_EXT_SEALED = 1,   /* a sealed personal field: tenants/seal.h */
  QUN_EXT_PSEUDONYM = 2 /* a member reference at intake, 16 bytes; the engine turns it into the member's number */
};

enum { QUN_INPUT_CONTROL = 1u << 0, QUN_INPUT_IMPORTED = 1u << 1, QUN_INPUT_LATE = 1u << 2 };

struct qun_input {
  uint32_t flags;      /* QUN_INPUT_* */
  uint32_t type_flags; /* QUN_TYPE_* of the type's entry */
  int64_t time_ms;     /* the event's own time; INT64_MIN if it has none (then the receive time counts) */
  bool has_member;
  unsigned char member[QUN_PSEUDONYM_SIZE]; /* pseudonym of the envelope's member */
  uint64_t member_no; /* instead of the pseudonym, for what plugins' requests and the host emit; 0 none */
  unsigned char
      digest[QUN_DIGEST_SIZE]; /* keyed digest of the content: tells a duplicate from another event with the same id */
  qun_slice origin;            /* plugin whose request emitted it; else empty */
  qun_slice type, id, source, subject, group, channel, lang;
  qun_slice data;      /* msgpack map, personal fields sealed (ext 1), members as ext 2: what is stored */
  qun_slice data_open; /* the same with TEXT fields open: for the handlers now; empty if the same as data */
  qun_slice identity;  /* msgpack map field -> sealed bytes (bin), to be kept with the member; or empty */
};

struct qun_input_batch {
  struct qun_arena arena;
  struct qun_input *items; /* realloc'ed */
  uint32_t count;
  uint32_t cap;
};

void qun_input_batch_init(struct qun_input_batch *b);
void qun_input_batch_fini(struct qun_input_batch *b);
/* A zeroed place at the end. NULL when memory ran out. */
struct qun_input *qun_input_batch_add(struct qun_input_batch *b);

#endif
