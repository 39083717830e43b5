/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/evidence.h"

#include "tenants/base64.h"
#include "tenants/record.h"
#include "tenants/strict_json.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char evidence_format[] = "qun-evidence/1", consistency_format[] = "qun-consistency/1";
static const char bound_kinds[][8] = {
    [QUN_BOUND_RECORD] = "record", [QUN_BOUND_GROUP] = "group", [QUN_BOUND_TAIL] = "tail"};

/* ---- writing */

__attribute__((format(printf, 2, 3))) static void put(struct qun_pack *out, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < 0 || (size_t)n >= sizeof text)
    out->failed = 1;
  else
    qun_pack_raw(out, qun_slice_of(text, (size_t)n));
}

static void put_bytes(struct qun_pack *out, const void *bytes, size_t n) {
  char *text = malloc(QUN_BASE64_SIZE(n));
  if (!text) {
    out->failed = 1;
    return;
  }
  put(out, "\"");
  qun_pack_raw(out, qun_str(qun_base64_write(text, bytes, n)));
  put(out, "\"");
  free(text);
}

/* A JSON text by cJSON, which knows the escapes. */
static void put_text(struct qun_pack *out, qun_slice text) {
  char *copy = strndup(text.ptr, (size_t)text.len);
  cJSON *value = copy ? cJSON_CreateString(copy) : NULL;
  char *json = value ? cJSON_PrintUnformatted(value) : NULL;
  if (json)
    qun_pack_raw(out, qun_str(json));
  else
    out->failed = 1;
  cJSON_free(json);
  cJSON_Delete(value);
  free(copy);
}

static void put_proof(struct qun_pack *out, const char *key, const struct qun_proof *p) {
  put(out, ",\"%s\":[", key);
  for (uint32_t i = 0; i < p->count; i++) {
    if (i) put(out, ",");
    put_bytes(out, p->hashes[i], QUN_HASH_SIZE);
  }
  put(out, "]");
}

static void put_bound(struct qun_pack *out, const struct qun_bound *b) {
  if (b->kind == QUN_BOUND_OPEN) {
    out->failed = 1;
    return;
  }
  put(out, "{\"seq\":%llu,\"kind\":\"%s\",\"hash\":", (unsigned long long)b->seq, bound_kinds[b->kind]);
  put_bytes(out, b->hash, QUN_HASH_SIZE);
  if (b->kind != QUN_BOUND_RECORD) {
    put(out, ",\"first\":%llu,\"count\":%u", (unsigned long long)b->first, b->count);
    put_proof(out, "path", &b->path);
  }
  if (b->kind == QUN_BOUND_TAIL) {
    put(out, ",\"by\":%llu", (unsigned long long)b->by);
  } else {
    put(out, ",\"leaf\":%llu", (unsigned long long)b->leaf);
    put_proof(out, "proof", &b->proof);
  }
  put(out, "}");
}

void qun_evidence_write(struct qun_pack *out, const struct qun_checkpoint *checkpoint,
                        const struct qun_evidence *evidence) {
  put(out, "{\"format\":\"%s\",\"origin\":", evidence_format);
  put_text(out, checkpoint->origin);
  put(out, ",\"size\":%llu,\"root\":", (unsigned long long)checkpoint->size);
  put_bytes(out, checkpoint->root, QUN_HASH_SIZE);
  put(out, ",\n\"audit\":{\"seq\":%llu,\"salt\":", (unsigned long long)evidence->audit_seq);
  put_bytes(out, evidence->audit_salt, sizeof evidence->audit_salt);
  put(out, ",\"bytes\":");
  put_bytes(out, evidence->audit_bytes, evidence->audit_bytes_size);
  put(out, "},\n\"records\":[");
  for (uint32_t i = 0; i < evidence->count; i++) {
    put(out, i ? ",\n" : "\n");
    put_bound(out, &evidence->records[i]);
  }
  put(out, "]}\n");
}

/* ---- reading */

static int read_bound(struct qun_bound *b, const cJSON *object, struct qun_error *err) {
  const char *kind;
  uint64_t count = 0;
  memset(b, 0, sizeof *b);
  int code = qun__json_number(&b->seq, object, "seq", err);
  if (!code) code = qun__json_text(&kind, object, "kind", err);
  if (code) return code;
  for (int k = QUN_BOUND_RECORD; k <= QUN_BOUND_TAIL; k++)
    if (strcmp(kind, bound_kinds[k]) == 0) b->kind = (enum qun_bound_kind)k;
  if (!b->kind) return qun_error_set(err, QUN_EINVAL, "kind: '%.20s' is none of record, group, tail", kind);
  bool small = b->kind != QUN_BOUND_RECORD, leaf = b->kind != QUN_BOUND_TAIL;
  code = qun__json_only(object, 3 + (small ? 3 : 0) + (leaf ? 2 : 1), err);
  if (!code) code = qun__json_hash(b->hash, object, "hash", err);
  if (!code && small) code = qun__json_number(&b->first, object, "first", err);
  if (!code && small) code = qun__json_number(&count, object, "count", err);
  if (!code && (count > QUN_GROUP_SIZE || (small && b->first == 0)))
    code = qun_error_set(err, QUN_EINVAL, "no such group");
  if (!code && small) code = qun__json_proof(&b->path, object, "path", err);
  if (!code && leaf) code = qun__json_number(&b->leaf, object, "leaf", err);
  if (!code && leaf) code = qun__json_proof(&b->proof, object, "proof", err);
  if (!code && !leaf) code = qun__json_number(&b->by, object, "by", err);
  b->count = (uint32_t)count;
  return code;
}

