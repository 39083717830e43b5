/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of a bundle, read strictly over cJSON: one value and nothing behind it, no key given twice, whole numbers only
 * up to 2^53. Members are fetched by name and counted, so that unknown ones are refused. Internal to tenants/. Any
 * thread, no blocking.
 */
#ifndef QUN_TENANTS_STRICT_JSON_H
#define QUN_TENANTS_STRICT_JSON_H

#include "tenants/error.h"
#include "tenants/merkle.h"

#include <cjson/cJSON.h>

/* NULL with a message. Free with cJSON_Delete. */
cJSON *qun__json_read(qun_slice text, struct qun_error *err);

/* An object's members: 0, or QUN_EINVAL that names the key. */
int qun__json_text(const char **out, const cJSON *object, const char *key, struct qun_error *err);
int qun__json_number(uint64_t *out, const cJSON *object, const char *key, struct qun_error *err);
int qun__json_hash(unsigned char out[QUN_HASH_SIZE], const cJSON *object, const char *key, struct qun_error *err);
int qun__json_proof(struct qun_proof *out, const cJSON *object, const char *key, struct qun_error *err);
/* True for a whole number from 0 to 2^53. */
int qun__json_whole(uint64_t *out, const cJSON *value);
/* Refuses an object with other than `count` members. */
int qun__json_only(const cJSON *object, int count, struct qun_error *err);

#endif
