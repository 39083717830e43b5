/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/audit_run.h"

#include "host/ops/json.h"
#include "host/reports/report.h"
#include "tenants/audit_log.h"
#include "tenants/citations.h"
#include "tenants/evidence.h"

#include <stdio.h>
#include <stdlib.h>

/* Files that every bundle has, and consistency.json; then two for each view of the report. */
enum { AUDIT = 0, CHECKPOINT, EVIDENCE, KEY, CONSISTENCY, MANIFEST, FIXED, FILES = QUN_AUDIT_FILES_MAX };

_Static_assert((int)FIXED + 2 * QUN_AUDIT_VIEWS_MAX <= (int)FILES, "room for every file");

static const char *const fixed[FIXED] = {"audit.json", "checkpoint",       "evidence.json",
                                         "key",        "consistency.json", "MANIFEST"};

struct run {
  struct qun_engine *engine;
  const char *tenant;
  const struct qun_audit_options *options;
  struct qun_error *err;
  struct qun_pack text[FILES];
  char *paths[FILES];    /* heap */
  struct qun_pack found; /* compliance.audit's answer */
  struct qun_audit_statement statement;
  struct qun_citations cited;
  struct qun_evidence evidence;
  struct qun_verifier verifier;
  uint64_t seq, size;
};

static int out_of_memory(struct run *r) {
  return qun_error_set(r->err, QUN_EFAIL, "out of memory");
}

/* ---- what the plugin finds */

/* A plugin that was switched on late first reads the whole log; before that it would judge a part as if it were all. */
static int caught_up(struct run *r) {
  struct qun_reading reading = {0};
  struct qun_head head;
  int code = qun_engine_read_begin(r->engine, r->tenant, &reading, r->err);
  if (code) return code;
  uint64_t cursor = qun_cursor_read(&reading.view, "compliance");
  if (qun_head_read(&reading.view, &head) != 0)
    code = qun_error_set(r->err, QUN_EFAIL, "the head of tenant %s's store cannot be read", r->tenant);
  else if (!qun_plugin_is_live(&reading.view, "compliance"))
    code = qun_error_set(r->err, QUN_ENOTFOUND, "the plugin compliance is off for tenant %s", r->tenant);
  else if (cursor < head.seq)
    code = qun_error_set(r->err, QUN_EAGAIN, "the plugin compliance is still catching up: record %llu of %llu",
                         (unsigned long long)cursor, (unsigned long long)head.seq);
  qun_engine_read_end(&reading);
  return code;
}

static int call(struct run *r, const char *service, qun_slice params, struct qun_pack *reply) {
  struct qun_call_spec spec = {
      .tenant = r->tenant, .service = service, .params = params, .locale = r->options->locale, .role = "auditor"};
  return qun_engine_call_wait(r->engine, &spec, reply, r->err);
}

static int find(struct run *r) {
  struct qun_pack params;
  const char *scope = r->options->scope;
  qun_pack_init(&params);
  qun_pack_map(&params, scope ? 1 : 0);
  if (scope) qun_pack_kv_cstr(&params, "scope", scope);
  int code = params.failed ? out_of_memory(r) : call(r, "compliance.audit", qun_pack_slice(&params), &r->found);
  qun_pack_fini(&params);
  return code;
}

static int draw(struct run *r, const char *view, qun_slice model, enum qun_report_face face, const char *end,
                int file) {
  if (asprintf(&r->paths[file], "reports/%s.%s", view, end) < 0) {
    r->paths[file] = NULL;
    return out_of_memory(r);
  }
  return qun_report_render(r->engine, r->tenant, "compliance", model, face, r->options->locale, &r->text[file], r->err);
}

