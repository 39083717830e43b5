/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/bundle_internal.h"

#include "tenants/citations.h"
#include "tenants/evidence.h"
#include "tenants/strict_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The files that are looked into, with the bytes that were held against MANIFEST: nothing is read twice. */
struct checked {
  const struct qun_verifier *key;
  struct qun_pack checkpoint, evidence, audit, consistency;
  struct qun_citations cited;
  bool has_key, has_checkpoint, has_evidence, has_audit, has_consistency;
};

/* ---- files */

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcmp(path + n - m, end) == 0;
}

static int keep(struct qun_pack *to, bool *has, qun_slice bytes, struct qun_error *err) {
  qun_pack_raw(to, bytes);
  *has = true;
  return to->failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}

static int check_key(struct checked *c, qun_slice bytes, struct qun_error *err) {
  char text[QUN_VERIFIER_TEXT_SIZE + 1];
  qun_verifier_write(text, c->key);
  strcat(text, "\n");
  c->has_key = true;
  return qun_slice_is(bytes, text) ? 0 : qun_error_set(err, QUN_EINVAL, "not the key that signed the bundle");
}

static int take_file(void *arg, const char *path, qun_slice bytes, struct qun_error *err) {
  struct checked *c = arg;
  int code = 0;
  if (strcmp(path, "key") == 0)
    code = check_key(c, bytes, err);
  else if (strcmp(path, "checkpoint") == 0)
    code = keep(&c->checkpoint, &c->has_checkpoint, bytes, err);
  else if (strcmp(path, "evidence.json") == 0)
    code = keep(&c->evidence, &c->has_evidence, bytes, err);
  else if (strcmp(path, "consistency.json") == 0)
    code = keep(&c->consistency, &c->has_consistency, bytes, err);
  else if (strcmp(path, "audit.json") == 0)
    code = keep(&c->audit, &c->has_audit, bytes, err);
  if (!code && ends_with(path, ".json") && strcmp(path, "evidence.json") != 0 && strcmp(path, "consistency.json") != 0)
    code = qun_citations_add(&c->cited, bytes, err);
  if (code) qun_error_prefix(err, "%s", path);
  return code;
}

static int all_there(const struct checked *c, struct qun_error *err) {
  const char *missing = !c->has_key          ? "key"
                        : !c->has_checkpoint ? "checkpoint"
                        : !c->has_evidence   ? "evidence.json"
                        : !c->has_audit      ? "audit.json"
                                             : NULL;
  return missing ? qun_error_set(err, QUN_EINVAL, "%s: missing; a bundle needs it", missing) : 0;
}

/* ---- proofs */

static int check_audit(const struct checked *c, const struct qun_audit_statement *s, struct qun_error *err) {
  unsigned char hash[QUN_SHA256_SIZE];
  const char *format = NULL;
  uint64_t upto = 0;
  cJSON *json = qun__json_read(qun_pack_slice(&c->audit), err);
  if (!json) return QUN_EINVAL;
  int code = qun__json_text(&format, json, "format", err);
  if (!code && strcmp(format, "qun-audit/1") != 0) code = qun_error_set(err, QUN_EINVAL, "format: not qun-audit/1");
  if (!code) code = qun__json_number(&upto, json, "upto", err);
  if (!code && upto != s->upto)
    code = qun_error_set(err, QUN_EINVAL, "upto: %llu, but the qun.audit record says %llu", (unsigned long long)upto,
                         (unsigned long long)s->upto);
  cJSON_Delete(json);
  qun_sha256_of(qun_pack_slice(&c->audit), hash);
  if (!code && memcmp(hash, s->report, sizeof hash) != 0)
    code = qun_error_set(err, QUN_EINVAL, "its SHA-256 is not the one in the log's qun.audit record");
  if (code) qun_error_prefix(err, "audit.json");
  return code;
}

static int check_evidence(const struct checked *c, const struct qun_checkpoint *checkpoint, struct qun_bundle_result *r,
                          struct qun_error *err) {
  struct qun_audit_statement statement = {.upto = 0};
  struct qun_evidence e;
  int code = qun_evidence_read(&e, qun_pack_slice(&c->evidence), checkpoint, err);
  if (code) {
    qun_error_prefix(err, "evidence.json");
    return code;
  }
  code = qun_evidence_verify(&e, checkpoint, &statement, err);
  if (code) qun_error_prefix(err, "evidence.json");
  for (uint32_t i = 0; !code && i < c->cited.count; i++)
    if (!qun_evidence_find(&e, c->cited.seqs[i]))
      code = qun_error_set(err, QUN_EINVAL, "evidence.json: no proof of record %llu, which a report cites",
                           (unsigned long long)c->cited.seqs[i]);
  if (!code) code = check_audit(c, &statement, err);
  r->records = e.count;
  r->cited = c->cited.count;
  r->audit_seq = e.audit_seq;
  r->upto = statement.upto;
  qun_evidence_fini(&e);
  return code;
}

