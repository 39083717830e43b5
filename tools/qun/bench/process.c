/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/process.h"

#include <qun/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child. */
static void become(const struct qun_bench_command *c, pid_t parent) {
  int out = c->log ? open(c->log, O_CREAT | O_WRONLY | O_APPEND, 0600) : c->out;
  if (c->log && (out < 0 || dup2(out, STDERR_FILENO) < 0)) _exit(126);
  if (out > 0 && dup2(out, STDOUT_FILENO) < 0) _exit(126);
  for (int i = 0; i < 2 && c->env[i]; i++)
    if (putenv((char *)(uintptr_t)c->env[i]) != 0) _exit(126);
  if (c->as_user && (setgroups(0, NULL) < 0 || setgid(c->gid) < 0 || setuid(c->uid) < 0)) _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(126);
  execv(c->argv[0], (char *const *)(uintptr_t)c->argv);
  _exit(127);
}

int qun_bench_process_start(pid_t *pid, const struct qun_bench_command *c, struct qun_error *err) {
  pid_t parent = getpid(), child = fork();
  if (child < 0) return qun_error_set(err, QUN_EFAIL, "%s cannot be started: %m", c->argv[0]);
  if (child == 0) become(c, parent);
  *pid = child;
  return 0;
}

int qun_bench_process_run(const struct qun_bench_command *c, struct qun_error *err) {
  pid_t pid;
  int status, rc = qun_bench_process_start(&pid, c, err);
  if (rc < 0) return rc;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return qun_error_set(err, QUN_EFAIL, "%s was lost: %m", c->argv[0]);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return qun_error_set(err, QUN_EFAIL, "%s failed; see %s", c->argv[0], c->log ? c->log : "above");
}

void qun_bench_process_stop(pid_t *pid, int sig) {
  if (*pid <= 0) return;
  kill(*pid, sig);
  while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {
  }
  *pid = 0;
}

int qun_bench_process_lives(pid_t *pid, const char *name, const char *log, struct qun_error *err) {
  if (waitpid(*pid, NULL, WNOHANG) == 0) return 0;
  *pid = 0;
  return qun_error_set(err, QUN_EFAIL, "%s ended at once; see %s", name, log);
}

/* ---- what they take */

/* The number behind `name` in a file of "Name:   123 kB" lines, in bytes. */
static bool read_kb(const char *path, const char *name, uint64_t *out) {
  char line[256];
  bool found = false;
  FILE *f = fopen(path, "re");
  size_t len = strlen(name);
  while (f && !found && fgets(line, sizeof line, f)) {
    if (strncmp(line, name, len) != 0 || line[len] != ':') continue;
    *out = strtoull(line + len + 1, NULL, 10) * 1024;
    found = true;
  }
  if (f) fclose(f);
  return found;
}

static uint64_t own_memory(pid_t pid) {
  char path[64];
  uint64_t bytes = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
  if (read_kb(path, "Pss", &bytes)) return bytes;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  read_kb(path, "VmRSS", &bytes);
  return bytes;
}

uint64_t qun_bench_memory(pid_t pid) {
  char path[96];
  uint64_t bytes = own_memory(pid);
  struct dirent *task;
  int child;
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *tasks = opendir(path);
  while (tasks && (task = readdir(tasks))) {
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, task->d_name);
    FILE *f = task->d_name[0] == '.' ? NULL : fopen(path, "re");
    while (f && fscanf(f, "%d", &child) == 1) bytes += qun_bench_memory(child);
    if (f) fclose(f);
  }
  if (tasks) closedir(tasks);
  return bytes;
}

uint64_t qun_bench_disk(const char *folder) {
  struct stat st;
  struct dirent *entry;
  char path[PATH_MAX];
  uint64_t bytes = 0;
  DIR *dir = opendir(folder);
  while (dir && (entry = readdir(dir))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path || lstat(path, &st) < 0)
      continue;
    bytes += (uint64_t)st.st_blocks * 512;
    if (S_ISDIR(st.st_mode)) bytes += qun_bench_disk(path);
  }
  if (dir) closedir(dir);
  return bytes;
}

int qun_bench_beside(char *path, size_t room, const char *name, int mode, struct qun_error *err) {
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return qun_error_set(err, QUN_EFAIL, "/proc/self/exe cannot be read: %m");
  self[n] = '\0';
  char *slash = strrchr(self, '/');
  if (slash) *slash = '\0';
  snprintf(path, room, "%s/%s", self, name);
  return access(path, mode) == 0 ? 0 : qun_error_set(err, QUN_ENOTFOUND, "there is no %s", path);
}