static int report_view(struct run *r, const char *view, int file) {
  struct qun_pack params, model;
  qun_pack_init(&params);
  qun_pack_init(&model);
  qun_pack_map(&params, 1);
  qun_pack_kv_cstr(&params, "view", view);
  int code = params.failed ? out_of_memory(r) : call(r, "compliance.report", qun_pack_slice(&params), &model);
  if (!code) code = draw(r, view, qun_pack_slice(&model), QUN_FACE_JSON, "json", file);
  if (!code) code = draw(r, view, qun_pack_slice(&model), QUN_FACE_HTML, "html", file + 1);
  qun_pack_fini(&params);
  qun_pack_fini(&model);
  return code;
}

/* Every view of the plugin's report, drawn as JSON and as a page. */
static int report(struct run *r) {
  const struct qun_loaded_plugin *plugin = qun_plugin_set_find(qun_engine_plugins(r->engine), "compliance");
  if (!plugin) return qun_error_set(r->err, QUN_ENOTFOUND, "the plugin compliance is not there");
  const struct qun_manifest *manifest = plugin->manifest;
  int code = 0;
  if (manifest->views_count > QUN_AUDIT_VIEWS_MAX)
    return qun_error_set(r->err, QUN_EINVAL, "the plugin compliance has more than %d views", QUN_AUDIT_VIEWS_MAX);
  for (uint32_t i = 0; !code && i < manifest->views_count; i++)
    code = report_view(r, manifest->views[i].name, FIXED + 2 * (int)i);
  return code;
}

/* How far the log goes now, which is at least as far as what was found, and the root over the records that no full
 * group covers. */
static int state_extent(struct run *r) {
  struct qun_reading reading = {0};
  struct qun_audit_open open;
  struct qun_head head;
  int code = qun_engine_read_begin(r->engine, r->tenant, &reading, r->err);
  if (!code && qun_head_read(&reading.view, &head) != 0)
    code = qun_error_set(r->err, QUN_EFAIL, "the head of tenant %s's store cannot be read", r->tenant);
  if (!code) code = qun_audit_open_group(&open, &reading.view, reading.vault, r->err);
  if (!code) {
    r->statement.upto = head.seq;
    r->statement.tail_first = open.count ? open.first : 0;
    memcpy(r->statement.tail, open.root, sizeof open.root);
  }
  qun_engine_read_end(&reading);
  return code;
}

static int write_audit(struct run *r) {
  struct qun_profile *profile;
  struct qun_pack map;
  int code = qun_engine_tenant_profile(r->engine, r->tenant, &profile, r->err);
  if (code) return code;
  qun_pack_init(&map);
  qun_pack_map(&map, 6);
  qun_pack_kv_cstr(&map, "format", "qun-audit/1");
  qun_pack_kv_cstr(&map, "tenant", r->tenant);
  qun_pack_kv_cstr(&map, "title", profile->title);
  qun_pack_kv_bool(&map, "simulated", profile->simulated);
  qun_pack_cstr(&map, "upto");
  qun_pack_uint(&map, r->statement.upto);
  qun_pack_cstr(&map, "result");
  qun_pack_raw(&map, qun_pack_slice(&r->found));
  if (map.failed)
    code = out_of_memory(r);
  else
    code = qun_msgpack_to_json(&r->text[AUDIT], qun_pack_slice(&map), true, r->err);
  if (!code) qun_sha256_of(qun_pack_slice(&r->text[AUDIT]), r->statement.report);
  qun_pack_fini(&map);
  qun_profile_destroy(profile);
  return code;
}

/* ---- the record and the proofs */

static int record(struct run *r) {
  struct qun_pack data;
  qun_slice none = {NULL, 0};
  qun_pack_init(&data);
  qun_audit_statement_write(&data, &r->statement);
  int code = data.failed ? out_of_memory(r)
                         : qun_engine_control(r->engine, r->tenant, "qun.audit", none, none, qun_pack_slice(&data),
                                              &r->seq, r->err);
  qun_pack_fini(&data);
  if (!code) code = qun_engine_checkpoint(r->engine, r->tenant, &r->text[CHECKPOINT], &r->size, r->err);
  return code;
}

