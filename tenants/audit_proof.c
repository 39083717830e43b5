/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/audit_proof.h"

static const char *const kind_names[] = {
    [QUN_BOUND_RECORD] = "record", [QUN_BOUND_GROUP] = "group", [QUN_BOUND_TAIL] = "tail", [QUN_BOUND_OPEN] = "open"};

const char *qun_bound_kind_name(enum qun_bound_kind kind) {
  return kind_names[kind];
}

enum qun_bound_kind qun_bound_kind_of(qun_slice name) {
  for (int kind = QUN_BOUND_RECORD; kind <= QUN_BOUND_OPEN; kind++)
    if (qun_slice_is(name, kind_names[kind])) return (enum qun_bound_kind)kind;
  return (enum qun_bound_kind)0;
}

void qun_proof_write(struct qun_pack *out, const struct qun_proof *p) {
  qun_pack_array(out, p->count);
  for (uint32_t i = 0; i < p->count; i++) qun_pack_bin(out, (qun_slice){p->hashes[i], QUN_HASH_SIZE});
}

static void write_number(struct qun_pack *out, const char *key, uint64_t value) {
  qun_pack_cstr(out, key);
  qun_pack_uint(out, value);
}

void qun_bound_write(struct qun_pack *out, const struct qun_bound *b, const unsigned char *salt) {
  bool small = b->kind == QUN_BOUND_GROUP || b->kind == QUN_BOUND_TAIL;
  bool leaf = b->kind == QUN_BOUND_GROUP || b->kind == QUN_BOUND_RECORD;
  qun_pack_map(out, 3u + (salt ? 1 : 0) + (small ? 3 : 0) + (leaf ? 2 : 0) + (b->kind == QUN_BOUND_TAIL ? 1 : 0));
  qun_pack_kv_cstr(out, "kind", kind_names[b->kind]);
  write_number(out, "seq", b->seq);
  qun_pack_cstr(out, "hash");
  qun_pack_bin(out, (qun_slice){b->hash, QUN_HASH_SIZE});
  if (salt) {
    qun_pack_cstr(out, "salt");
    qun_pack_bin(out, (qun_slice){salt, 32});
  }
  if (small) {
    write_number(out, "first", b->first);
    write_number(out, "count", b->count);
    qun_pack_cstr(out, "path");
    qun_proof_write(out, &b->path);
  }
  if (leaf) {
    write_number(out, "leaf", b->leaf);
    qun_pack_cstr(out, "proof");
    qun_proof_write(out, &b->proof);
  }
  if (b->kind == QUN_BOUND_TAIL) write_number(out, "by", b->by);
}

int qun_proof_read(struct qun_proof *out, qun_slice array, struct qun_error *err) {
  struct qun_unpack u;
  struct qun_proof p = {.count = 0};
  uint32_t n;
  qun_unpack_init(&u, array);
  if (!qun_unpack_array(&u, &n) || n > QUN_PROOF_MAX)
    return qun_error_set(err, QUN_EINVAL, "not a list of up to 65 hashes");
  for (; p.count < n; p.count++) {
    qun_slice hash;
    if (!qun_unpack_bin(&u, &hash) || hash.len != QUN_HASH_SIZE)
      return qun_error_set(err, QUN_EINVAL, "entry %u is not a hash of 32 bytes", p.count);
    memcpy(p.hashes[p.count], hash.ptr, QUN_HASH_SIZE);
  }
  *out = p;
  return 0;
}

static int read_bytes(unsigned char *out, qun_slice map, const char *key, struct qun_error *err) {
  struct qun_unpack u;
  qun_slice value, bytes;
  if (qun_mp_find(map, key, &value)) {
    qun_unpack_init(&u, value);
    if (qun_unpack_bin(&u, &bytes) && bytes.len == QUN_HASH_SIZE) {
      memcpy(out, bytes.ptr, QUN_HASH_SIZE);
      return 0;
    }
  }
  return qun_error_set(err, QUN_EINVAL, "%s: not 32 bytes", key);
}

static int read_number(uint64_t *out, qun_slice map, const char *key, int64_t most, struct qun_error *err) {
  int64_t value = qun_mp_int(map, key, -1);
  if (value < 0 || value > most) return qun_error_set(err, QUN_EINVAL, "%s: not a number from 0 on", key);
  *out = (uint64_t)value;
  return 0;
}

static int read_proof(struct qun_proof *out, qun_slice map, const char *key, struct qun_error *err) {
  qun_slice value;
  if (!qun_mp_find(map, key, &value)) return qun_error_set(err, QUN_EINVAL, "%s: missing", key);
  int code = qun_proof_read(out, value, err);
  if (code) qun_error_prefix(err, "%s", key);
  return code;
}

int qun_bound_read(struct qun_bound *out, unsigned char *salt, qun_slice map, struct qun_error *err) {
  struct qun_bound b = {.kind = qun_bound_kind_of(qun_mp_str(map, "kind"))};
  unsigned char found[32] = {0};
  uint64_t count = 0;
  qun_slice value;
  if (!b.kind) return qun_error_set(err, QUN_EINVAL, "kind: none of record, group, tail, open");
  bool small = b.kind == QUN_BOUND_GROUP || b.kind == QUN_BOUND_TAIL;
  bool leaf = b.kind == QUN_BOUND_GROUP || b.kind == QUN_BOUND_RECORD;
  int code = read_number(&b.seq, map, "seq", INT64_MAX, err);
  if (!code) code = read_bytes(b.hash, map, "hash", err);
  if (!code && qun_mp_find(map, "salt", &value)) code = read_bytes(found, map, "salt", err);
  if (!code && small) code = read_number(&b.first, map, "first", INT64_MAX, err);
  if (!code && small) code = read_number(&count, map, "count", QUN_GROUP_SIZE, err);
  if (!code && small) code = read_proof(&b.path, map, "path", err);
  if (!code && leaf) code = read_number(&b.leaf, map, "leaf", INT64_MAX, err);
  if (!code && leaf) code = read_proof(&b.proof, map, "proof", err);
  if (!code && b.kind == QUN_BOUND_TAIL) code = read_number(&b.by, map, "by", INT64_MAX, err);
  if (code) return code;
  b.count = (uint32_t)count;
  if (salt) memcpy(salt, found, sizeof found);
  *out = b;
  return 0;
}
