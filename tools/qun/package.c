/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/package.h"

#include "host/plugins/manifest_check.h"
#include "host/plugins/small_file.h"
#include "tenants/remove_tree.h"
#include "tenants/sha256.h"
#include "tools/qun/package_zip.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- parts */

void qun_package_fini(struct qun_package *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    free(p->parts[i].path);
    qun_pack_fini(&p->parts[i].bytes);
  }
  free(p->parts);
  memset(p, 0, sizeof *p);
}

static struct qun_package_part *find(const struct qun_package *p, const char *path) {
  for (uint32_t i = 0; i < p->count; i++)
    if (strcmp(p->parts[i].path, path) == 0) return &p->parts[i];
  return NULL;
}

qun_slice qun_package_part_of(const struct qun_package *p, const char *path) {
  const struct qun_package_part *part = find(p, path);
  return part ? qun_pack_slice(&part->bytes) : qun_slice_of(NULL, 0);
}

static struct qun_package_part *add(struct qun_package *p, const char *path) {
  struct qun_package_part *grown = realloc(p->parts, (p->count + 1) * sizeof *grown);
  if (!grown) return NULL;
  p->parts = grown;
  struct qun_package_part *part = &grown[p->count];
  part->path = strdup(path);
  if (!part->path) return NULL;
  qun_pack_init(&part->bytes);
  p->count++;
  return part;
}

int qun_package_put(struct qun_package *p, const char *path, qun_slice bytes, struct qun_error *err) {
  const char *wrong = qun__wrong_path(path);
  struct qun_package_part *part = find(p, path);
  if (wrong || !*path) return qun_error_set(err, QUN_EINVAL, "\"%.200s\" %s", path, wrong ? wrong : "has no name");
  if (p->total + bytes.len > QUN_PACKAGE_BYTES_MAX)
    return qun_error_set(err, QUN_EINVAL, "%s: a package has at most 256 MiB", path);
  if (!part && p->count == QUN_PACKAGE_FILES_MAX + 2)
    return qun_error_set(err, QUN_EINVAL, "%s: a package has at most %d files", path, QUN_PACKAGE_FILES_MAX);
  if (!part) part = add(p, path);
  if (part) {
    qun_pack_clear(&part->bytes);
    qun_pack_raw(&part->bytes, bytes);
    p->total += bytes.len;
  }
  return part && !part->bytes.failed ? 0 : qun_error_set(err, QUN_EFAIL, "%s: out of memory", path);
}

const char *qun_package_library_part(const struct qun_package *p) {
  for (uint32_t i = 0; i < p->count; i++) {
    size_t n = strlen(p->parts[i].path);
    if (strncmp(p->parts[i].path, "lib/", 4) == 0 && n > 3 && strcmp(p->parts[i].path + n - 3, ".so") == 0)
      return p->parts[i].path;
  }
  return NULL;
}

/* ---------------------------------------------------------------- folders */

/* Takes a file of a folder in as `path`; one that may be absent is left out. */
static int take(struct qun_package *p, const char *dir, const char *file, const char *path, bool may,
                struct qun_error *err) {
  char from[PATH_MAX];
  struct qun_pack bytes;
  qun_pack_init(&bytes);
  int rc = snprintf(from, sizeof from, "%s/%s", dir, file) < (int)sizeof from
               ? qun__small_file_read(&bytes, from, QUN_PACKAGE_BYTES_MAX, err)
               : qun_error_set(err, QUN_EINVAL, "%s/%s: the path is too long", dir, file);
  if (rc == 0) rc = qun_package_put(p, path, qun_pack_slice(&bytes), err);
  qun_pack_fini(&bytes);
  return rc == QUN_ENOTFOUND && may ? 0 : rc;
}

/* Everything below a folder. */
static int take_tree(struct qun_package *p, const char *dir, const char *below, struct qun_error *err) {
  char path[PATH_MAX];
  struct dirent **names = NULL;
  snprintf(path, sizeof path, "%s/%s", dir, below);
  int n = scandir(path, &names, NULL, alphasort), rc = 0;
  for (int i = 0; i < n; i++) {
    if (rc == 0 && names[i]->d_name[0] != '.') {
      snprintf(path, sizeof path, "%s%s%s", below, *below ? "/" : "", names[i]->d_name);
      rc = names[i]->d_type == DT_DIR ? take_tree(p, dir, path, err) : take(p, dir, path, path, false, err);
    }
    free(names[i]);
  }
  free(names);
  return rc;
}

/* A folder that was built: what the manifest lists, the library in its place. */
static int take_built(struct qun_package *p, const char *dir, struct qun_error *err) {
  struct qun_manifest *m = NULL;
  char library[256];
  int rc = qun_manifest_load(&m, dir, err);
  if (rc < 0) return rc;
  snprintf(library, sizeof library, "lib/%s/%s", qun_package_arch, m->library);
  rc = take(p, dir, "plugin.yaml", "plugin.yaml", false, err);
  if (rc == 0) rc = take(p, dir, m->library, library, false, err);
  for (uint32_t i = 0; rc == 0 && i < m->files_count; i++) rc = take(p, dir, m->files[i], m->files[i], false, err);
  for (uint32_t i = 0; rc == 0 && i < m->locales_count; i++)
    rc = take(p, dir, m->locales[i], m->locales[i], false, err);
  if (rc == 0) rc = take(p, dir, "README.md", "README.md", true, err);
  if (rc == 0) rc = take_tree(p, dir, "docs", err);
  qun_manifest_destroy(m);
  return rc;
}

