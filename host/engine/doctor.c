/* SPDX-License-Identifier: Apache-2.0 */
#include "host/engine/doctor.h"

#include "host/engine/internal.h"
#include "tenants/audit_check.h"
#include "tenants/erasures.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const uint64_t room_least = 1ull << 30;

struct doctor {
  struct qun_engine *engine;
  struct qun_pack findings;
  uint32_t tenants, errors, warnings;
};

__attribute__((format(printf, 5, 6))) static void find(struct doctor *d, bool error, const char *tenant,
                                                       const char *advice, const char *format, ...) {
  char what[600];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  *(error ? &d->errors : &d->warnings) += 1;
  qun_pack_map(&d->findings, 4);
  qun_pack_kv_cstr(&d->findings, "level", error ? "error" : "warning");
  qun_pack_kv_cstr(&d->findings, "tenant", tenant);
  qun_pack_kv_cstr(&d->findings, "what", what);
  qun_pack_kv_cstr(&d->findings, "advice", advice);
}

/* ---------------------------------------------------------------- the host */

static void check_room(struct doctor *d, const char *dir) {
  struct statvfs st;
  if (statvfs(dir, &st) < 0) {
    find(d, true, "", "see that the folder is there and may be read", "%s cannot be looked at: %m", dir);
    return;
  }
  uint64_t free_bytes = (uint64_t)st.f_bavail * st.f_frsize, all = (uint64_t)st.f_blocks * st.f_frsize;
  if (free_bytes < room_least || free_bytes < all / 20)
    find(d, false, "", "make room, or give the folder a larger disk: when it is full, tenants are parked",
         "the disk of %s has %llu MiB free of %llu", dir, (unsigned long long)(free_bytes >> 20),
         (unsigned long long)(all >> 20));
}

static void check_journal(struct doctor *d) {
  struct qun_error why = {0};
  struct qun_recovery r;
  if (qun_engine_health(d->engine, &why) < 0)
    find(d, true, "", "mend the disk, then restart: what was acknowledged is kept",
         "nothing is acknowledged any more: %s", why.message);
  qun_engine_recovery(d->engine, &r);
  if (r.damaged)
    find(d, true, "", "restore the newest backups of tenants that miss events",
         "%u segments of the journal could not be read to their end at the start", r.damaged);
}

/* Names in a folder that `is` picks out. */
static void check_names(struct doctor *d, const char *dir, bool (*is)(const char *name), const char *advice,
                        const char *what) {
  DIR *list = opendir(dir);
  if (!list) return;
  for (const struct dirent *entry; (entry = readdir(list));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || !is(entry->d_name)) continue;
    find(d, false, "", advice, "%s: %s/%s", what, dir, entry->d_name);
  }
  closedir(list);
}

static bool is_hidden(const char *name) {
  return name[0] == '.';
}

static bool is_scratch(const char *name) {
  return strncmp(name, ".replay-", 8) == 0 || strncmp(name, ".backup-", 8) == 0;
}

static bool is_spill(const char *name) {
  return strncmp(name, "spill-", 6) == 0;
}

static void check_leftovers(struct doctor *d) {
  static const char advice[] = "if no replay, restore or import of keys runs now, a crash left it: remove it";
  char path[4200];
  check_names(d, d->engine->data_dir, is_scratch, advice, "scratch file or folder");
  snprintf(path, sizeof path, "%s/tenants", d->engine->data_dir);
  check_names(d, path, is_hidden, advice, "unfinished folder");
  check_names(d, d->engine->keys_dir, is_hidden, advice, "unfinished keys");
  snprintf(path, sizeof path, "%s/journal", d->engine->data_dir);
  check_names(d, path, is_spill, "the tenant is parked: `qun tenant show` says why; make room or restore it",
              "acknowledged events wait for a store that does not take them");
}

/* ---------------------------------------------------------------- keys */

