/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/admission.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int qun_signatures_of(const char *text) {
  static const char *const names[] = {
      [QUN_SIGNATURES_WARN] = "warn", [QUN_SIGNATURES_STRICT] = "strict", [QUN_SIGNATURES_OFF] = "off"};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
    if (strcmp(text, names[i]) == 0) return i;
  return -1;
}

int qun__admission_open(struct qun__admission *a, const struct qun_plugin_policy *policy, struct qun_error *err) {
  char folder[PATH_MAX];
  memset(a, 0, sizeof *a);
  a->policy = *policy;
  if (!a->policy.built) a->policy.built = &qun__trust_built;
  if (!policy->data_dir) return 0;
  if (snprintf(folder, sizeof folder, "%s/plugins", policy->data_dir) >= (int)sizeof folder ||
      snprintf(a->installed, sizeof a->installed, "%.*s/installed", (int)(sizeof a->installed - 11), folder) >=
          (int)sizeof a->installed)
    return qun_error_set(err, QUN_EFAIL, "%.200s...: the path is too long", policy->data_dir);
  if (access(a->installed, F_OK) < 0) a->installed[0] = '\0';
  int rc = qun_trust_store_load(&a->trust, folder, err);
  if (rc == 0) rc = qun_service_grants_load(&a->grants, folder, err);
  if (rc < 0) qun__admission_close(a);
  return rc;
}

void qun__admission_close(struct qun__admission *a) {
  qun_trust_store_fini(&a->trust);
  qun_service_grants_fini(&a->grants);
}

/* ---------------------------------------------------------------- what can be judged without the library */

static void check_parts(struct qun__candidate *c) {
  const struct qun_manifest *m = c->manifest;
  const struct qun_package_index *index = &c->verdict.index;
  if (strcmp(index->id, m->id) != 0 || strcmp(index->version, m->version) != 0)
    qun__candidate_refuse(c, "%s: its index is of %s %s, plugin.yaml says %s %s", m->id, index->id, index->version,
                          m->id, m->version);
  if (!qun_package_holds(&c->verdict, "plugin.yaml", m->sha256))
    qun__candidate_refuse(c, "%s: plugin.yaml is not the one of its index: it was changed", m->id);
  for (uint32_t i = 0; i < m->files_count + m->locales_count; i++) {
    const char *path = i < m->files_count ? m->files[i] : m->locales[i - m->files_count];
    if (!qun_package_index_find(index, path)) qun__candidate_refuse(c, "%s: %s is not in its index", m->id, path);
  }
}

static const unsigned char *signer(const struct qun_package_verdict *v) {
  return v->standing >= QUN_PACKAGE_STRANGER ? v->key : NULL;
}

void qun__admission_check(const struct qun__admission *a, struct qun__candidate *c) {
  struct qun_error why = {0};
  if (!c->manifest || c->reason[0]) return;
  if (qun_package_verify(&c->verdict, c->dir, &a->trust, &why) < 0) qun__candidate_refuse(c, "%s", why.message);
  if (c->verdict.standing == QUN_PACKAGE_BROKEN) qun__candidate_refuse(c, "%s: %s", c->manifest->id, c->verdict.reason);
  if (c->verdict.standing >= QUN_PACKAGE_UNSIGNED) check_parts(c);
  if (!c->installed || c->reason[0]) return;
  const char *missing = qun_service_grants_missing(&a->grants, c->manifest, signer(&c->verdict));
  if (missing)
    qun__candidate_refuse(c, "%s: asks for %s, which was not granted (qun plugin install --grant)", c->manifest->id,
                          missing);
}

/* ---------------------------------------------------------------- the library */

bool qun__admission_trusts(const struct qun__admission *a, const struct qun__candidate *c,
                           const unsigned char sha256[32]) {
  return c->verdict.standing == QUN_PACKAGE_SIGNED || qun__trust_has(a->policy.built, sha256);
}

int qun__admission_library(const struct qun__admission *a, const struct qun__candidate *c, const char *path,
                           const unsigned char sha256[32], struct qun_error *err) {
  if (!qun_package_holds(&c->verdict, path, sha256))
    return qun_error_set(err, QUN_EDENIED, "%s is not the one of its index: it was changed", path);
  if (qun__admission_trusts(a, c, sha256)) return 0;
  if (a->policy.signatures == QUN_SIGNATURES_STRICT)
    return qun_error_set(err, QUN_EDENIED, "%s, and this host takes signed packages alone (qund --signatures strict)",
                         c->verdict.reason);
  if (a->policy.allow_untrusted || a->policy.isolation) return 0;
  return qun_error_set(
      err, QUN_EDENIED,
      "%.200s is not one of the libraries that this host was built with, and others are not allowed (qund --allow-untrusted)",
      path);
}
