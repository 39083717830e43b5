/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin's shared object: read once into sealed memory, hashed there, and opened from there, so that the bytes that were judged are the bytes that run.
 */
#ifndef QUN_HOST_PLUGINS_LIBRARY_H
#define QUN_HOST_PLUGINS_LIBRARY_H

#include "tenants/error.h"

#include <qun/plugin.h>

struct qun__library {
  int fd; /* sealed memory; -1 none. Stays open with the library: debuggers find its symbols by /proc/<pid>/fd/<fd> */
  unsigned char sha256[32];
  void *handle; /* of dlopen; NULL until then */
  const struct qun_magic *magic;
  struct qun_plugin vtable; /* copied min(size), zero filled */
};

/* Copies and hashes the file. QUN_ENOTFOUND, QUN_EINVAL, QUN_EFAIL. Blocking. */
int qun__library_read(struct qun__library *lib, const char *file, struct qun_error *err);
/* Opens it, finds its entry and checks what that answers against the manifest's id and version. QUN_EINVAL, QUN_EUNSUPPORTED. Main thread, blocking;
   runs the constructors of the library. */
int qun__library_open(struct qun__library *lib, const char *id, const char *version, struct qun_error *err);
/* Gives the memory back of a library that was never opened; one that was stays for the life of the process. */
void qun__library_drop(struct qun__library *lib);

#endif
