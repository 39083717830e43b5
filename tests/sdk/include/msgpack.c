/* SPDX-License-Identifier: Apache-2.0 */
/* Round trips, agreement with msgpack-c, and bytes that mean harm. */
#include <qun/msgpack.h>

#include <msgpack.h>

#include <criterion/criterion.h>

/* Bytes in a block of exactly their size, so that the address sanitizer sees one read too many. */
static qun_slice exact(const void *bytes, size_t n) {
  void *copy = malloc(n ? n : 1);
  if (n) memcpy(copy, bytes, n);
  return qun_slice_of(copy, n);
}

static void drop(qun_slice s) {
  void *p;
  memcpy(&p, &s.ptr, sizeof p);
  free(p);
}

static const int64_t numbers[] = {0,     1,          127,        128,       255,         256,         65535,
                                  65536, 4294967295, 4294967296, INT64_MAX, -1,          -32,         -33,
                                  -128,  -129,       -32768,     -32769,    -2147483648, -2147483649, INT64_MIN};

Test(sdk_include_msgpack, gives_back_every_size_of_integer) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct qun_pack p;
    struct qun_unpack u;
    int64_t v = 0;
    qun_pack_init(&p);
    qun_pack_int(&p, numbers[i]);
    qun_unpack_init(&u, qun_pack_slice(&p));
    cr_expect(qun_unpack_int(&u, &v) && u.at == u.end);
    cr_expect_eq(v, numbers[i]);
    qun_pack_fini(&p);
  }
}

Test(sdk_include_msgpack, writes_integers_as_msgpack_c_does) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct qun_pack p;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_int64(&packer, numbers[i]);
    qun_pack_init(&p);
    qun_pack_int(&p, numbers[i]);
    cr_expect(qun_slice_eq(qun_pack_slice(&p), qun_slice_of(buffer.data, buffer.size)), "%lld", (long long)numbers[i]);
    qun_pack_fini(&p);
    msgpack_sbuffer_destroy(&buffer);
  }
}

static const size_t lengths[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};

Test(sdk_include_msgpack, gives_back_every_size_of_bytes) {
  static const unsigned char zeros[65536];
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct qun_pack p;
    struct qun_unpack u;
    qun_slice s;
    int type = 0;
    qun_slice bytes = qun_slice_of(zeros, lengths[i]);
    qun_pack_init(&p);
    qun_pack_str(&p, bytes);
    qun_pack_bin(&p, bytes);
    qun_pack_ext(&p, -7, bytes);
    qun_unpack_init(&u, qun_pack_slice(&p));
    cr_expect(qun_unpack_str(&u, &s) && s.len == lengths[i]);
    cr_expect(qun_unpack_bin(&u, &s) && s.len == lengths[i]);
    cr_expect(qun_unpack_ext(&u, &type, &s) && s.len == lengths[i] && type == -7);
    cr_expect_eq(u.at, u.end);
    qun_pack_fini(&p);
  }
}

/* A value with everything in it, nested. */
static void write_all_kinds(struct qun_pack *p) {
  qun_pack_map(p, 7);
  qun_pack_kv_cstr(p, "text", "群");
  qun_pack_kv_int(p, "n", -5);
  qun_pack_kv_bool(p, "yes", 1);
  qun_pack_cstr(p, "nil");
  qun_pack_nil(p);
  qun_pack_cstr(p, "half");
  qun_pack_double(p, 0.5);
  qun_pack_cstr(p, "list");
  size_t at = qun_pack_open_array(p);
  for (int i = 0; i < 3; i++) qun_pack_int(p, i * 1000);
  qun_pack_close(p, at, 3);
  qun_pack_cstr(p, "more");
  at = qun_pack_open_map(p);
  qun_pack_kv_cstr(p, "a", "b");
  qun_pack_close(p, at, 1);
}

