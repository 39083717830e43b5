/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of memory that host and runner share: the runner writes what it is about to do, the host reads it when the runner
 * has died. The plugin can write it too: it is a hint for the ledger, never a fact.
 */
#ifndef QUN_HOST_RUNNER_PAGE_H
#define QUN_HOST_RUNNER_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

enum { QUN_PAGE_SIZE = 4096 };

/* Descriptors of a runner when it begins. */
enum { QUN_RUNNER_FD_SOCKET = 3, QUN_RUNNER_FD_LIBRARY = 4, QUN_RUNNER_FD_PAGE = 5 };

struct qun_page {
  _Atomic uint64_t number; /* of the callback that runs; 0: none has */
  _Atomic uint64_t seq;    /* the record it is about; 0: of none */
};

#endif
