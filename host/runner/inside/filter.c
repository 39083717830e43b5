/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/inside/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* names of mappings */
#endif

#define CALL(name) SCMP_SYS(name)

/* Memory, time, threads, and descriptors that are open. */
static const int common[] = {
    CALL(read),
    CALL(write),
    CALL(readv),
    CALL(writev),
    CALL(poll),
    CALL(ppoll),
    CALL(close),
    CALL(fstat),
    CALL(lseek),
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(futex),
    CALL(sched_yield),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(time),
    CALL(getrandom),
    CALL(getpid),
    CALL(gettid),
    CALL(getppid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(getcpu),
    CALL(getrusage),
    CALL(getrlimit),
    CALL(times),
    CALL(uname),
    CALL(sysinfo),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(sigaltstack),
    CALL(restart_syscall),
    CALL(exit),
    CALL(exit_group),
    CALL(set_robust_list),
    CALL(set_tid_address),
    CALL(rseq),
    CALL(membarrier),
    CALL(sched_getaffinity),
    CALL(arch_prctl),
    CALL(mincore),
};

/* And what a loader does. */
static const int loading[] = {CALL(open),       CALL(openat),  CALL(stat),      CALL(lstat),      CALL(newfstatat),
                              CALL(statx),      CALL(access),  CALL(faccessat), CALL(faccessat2), CALL(readlink),
                              CALL(readlinkat), CALL(pread64), CALL(mmap),      CALL(mprotect),   CALL(getcwd),
                              CALL(fcntl),      CALL(seccomp), CALL(prctl),     CALL(getdents64)};

/* A library asks for these without harm when they are refused. */
static const int refused_running[] = {CALL(open),       CALL(openat),    CALL(openat2),    CALL(creat),
                                      CALL(stat),       CALL(lstat),     CALL(newfstatat), CALL(statx),
                                      CALL(access),     CALL(faccessat), CALL(faccessat2), CALL(readlink),
                                      CALL(readlinkat), CALL(unlink),    CALL(unlinkat),   CALL(rename),
                                      CALL(renameat),   CALL(renameat2), CALL(mkdir),      CALL(mkdirat)};
static const int refused[] = {CALL(socket), CALL(socketpair), CALL(connect), CALL(bind), CALL(kill), CALL(tkill)};

/* No library calls these by itself. */
static const int deadly[] = {
    CALL(execve),
    CALL(execveat),
    CALL(fork),
    CALL(vfork),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(unshare),
    CALL(setns),
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(chroot),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(keyctl),
    CALL(add_key),
    CALL(request_key),
    CALL(io_uring_setup),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
    CALL(reboot),
    CALL(swapon),
    CALL(swapoff),
    CALL(setuid),
    CALL(setgid),
    CALL(setresuid),
    CALL(setresgid),
    CALL(open_by_handle_at),
    CALL(pidfd_getfd),
    CALL(pidfd_open),
    CALL(personality),
};

static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n) {
  int rc = 0;
  for (size_t i = 0; i < n && rc == 0; i++) rc = seccomp_rule_add(f, action, calls[i], 0);
  return rc;
}

#define ADD_ALL(f, action, calls) add_all(f, action, calls, sizeof(calls) / sizeof *(calls))

/* Threads, never processes. clone3 has its flags in memory, where a filter can't see them: ENOSYS sends libc to clone. */
static int add_threads(scmp_filter_ctx f) {
  struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
  struct scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
  int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(clone), 1, &thread);
  return rc ? rc : seccomp_rule_add_array(f, SCMP_ACT_KILL_PROCESS, CALL(clone), 1, &process);
}

/* Signals to itself: abort(). */
static int add_signals(scmp_filter_ctx f) {
  struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
  struct scmp_arg_cmp other = SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0);
  int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(tgkill), 1, &self);
  return rc ? rc : seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EACCES), CALL(tgkill), 1, &other);
}

/* prlimit64 to look, not to set. */
static int add_limits(scmp_filter_ctx f) {
  struct scmp_arg_cmp looks = SCMP_A2(SCMP_CMP_EQ, 0, 0);
  struct scmp_arg_cmp sets = SCMP_A2(SCMP_CMP_NE, 0, 0);
  int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(prlimit64), 1, &looks);
  return rc ? rc : seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EACCES), CALL(prlimit64), 1, &sets);
}

/* Memory that is not code; names of threads and of memory. */
static int add_running(scmp_filter_ctx f) {
  static const int maps[] = {CALL(mmap), CALL(mprotect), CALL(pkey_mprotect)};
  static const unsigned fine[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA};
  struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  struct scmp_arg_cmp code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC);
  int rc = ADD_ALL(f, SCMP_ACT_ERRNO(EACCES), refused_running);
  for (size_t i = 0; i < sizeof maps / sizeof *maps && rc == 0; i++) {
    rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, maps[i], 1, &no_code);
    if (rc == 0) rc = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EACCES), maps[i], 1, &code);
  }
  for (size_t i = 0; i < sizeof fine / sizeof *fine && rc == 0; i++) {
    struct scmp_arg_cmp is = SCMP_A0(SCMP_CMP_EQ, fine[i], 0);
    rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, CALL(prctl), 1, &is);
  }
  return rc;
}

bool qun_filter_install(enum qun_filter_stage stage) {
  scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
  if (!f) return false;
  int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
  if (rc == 0) rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (rc == 0) rc = ADD_ALL(f, SCMP_ACT_ALLOW, common);
  if (rc == 0) rc = ADD_ALL(f, SCMP_ACT_ERRNO(EACCES), refused);
  if (rc == 0) rc = ADD_ALL(f, SCMP_ACT_KILL_PROCESS, deadly);
  if (rc == 0) rc = add_threads(f);
  if (rc == 0) rc = add_signals(f);
  if (rc == 0) rc = add_limits(f);
  if (rc == 0) rc = stage == QUN_FILTER_LOADING ? ADD_ALL(f, SCMP_ACT_ALLOW, loading) : add_running(f);
  if (rc == 0) rc = seccomp_load(f);
  seccomp_release(f);
  return rc == 0;
}
