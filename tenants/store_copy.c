/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qun_store_copy(struct qun_store *s, int fd, struct qun_error *err) {
  struct qun_view v; /* counts the copy among the store's readers */
  int rc = qun_view_begin(&v, s, err);
  if (rc < 0) return rc;
  rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
  qun_view_end(&v);
  return rc ? qun_error_set(err, QUN_EFAIL, "the store cannot be copied: %s", mdb_strerror(rc)) : 0;
}

int qun_store_open_copy(struct qun_store **out, int fd, const struct qun_store_options *o, struct qun_error *err) {
  char path[64];
  struct qun_store *s = calloc(1, sizeof *s);
  if (!s) return qun_error_set(err, QUN_EFAIL, "out of memory");
  /* no lock file: nobody else has this copy */
  unsigned flags = MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK | MDB_NOSUBDIR;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  pthread_mutex_init(&s->gate, NULL);
  int rc = mdb_env_create(&s->env);
  if (!rc) rc = mdb_env_set_maxdbs(s->env, QUN_TABLES_MAX);
  if (!rc) rc = mdb_env_open(s->env, path, flags, 0600);
  if (!rc) rc = qun__store_tables(s, o, MDB_RDONLY);
  if (rc) {
    qun_store_close(s);
    return qun_error_set(err, QUN_ECONFLICT, "the copy of the store cannot be read: %s", mdb_strerror(rc));
  }
  MDB_stat st;
  mdb_env_stat(s->env, &st);
  s->page_size = st.ms_psize;
  *out = s;
  return 0;
}
