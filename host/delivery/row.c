/* SPDX-License-Identifier: Apache-2.0 */
#include "host/delivery/row.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static qun_slice put(unsigned char **at, qun_slice s) {
  unsigned char *to = *at;
  if (s.len) memcpy(to, s.ptr, (size_t)s.len);
  *at += s.len;
  return qun_slice_of(to, (size_t)s.len);
}

struct qun_delivery_row *qun_delivery_row_copy(const char *tenant, const struct qun_outbox_entry *e) {
  size_t n = (size_t)(e->plugin.len + e->key.len + e->via.len + e->target.len + e->body.len + e->by.len);
  struct qun_delivery_row *row = malloc(sizeof *row + n);
  if (!row) return NULL;
  unsigned char *at = (unsigned char *)(row + 1);
  memset(row, 0, sizeof *row);
  snprintf(row->tenant, sizeof row->tenant, "%s", tenant);
  row->plugin = put(&at, e->plugin);
  row->key = put(&at, e->key);
  row->via = put(&at, e->via);
  row->target = put(&at, e->target);
  row->body = put(&at, e->body);
  row->by = put(&at, e->by);
  row->expired = e->state == QUN_OUTBOX_INTERCEPTED;
  row->seq = e->seq;
  row->due_ms = e->due_ms;
  return row;
}

void qun_delivery_row_destroy(struct qun_delivery_row *row) {
  free(row);
}

/* Length first, so that no two lists of parts give the same bytes. */
static void add(crypto_generichash_state *h, qun_slice s) {
  unsigned char len[8];
  qun_be64(len, s.len);
  crypto_generichash_update(h, len, sizeof len);
  if (s.len) crypto_generichash_update(h, s.ptr, s.len);
}

static void finish(crypto_generichash_state *h, char out[QUN_DELIVERY_ID_SIZE]) {
  unsigned char hash[16];
  crypto_generichash_final(h, hash, sizeof hash);
  sodium_bin2hex(out, QUN_DELIVERY_ID_SIZE, hash, sizeof hash);
}

void qun_delivery_row_name(char out[QUN_DELIVERY_ID_SIZE], qun_slice plugin, qun_slice key) {
  crypto_generichash_state h;
  crypto_generichash_init(&h, NULL, 0, 16);
  add(&h, plugin);
  add(&h, key);
  finish(&h, out);
}

void qun_delivery_row_id(char out[QUN_DELIVERY_ID_SIZE], const struct qun_delivery_row *row) {
  crypto_generichash_state h;
  unsigned char seq[8];
  qun_be64(seq, row->seq);
  crypto_generichash_init(&h, NULL, 0, 16);
  add(&h, qun_str(row->tenant));
  add(&h, row->plugin);
  add(&h, row->key);
  add(&h, qun_slice_of(seq, sizeof seq));
  add(&h, row->body);
  finish(&h, out);
}

void qun_send_answer(struct qun_send_outcome *out, enum qun_send_code code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(out->reason, sizeof out->reason, format, args);
  va_end(args);
  out->code = code;
}
