/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/library.h"
#include "tools/qun/elf.h"
#include "tools/qun/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 400 };

static int no(struct qun_trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int no(struct qun_trial *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(t->reason, sizeof t->reason, format, args);
  va_end(args);
  return -1;
}

static struct qun_fake *open_fake(struct qun_trial *t) {
  struct qun_fake *f = qun_fake_open(t->dir);
  if (!f) no(t, "the fake host cannot open it");
  return f;
}

/* ---------------------------------------------------------------- without running it */

static int imports_none_of(struct qun_trial *t, const char *const *names, const char *why) {
  struct qun_elf elf;
  struct qun_error err;
  const char *symbol;
  int defined = 0;
  if (qun_elf_read(&elf, t->library, &err) < 0) return no(t, "%s", err.message);
  for (uint32_t i = 1; (symbol = qun_elf_symbol(&elf, i, &defined)); i++)
    for (const char *const *n = names; !defined && *n; n++)
      if (strcmp(symbol, *n) == 0) return no(t, "it calls %s: %s", symbol, why);
  return 0;
}

static int check_clock(struct qun_trial *t) {
  static const char *const names[] = {"time",          "localtime",    "localtime_r", "mktime", "gettimeofday",
                                      "clock_gettime", "timespec_get", "ftime",       "tzset",  "gmtime",
                                      "ctime",         "ctime_r",      NULL};
  return imports_none_of(t, names, "time is ctx->clock_ms, days are the calendar service's");
}

static int check_chance(struct qun_trial *t) {
  static const char *const names[] = {
      "rand",       "rand_r",     "random",          "random_r",           "drand48",    "lrand48", "getrandom",
      "getentropy", "arc4random", "randombytes_buf", "randombytes_random", "RAND_bytes", NULL};
  return imports_none_of(t, names, "chance is ctx->seed, else a replay gives another state");
}

static int check_outside(struct qun_trial *t) {
  static const char *const names[] = {"fork",      "vfork",  "execve",    "execvp",  "posix_spawn",
                                      "system",    "popen",  "socket",    "connect", "dlopen",
                                      "setlocale", "signal", "sigaction", "ptrace",  NULL};
  return imports_none_of(t, names, "an isolated plugin has no processes, sockets, libraries or signals of its own");
}

static int check_entry(struct qun_trial *t) {
  struct qun_elf elf;
  struct qun_error err;
  const char *symbol;
  int defined = 0, found = 0;
  if (qun_elf_read(&elf, t->library, &err) < 0) return no(t, "%s", err.message);
  for (uint32_t i = 1; (symbol = qun_elf_symbol(&elf, i, &defined)); i++) {
    if (defined && strncmp(symbol, "qun_plugin_v", 12) != 0 && symbol[0] != '_')
      return no(t, "it exports %s; only qun_plugin_v1 is needed (-fvisibility=hidden, plugin.map)", symbol);
    found |= defined && strcmp(symbol, "qun_plugin_v1") == 0;
  }
  return found ? 0 : no(t, "it does not export qun_plugin_v1");
}

/* ---------------------------------------------------------------- loading, making */

/* The host's own loader judges. */
static int check_loads(struct qun_trial *t) {
  struct qun__library lib;
  struct qun_error err;
  char file[4200];
  snprintf(file, sizeof file, "%s/%s", t->dir, t->manifest->library);
  int rc = qun__library_read(&lib, file, &err);
  if (rc == 0) rc = qun__library_open(&lib, t->manifest->id, t->manifest->version, &err);
  if (rc < 0) return no(t, "%s", err.message);
  lib.vtable.destroy(NULL);
  return 0;
}

static int check_again(struct qun_trial *t) {
  struct qun_fake *f = open_fake(t);
  if (!f) return -1;
  for (int i = 0; i < 200; i++)
    if (qun_fake_recreate(f) < 0) return no(t, "create failed the %d. time: %.200s", i + 2, qun_fake_message(f));
  qun_fake_close(f);
  return 0;
}

/* ---------------------------------------------------------------- logs */

struct course {
  unsigned recreate;
  uint32_t events;
  bool odd, company; /* another tenant is served in between */
};

/* Runs the log of the trial's seed and answers the state of its tenant. */
static int run_log(struct qun_trial *t, const struct course *c, uint64_t *hash) {
  struct qun_dice dice = {t->seed}, other = {~t->seed};
  struct qun_fake *f = open_fake(t);
  if (!f) return -1;
  qun_fake_recreate_every(f, c->recreate);
  for (uint32_t part = 0; part < 4; part++) {
    if (c->company) {
      qun_fake_tenant(f, "other");
      qun_validate_log(f, t->manifest, &other, c->events / 4, c->odd);
    }
    qun_fake_tenant(f, "acme");
    qun_validate_log(f, t->manifest, &dice, c->events / 4, c->odd);
  }
  *hash = qun_fake_hash(f);
  qun_fake_close(f);
  return 0;
}

static int compare(struct qun_trial *t, const struct course *a, const struct course *b, const char *why) {
  uint64_t one = 0, two = 0;
  int rc = run_log(t, a, &one);
  if (rc == 0) rc = run_log(t, b, &two);
  if (rc == 0 && one != two) rc = no(t, "%s (seed %llu)", why, (unsigned long long)t->seed);
  return rc;
}

static const struct course plain = {.events = EVENTS};

static int check_twice(struct qun_trial *t) {
  return compare(t, &plain, &plain,
                 "the same log twice in one process gives two states: something is kept beside the keyspace");
}

static int check_restarts(struct qun_trial *t) {
  struct qun_dice dice = {t->seed ^ 0x7265737461727473u};
  int rc = compare(t, &plain, &(struct course){.events = EVENTS, .recreate = 1},
                   "instances made anew after each callback give another state: memory is only a cache");
  for (int i = 0; rc == 0 && i < 3; i++)
    rc = compare(t, &plain, &(struct course){.events = EVENTS, .recreate = 2 + (unsigned)qun_dice_roll(&dice, 20)},
                 "instances made anew now and then give another state: memory is only a cache");
  return rc;
}

static int check_tenants(struct qun_trial *t) {
  return compare(t, &plain, &(struct course){.events = EVENTS, .company = true},
                 "a tenant's state differs when another one is served in between");
}

static int check_place(struct qun_trial *t) {
  uint64_t one = 0, two = 0;
  setenv("TZ", "America/New_York", 1);
  setenv("LC_ALL", "C", 1);
  tzset();
  int rc = run_log(t, &plain, &one);
  setenv("TZ", "Asia/Kathmandu", 1);
  setenv("LC_ALL", "zh_CN.UTF-8", 1);
  tzset();
  if (rc == 0) rc = run_log(t, &plain, &two);
  return rc == 0 && one != two ? no(t, "the machine's time zone or language changes the state") : rc;
}

static int check_odd(struct qun_trial *t) {
  uint64_t hash;
  return run_log(t, &(struct course){.events = 4 * EVENTS, .odd = true}, &hash);
}

static int check_erase(struct qun_trial *t) {
  struct qun_dice dice = {t->seed};
  struct qun_fake *f = open_fake(t);
  if (!f) return -1;
  for (uint64_t member = 1; member <= 12; member++) {
    qun_validate_log(f, t->manifest, &dice, EVENTS / 10, false);
    qun_fake_erase(f, member);
  }
  qun_validate_log(f, t->manifest, &dice, EVENTS / 10, false);
  qun_fake_close(f);
  return 0;
}

/* ---------------------------------------------------------------- settings, requests */

/* A value as a person writes it; the bounds are in stored form. */
static void write_bound(char out[100], const struct qun_setting *s, int64_t bound) {
  if (s->kind == QUN_SETTING_RATIO)
    snprintf(out, 100, "%s=%s%lld.%06lld", s->name, bound < 0 ? "-" : "", (long long)llabs(bound / 1000000),
             (long long)llabs(bound % 1000000));
  else
    snprintf(out, 100, "%s=%lld", s->name, (long long)bound);
}

static int take_setting(struct qun_trial *t, struct qun_fake *f, const char *assignment) {
  struct qun_dice dice = {t->seed};
  if (qun_fake_set(f, assignment) < 0)
    return no(t, "it refuses %.80s, which its manifest allows: %.200s", assignment, qun_fake_message(f));
  qun_validate_log(f, t->manifest, &dice, 20, false);
  return 0;
}

static int check_settings(struct qun_trial *t) {
  struct qun_fake *f = open_fake(t);
  char text[100];
  int rc = f ? 0 : -1;
  for (uint32_t i = 0; rc == 0 && i < t->manifest->settings_count; i++) {
    const struct qun_setting *s = &t->manifest->settings[i];
    if (s->has_min) write_bound(text, s, s->min), rc = take_setting(t, f, text);
    if (rc == 0 && s->has_max) write_bound(text, s, s->max), rc = take_setting(t, f, text);
    if (s->kind == QUN_SETTING_BOOL) {
      snprintf(text, sizeof text, "%s=true", s->name), rc = take_setting(t, f, text);
      if (rc == 0) snprintf(text, sizeof text, "%s=false", s->name), rc = take_setting(t, f, text);
    }
    char back[1024];
    snprintf(back, sizeof back, "%s=%s", s->name, s->fallback);
    if (rc == 0) rc = take_setting(t, f, back);
  }
  if (f && rc == 0) qun_fake_close(f);
  return rc;
}

/* Maps that are well formed and say nothing useful, and the names that services often have with values of the wrong kind. */
static qun_slice bad_params(struct qun_fake *f, struct qun_dice *d) {
  static const char *const names[] = {"member", "id", "view", "from", "to", "text", "limit", "locale"};
  static char large[70000];
  const char *a = names[qun_dice_roll(d, 8)], *b = names[qun_dice_roll(d, 8)];
  memset(large, 'x', sizeof large - 1);
  switch (qun_dice_roll(d, 5)) {
  case 0: return qun_fake_pack(f, NULL, 0);
  case 1: return qun_fake_map(f, QUN_INT(a, INT64_MIN), QUN_INT(b, INT64_MAX));
  case 2: return qun_fake_map(f, QUN_TEXT(a, large), QUN_TEXT(b, ""));
  case 3: return qun_fake_map(f, QUN_LIST(a, "a,b,c"), QUN_BOOL(b, 1));
  default: return qun_fake_map(f, QUN_INT(a, (int64_t)qun_dice_roll(d, 20)), QUN_TEXT(b, "\x01\xf0\x9f\x8d\xb5"));
  }
}

static int check_requests(struct qun_trial *t) {
  static const char *const roles[] = {"owner", "auditor", "operator", "plugin"};
  struct qun_dice dice = {t->seed};
  struct qun_fake *f = open_fake(t);
  if (!f) return -1;
  qun_validate_log(f, t->manifest, &dice, EVENTS / 4, false);
  uint64_t before = qun_fake_hash(f);
  for (uint32_t i = 0; i < t->manifest->services_count; i++)
    for (int k = 0; k < 100; k++) {
      qun_fake_person(f, roles[qun_dice_roll(&dice, 4)], k % 2 ? "zh-CN" : "en");
      qun_fake_request(f, t->manifest->services[i].name, bad_params(f, &dice));
    }
  if (qun_fake_hash(f) != before) return no(t, "a request changed the keyspace");
  qun_fake_close(f);
  return 0;
}

const struct qun_check qun_checks[] = {
    {"entry", {"exports its entry and nothing else", "只导出入口符号"}, check_entry},
    {"clock", {"asks no clock of the machine", "不使用本机时钟"}, check_clock},
    {"chance", {"takes no chance but the seed it is given", "不使用给定种子以外的随机数"}, check_chance},
    {"outside", {"starts no process, socket or library", "不启动进程、网络连接或动态库"}, check_outside},
    {"loads", {"is loaded by this host", "能被本宿主加载"}, check_loads},
    {"again", {"can be made and unmade many times", "可反复创建和销毁"}, check_again},
    {"twice", {"gives the same state for the same log", "同一日志得到同一状态"}, check_twice},
    {"restarts", {"keeps nothing in memory that matters", "内存中不保留影响结果的数据"}, check_restarts},
    {"tenants", {"keeps tenants apart", "租户互不影响"}, check_tenants},
    {"place", {"does not care where the machine stands", "不受本机时区和语言影响"}, check_place},
    {"odd", {"bears events that are allowed but rare", "能承受少见但合法的事件"}, check_odd},
    {"erase", {"goes on when members were erased", "成员被擦除后仍可继续"}, check_erase},
    {"settings", {"takes every setting at its bounds", "接受每个设置的边界值"}, check_settings},
    {"requests", {"bears requests that make no sense", "能承受无意义的请求"}, check_requests},
    {0}};