Test(sdk_include_msgpack, is_understood_by_msgpack_c) {
  struct qun_pack p;
  msgpack_unpacked whole;
  size_t off = 0;
  qun_pack_init(&p);
  write_all_kinds(&p);
  msgpack_unpacked_init(&whole);
  cr_assert_eq(msgpack_unpack_next(&whole, (const char *)p.buf, p.len, &off), MSGPACK_UNPACK_SUCCESS);
  cr_expect_eq(off, p.len);
  cr_assert_eq(whole.data.type, MSGPACK_OBJECT_MAP);
  cr_expect_eq(whole.data.via.map.size, 7);
  cr_expect_eq(whole.data.via.map.ptr[1].val.via.i64, -5);
  cr_expect_eq(whole.data.via.map.ptr[4].val.via.f64, 0.5);
  cr_expect_eq(whole.data.via.map.ptr[5].val.via.array.size, 3);
  msgpack_unpacked_destroy(&whole);
  qun_pack_fini(&p);
}

Test(sdk_include_msgpack, finds_members_of_a_map) {
  struct qun_pack p;
  qun_slice v;
  qun_pack_init(&p);
  write_all_kinds(&p);
  qun_slice map = qun_pack_slice(&p);
  cr_expect(qun_mp_valid(map, 2));
  cr_expect_not(qun_mp_valid(map, 1));
  cr_expect(qun_slice_is(qun_mp_str(map, "text"), "群"));
  cr_expect_eq(qun_mp_str(map, "n").len, 0);
  cr_expect_eq(qun_mp_int(map, "n", 0), -5);
  cr_expect_eq(qun_mp_int(map, "text", 9), 9);
  cr_expect_eq(qun_mp_bool(map, "yes", 0), 1);
  cr_expect_not(qun_mp_find(map, "absent", &v));
  cr_expect_not(qun_mp_find(qun_slice_of(NULL, 0), "text", &v));
  cr_expect(qun_mp_find(map, "more", &v) && qun_slice_is(qun_mp_str(v, "a"), "b"));
  qun_pack_fini(&p);
}

Test(sdk_include_msgpack, refuses_every_truncation) {
  struct qun_pack p;
  qun_pack_init(&p);
  write_all_kinds(&p);
  for (size_t n = 0; n < p.len; n++) {
    qun_slice part = exact(p.buf, n), v;
    struct qun_unpack u;
    cr_expect_not(qun_mp_valid(part, 8), "%zu", n);
    qun_unpack_init(&u, part);
    cr_expect_not(qun_unpack_skip(&u), "%zu", n);
    qun_mp_find(part, "more", &v);
    drop(part);
  }
  qun_pack_fini(&p);
}

Test(sdk_include_msgpack, refuses_lengths_that_are_not_there) {
  static const unsigned char cases[][9] = {{0xdb, 0xff, 0xff, 0xff, 0xff},
                                           {0xc6, 0xff, 0xff, 0xff, 0xff},
                                           {0xdd, 0xff, 0xff, 0xff, 0xff},
                                           {0xdf, 0xff, 0xff, 0xff, 0xff},
                                           {0xc9, 0xff, 0xff, 0xff, 0xff},
                                           {0xdf, 0x80, 0, 0, 0},
                                           {0xd8, 1, 2},
                                           {0xcf, 1, 2},
                                           {0xc1},
                                           {0xa5, 'a'},
                                           {0x92, 1},
                                           {0xdc, 0xff}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t n = 9;
    while (n > 1 && cases[i][n - 1] == 0) n--;
    qun_slice s = exact(cases[i], n), v;
    struct qun_unpack u;
    uint32_t count;
    int type;
    qun_unpack_init(&u, s);
    cr_expect_not(qun_mp_valid(s, 8), "%zu", i);
    cr_expect_not(qun_unpack_skip(&u) || qun_unpack_str(&u, &v) || qun_unpack_bin(&u, &v) ||
                      qun_unpack_ext(&u, &type, &v) || qun_unpack_array(&u, &count) || qun_unpack_map(&u, &count),
                  "%zu", i);
    cr_expect_eq((const void *)u.at, s.ptr, "a refused read stays where it was: %zu", i);
    drop(s);
  }
}