static int read_records(struct qun_evidence *e, const cJSON *list, struct qun_error *err) {
  const cJSON *item;
  if (!cJSON_IsArray(list)) return qun_error_set(err, QUN_EINVAL, "records: missing or not a list");
  e->records = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *e->records);
  if (!e->records) return qun_error_set(err, QUN_EFAIL, "out of memory");
  cJSON_ArrayForEach(item, list) {
    struct qun_bound *b = &e->records[e->count];
    int code = read_bound(b, item, err);
    if (!code && e->count && b->seq <= b[-1].seq) code = qun_error_set(err, QUN_EINVAL, "not in order of seq");
    if (code) {
      qun_error_prefix(err, "records: entry %u", e->count + 1);
      return code;
    }
    e->count++;
  }
  return 0;
}

static int read_disclosed(struct qun_evidence *e, const cJSON *object, struct qun_error *err) {
  const char *bytes = NULL;
  int code = qun__json_only(object, 3, err);
  if (!code) code = qun__json_number(&e->audit_seq, object, "seq", err);
  if (!code) code = qun__json_hash(e->audit_salt, object, "salt", err);
  if (!code) code = qun__json_text(&bytes, object, "bytes", err);
  if (!code) {
    size_t cap = strlen(bytes) / 4 * 3 + 3;
    e->audit_bytes = malloc(cap);
    if (!e->audit_bytes)
      code = qun_error_set(err, QUN_EFAIL, "out of memory");
    else if (!qun_base64_read(e->audit_bytes, cap, &e->audit_bytes_size, qun_str(bytes)))
      code = qun_error_set(err, QUN_EINVAL, "bytes: not base64");
  }
  if (code) qun_error_prefix(err, "audit");
  return code;
}

static int same_checkpoint(const cJSON *json, const struct qun_checkpoint *c, struct qun_error *err) {
  const char *format = NULL, *origin = NULL;
  unsigned char root[QUN_HASH_SIZE];
  uint64_t size = 0;
  int code = qun__json_only(json, 6, err);
  if (!code) code = qun__json_text(&format, json, "format", err);
  if (!code && strcmp(format, evidence_format) != 0)
    code = qun_error_set(err, QUN_EINVAL, "format: not %s", evidence_format);
  if (!code) code = qun__json_text(&origin, json, "origin", err);
  if (!code) code = qun__json_number(&size, json, "size", err);
  if (!code) code = qun__json_hash(root, json, "root", err);
  if (!code && (!qun_slice_is(c->origin, origin) || size != c->size || memcmp(root, c->root, sizeof root) != 0))
    code = qun_error_set(err, QUN_EINVAL, "origin, size or root are not those of the checkpoint");
  return code;
}

int qun_evidence_read(struct qun_evidence *out, qun_slice text, const struct qun_checkpoint *checkpoint,
                      struct qun_error *err) {
  struct qun_evidence e = {.count = 0};
  cJSON *json = qun__json_read(text, err);
  if (!json) return QUN_EINVAL;
  int code = same_checkpoint(json, checkpoint, err);
  if (!code) code = read_disclosed(&e, cJSON_GetObjectItemCaseSensitive(json, "audit"), err);
  if (!code) code = read_records(&e, cJSON_GetObjectItemCaseSensitive(json, "records"), err);
  cJSON_Delete(json);
  if (code)
    qun_evidence_fini(&e);
  else
    *out = e;
  return code;
}

void qun_evidence_fini(struct qun_evidence *e) {
  free(e->audit_bytes);
  free(e->records);
  memset(e, 0, sizeof *e);
}