static int collect_citations(struct run *r) {
  int code = qun_citations_add(&r->cited, qun_pack_slice(&r->text[AUDIT]), r->err);
  for (int i = FIXED; !code && i < FILES; i += 2)
    if (r->text[i].len) code = qun_citations_add(&r->cited, qun_pack_slice(&r->text[i]), r->err);
  if (!code) code = qun_citations_add_one(&r->cited, r->seq, r->err);
  if (!code) qun_citations_sort(&r->cited);
  return code;
}

static int keep_bytes(void *arg, const struct qun_log_entry *entry) {
  struct run *r = arg;
  if (entry->seq != r->seq) return 0;
  r->evidence.audit_bytes = malloc((size_t)entry->bytes.len + 1);
  if (!r->evidence.audit_bytes) return QUN_EFAIL;
  memcpy(r->evidence.audit_bytes, entry->bytes.ptr, (size_t)entry->bytes.len);
  r->evidence.audit_bytes_size = (size_t)entry->bytes.len;
  return 0;
}

static int bind_one(struct run *r, const struct qun_reading *reading, uint64_t seq, struct qun_bound *b) {
  int code = qun_audit_prove(b, &reading->view, reading->vault, seq, r->size, r->err);
  if (code) return code;
  if (b->kind == QUN_BOUND_TAIL && b->by != r->seq)
    return qun_error_set(r->err, QUN_EAGAIN, "another audit of tenant %s ran at the same time; run it again",
                         r->tenant);
  if (b->kind == QUN_BOUND_OPEN)
    return qun_error_set(r->err, QUN_EFAIL, "record %llu is cited, but nothing in the audit tree covers it",
                         (unsigned long long)seq);
  return 0;
}

static int prove_cited(struct run *r, const struct qun_reading *reading) {
  struct qun_evidence *e = &r->evidence;
  int code = 0;
  e->audit_seq = r->seq;
  qun_vault_salt(reading->vault, r->seq, e->audit_salt);
  e->records = calloc(r->cited.count, sizeof *e->records);
  if (!e->records) return out_of_memory(r);
  for (; !code && e->count < r->cited.count; e->count += !code)
    code = bind_one(r, reading, r->cited.seqs[e->count], &e->records[e->count]);
  return code;
}

static int read_key(struct run *r) {
  int code = qun_engine_verifier_key(r->engine, r->tenant, &r->text[KEY], r->err);
  struct qun_pack *key = &r->text[KEY];
  if (!code && key->len && key->buf[key->len - 1] == '\n') key->len--;
  if (!code) code = qun_verifier_read(&r->verifier, qun_pack_slice(key), r->err);
  if (!code) qun_pack_raw(key, qun_str("\n"));
  return code;
}

static int show_continuity(struct run *r, const struct qun_reading *reading) {
  struct qun_checkpoint earlier;
  struct qun_proof proof;
  if (r->options->since.len == 0) return 0;
  int code = qun_checkpoint_open(&earlier, r->options->since, &r->verifier, 1, r->err);
  if (!code && earlier.size > r->size)
    code = qun_error_set(r->err, QUN_EINVAL, "its tree has %llu leaves, this log's only %llu",
                         (unsigned long long)earlier.size, (unsigned long long)r->size);
  if (code) {
    qun_error_prefix(r->err, "the earlier checkpoint");
    return code;
  }
  if (earlier.size == 0) return 0;
  code = qun_audit_prove_consistency(&proof, &reading->view, earlier.size, r->size, r->err);
  if (!code) qun_consistency_write(&r->text[CONSISTENCY], r->options->since, &proof);
  return code;
}

static int write_evidence(struct run *r) {
  struct qun_checkpoint checkpoint;
  struct qun_audit_statement checked;
  int code = qun_checkpoint_open(&checkpoint, qun_pack_slice(&r->text[CHECKPOINT]), &r->verifier, 1, r->err);
  if (!code) code = qun_engine_log_each(r->engine, r->tenant, r->seq - 1, 1, keep_bytes, r, r->err);
  if (!code && !r->evidence.audit_bytes)
    code = qun_error_set(r->err, QUN_EFAIL, "record %llu is not in the log", (unsigned long long)r->seq);
  /* what is handed over was checked here first, as its reader will */
  if (!code) code = qun_evidence_verify(&r->evidence, &checkpoint, &checked, r->err);
  if (!code) qun_evidence_write(&r->text[EVIDENCE], &checkpoint, &r->evidence);
  return code;
}

