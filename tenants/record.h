/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the event log as it is stored and hashed: a msgpack array
 *   [1, type, id, source, time, clock, flags, member, cause, hops, origin, subject, group, channel, lang, data, digest]
 * time and clock in UTC ms; flags QUN_EVENT_*; member the tenant's number; cause the sequence of the record that caused
 * it; origin the plugin that emitted it; data a msgpack map with sealed fields as ext 1; digest 8 bytes (bin), empty
 * for derived and control records.
 */
#ifndef QUN_TENANTS_RECORD_H
#define QUN_TENANTS_RECORD_H

#include "tenants/error.h"

#include <qun/msgpack.h>

/* Among the flags of a record, and never shown to a plugin: an isolated plugin emitted it, so that it stands behind its cause,
   where the log was by then. */
enum { QUN_RECORD_LAGGED = 1u << 8 };

struct qun_record {
  uint64_t seq; /* the key, not in the bytes */
  int64_t time_ms, clock_ms;
  uint32_t flags, hops;
  uint64_t member, cause;
  qun_slice type, id, source, origin, subject, group, channel, lang, data, digest;
};

/* Appends the bytes to `out` (check out->failed). */
void qun_record_write(struct qun_pack *out, const struct qun_record *r);
/* At least as many bytes as the record takes. */
size_t qun_record_room(const struct qun_record *r);
/* Reads bytes; slices borrow from them. QUN_EFAIL: not a record of this version. */
int qun_record_read(struct qun_record *r, uint64_t seq, qun_slice bytes);

#endif