Test(sdk_include_msgpack, refuses_what_is_too_deep) {
  unsigned char nest[200];
  memset(nest, 0x91, sizeof nest);
  nest[199] = 0xc0;
  cr_expect_not(qun_mp_valid(qun_slice_of(nest, 200), 1000));
  cr_expect(qun_mp_valid(qun_slice_of(nest + 199 - 63, 64), 63));
  cr_expect_not(qun_mp_valid(qun_slice_of(nest + 199 - 63, 64), 62));
  struct qun_unpack u;
  qun_unpack_init(&u, qun_slice_of(nest, 200));
  cr_expect(qun_unpack_skip(&u)); /* no recursion: depth costs nothing */
}

Test(sdk_include_msgpack, refuses_a_number_over_int64) {
  static const unsigned char big[] = {0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0};
  struct qun_unpack u;
  int64_t v = 3;
  qun_unpack_init(&u, qun_slice_of(big, sizeof big));
  cr_expect_not(qun_unpack_int(&u, &v));
  cr_expect_eq(v, 3);
  cr_expect(qun_unpack_skip(&u) && u.at == u.end);
}

static uint32_t next(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* msgpack-c sets aside memory for as many members as a head of 16 or 32 bits claims; it is not asked about those that
 * we refuse. */
static int claims_many(const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i] >= 0xdc && bytes[i] <= 0xdf) return 1;
  return 0;
}

static int skips(qun_slice s, size_t *off) {
  struct qun_unpack u;
  qun_unpack_init(&u, s);
  int whole = qun_unpack_skip(&u);
  *off = (size_t)(u.at - (const unsigned char *)s.ptr);
  return whole;
}

/* Spoilt bytes either are refused or read to their end as msgpack-c does, and never past it. */
Test(sdk_include_msgpack, agrees_with_msgpack_c_on_spoilt_bytes) {
  struct qun_pack p;
  uint32_t state = 20260105, compared = 0;
  qun_pack_init(&p);
  qun_pack_array(&p, 3);
  qun_pack_kv_bool(&p, "a longer text, so that lengths may be spoilt too", 1);
  qun_pack_map(&p, 2);
  qun_pack_kv_int(&p, "n", 100000);
  qun_pack_kv_cstr(&p, "s", "texts");
  for (int i = 0; i < 20000; i++) {
    unsigned char spoilt[256];
    memcpy(spoilt, p.buf, p.len);
    for (uint32_t k = 1 + next(&state) % 3; k > 0; k--) spoilt[next(&state) % p.len] = (unsigned char)next(&state);
    qun_slice s = exact(spoilt, p.len);
    size_t ours_off = 0, theirs_off = 0;
    int ours = skips(s, &ours_off);
    if (ours || !claims_many(spoilt, p.len)) {
      msgpack_unpacked whole;
      msgpack_unpacked_init(&whole);
      int theirs = msgpack_unpack_next(&whole, s.ptr, (size_t)s.len, &theirs_off) == MSGPACK_UNPACK_SUCCESS;
      cr_assert_eq(ours, theirs, "round %d", i);
      if (ours) cr_assert_eq(ours_off, theirs_off, "round %d", i);
      msgpack_unpacked_destroy(&whole);
      compared++;
    }
    drop(s);
  }
  cr_expect_gt(compared, 10000);
  qun_pack_fini(&p);
}

Test(sdk_include_msgpack, remembers_that_memory_ran_out) {
  struct qun_pack p;
  volatile size_t too_much = SIZE_MAX - 10; /* volatile: the compiler would refuse the copy that never happens */
  qun_pack_init(&p);
  qun_pack_raw(&p, qun_slice_of("", too_much));
  cr_expect(p.failed);
  qun_pack_int(&p, 1);
  cr_expect_eq(p.len, 0);
  qun_pack_clear(&p);
  qun_pack_int(&p, 1);
  cr_expect_eq(p.len, 1);
  qun_pack_fini(&p);
}