int qun_package_open(struct qun_package *p, const char *path, struct qun_error *err) {
  char index[PATH_MAX];
  struct stat st;
  memset(p, 0, sizeof *p);
  if (stat(path, &st) < 0) return qun_error_set(err, QUN_ENOTFOUND, "%s: %s", path, strerror(errno));
  if (!S_ISDIR(st.st_mode)) return qun__package_read_zip(p, path, err);
  snprintf(index, sizeof index, "%s/index", path);
  return access(index, F_OK) == 0 ? take_tree(p, path, "", err) : take_built(p, path, err);
}

/* ---------------------------------------------------------------- index */

static bool is_seal(const char *path) {
  return strcmp(path, "index") == 0 || strcmp(path, "signature") == 0;
}

static void drop(struct qun_package *p, const char *path) {
  struct qun_package_part *part = find(p, path);
  if (!part) return;
  free(part->path);
  qun_pack_fini(&part->bytes);
  *part = p->parts[--p->count];
}

int qun_package_make_index(struct qun_package *p, const struct qun_manifest *m, const char *arch,
                           struct qun_error *err) {
  struct qun_package_index index = {.id = ""};
  struct qun_pack text;
  unsigned char sum[32];
  int rc = 0;
  qun_pack_init(&text);
  drop(p, "signature");
  drop(p, "index");
  snprintf(index.id, sizeof index.id, "%s", m->id);
  snprintf(index.version, sizeof index.version, "%s", m->version);
  snprintf(index.arch, sizeof index.arch, "%s", arch);
  for (uint32_t i = 0; rc == 0 && i < p->count; i++) {
    qun_sha256_of(qun_pack_slice(&p->parts[i].bytes), sum);
    if (!qun_package_index_add(&index, p->parts[i].path, p->parts[i].bytes.len, sum))
      rc = qun_error_set(err, QUN_EFAIL, "the index has no room for %s", p->parts[i].path);
  }
  if (rc == 0) qun_package_index_write(&text, &index);
  if (rc == 0) rc = qun_package_put(p, "index", qun_pack_slice(&text), err);
  qun_package_index_fini(&index);
  qun_pack_fini(&text);
  return rc;
}

static void broken(struct qun_package_verdict *v, const char *path, const char *why) {
  v->standing = QUN_PACKAGE_BROKEN;
  snprintf(v->reason, sizeof v->reason, "%.180s %s", path, why);
}

void qun_package_check(struct qun_package_verdict *verdict, const struct qun_package *p,
                       const struct qun_trust_store *trust) {
  unsigned char sum[32];
  qun_slice index = qun_package_part_of(p, "index");
  memset(verdict, 0, sizeof *verdict);
  if (index.len == 0) {
    snprintf(verdict->reason, sizeof verdict->reason, "it has no index: a folder that was built, not a package");
    return;
  }
  qun_package_judge(verdict, index, qun_package_part_of(p, "signature"), trust);
  if (verdict->standing == QUN_PACKAGE_BROKEN) return;
  for (uint32_t i = 0; i < verdict->index.count; i++)
    if (!find(p, verdict->index.files[i].path)) broken(verdict, verdict->index.files[i].path, "is missing");
  for (uint32_t i = 0; i < p->count; i++) {
    if (is_seal(p->parts[i].path)) continue;
    qun_sha256_of(qun_pack_slice(&p->parts[i].bytes), sum);
    if (!qun_package_holds(verdict, p->parts[i].path, sum))
      broken(verdict, p->parts[i].path, "is not the one of the index: it was changed");
  }
}

/* ---------------------------------------------------------------- out */

static int make_above(char *path, size_t from) {
  for (char *c = strchr(path + from, '/'); c; c = strchr(c + 1, '/')) {
    *c = '\0';
    int rc = mkdir(path, 0755);
    *c = '/';
    if (rc < 0 && errno != EEXIST) return -1;
  }
  return 0;
}

int qun_package_unpack(const struct qun_package *p, const char *dir, struct qun_error *err) {
  char path[PATH_MAX];
  if (mkdir(dir, 0755) < 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be made: %s", dir, strerror(errno));
  for (uint32_t i = 0; i < p->count; i++) {
    if (snprintf(path, sizeof path, "%s/%s", dir, p->parts[i].path) >= (int)sizeof path ||
        make_above(path, strlen(dir) + 1) < 0)
      return qun_error_set(err, QUN_EFAIL, "%s cannot be written below %s", p->parts[i].path, dir);
    int rc = qun__small_file_replace(path, qun_pack_slice(&p->parts[i].bytes), 0644, err);
    if (rc < 0) return rc;
  }
  return 0;
}

int qun_package_manifest(struct qun_manifest **out, const struct qun_package *p, struct qun_error *err) {
  char dir[] = "/tmp/qun-package-XXXXXX";
  if (!mkdtemp(dir)) return qun_error_set(err, QUN_EFAIL, "no scratch folder can be made in /tmp: %s", strerror(errno));
  int rc = qun_package_unpack(p, dir, err);
  if (rc == 0) rc = qun_manifest_load(out, dir, err);
  qun_remove_tree(dir);
  return rc;
}