static int check_since(const struct checked *c, const struct qun_checkpoint *checkpoint, qun_slice since,
                       struct qun_bundle_result *r, struct qun_error *err) {
  struct qun_checkpoint wanted = {.size = 0};
  unsigned char root[QUN_HASH_SIZE] = {0};
  uint64_t size = 0;
  int code = 0;
  if (c->has_consistency) {
    code = qun_consistency_verify(qun_pack_slice(&c->consistency), c->key, checkpoint, &size, root, err);
    if (code) qun_error_prefix(err, "consistency.json");
    r->continues = !code;
    r->since_size = size;
  }
  if (code || since.len == 0) return code;
  code = qun_checkpoint_open(&wanted, since, c->key, 1, err);
  if (code) {
    qun_error_prefix(err, "the earlier checkpoint");
    return code;
  }
  bool same = wanted.size == checkpoint->size && memcmp(wanted.root, checkpoint->root, QUN_HASH_SIZE) == 0;
  bool proved = c->has_consistency && wanted.size == size && memcmp(wanted.root, root, QUN_HASH_SIZE) == 0;
  if (wanted.size > checkpoint->size)
    return qun_error_set(err, QUN_EINVAL,
                         "checkpoint: its tree has %llu leaves, the earlier checkpoint's %llu: the log went back",
                         (unsigned long long)checkpoint->size, (unsigned long long)wanted.size);
  if (wanted.size == checkpoint->size && !same)
    return qun_error_set(err, QUN_EINVAL,
                         "checkpoint: same size as the earlier checkpoint, another root: the log was changed");
  if (!same && !proved && c->has_consistency && wanted.size == size)
    return qun_error_set(
        err, QUN_EINVAL,
        "consistency.json: it continues another tree of %llu leaves than the earlier checkpoint's: the log was changed",
        (unsigned long long)size);
  if (!same && !proved)
    return qun_error_set(
        err, QUN_EINVAL,
        "consistency.json: no proof from the earlier checkpoint of %llu leaves; ask for a bundle since it",
        (unsigned long long)wanted.size);
  r->continues = true;
  r->since_size = wanted.size;
  return 0;
}

static int check_proofs(const struct checked *c, qun_slice since, struct qun_bundle_result *r, struct qun_error *err) {
  struct qun_checkpoint checkpoint;
  int code = qun_checkpoint_open(&checkpoint, qun_pack_slice(&c->checkpoint), c->key, 1, err);
  if (code) {
    qun_error_prefix(err, "checkpoint");
    return code;
  }
  r->size = checkpoint.size;
  memcpy(r->root, checkpoint.root, sizeof r->root);
  code = check_evidence(c, &checkpoint, r, err);
  if (!code) code = check_since(c, &checkpoint, since, r, err);
  return code;
}

/* ---- the whole */

static int read_manifest(struct qun__manifest *m, int dir, const struct qun_verifier *key, struct qun_error *err) {
  struct qun_pack note;
  qun_slice text;
  qun_pack_init(&note);
  int code = qun__bundle_read(&note, dir, "MANIFEST", err);
  if (code == QUN_ENOTFOUND) code = qun_error_set(err, QUN_EINVAL, "MANIFEST: missing: this is not a bundle");
  if (!code) {
    code = qun_note_open(&text, qun_pack_slice(&note), key, 1, err);
    if (!code) code = qun__manifest_read(m, text, err);
    if (!code && strcmp(m->name, key->name) != 0) {
      code = qun_error_set(err, QUN_EINVAL, "line 2: not the name of the key that signed");
      qun__manifest_fini(m);
    }
    if (code) qun_error_prefix(err, "MANIFEST");
  }
  qun_pack_fini(&note);
  return code;
}

/* The key given, or the one that lies in the bundle. */
static int find_key(struct qun_verifier *out, int dir, const char *key, struct qun_error *err) {
  struct qun_pack bytes;
  if (key) return qun_verifier_read(out, qun_str(key), err);
  qun_pack_init(&bytes);
  int code = qun__bundle_read(&bytes, dir, "key", err);
  if (code == QUN_ENOTFOUND) code = qun_error_set(err, QUN_EINVAL, "key: missing; a bundle needs it");
  if (!code && (bytes.len == 0 || bytes.buf[bytes.len - 1] != '\n'))
    code = qun_error_set(err, QUN_EINVAL, "key: not a verifier key and a newline");
  if (!code) {
    code = qun_verifier_read(out, qun_slice_of(bytes.buf, bytes.len - 1), err);
    if (code) qun_error_prefix(err, "key");
  }
  qun_pack_fini(&bytes);
  return code;
}

int qun_bundle_verify(struct qun_bundle_result *out, const char *path, const char *key, qun_slice since,
                      struct qun_error *err) {
  struct qun_bundle_result r = {.any_key = !key};
  struct qun_verifier verifier;
  struct qun__manifest manifest = {.count = 0};
  struct checked c = {.key = &verifier};
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    return qun_error_set(err, errno == ENOENT ? QUN_ENOTFOUND : QUN_EFAIL, "%s: cannot open the bundle: %s", path,
                         strerror(errno));
  int code = find_key(&verifier, dir, key, err);
  if (!code) code = read_manifest(&manifest, dir, &verifier, err);
  if (!code) code = qun__bundle_walk(dir, &manifest, take_file, &c, err);
  if (!code) code = all_there(&c, err);
  if (!code) code = check_proofs(&c, since, &r, err);
  if (!code) {
    strcpy(r.origin, verifier.name);
    r.files = manifest.count;
    *out = r;
  }
  qun_pack_fini(&c.checkpoint);
  qun_pack_fini(&c.evidence);
  qun_pack_fini(&c.audit);
  qun_pack_fini(&c.consistency);
  qun_citations_fini(&c.cited);
  qun__manifest_fini(&manifest);
  close(dir);
  return code;
}
