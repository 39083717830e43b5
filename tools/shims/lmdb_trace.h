/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that lmdb_trace.c leaves: what a process wrote into its LMDB environments, in the order of the commits. A
 * row is this head and the bytes of key and value; all rows of a commit stand together and the commit's own behind
 * them; the file grows by whole commits. This machine's byte order; for this machine only.
 */
#ifndef QUN_TOOLS_SHIMS_LMDB_TRACE_H
#define QUN_TOOLS_SHIMS_LMDB_TRACE_H

#include <stdint.h>

enum qun_trace_kind { QUN_TRACE_TABLE = 1, QUN_TRACE_PUT, QUN_TRACE_DEL, QUN_TRACE_EMPTY, QUN_TRACE_COMMIT };

struct qun_trace_row {
  uint32_t kind;
  uint32_t env;   /* environments by path, from 0 */
  uint32_t table; /* TABLE: this handle has the name in the key from now on */
  uint32_t flags; /* of mdb_dbi_open, mdb_put */
  uint64_t key, value;
};

#endif
