/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/sdk.h"

#include "host/plugins/manifest_check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <qun/msgpack.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int installed_at(struct qun_sdk *sdk, const char *prefix) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/share/qun-sdk/template", prefix) >= (int)sizeof path || !is_folder(path))
    return -1;
  return realpath(path, sdk->template_dir) && realpath(prefix, sdk->prefix) ? 0 : -1;
}

int qun_sdk_find(struct qun_sdk *sdk, const char *prefix, struct qun_error *err) {
  char exe[PATH_MAX], path[PATH_MAX + 32];
  memset(sdk, 0, sizeof *sdk);
  if (prefix) {
    if (installed_at(sdk, prefix) == 0) return 0;
    return qun_error_set(err, QUN_ENOTFOUND, "there is no SDK below %s (share/qun-sdk/template is not there)", prefix);
  }
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  exe[n > 0 ? n : 0] = '\0';
  for (int i = 0; i < 2; i++) { /* bin/qun: the folder above bin */
    char *slash = strrchr(exe, '/');
    if (slash) *slash = '\0';
  }
  if (installed_at(sdk, exe) == 0) return 0;
  snprintf(path, sizeof path, "%s/../sdk/template", exe);
  sdk->prefix[0] = '\0';
  if (is_folder(path) && realpath(path, sdk->template_dir)) return 0;
  return qun_error_set(err, QUN_ENOTFOUND, "the SDK is not installed below %s; name its prefix with --sdk", exe);
}

/* ---------------------------------------------------------------- the template, with another name */

/* The names of the template, each with what takes its place. */
struct names {
  const char *id, *title;
  char symbol[64]; /* the id as a name in C */
};

static void names_init(struct names *n, const char *id, const char *title) {
  n->id = id;
  n->title = title;
  snprintf(n->symbol, sizeof n->symbol, "%s", id);
  for (char *c = n->symbol; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
}

static void rename_all(const struct names *n, struct qun_pack *out, qun_slice text) {
  const struct {
    const char *from, *to;
  } table[] = {{"my-plugin", n->id}, {"my_plugin", n->symbol}, {"My plugin", n->title}};
  const char *at = text.ptr, *end = text.len ? at + text.len : at;
  while (at < end) {
    size_t took = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table && !took; i++) {
      size_t len = strlen(table[i].from);
      if ((size_t)(end - at) < len || memcmp(at, table[i].from, len) != 0) continue;
      qun_pack_raw(out, qun_str(table[i].to));
      took = len;
    }
    if (!took) qun_pack_raw(out, qun_slice_of(at, 1));
    at += took ? took : 1;
  }
}

static int read_file(struct qun_pack *out, const char *path, struct qun_error *err) {
  char part[8192];
  size_t n;
  FILE *in = fopen(path, "rb");
  if (!in) return qun_error_set(err, QUN_EFAIL, "%s cannot be read: %s", path, strerror(errno));
  while ((n = fread(part, 1, sizeof part, in)) > 0) qun_pack_raw(out, qun_slice_of(part, n));
  int rc = ferror(in) || out->failed ? qun_error_set(err, QUN_EFAIL, "%s cannot be read", path) : 0;
  fclose(in);
  return rc;
}

static int write_file(const char *path, qun_slice bytes, struct qun_error *err) {
  FILE *to = fopen(path, "wbx");
  if (!to) return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
  bool wrote = fwrite(bytes.ptr, 1, (size_t)bytes.len, to) == bytes.len;
  if (fclose(to) != 0 || !wrote)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
  return 0;
}

/* One file of the template; its name too has the plugin's. */
static int generate_file(const struct qun_sdk *sdk, const struct names *n, const char *dir, const char *file,
                         struct qun_error *err) {
  struct qun_pack text, renamed, to;
  char from[PATH_MAX + 256];
  qun_pack_init(&text);
  qun_pack_init(&renamed);
  qun_pack_init(&to);
  snprintf(from, sizeof from, "%s/%s", sdk->template_dir, file);
  int rc = read_file(&text, from, err);
  rename_all(n, &renamed, qun_pack_slice(&text));
  qun_pack_raw(&to, qun_str(dir));
  qun_pack_raw(&to, qun_str("/"));
  rename_all(n, &to, qun_str(file));
  qun_pack_raw(&to, qun_slice_of("", 1));
  if (rc == 0 && (renamed.failed || to.failed)) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = write_file((const char *)to.buf, qun_pack_slice(&renamed), err);
  qun_pack_fini(&text);
  qun_pack_fini(&renamed);
  qun_pack_fini(&to);
  return rc;
}

static bool is_empty(const char *dir) {
  struct dirent **names = NULL;
  int n = scandir(dir, &names, NULL, NULL);
  for (int i = 0; i < n; i++) free(names[i]);
  free(names);
  return n <= 2;
}

int qun_sdk_generate(const struct qun_sdk *sdk, const char *dir, const char *id, const char *title,
                     struct qun_error *err) {
  struct dirent **files = NULL;
  struct names names;
  if (!qun__is_name(id, 31))
    return qun_error_set(err, QUN_EINVAL, "\"%.60s\" must be up to 31 lower case letters, digits, - and _", id);
  if (strpbrk(title, "{}[],:#&*!|>'\"%@`\n\\"))
    return qun_error_set(err, QUN_EINVAL, "the title \"%.60s\" must be plain words", title);
  if (mkdir(dir, 0777) < 0 && errno != EEXIST)
    return qun_error_set(err, QUN_EFAIL, "%s cannot be made: %s", dir, strerror(errno));
  if (!is_empty(dir)) return qun_error_set(err, QUN_ECONFLICT, "%s is there already, and not empty", dir);
  names_init(&names, id, title);
  int n = scandir(sdk->template_dir, &files, NULL, alphasort), rc = 0;
  if (n < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be read: %s", sdk->template_dir, strerror(errno));
  for (int i = 0; i < n; i++) {
    if (rc == 0 && files[i]->d_type != DT_DIR) rc = generate_file(sdk, &names, dir, files[i]->d_name, err);
    free(files[i]);
  }
  free(files);
  return rc;
}
