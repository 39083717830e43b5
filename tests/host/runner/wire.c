/* SPDX-License-Identifier: Apache-2.0 */
#include "host/runner/wire.h"

#include <criterion/criterion.h>

static struct qun_wire_in in;
static struct qun_pack p;
static const char *why;

static void begin(void) {
  memset(&in, 0, sizeof in);
  qun_pack_init(&p);
  why = NULL;
}

static void end(void) {
  qun_wire_in_fini(&in);
  qun_pack_fini(&p);
}

TestSuite(wire, .init = begin, .fini = end);

static void come(const void *bytes, size_t n) {
  size_t room;
  void *at = qun_wire_room(&in, &room);
  cr_assert(at && room >= n);
  memcpy(at, bytes, n);
  qun_wire_came(&in, n);
}

static int refused(const char *bytes, size_t n) {
  struct qun_frame f;
  begin();
  come(bytes, n);
  int rc = qun_wire_take(&in, &f, &why);
  qun_wire_in_fini(&in);
  return rc;
}

Test(wire, gives_frames_back_byte_by_byte) {
  struct qun_frame f;
  qun_wire_put(&p, QUN_WIRE_CALL, 7, QUN_WIRE_SERVICE, qun_slice_of("\x92\x01\xa1x", 4));
  qun_wire_put(&p, QUN_WIRE_NOTE, 0, QUN_WIRE_DONE, qun_slice_of("\xc0", 1));
  for (size_t i = 0; i + 1 < p.len; i++) {
    come(p.buf + i, 1);
    int got = qun_wire_take(&in, &f, &why);
    cr_assert_geq(got, 0);
    if (!got) continue;
    cr_expect_eq(f.type, QUN_WIRE_CALL);
    cr_expect_eq(f.id, 7);
    cr_expect_eq(f.method, QUN_WIRE_SERVICE);
    cr_expect(qun_slice_eq(f.args, qun_slice_of("\x92\x01\xa1x", 4)));
  }
  come(p.buf + p.len - 1, 1);
  cr_assert_eq(qun_wire_take(&in, &f, &why), 1);
  cr_expect_eq(f.type, QUN_WIRE_NOTE);
  cr_expect_eq(f.method, QUN_WIRE_DONE);
}

Test(wire, refuses_what_is_no_frame) {
  cr_expect_eq(refused("\0\0\0\0", 4), QUN_EINVAL, "empty");
  cr_expect_eq(refused("\x7f\xff\xff\xff", 4), QUN_EINVAL, "too long");
  cr_expect_eq(refused("\0\0\0\1\xc0", 5), QUN_EINVAL, "no array");
  cr_expect_eq(refused("\0\0\0\5\x94\x09\0\1\xc0", 9), QUN_EINVAL, "type");
  cr_expect_eq(refused("\0\0\0\5\x94\1\0\x7f\xc0", 9), QUN_EINVAL, "method");
  cr_expect_eq(refused("\0\0\0\5\x94\1\xff\1\xc0", 9), QUN_EINVAL, "id");
  cr_expect_eq(refused("\0\0\0\6\x94\1\0\1\xc0\xc0", 10), QUN_EINVAL, "two values");
  cr_expect_eq(refused("\0\0\0\4\x94\1\0\1", 8), QUN_EINVAL, "no value");
}

Test(wire, refuses_what_nests_too_deep) {
  struct qun_frame f;
  size_t at = qun_wire_begin(&p, QUN_WIRE_NOTE, 0, QUN_WIRE_DONE);
  for (int i = 0; i < QUN_WIRE_DEPTH + 1; i++) qun_pack_array(&p, 1);
  qun_pack_nil(&p);
  qun_wire_end(&p, at);
  come(p.buf, p.len);
  cr_expect_eq(qun_wire_take(&in, &f, &why), QUN_EINVAL);
}

/* A length alone costs nothing. */
Test(wire, takes_memory_for_what_came_and_not_for_what_was_promised) {
  struct qun_frame f;
  come("\x01\xff\xff\xff\x94", 5);
  cr_expect_eq(qun_wire_take(&in, &f, &why), 0);
  size_t room;
  qun_wire_room(&in, &room);
  cr_expect_lt(in.cap, (size_t)1 << 20);
}