const struct qun_bound *qun_evidence_find(const struct qun_evidence *e, uint64_t seq) {
  uint32_t low = 0, high = e->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (e->records[middle].seq == seq) return &e->records[middle];
    if (e->records[middle].seq < seq)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

/* ---- the qun.audit record */

void qun_audit_statement_write(struct qun_pack *out, const struct qun_audit_statement *s) {
  char hex[2 * 32 + 1];
  qun_pack_map(out, s->tail_first ? 4 : 2);
  qun_pack_cstr(out, "upto");
  qun_pack_uint(out, s->upto);
  qun_pack_kv_cstr(out, "report", sodium_bin2hex(hex, sizeof hex, s->report, sizeof s->report));
  if (!s->tail_first) return;
  qun_pack_kv_cstr(out, "tail", sodium_bin2hex(hex, sizeof hex, s->tail, sizeof s->tail));
  qun_pack_cstr(out, "tail_first");
  qun_pack_uint(out, s->tail_first);
}

static int read_hex(unsigned char out[32], qun_slice data, const char *key, struct qun_error *err) {
  qun_slice hex = qun_mp_str(data, key);
  size_t n;
  if (hex.len == 64 && sodium_hex2bin(out, 32, hex.ptr, 64, NULL, &n, NULL) == 0 && n == 32) return 0;
  return qun_error_set(err, QUN_EINVAL, "%s: not the hex of 32 bytes", key);
}

int qun_audit_statement_read(struct qun_audit_statement *out, qun_slice data, struct qun_error *err) {
  struct qun_audit_statement s = {.upto = 0};
  int64_t upto = qun_mp_int(data, "upto", -1), tail_first = qun_mp_int(data, "tail_first", 0);
  if (upto < 0 || tail_first < 0 || tail_first > upto)
    return qun_error_set(err, QUN_EINVAL, "upto or tail_first: no such record");
  s.upto = (uint64_t)upto;
  s.tail_first = (uint64_t)tail_first;
  int code = read_hex(s.report, data, "report", err);
  if (!code && tail_first) code = read_hex(s.tail, data, "tail", err);
  if (!code) *out = s;
  return code;
}

static int check_disclosed(const struct qun_evidence *e, struct qun_audit_statement *statement, struct qun_error *err) {
  const struct qun_bound *b = qun_evidence_find(e, e->audit_seq);
  unsigned char hash[QUN_HASH_SIZE];
  struct qun_record record;
  qun_slice bytes = qun_slice_of(e->audit_bytes, e->audit_bytes_size);
  qun_record_hash(e->audit_salt, bytes, hash);
  if (!b || b->kind != QUN_BOUND_RECORD)
    return qun_error_set(err, QUN_EINVAL, "audit: the qun.audit record itself has no proof");
  if (memcmp(b->hash, hash, sizeof hash) != 0)
    return qun_error_set(err, QUN_EINVAL, "audit: salt and bytes do not give the hash of record %llu",
                         (unsigned long long)e->audit_seq);
  if (qun_record_read(&record, e->audit_seq, bytes) != 0 || !qun_slice_is(record.type, "qun.audit"))
    return qun_error_set(err, QUN_EINVAL, "audit: record %llu is not a qun.audit record",
                         (unsigned long long)e->audit_seq);
  int code = qun_audit_statement_read(statement, record.data, err);
  if (code) qun_error_prefix(err, "audit: record %llu", (unsigned long long)e->audit_seq);
  return code;
}

static int check_bound(const struct qun_evidence *e, const struct qun_bound *b, const struct qun_checkpoint *c,
                       const struct qun_audit_statement *s, struct qun_error *err) {
  if (b->kind != QUN_BOUND_TAIL) return qun_bound_verify(b, c->size, c->root, err);
  if (b->by != e->audit_seq || !s->tail_first)
    return qun_error_set(err, QUN_EINVAL, "record %llu: no tail of the disclosed qun.audit record covers it",
                         (unsigned long long)b->seq);
  return qun_bound_verify_tail(b, s->tail_first, s->upto, s->tail, err);
}

int qun_evidence_verify(const struct qun_evidence *e, const struct qun_checkpoint *checkpoint,
                        struct qun_audit_statement *statement, struct qun_error *err) {
  struct qun_audit_statement s;
  int code = check_disclosed(e, &s, err);
  for (uint32_t i = 0; !code && i < e->count; i++) code = check_bound(e, &e->records[i], checkpoint, &s, err);
  if (!code) *statement = s;
  return code;
}

/* ---- consistency */

void qun_consistency_write(struct qun_pack *out, qun_slice since, const struct qun_proof *proof) {
  put(out, "{\"format\":\"%s\",\"since\":", consistency_format);
  put_text(out, since);
  put_proof(out, "proof", proof);
  put(out, "}\n");
}

int qun_consistency_verify(qun_slice text, const struct qun_verifier *key, const struct qun_checkpoint *checkpoint,
                           uint64_t *since_size, unsigned char since_root[QUN_HASH_SIZE], struct qun_error *err) {
  const char *format = NULL, *since = NULL;
  struct qun_checkpoint earlier = {.size = 0};
  struct qun_proof proof;
  cJSON *json = qun__json_read(text, err);
  if (!json) return QUN_EINVAL;
  int code = qun__json_only(json, 3, err);
  if (!code) code = qun__json_text(&format, json, "format", err);
  if (!code && strcmp(format, consistency_format) != 0)
    code = qun_error_set(err, QUN_EINVAL, "format: not %s", consistency_format);
  if (!code) code = qun__json_text(&since, json, "since", err);
  if (!code) code = qun__json_proof(&proof, json, "proof", err);
  if (!code) {
    code = qun_checkpoint_open(&earlier, qun_str(since), key, 1, err);
    if (code) qun_error_prefix(err, "since");
  }
  if (!code)
    code = qun_merkle_verify_consistency(earlier.size, checkpoint->size, earlier.root, checkpoint->root, &proof, err);
  if (!code) {
    *since_size = earlier.size;
    memcpy(since_root, earlier.root, QUN_HASH_SIZE);
  }
  cJSON_Delete(json);
  return code;
}
