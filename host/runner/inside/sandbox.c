/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/inside/sandbox.h"

#include "host/runner/inside/filter.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of Debian 12 knows less than its newer kernels; the numbers are the kernel's interface. */
struct ruleset {
  uint64_t fs, net, scoped;
};
struct path_beneath {
  uint64_t access;
  int32_t fd;
} __attribute__((packed));

enum { LANDLOCK_VERSION_FLAG = 1, LANDLOCK_PATH_BENEATH = 1, FILES_MAX = 16, PROCESSES_MAX = 1024 };
enum { FS_EXECUTE = 1 << 0, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3 };

void qun_sandbox_close_others(int keep_from, int keep) {
  if (keep_from > 0) close_range(0, (unsigned)keep_from - 1, 0);
  close_range((unsigned)keep + 1, UINT_MAX, 0);
}

/* ---------------------------------------------------------------- limits and rights */

static bool limit(int what, uint64_t n) {
  struct rlimit r = {.rlim_cur = n, .rlim_max = n};
  return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* A sanitizer's shadow takes terabytes of address space. */
static bool limit_memory(uint64_t bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  (void)bytes;
  return true;
#else
  return limit(RLIMIT_AS, bytes);
#endif
}

static bool set_limits(const struct qun_sandbox_limits *l) {
  bool fine = limit_memory(l->memory_bytes);
  fine &= limit(RLIMIT_CPU, l->cpu_s);
  fine &= limit(RLIMIT_NPROC, PROCESSES_MAX);
  fine &= limit(RLIMIT_FSIZE, 0);
  fine &= limit(RLIMIT_NOFILE, FILES_MAX);
  fine &= limit(RLIMIT_CORE, 0);
  return fine;
}

static void drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  syscall(SYS_capset, &head, none);
}

/* ---------------------------------------------------------------- Landlock */

static void allow(int rules, const char *path, uint64_t access) {
  struct path_beneath rule = {.access = access, .fd = open(path, O_PATH | O_CLOEXEC)};
  if (rule.fd < 0) return; /* a folder that this system does not have */
  syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &rule, 0);
  close(rule.fd);
}

/* All rights that the kernel knows by version: of files, of the network, of other processes. */
static struct ruleset all_rights(long version) {
  static const unsigned files[] = {0, 13, 14, 15, 15, 16};
  struct ruleset all = {.fs = (1ull << files[version > 5 ? 5 : version]) - 1};
  if (version >= 4) all.net = 3;
  if (version >= 6) all.scoped = 3;
  return all;
}

/* What the loader needs of the system: shared objects. The plugin's own comes by descriptor. */
static uint32_t enter_landlock(void) {
  static const char *const folders[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"};
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
  if (version < 1) return 0;
  struct ruleset all = all_rights(version);
  size_t size = version >= 6 ? sizeof all : version >= 4 ? 16 : 8;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
  if (rules < 0) return 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    allow(rules, folders[i], FS_EXECUTE | FS_READ_FILE | FS_READ_DIR);
  allow(rules, "/etc/ld.so.cache", FS_READ_FILE);
  bool in_force = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  close(rules);
  return in_force ? (uint32_t)version : 0;
}

/* ---------------------------------------------------------------- both stages */

bool qun_sandbox_enter(const struct qun_sandbox_limits *limits, int parent, struct qun_sandbox_level *level) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return false; /* it died before that */
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  level->landlock = enter_landlock();
  level->rlimits = set_limits(limits);
  drop_capabilities();
  level->seccomp = qun_filter_install(QUN_FILTER_LOADING);
  return true;
}

bool qun_sandbox_close(void) {
  return qun_filter_install(QUN_FILTER_RUNNING);
}
