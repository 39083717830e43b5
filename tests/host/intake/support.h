/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of intake share: a vault in a folder of its own, and a normaliser over the core vocabulary. */
#ifndef QUN_TESTS_HOST_INTAKE_SUPPORT_H
#define QUN_TESTS_HOST_INTAKE_SUPPORT_H

#include "host/intake/normalise.h"
#include "host/ops/json.h"

#include <criterion/criterion.h>

struct gate {
  char dir[64];
  struct qun_plugin_set *plugins; /* none: the core vocabulary alone */
  struct qun_vault *vault;
  struct qun_normaliser n;
  struct qun_input_batch batch;
};

/* 2026-11-21T08:00:00Z */
#define GATE_NOW 1795248000000

void gate_open(struct gate *g);
void gate_close(struct gate *g);
/* A canonical event written as JSON; the answer is qun_normalise's. */
int gate_take(struct gate *g, const char *json, struct qun_error *err);
/* The newest input. */
struct qun_input *gate_last(struct gate *g);
/* A msgpack value as JSON in a buffer of the test; borrowed until the next call. */
const char *as_json(qun_slice value);
/* A text of `n` times `c` in a buffer of the test. */
const char *repeat(char c, size_t n);
/* An empty folder that remove_folder deletes with all in it. */
void make_folder(char out[64]);
void remove_folder(const char *dir);
void write_file(const char *path, const void *bytes, size_t n);
/* A text file's content; free() it. NULL if there is none. */
char *read_text_file(const char *path);
/* $QUN_SHARED_DATA/<path>, or NULL with a message when it is not there. */
const char *shared_file(const char *path);

#endif
