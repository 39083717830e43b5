/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/strict_json.h"

#include "tenants/base64.h"

enum { MEMBERS_MAX = 4096 }; /* the comparison below is quadratic */

/* The first key that an object holds twice, anywhere below; NULL if none. cJSON bounds the depth (CJSON_NESTING_LIMIT).
 */
static const char *key_twice(const cJSON *value) {
  const cJSON *child, *other;
  if (cJSON_IsObject(value) && cJSON_GetArraySize(value) > MEMBERS_MAX) return "(more than 4096 of them)";
  cJSON_ArrayForEach(child, value) {
    for (other = child->next; cJSON_IsObject(value) && other; other = other->next)
      if (strcmp(child->string, other->string) == 0) return child->string;
    const char *below = key_twice(child);
    if (below) return below;
  }
  return NULL;
}

static bool only_space(const char *at, const char *end) {
  for (; at < end; at++)
    if (*at != ' ' && *at != '\n' && *at != '\r' && *at != '\t') return false;
  return true;
}

cJSON *qun__json_read(qun_slice text, struct qun_error *err) {
  const char *end = NULL, *start = text.ptr;
  cJSON *json = text.len ? cJSON_ParseWithLengthOpts(start, (size_t)text.len, &end, 0) : NULL;
  if (!json) {
    qun_error_set(err, QUN_EINVAL, "not JSON from byte %llu on", (unsigned long long)(end ? end - start : 0));
    return NULL;
  }
  const char *twice = key_twice(json);
  if (!only_space(end, start + text.len))
    qun_error_set(err, QUN_EINVAL, "more than one JSON value: byte %llu", (unsigned long long)(end - start));
  else if (twice)
    qun_error_set(err, QUN_EINVAL, "the key %.80s is given twice", twice);
  else
    return json;
  cJSON_Delete(json);
  return NULL;
}

int qun__json_text(const char **out, const cJSON *object, const char *key, struct qun_error *err) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!cJSON_IsString(value)) return qun_error_set(err, QUN_EINVAL, "%s: missing or not a text", key);
  *out = value->valuestring;
  return 0;
}

int qun__json_whole(uint64_t *out, const cJSON *value) {
  if (!cJSON_IsNumber(value)) return 0;
  double number = value->valuedouble;
  if (!(number >= 0 && number <= 9007199254740992.0)) return 0;
  uint64_t whole = (uint64_t)number;
  if ((double)whole < number || (double)whole > number) return 0;
  *out = whole;
  return 1;
}

int qun__json_number(uint64_t *out, const cJSON *object, const char *key, struct qun_error *err) {
  if (qun__json_whole(out, cJSON_GetObjectItemCaseSensitive(object, key))) return 0;
  return qun_error_set(err, QUN_EINVAL, "%s: missing or not a whole number from 0 to 2^53", key);
}

int qun__json_hash(unsigned char out[QUN_HASH_SIZE], const cJSON *object, const char *key, struct qun_error *err) {
  const char *text = "";
  int code = qun__json_text(&text, object, key, err);
  if (!code && !qun_base64_read_exactly(out, QUN_HASH_SIZE, qun_str(text)))
    code = qun_error_set(err, QUN_EINVAL, "%s: not the base64 of 32 bytes", key);
  return code;
}

int qun__json_proof(struct qun_proof *out, const cJSON *object, const char *key, struct qun_error *err) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
  if (!cJSON_IsArray(list)) return qun_error_set(err, QUN_EINVAL, "%s: missing or not a list of hashes", key);
  out->count = 0;
  cJSON_ArrayForEach(item, list) {
    if (out->count == QUN_PROOF_MAX)
      return qun_error_set(err, QUN_EINVAL, "%s: more than %d hashes", key, QUN_PROOF_MAX);
    if (!cJSON_IsString(item) ||
        !qun_base64_read_exactly(out->hashes[out->count], QUN_HASH_SIZE, qun_str(item->valuestring)))
      return qun_error_set(err, QUN_EINVAL, "%s: hash %u is not the base64 of 32 bytes", key, out->count + 1);
    out->count++;
  }
  return 0;
}

int qun__json_only(const cJSON *object, int count, struct qun_error *err) {
  if (cJSON_IsObject(object) && cJSON_GetArraySize(object) == count) return 0;
  return qun_error_set(err, QUN_EINVAL, "a key is missing or one too many: there should be %d", count);
}
