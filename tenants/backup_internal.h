/* SPDX-License-Identifier: Apache-2.0 */
/* What backup_write.c and backup_read.c share. */
#ifndef QUN_TENANTS_BACKUP_INTERNAL_H
#define QUN_TENANTS_BACKUP_INTERNAL_H

#include "tenants/backup.h"

#include <stdbool.h>

#define QUN__BACKUP_INDEX_FORMAT "qun-backup-index/1"
#define QUN__BACKUP_MANIFEST "manifest.json"
#define QUN__BACKUP_END "end of archive"

enum {
  QUN__SKIP_MAGIC = 0x184D2A50, /* zstd: a skippable frame */
  QUN__INDEX_TAIL = QUN_BACKUP_SUM + 4,
  QUN__INDEX_MAX = 64 * 1024,
  QUN__BACKUP_BUFFER = 256 * 1024
};

/* A part's frame in the file. */
struct qun__frame {
  char name[QUN_BACKUP_NAME];
  uint64_t at, size;
  unsigned char sum[QUN_BACKUP_SUM];
};

struct qun__frames {
  struct qun__frame items[QUN_BACKUP_PARTS_MAX + 2]; /* manifest and end, too */
  uint32_t count;
};

/* 1 to 63 of a-z A-Z 0-9 . _ - and at most one slash inside; no part of it begins with a dot. */
bool qun__part_name_fits(const char *name);
/* Writes all of it. 0 or -1 with errno. */
int qun__write_all(int fd, const void *bytes, size_t n);
void qun__put_le32(unsigned char out[4], uint32_t v);
uint32_t qun__get_le32(const unsigned char in[4]);

#endif