static int sign(void *arg, qun_slice message, unsigned char sig[64], struct qun_error *err) {
  return qun_vault_sign(arg, message, sig, err);
}

/* Everything that has text, MANIFEST last. */
static uint32_t list_files(const struct run *r, struct qun_bundle_file files[FILES]) {
  uint32_t n = 0;
  for (int i = 0; i < FILES; i++)
    if (i != MANIFEST && r->text[i].len)
      files[n++] = (struct qun_bundle_file){i < FIXED ? fixed[i] : r->paths[i], qun_pack_slice(&r->text[i])};
  if (r->text[MANIFEST].len) files[n++] = (struct qun_bundle_file){fixed[MANIFEST], qun_pack_slice(&r->text[MANIFEST])};
  return n;
}

static int prove(struct run *r) {
  struct qun_reading reading = {0};
  struct qun_bundle_file files[FILES];
  int code = read_key(r);
  if (!code) code = qun_engine_read_begin(r->engine, r->tenant, &reading, r->err);
  if (!code) code = prove_cited(r, &reading);
  if (!code) code = show_continuity(r, &reading);
  if (!code) code = write_evidence(r);
  if (!code)
    code =
        qun_bundle_manifest(&r->text[MANIFEST], files, list_files(r, files), &r->verifier, sign, reading.vault, r->err);
  qun_engine_read_end(&reading);
  for (int i = 0; !code && i < FILES; i++)
    if (r->text[i].failed) code = out_of_memory(r);
  return code;
}

/* ---- the whole */

static void hand_over(struct run *r, struct qun_audit_result *out) {
  qun_slice found = qun_pack_slice(&r->found), summary = {NULL, 0};
  struct qun_audit_result result = {.seq = r->seq,
                                    .upto = r->statement.upto,
                                    .size = r->size,
                                    .records = r->evidence.count};
  qun_mp_find(found, "summary", &summary);
  result.satisfied = qun_mp_int(summary, "satisfied", 0);
  result.not_satisfied = qun_mp_int(summary, "not_satisfied", 0);
  result.not_applicable = qun_mp_int(summary, "not_applicable", 0);
  qun_verifier_write(result.key, &r->verifier);
  result.files_count = list_files(r, result.files);
  memcpy(result.bytes, r->text, sizeof r->text);
  memcpy(result.paths, r->paths, sizeof r->paths);
  memset(r->text, 0, sizeof r->text);
  memset(r->paths, 0, sizeof r->paths);
  *out = result;
}

int qun_audit_run(struct qun_engine *e, const char *tenant, const struct qun_audit_options *options,
                  struct qun_audit_result *out, struct qun_error *err) {
  struct run r = {.engine = e, .tenant = tenant, .options = options, .err = err};
  int code = caught_up(&r);
  if (!code) code = find(&r);
  if (!code) code = report(&r);
  if (!code) code = state_extent(&r);
  if (!code) code = write_audit(&r);
  if (!code) code = record(&r);
  if (!code) code = collect_citations(&r);
  if (!code) code = prove(&r);
  if (!code) hand_over(&r, out);
  for (int i = 0; i < FILES; i++) {
    qun_pack_fini(&r.text[i]);
    free(r.paths[i]);
  }
  qun_pack_fini(&r.found);
  qun_citations_fini(&r.cited);
  qun_evidence_fini(&r.evidence);
  return code;
}

void qun_audit_result_fini(struct qun_audit_result *r) {
  for (int i = 0; i < QUN_AUDIT_FILES_MAX; i++) {
    qun_pack_fini(&r->bytes[i]);
    free(r->paths[i]);
  }
  memset(r, 0, sizeof *r);
}
