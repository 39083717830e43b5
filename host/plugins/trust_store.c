/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/trust_store.h"

#include "host/plugins/manifest_check.h"
#include "host/plugins/small_file.h"
#include "tenants/base64.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20, LIST_MAX = 4096 };

static int path_of(char path[PATH_MAX], const char *folder, const char *name, struct qun_error *err) {
  if (snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX) return 0;
  return qun_error_set(err, QUN_EINVAL, "%.200s...: the path is too long", folder);
}

/* Splits a file into lines and gives each to `take`; one that is not there has none. */
static int each_line(const char *folder, const char *name, int (*take)(void *arg, char *line), void *arg,
                     struct qun_error *err) {
  char path[PATH_MAX];
  struct qun_pack text;
  unsigned number = 0;
  qun_pack_init(&text);
  int rc = path_of(path, folder, name, err);
  if (rc == 0) rc = qun__small_file_read(&text, path, FILE_MAX_BYTES, err);
  char *save = NULL, *line = rc == 0 ? strtok_r((char *)text.buf, "\n", &save) : NULL;
  for (; line && rc == 0; line = strtok_r(NULL, "\n", &save)) {
    number++;
    if (take(arg, line) < 0) rc = qun_error_set(err, QUN_EINVAL, "%s: entry %u cannot be read", path, number);
  }
  qun_pack_fini(&text);
  return rc == QUN_ENOTFOUND ? 0 : rc;
}

static int save_text(const struct qun_pack *text, const char *folder, const char *name, struct qun_error *err) {
  char path[PATH_MAX];
  int rc = path_of(path, folder, name, err);
  if (rc == 0 && text->failed) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  return rc < 0 ? rc : qun__small_file_replace(path, qun_pack_slice(text), 0600, err);
}

/* ---------------------------------------------------------------- keys */

static bool fits(const char *id, const char *prefix) {
  return strcmp(prefix, "*") == 0 || strncmp(id, prefix, strlen(prefix)) == 0;
}

static bool is_prefix(const char *text) {
  return strcmp(text, "*") == 0 || qun__is_name(text, 31);
}

int qun_trust_store_add(struct qun_trust_store *store, const unsigned char key[32], const char *prefix,
                        const char *name, struct qun_error *err) {
  struct qun_trusted_key *k = NULL;
  if (!is_prefix(prefix))
    return qun_error_set(err, QUN_EINVAL, "\"%.60s\" must be the beginning of an id, or * for any id", prefix);
  if (strlen(name) >= sizeof k->name || strpbrk(name, "\n\r"))
    return qun_error_set(err, QUN_EINVAL, "the name of a key must be one line of at most 63 bytes");
  for (uint32_t i = 0; i < store->count; i++)
    if (memcmp(store->keys[i].key, key, 32) == 0) k = &store->keys[i];
  if (!k) {
    struct qun_trusted_key *grown =
        store->count < LIST_MAX ? realloc(store->keys, (store->count + 1) * sizeof *grown) : NULL;
    if (!grown) return qun_error_set(err, QUN_EFAIL, "there is no room for another key");
    store->keys = grown;
    k = &grown[store->count++];
    memcpy(k->key, key, 32);
  }
  snprintf(k->prefix, sizeof k->prefix, "%s", prefix);
  snprintf(k->name, sizeof k->name, "%s", name);
  return 0;
}

bool qun_trust_store_remove(struct qun_trust_store *store, const unsigned char key[32]) {
  for (uint32_t i = 0; i < store->count; i++) {
    if (memcmp(store->keys[i].key, key, 32) != 0) continue;
    memmove(&store->keys[i], &store->keys[i + 1], (store->count - i - 1) * sizeof *store->keys);
    store->count--;
    return true;
  }
  return false;
}

const struct qun_trusted_key *qun_trust_store_find(const struct qun_trust_store *store, const unsigned char key[32],
                                                   const char *id) {
  for (uint32_t i = 0; i < store->count; i++)
    if (memcmp(store->keys[i].key, key, 32) == 0 && fits(id, store->keys[i].prefix)) return &store->keys[i];
  return NULL;
}

static int take_key(void *arg, char *line) {
  unsigned char key[32];
  char *save = NULL, *text = strtok_r(line, " ", &save), *prefix = strtok_r(NULL, " ", &save);
  const char *name = save ? save : "";
  if (!text || !prefix || !qun_base64_read_exactly(key, sizeof key, qun_str(text))) return -1;
  return qun_trust_store_add(arg, key, prefix, name, NULL);
}

int qun_trust_store_load(struct qun_trust_store *store, const char *folder, struct qun_error *err) {
  memset(store, 0, sizeof *store);
  int rc = each_line(folder, "trust", take_key, store, err);
  if (rc < 0) qun_trust_store_fini(store);
  return rc;
}

int qun_trust_store_save(const struct qun_trust_store *store, const char *folder, struct qun_error *err) {
  struct qun_pack text;
  char line[256], key[QUN_BASE64_SIZE(32)];
  qun_pack_init(&text);
  for (uint32_t i = 0; i < store->count; i++) {
    const struct qun_trusted_key *k = &store->keys[i];
    snprintf(line, sizeof line, "%s %s%s%s\n", qun_base64_write(key, k->key, 32), k->prefix, k->name[0] ? " " : "",
             k->name);
    qun_pack_raw(&text, qun_str(line));
  }
  int rc = save_text(&text, folder, "trust", err);
  qun_pack_fini(&text);
  return rc;
}

