/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to host/ops/json*.c: yajl's callbacks to msgpack. */
#ifndef QUN_HOST_OPS_JSON_BUILD_H
#define QUN_HOST_OPS_JSON_BUILD_H

#include "host/ops/json.h"

#include <yajl/yajl_parse.h>

enum { QUN__JSON_KEYS = 24 };

struct qun_json_build {
  struct qun_pack *out;
  unsigned depth; /* open containers */
  struct {
    size_t at; /* where the count is put */
    uint32_t count;
    bool map;
    struct {
      size_t at, len;
    } keys[QUN__JSON_KEYS]; /* the first keys of a map: where their texts stand in `out` */
  } open[QUN_JSON_DEPTH];
  struct qun_error err; /* code 0: none; the first reason */
};

void qun__json_build_init(struct qun_json_build *b, struct qun_pack *out);

/* Each answers 1 to go on and 0 after setting `err`. */
int qun__json_build_null(struct qun_json_build *b);
int qun__json_build_bool(struct qun_json_build *b, int v);
int qun__json_build_number(struct qun_json_build *b, qun_slice digits);
int qun__json_build_string(struct qun_json_build *b, qun_slice s);
int qun__json_build_key(struct qun_json_build *b, qun_slice s);
int qun__json_build_start(struct qun_json_build *b, bool map);
int qun__json_build_end(struct qun_json_build *b);

/* Offset of the first `\u` escape that is half of a surrogate pair alone, or SIZE_MAX. */
size_t qun__json_lone_surrogate(qun_slice text);

#endif
