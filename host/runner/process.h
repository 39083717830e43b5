/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runner as the host sees it: a process with one plugin for one tenant, and a connection to it. What comes from it is
 * hostile. A runner dies with the thread that started it, and belongs to one thread at a time.
 */
#ifndef QUN_HOST_RUNNER_PROCESS_H
#define QUN_HOST_RUNNER_PROCESS_H

#include "host/runner/page.h"
#include "host/runner/wire.h"
#include "tenants/error.h"

#include <sys/types.h>

struct qun_runner_options {
  const char *program;   /* qun-runner */
  uint64_t memory_bytes; /* of address space */
  uint64_t cpu_s;        /* of processor time over its life */
  uint32_t callback_ms;  /* a callback that takes longer is a hang */
  const char *require;   /* least sandbox: "landlock>=1,seccomp"; a word may also be "rlimits"; "" or "none": any */
};

struct qun_runner_plugin {
  const char *id, *version;
  const char *const *requires;
  uint32_t requires_count;
  int library; /* sealed memory */
};

struct qun_runner_level {
  uint32_t landlock;
  bool seccomp, rlimits;
};

struct qun_runner {
  pid_t pid; /* 0: reaped */
  int fd;
  int how; /* of waitpid, once it is reaped */
  struct qun_page *page;
  struct qun_wire_in in;
  struct qun_pack out; /* what is still to be sent, from out_from on */
  size_t out_from;
  struct qun_runner_level level;
};

/* Where qun-runner is: beside this program, or in ../bin or ../libexec/qun seen from there. Pure but for looking. */
void qun_runner_program(char out[4096]);
/* "landlock 7, seccomp, rlimits"; "none". */
void qun_runner_level_text(const struct qun_runner_level *level, char out[64]);
/* 0: `level` is at least what `require` asks for. QUN_EDENIED says what is missing. QUN_EINVAL: `require` cannot be read. */
int qun_runner_level_check(const struct qun_runner_level *level, const char *require, struct qun_error *err);

/* Starts a runner and has it open the plugin. QUN_EDENIED: the sandbox is weaker than required, nothing of the plugin ran.
   QUN_EINVAL, QUN_EUNSUPPORTED: the plugin's own refusal. QUN_EGONE: it died of its own code. QUN_EFAIL. Blocking, up to
   some seconds. */
int qun_runner_start(struct qun_runner **out, const struct qun_runner_options *o, const struct qun_runner_plugin *p,
                     struct qun_error *err);
/* Ends the process at once, if it runs. NULL is fine. */
void qun_runner_destroy(struct qun_runner *r);
/* Kills and reaps it. After that nothing can be sent. */
void qun_runner_kill(struct qun_runner *r);
/* How it ended: "SIGSEGV", "a forbidden system call (SIGSYS)", "exit code 1". After qun_runner_kill. */
void qun_runner_how(const struct qun_runner *r, char out[96]);

/* The next frame, borrowed until this is called again; what is in r->out is sent meanwhile. 1: a frame. QUN_EAGAIN: none came
   before the deadline (CLOCK_MONOTONIC). QUN_EGONE: the connection is closed. QUN_EINVAL: what came is no frame. */
int qun_runner_next(struct qun_runner *r, struct qun_frame *frame, int64_t deadline_ms, struct qun_error *err);
/* Sends what the connection takes at once; no waiting. */
void qun_runner_push(struct qun_runner *r);
/* Processor time that it has used. 0: not known. */
uint64_t qun_runner_cpu_ms(const struct qun_runner *r);
int64_t qun_runner_clock_ms(void);

#endif