static void check_modes(struct doctor *d, const char *tenant) {
  char dir[4200], path[4500], advice[4600];
  struct stat st;
  snprintf(dir, sizeof dir, "%s/%s", d->engine->keys_dir, tenant);
  DIR *list = opendir(dir);
  if (!list) return;
  for (const struct dirent *entry; (entry = readdir(list));) {
    if (strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    if (lstat(path, &st) < 0 || !(st.st_mode & 077)) continue;
    snprintf(advice, sizeof advice, "chmod go= %s", path);
    find(d, true, tenant, advice, "others may read keys: %s has mode %04o", path, st.st_mode & 07777);
  }
  closedir(list);
}

/* Keys of tenants that are not here. */
static void check_strays(struct doctor *d) {
  DIR *list = opendir(d->engine->keys_dir);
  if (!list) return;
  for (const struct dirent *entry; (entry = readdir(list));) {
    const char *name = entry->d_name;
    if (name[0] == '.' || !qun_tenant_name_valid(name) || !qun_vault_exists(d->engine->keys_dir, name)) continue;
    if (!qun_engine_tenant_exists(d->engine, name))
      find(d, false, name, "keep them as long as a backup of it may be wanted, else remove them",
           "there are keys of a tenant that is not here");
  }
  closedir(list);
}

/* ---------------------------------------------------------------- tenants */

static void check_erasures(struct doctor *d, const char *tenant, const struct qun_view *v) {
  struct qun_erasures list;
  struct qun_error why = {0};
  qun_slice value;
  uint64_t done = 0;
  uint32_t open = 0;
  if (qun_erasures_load(&list, d->engine->keys_dir, tenant, &why) < 0) {
    find(d, true, tenant, "mend or restore the file: without it a backup may bring erased data back", "%s",
         why.message);
    return;
  }
  if (qun_view_get(v, QUN_TABLE_META, qun_str("erased"), &value) == 0 && value.len == 8)
    done = qun_be64_read(value.ptr);
  for (uint32_t i = 0; i < list.count; i++) open += (uint64_t)list.items[i].at_ms > done;
  qun_erasures_fini(&list);
  if (open)
    find(d, true, tenant, "run `qun erase` for the member again; the qun.erased records of the log name them",
         "%u erasures were begun and not carried out", open);
}

static int check_tenant(void *arg, const char *name) {
  struct doctor *d = arg;
  struct qun_reading r;
  struct qun_error why = {0};
  d->tenants++;
  check_modes(d, name);
  int rc = qun_engine_read_begin(d->engine, name, &r, &why);
  if (rc == QUN_ENOTFOUND && !qun_engine_tenant_exists(d->engine, name)) return 0; /* deleted meanwhile */
  if (rc < 0) {
    find(d, rc != QUN_EAGAIN, name,
         rc == QUN_EAGAIN ? "look again later" : "restore its newest backup: qun restore FILE --replace", "%s",
         why.message);
    return 0;
  }
  if (qun_audit_check(&r.view, r.vault, &why) < 0)
    find(d, true, name, "restore its newest backup under another name and compare: qun restore FILE --as NAME", "%s",
         why.message);
  check_erasures(d, name, &r.view);
  qun_engine_read_end(&r);
  return 0;
}

int qun_engine_doctor(struct qun_engine *e, struct qun_pack *out, struct qun_error *err) {
  struct doctor d = {.engine = e};
  qun_pack_init(&d.findings);
  check_room(&d, e->data_dir);
  check_room(&d, e->keys_dir);
  check_journal(&d);
  check_leftovers(&d);
  check_strays(&d);
  qun_engine_tenant_each(e, check_tenant, &d);
  qun_pack_map(out, 4);
  qun_pack_kv_int(out, "tenants", d.tenants);
  qun_pack_kv_int(out, "errors", d.errors);
  qun_pack_kv_int(out, "warnings", d.warnings);
  qun_pack_cstr(out, "findings");
  qun_pack_array(out, d.errors + d.warnings);
  qun_pack_raw(out, qun_pack_slice(&d.findings));
  bool failed = d.findings.failed;
  qun_pack_fini(&d.findings);
  return failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}
