/* SPDX-License-Identifier: Apache-2.0 */
#include "services/wire.h"

#include <string.h>

bool qun__wire_i64(struct qun_unpack *u, int64_t *v) {
  return qun_unpack_int(u, v);
}

bool qun__wire_u64(struct qun_unpack *u, uint64_t *v) {
  int64_t i;
  if (!qun_unpack_int(u, &i)) return false;
  memcpy(v, &i, sizeof *v);
  return true;
}

void qun__wire_put_u64(struct qun_pack *p, uint64_t v) {
  int64_t i;
  memcpy(&i, &v, sizeof i);
  qun_pack_int(p, i);
}

bool qun__wire_u32(struct qun_unpack *u, uint32_t *v) {
  int64_t i;
  if (!qun_unpack_int(u, &i) || i < 0 || i > UINT32_MAX) return false;
  *v = (uint32_t)i;
  return true;
}

bool qun__wire_i32(struct qun_unpack *u, int32_t *v) {
  int64_t i;
  if (!qun_unpack_int(u, &i) || i < INT32_MIN || i > INT32_MAX) return false;
  *v = (int32_t)i;
  return true;
}

bool qun__wire_text(struct qun_unpack *u, char out[QUN__TEXT_MAX + 1]) {
  qun_slice s;
  if (!qun_unpack_bin(u, &s) || s.len > QUN__TEXT_MAX) return false;
  if (s.len > 0 && memchr(s.ptr, 0, (size_t)s.len)) return false;
  if (s.len > 0) memcpy(out, s.ptr, (size_t)s.len);
  out[s.len] = '\0';
  return true;
}

bool qun__stub_fits(qun_slice s) {
  return s.len <= QUN__ARGUMENT_MAX && (s.ptr || s.len == 0);
}

bool qun__stub_fits_all(const qun_slice *list, uint32_t count) {
  if (count > QUN__LIST_MAX) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (!qun__stub_fits(list[i])) return false;
  }
  return true;
}

bool qun__stub_fits_text(const char *text) {
  return !text || strnlen(text, QUN__TEXT_MAX + 1) <= QUN__TEXT_MAX;
}

int qun__stub_send(const struct qun_host *host, uint32_t service, uint32_t method, struct qun_pack *args, uint32_t outs,
                   struct qun_unpack *lent) {
  const struct qun__transport *t = host->ctx;
  qun_slice reply = {NULL, 0};
  uint32_t count;
  int32_t code;
  int rc = args->failed ? QUN_EFAIL : t->roundtrip(t->ctx, service, method, qun_pack_slice(args), &reply);
  qun_pack_fini(args);
  if (rc < 0 || !lent) return rc;
  qun_unpack_init(lent, reply);
  if (!qun_unpack_array(lent, &count) || count == 0 || !qun__wire_i32(lent, &code)) return QUN_EFAIL;
  if (code >= 0 && count != outs + 1) return QUN_EFAIL;
  return code;
}
