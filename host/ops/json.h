/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to msgpack and back, for the whole host. Strict: RFC 8259, one value, no duplicate keys, valid UTF-8 without
 * lone surrogates, integers that fit in 64 bits with sign (kept exactly), nested at most QUN_JSON_DEPTH deep. Any
 * thread, no blocking.
 */
#ifndef QUN_HOST_OPS_JSON_H
#define QUN_HOST_OPS_JSON_H

#include "tenants/error.h"

#include <qun/msgpack.h>

#include <stdbool.h>
#include <stdio.h>

enum { QUN_JSON_DEPTH = 32 };

/* Appends the value to `out`. Numbers without fraction or exponent become integers, others doubles. QUN_EINVAL says
   where: "line 2, column 17: the key "id" is given twice". On refusal `out` is as it was. */
int qun_json_to_msgpack(struct qun_pack *out, qun_slice text, struct qun_error *err);

/* Appends one msgpack value to `text` as JSON; `pretty`: with line breaks and indents of 2. Bytes (bin) become base64
   text, a sealed field (ext QUN_EXT_SEALED) the text "[sealed]", another ext value hex text; a key that is not text
   becomes text. NaN and infinity become null. QUN_EINVAL: not one whole value, or nested too deep. On refusal `text` is
   as it was. */
int qun_msgpack_to_json(struct qun_pack *text, qun_slice value, bool pretty, struct qun_error *err);

/* ---------------------------------------------------------------- streams */

/* Reads a long document in pieces and gives the elements of one array, so that an export of any size needs memory for
 * one element. */
struct qun_json_stream;

/* An element, or why it is refused. */
struct qun_json_element {
  uint64_t number;    /* 1, 2, ... */
  qun_slice value;    /* msgpack, borrowed until the next call; empty if refused */
  const char *reason; /* NULL, or what is wrong with it */
};

/* `array`: the name of a member of the root object whose elements are wanted; NULL: the root is the array. `read` gives
   the next bytes (0: the end; less: an error, which it has set), and `arg` is its first argument. */
int qun_json_stream_open(struct qun_json_stream **out, const char *array,
                         ptrdiff_t (*read)(void *arg, void *buf, size_t size), void *arg);
/* NULL is fine. */
void qun_json_stream_close(struct qun_json_stream *s);
/* 1 and an element, 0 at the end, QUN_EINVAL if the document itself is broken, cut off, or has no such array. */
int qun_json_stream_next(struct qun_json_stream *s, struct qun_json_element *element, struct qun_error *err);
/* The root object's other members read so far, as a msgpack map appended to `out`. */
void qun_json_stream_root(const struct qun_json_stream *s, struct qun_pack *out);

#endif