void qun_trust_store_fini(struct qun_trust_store *store) {
  free(store->keys);
  memset(store, 0, sizeof *store);
}

/* ---------------------------------------------------------------- grants */

static struct qun_service_grant *grant_of(const struct qun_service_grants *g, const char *id, const char *key) {
  for (uint32_t i = 0; i < g->count; i++)
    if (strcmp(g->list[i].id, id) == 0 && strcmp(g->list[i].key, key) == 0) return &g->list[i];
  return NULL;
}

static int put_grant(struct qun_service_grants *g, const char *id, const char *key, const char *services) {
  char *copy = strdup(services);
  struct qun_service_grant *at = grant_of(g, id, key);
  if (copy && !at && g->count < LIST_MAX) {
    struct qun_service_grant *grown = realloc(g->list, (g->count + 1) * sizeof *grown);
    if (grown) {
      g->list = grown;
      at = &grown[g->count++];
      memset(at, 0, sizeof *at);
      snprintf(at->id, sizeof at->id, "%s", id);
      snprintf(at->key, sizeof at->key, "%s", key);
    }
  }
  if (!copy || !at) {
    free(copy);
    return -1;
  }
  free(at->services);
  at->services = copy;
  return 0;
}

static int take_grant(void *arg, char *line) {
  unsigned char bytes[32];
  char *save = NULL, *id = strtok_r(line, " ", &save), *key = strtok_r(NULL, " ", &save);
  char *services = strtok_r(NULL, " ", &save);
  if (!id || !key || !services || !qun__is_name(id, 31)) return -1;
  if (strcmp(key, "-") != 0 && !qun_base64_read_exactly(bytes, sizeof bytes, qun_str(key))) return -1;
  return put_grant(arg, id, key, services);
}

int qun_service_grants_load(struct qun_service_grants *grants, const char *folder, struct qun_error *err) {
  memset(grants, 0, sizeof *grants);
  int rc = each_line(folder, "grants", take_grant, grants, err);
  if (rc < 0) qun_service_grants_fini(grants);
  return rc;
}

int qun_service_grants_save(const struct qun_service_grants *grants, const char *folder, struct qun_error *err) {
  struct qun_pack text;
  qun_pack_init(&text);
  for (uint32_t i = 0; i < grants->count; i++) {
    const char *parts[] = {grants->list[i].id, " ", grants->list[i].key, " ", grants->list[i].services, "\n"};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) qun_pack_raw(&text, qun_str(parts[k]));
  }
  int rc = save_text(&text, folder, "grants", err);
  qun_pack_fini(&text);
  return rc;
}

void qun_service_grants_fini(struct qun_service_grants *grants) {
  for (uint32_t i = 0; i < grants->count; i++) free(grants->list[i].services);
  free(grants->list);
  memset(grants, 0, sizeof *grants);
}

static const char *key_text(char out[QUN_BASE64_SIZE(32)], const unsigned char *key) {
  return key ? qun_base64_write(out, key, 32) : "-";
}

int qun_service_grants_set(struct qun_service_grants *grants, const struct qun_manifest *m, const unsigned char *key,
                           struct qun_error *err) {
  char text[QUN_BASE64_SIZE(32)];
  struct qun_pack services;
  qun_pack_init(&services);
  for (uint32_t i = 0; i < m->requires_count; i++) {
    if (i) qun_pack_raw(&services, qun_str(","));
    qun_pack_raw(&services, qun_str(m->requires[i]));
  }
  if (m->requires_count == 0) qun_pack_raw(&services, qun_str("-"));
  qun_pack_raw(&services, qun_slice_of("", 1));
  int rc = services.failed ? -1 : put_grant(grants, m->id, key_text(text, key), (const char *)services.buf);
  qun_pack_fini(&services);
  return rc < 0 ? qun_error_set(err, QUN_EFAIL, "there is no room for another grant") : 0;
}

/* Whether a comma-separated list has a word. */
static bool has_word(const char *list, const char *word) {
  size_t n = strlen(word);
  for (; *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == n && memcmp(list, word, n) == 0) return true;
  return false;
}

const char *qun_service_grants_missing(const struct qun_service_grants *grants, const struct qun_manifest *m,
                                       const unsigned char *key) {
  char text[QUN_BASE64_SIZE(32)];
  const struct qun_service_grant *g = grant_of(grants, m->id, key_text(text, key));
  for (uint32_t i = 0; i < m->requires_count; i++)
    if (!g || !has_word(g->services, m->requires[i])) return m->requires[i];
  return NULL;
}

void qun_service_grants_remove(struct qun_service_grants *grants, const char *id) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < grants->count; i++) {
    if (strcmp(grants->list[i].id, id) == 0)
      free(grants->list[i].services);
    else
      grants->list[kept++] = grants->list[i];
  }
  grants->count = kept;
}
