/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tenant's store: one LMDB environment with a fixed set of tables (named databases), opened once per process.
 *
 * Environment: MDB_NOTLS (any number of environments a process), map sized to the byte quota + 25 %, full sync on
 * commit; a scratch store (replay) is thrown away and commits without sync. Tables are opened at open, all in one
 * transaction. Never WRITEMAP, never NOSYNC on a real store (DECISIONS 4, 20). The map grows only while no transaction
 * lives: a gate counts the views, and a batch holds one until its commit is through.
 *
 * Threads: one writer at a time (the tenant's shard); views on any thread, a view belongs to one thread at a time.
 */
#ifndef QUN_TENANTS_STORE_H
#define QUN_TENANTS_STORE_H

#include "tenants/error.h"
#include "tenants/store_check.h"

#include <lmdb.h>
#include <pthread.h>
#include <qun/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

enum qun_table {
  QUN_TABLE_META = 0, /* one-off values and totals: tenants/meta.h */
  QUN_TABLE_LOG,      /* big-endian seq -> record: tenants/record.h */
  QUN_TABLE_DUP,      /* duplicate guard: tenants/dupguard.h */
  QUN_TABLE_MEMBERS,  /* members both ways: tenants/members.h */
  QUN_TABLE_TIMERS,   /* tenants/timers.h */
  QUN_TABLE_OUTBOX,   /* tenants/outbox.h */
  QUN_TABLE_DEAD,     /* tenants/deadletter.h */
  QUN_TABLE_AUDIT,    /* tenants/audit_log.h */
  QUN_TABLE_BRIDGE,   /* agreements as this side has them: tenants/agreement.h */
  QUN_TABLE_PLUGIN    /* the first plugin's keyspace; the nth is QUN_TABLE_PLUGIN + n */
};

enum { QUN_STORE_PLUGINS_MAX = 32, QUN_TABLES_MAX = QUN_TABLE_PLUGIN + QUN_STORE_PLUGINS_MAX };

struct qun_store {
  MDB_env *env;
  MDB_dbi dbi[QUN_TABLES_MAX];
  uint32_t tables;
  _Atomic uint64_t quota_bytes;
  uint64_t inode; /* of the data file */
  size_t page_size;
  bool scratch;
  atomic_uint views; /* that live */
  atomic_bool growing;
  pthread_mutex_t gate;         /* held while the map grows */
  bool lazy;                    /* the last commits were: qun_store_lazy */
  uint64_t stamp;               /* random: tells this opening of the store from every other */
  char tag[QUN_STORE_TAG_SIZE]; /* the tenant's name; "" for a store in another place than .../NAME/store */
  char *dir;                    /* NULL: a copy or a scratch store */
  atomic_bool damaged;          /* LMDB met a page that cannot be; the store is marked */
};

struct qun_store_options {
  uint64_t quota_bytes;       /* of data; 0: as the store was made with, a new one 1 GiB */
  const char *const *plugins; /* ids, in the order of QUN_TABLE_PLUGIN + n */
  uint32_t plugins_count;
  bool scratch;
  bool there; /* it must be there: an empty data file is damage */
};

/* Opens (and makes, if it is not there) the environment in directory `dir`. QUN_EFAIL names the directory and LMDB's
 * reason. QUN_ECONFLICT: it is damaged, or marked as damaged (tenants/store_check.h). Blocking. */
int qun_store_open(struct qun_store **out, const char *dir, const struct qun_store_options *options,
                   struct qun_error *err);
/* Writes a compact copy of the environment's newest snapshot to an empty file: no free pages, hence nothing deleted. The
   snapshot is pinned for as long as the copy takes, and no longer. Any thread. Blocking. QUN_EFAIL: the disk is full, or
   the like. */
int qun_store_copy(struct qun_store *s, int fd, struct qun_error *err);
/* Opens such a copy by its descriptor, to read; its name may be gone. It must have a keyspace for each plugin. */
int qun_store_open_copy(struct qun_store **out, int fd, const struct qun_store_options *options, struct qun_error *err);
/* No view or batch may be open. NULL is fine. */
void qun_store_close(struct qun_store *s);
/* The last transaction and the data file's inode of a store that need not be open; it is not locked. QUN_ENOTFOUND,
 * QUN_EFAIL. Blocking, some reads. */
int qun_store_probe(const char *dir, uint64_t *txn, uint64_t *inode);
/* Makes room for a larger quota. 0: done, or the store has as much. QUN_EAGAIN: a transaction lives; ask again. QUN_EFAIL:
 * the address space has no such room; the store goes on as it was. Any thread, does not block. */
int qun_store_grow(struct qun_store *s, uint64_t quota_bytes);
/* Lazy: the next commits sync their pages but not the last one that names them (MDB_NOMETASYNC): after a power cut the
 * store may stand a commit back, never between two. qun_store_close makes it whole. The writer's thread, no write
 * transaction open. */
void qun_store_lazy(struct qun_store *s, bool lazy);
/* Bytes of the data file that are in use. Quick. */
uint64_t qun_store_bytes(const struct qun_store *s);
/* Turns LMDB's status into a code and a sentence: MDB_MAP_FULL is QUN_EQUOTA, MDB_NOTFOUND is QUN_ENOTFOUND, the rest
 * QUN_EFAIL. */
int qun_store_error(struct qun_error *err, int mdb_status, const char *what);

/* ---- internal to tenants/: opens the tables; `flags` MDB_RDONLY: all must be there. An LMDB status. */
int qun__store_tables(struct qun_store *s, const struct qun_store_options *o, unsigned flags);

/* A consistent snapshot. */
struct qun_overlay;
struct qun_view {
  struct qun_store *store;
  MDB_txn *txn;                /* read transaction */
  struct qun_overlay *overlay; /* a batch's own writes, or NULL */
};

int qun_view_begin(struct qun_view *v, struct qun_store *s, struct qun_error *err);
/* Ends the snapshot; a zeroed view is fine. */
void qun_view_end(struct qun_view *v);
/* *value is borrowed until the view ends (and, in a batch, never changes under the reader). QUN_ENOTFOUND. */
int qun_view_get(const struct qun_view *v, unsigned table, qun_slice key, qun_slice *value);
/* Rows whose key begins with `prefix` and is greater than `after` (empty: from the first), in key order; at most cap.
 */
int qun_view_scan(const struct qun_view *v, unsigned table, qun_slice prefix, qun_slice after, struct qun_pair *pairs,
                  uint32_t cap, uint32_t *count);
/* The last row whose key begins with `prefix`, not counting a batch's own writes. QUN_ENOTFOUND. */
int qun_view_last(const struct qun_view *v, unsigned table, qun_slice prefix, struct qun_pair *pair);

/* Big-endian numbers as keys. */
static inline void qun_be64(unsigned char out[8], uint64_t v) {
  for (int i = 7; i >= 0; i--) {
    out[i] = (unsigned char)(v & 0xff);
    v >>= 8;
  }
}
static inline uint64_t qun_be64_read(const void *p) {
  const unsigned char *b = p;
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) v = (v << 8) | b[i];
  return v;
}
/* Signed numbers that sort as numbers. */
static inline void qun_be64_signed(unsigned char out[8], int64_t v) {
  qun_be64(out, (uint64_t)v ^ 0x8000000000000000ull);
}
static inline int64_t qun_be64_signed_read(const void *p) {
  return (int64_t)(qun_be64_read(p) ^ 0x8000000000000000ull);
}

#endif
