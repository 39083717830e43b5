/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/members.h"

#include <qun/msgpack.h>

static qun_slice pseudonym_key(unsigned char key[17], const unsigned char *pseudonym) {
  key[0] = 'p';
  memcpy(key + 1, pseudonym, QUN_PSEUDONYM_SIZE);
  return qun_slice_of(key, 17);
}

static qun_slice number_key(unsigned char key[9], uint64_t number) {
  key[0] = 'm';
  qun_be64(key + 1, number);
  return qun_slice_of(key, 9);
}

int qun_member_find(const struct qun_view *v, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE], uint64_t *number) {
  unsigned char key[17];
  qun_slice value;
  int rc = qun_view_get(v, QUN_TABLE_MEMBERS, pseudonym_key(key, pseudonym), &value);
  if (rc < 0) return rc;
  if (value.len != 8) return QUN_EFAIL;
  *number = qun_be64_read(value.ptr);
  return 0;
}

int qun_member_number(struct qun_batch *b, struct qun_head *head, const unsigned char pseudonym[QUN_PSEUDONYM_SIZE],
                      uint64_t *number) {
  unsigned char key[17], key2[9], value[8], row[2 + 2 + 2 + QUN_PSEUDONYM_SIZE];
  int rc = qun_member_find(&b->view, pseudonym, number);
  if (rc != QUN_ENOTFOUND) return rc;
  uint64_t next = head->members + 1;
  qun_be64(value, next);
  row[0] = 0x81; /* {"p": pseudonym} */
  row[1] = 0xa1;
  row[2] = 'p';
  row[3] = 0xc4;
  row[4] = QUN_PSEUDONYM_SIZE;
  memcpy(row + 5, pseudonym, QUN_PSEUDONYM_SIZE);
  if (qun_batch_put(b, QUN_TABLE_MEMBERS, pseudonym_key(key, pseudonym), qun_slice_of(value, 8)) < 0) return QUN_EFAIL;
  if (qun_batch_put(b, QUN_TABLE_MEMBERS, number_key(key2, next), qun_slice_of(row, 5 + QUN_PSEUDONYM_SIZE)) < 0)
    return QUN_EFAIL;
  head->members = *number = next;
  return 0;
}

int qun_member_pseudonym(const struct qun_view *v, uint64_t number, unsigned char out[QUN_PSEUDONYM_SIZE]) {
  unsigned char key[9];
  qun_slice row, field, bytes;
  struct qun_unpack u;
  int rc = qun_view_get(v, QUN_TABLE_MEMBERS, number_key(key, number), &row);
  if (rc < 0) return rc;
  if (!qun_mp_find(row, "p", &field)) return QUN_EFAIL;
  qun_unpack_init(&u, field);
  if (!qun_unpack_bin(&u, &bytes) || bytes.len != QUN_PSEUDONYM_SIZE) return QUN_EFAIL;
  memcpy(out, bytes.ptr, QUN_PSEUDONYM_SIZE);
  return 0;
}

/* Copies the members of `from` whose keys `without` does not have. */
static uint32_t copy_without(struct qun_pack *p, qun_slice from, qun_slice without) {
  struct qun_unpack u;
  uint32_t n, copied = 0;
  qun_unpack_init(&u, from);
  if (!qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0) {
    qun_slice key, value, other;
    char name[64];
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value) || key.len >= sizeof name) return copied;
    memcpy(name, key.ptr, (size_t)key.len);
    name[key.len] = '\0';
    if (without.len && qun_mp_find(without, name, &other)) continue;
    qun_pack_str(p, key);
    qun_pack_raw(p, value);
    copied++;
  }
  return copied;
}

int qun_member_identify(struct qun_batch *b, uint64_t number, qun_slice identity) {
  unsigned char key[9];
  qun_slice row;
  struct qun_pack p;
  int rc = qun_view_get(&b->view, QUN_TABLE_MEMBERS, number_key(key, number), &row);
  if (rc < 0) return rc;
  qun_pack_init(&p);
  size_t at = qun_pack_open_map(&p);
  uint32_t n = copy_without(&p, row, identity);
  n += copy_without(&p, identity, (qun_slice){NULL, 0});
  qun_pack_close(&p, at, n);
  rc = p.failed ? QUN_EFAIL : qun_batch_put(b, QUN_TABLE_MEMBERS, number_key(key, number), qun_pack_slice(&p));
  qun_pack_fini(&p);
  return rc;
}

int qun_member_identity(const struct qun_view *v, uint64_t number, const char *field, qun_slice *sealed) {
  unsigned char key[9];
  qun_slice row, value;
  struct qun_unpack u;
  int rc = qun_view_get(v, QUN_TABLE_MEMBERS, number_key(key, number), &row);
  if (rc < 0) return rc;
  if (!qun_mp_find(row, field, &value)) return QUN_ENOTFOUND;
  qun_unpack_init(&u, value);
  return qun_unpack_bin(&u, sealed) ? 0 : QUN_EFAIL;
}
