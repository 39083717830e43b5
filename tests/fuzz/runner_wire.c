/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a runner sends to the host: frames, and service calls within them. */
#include "host/runner/wire.h"
#include "tests/fuzz/fuzz.h"

#include <services/services.h>

/* A host that grants nothing: the dispatch takes calls apart and makes none. */
static int query(const struct qun_host *host, const char *id, const void **out) {
  (void)host;
  (void)id;
  (void)out;
  return QUN_EDENIED;
}

static void dispatch(const struct qun_frame *f) {
  static const struct qun_host host = {.struct_size = sizeof host, .query = query};
  struct qun_unpack u;
  struct qun_pack answer;
  uint32_t n, service, method;
  qun_slice args;
  qun_unpack_init(&u, f->args);
  if (!qun_unpack_array(&u, &n) || n != 3 || !qun__wire_u32(&u, &service) || !qun__wire_u32(&u, &method) ||
      !qun_unpack_any(&u, &args))
    return;
  qun_pack_init(&answer);
  (void)qun__dispatch(&host, service, method, args, &answer);
  qun_pack_fini(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct qun_wire_in in = {.max = 1 << 20};
  struct qun_frame f;
  const char *why = NULL;
  int got = 0;
  for (size_t at = 0, step = 1; at < size && got >= 0; at += step, step = step * 2 + 1) {
    size_t n = size - at < step ? size - at : step, room;
    void *to = qun_wire_room(&in, &room);
    if (!to) break;
    if (n > room) n = room;
    memcpy(to, data + at, n);
    qun_wire_came(&in, n);
    if (n < step) step = n;
    while ((got = qun_wire_take(&in, &f, &why)) == 1) {
      fuzz_check(qun_mp_valid(f.args, QUN_WIRE_DEPTH), "a frame's arguments are not one value");
      dispatch(&f);
    }
    fuzz_check(got == 0 || why, "a frame is refused without a reason");
  }
  qun_wire_in_fini(&in);
  return 0;
}
