/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/record.h"

enum { RECORD_VERSION = 1, RECORD_FIELDS = 17 };

void qun_record_write(struct qun_pack *out, const struct qun_record *r) {
  qun_pack_array(out, RECORD_FIELDS);
  qun_pack_uint(out, RECORD_VERSION);
  qun_pack_str(out, r->type);
  qun_pack_str(out, r->id);
  qun_pack_str(out, r->source);
  qun_pack_int(out, r->time_ms);
  qun_pack_int(out, r->clock_ms);
  qun_pack_uint(out, r->flags);
  qun_pack_uint(out, r->member);
  qun_pack_uint(out, r->cause);
  qun_pack_uint(out, r->hops);
  qun_pack_str(out, r->origin);
  qun_pack_str(out, r->subject);
  qun_pack_str(out, r->group);
  qun_pack_str(out, r->channel);
  qun_pack_str(out, r->lang);
  if (r->data.len)
    qun_pack_raw(out, r->data);
  else
    qun_pack_map(out, 0);
  qun_pack_bin(out, r->digest);
}

size_t qun_record_room(const struct qun_record *r) {
  enum { HEAD_MAX = 9 }; /* of one msgpack value */
  return RECORD_FIELDS * HEAD_MAX + HEAD_MAX +
         (size_t)(r->type.len + r->id.len + r->source.len + r->origin.len + r->subject.len + r->group.len +
                  r->channel.len + r->lang.len + r->data.len + r->digest.len);
}

int qun_record_read(struct qun_record *r, uint64_t seq, qun_slice bytes) {
  struct qun_unpack u;
  uint32_t n;
  int64_t version, flags, member, cause, hops;
  qun_unpack_init(&u, bytes);
  memset(r, 0, sizeof *r);
  r->seq = seq;
  if (!qun_unpack_array(&u, &n) || n != RECORD_FIELDS || !qun_unpack_int(&u, &version) || version != RECORD_VERSION)
    return QUN_EFAIL;
  if (!qun_unpack_str(&u, &r->type) || !qun_unpack_str(&u, &r->id) || !qun_unpack_str(&u, &r->source)) return QUN_EFAIL;
  if (!qun_unpack_int(&u, &r->time_ms) || !qun_unpack_int(&u, &r->clock_ms) || !qun_unpack_int(&u, &flags))
    return QUN_EFAIL;
  if (!qun_unpack_int(&u, &member) || !qun_unpack_int(&u, &cause) || !qun_unpack_int(&u, &hops)) return QUN_EFAIL;
  if (!qun_unpack_str(&u, &r->origin) || !qun_unpack_str(&u, &r->subject) || !qun_unpack_str(&u, &r->group))
    return QUN_EFAIL;
  if (!qun_unpack_str(&u, &r->channel) || !qun_unpack_str(&u, &r->lang) || !qun_unpack_any(&u, &r->data))
    return QUN_EFAIL;
  if (!qun_unpack_bin(&u, &r->digest)) return QUN_EFAIL;
  r->flags = (uint32_t)flags;
  r->member = (uint64_t)member;
  r->cause = (uint64_t)cause;
  r->hops = (uint32_t)hops;
  return 0;
}
