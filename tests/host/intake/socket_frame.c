/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/socket_frame.h"

#include <criterion/criterion.h>

static struct qun_error err;

static void push_frame(struct qun_frames *f, const char *content) {
  unsigned char head[QUN_FRAME_HEAD];
  qun__put_be(head, strlen(content), QUN_FRAME_HEAD);
  cr_assert_eq(qun_frames_push(f, head, sizeof head), 0);
  cr_assert_eq(qun_frames_push(f, content, strlen(content)), 0);
}

Test(host_intake_socket_frame, cuts_a_stream_wherever_it_was_torn) {
  static const char stream[] = "\0\0\0\3abc\0\0\0\1d\0\0\0\5efghi";
  static const char *const want[] = {"abc", "d", "efghi"};
  for (size_t step = 1; step < sizeof stream; step++) {
    struct qun_frames f;
    qun_slice content;
    size_t n = 0;
    qun_frames_init(&f);
    for (size_t at = 0; at < sizeof stream - 1; at += step) {
      size_t len = sizeof stream - 1 - at < step ? sizeof stream - 1 - at : step;
      cr_assert_eq(qun_frames_push(&f, stream + at, len), 0);
      while (qun_frames_cut(&f, 5, &content, &err) == 1) {
        cr_assert_lt(n, 3);
        cr_assert(qun_slice_eq(content, qun_str(want[n++])));
      }
    }
    cr_assert_eq(n, 3, "step %zu", step);
    cr_assert_eq(qun_frames_held(&f), 0);
    qun_frames_fini(&f);
  }
}

Test(host_intake_socket_frame, refuses_a_length_before_the_bytes_come) {
  struct qun_frames f;
  qun_slice content;
  qun_frames_init(&f);
  cr_assert_eq(qun_frames_push(&f, "\xff\xff\xff\xff", 4), 0);
  cr_assert_eq(qun_frames_cut(&f, 1024, &content, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "4294967295"));
  qun_frames_fini(&f);
  cr_assert_eq(qun_frames_push(&f, "\0\0\0\0", 4), 0);
  cr_assert_eq(qun_frames_cut(&f, 1024, &content, &err), QUN_EINVAL);
  qun_frames_fini(&f);
  push_frame(&f, "abcd");
  cr_assert_eq(qun_frames_cut(&f, 3, &content, &err), QUN_EINVAL);
  qun_frames_fini(&f);
}

static void hello(struct qun_pack *p, const char *token, int v) {
  qun_pack_init(p);
  qun_pack_map(p, 2);
  qun_pack_kv_cstr(p, "token", token);
  qun_pack_kv_int(p, "v", v);
}

Test(host_intake_socket_frame, reads_the_first_frame) {
  struct qun_pack p;
  struct qun_hello got;
  hello(&p, "qun_i_x", 1);
  cr_assert_eq(qun_hello_read(qun_pack_slice(&p), &got, &err), 0, "%s", err.message);
  cr_assert(qun_slice_eq(got.token, qun_str("qun_i_x")));
  cr_assert(!got.durable);
  for (size_t n = 0; n < p.len; n++)
    cr_assert_eq(qun_hello_read(qun_slice_of(p.buf, n), &got, &err), QUN_EINVAL, "cut off after %zu", n);
  qun_pack_fini(&p);
  hello(&p, "qun_i_x", 2);
  cr_assert_eq(qun_hello_read(qun_pack_slice(&p), &got, &err), QUN_EINVAL);
  qun_pack_fini(&p);
}

Test(host_intake_socket_frame, the_first_frame_says_which_answer_is_wanted) {
  static const struct {
    const char *ack;
    int rc;
    bool durable;
  } table[] = {{"durable", 0, true}, {"applied", 0, false}, {"maybe", QUN_EINVAL, false}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct qun_pack p;
    struct qun_hello got = {0};
    qun_pack_init(&p);
    qun_pack_map(&p, 3);
    qun_pack_kv_cstr(&p, "token", "qun_i_x");
    qun_pack_kv_cstr(&p, "ack", table[i].ack);
    qun_pack_kv_int(&p, "v", 1);
    cr_assert_eq(qun_hello_read(qun_pack_slice(&p), &got, &err), table[i].rc, "%s", table[i].ack);
    if (table[i].rc == 0)
      cr_assert_eq(got.durable, table[i].durable);
    else
      cr_assert_not_null(strstr(err.message, "ack"));
    qun_pack_fini(&p);
  }
}

static void batch(struct qun_pack *p, const char *extra) {
  qun_pack_init(p);
  qun_pack_map(p, extra ? 3 : 2);
  qun_pack_kv_int(p, "batch", 7);
  qun_pack_cstr(p, "events");
  qun_pack_array(p, 0);
  if (extra) qun_pack_kv_bool(p, extra, 1);
}

Test(host_intake_socket_frame, reads_a_batchs_head) {
  struct qun_pack p;
  struct qun_batch_head head;
  batch(&p, NULL);
  cr_assert_eq(qun_batch_head_read(qun_pack_slice(&p), &head, &err), 0, "%s", err.message);
  cr_assert_eq(head.batch, 7);
  cr_assert_eq(head.count, 0);
  cr_assert(!head.imported);
  for (size_t n = 0; n < p.len; n++)
    cr_assert_eq(qun_batch_head_read(qun_slice_of(p.buf, n), &head, &err), QUN_EINVAL, "cut off after %zu", n);
  qun_pack_fini(&p);
  batch(&p, "imported");
  cr_assert_eq(qun_batch_head_read(qun_pack_slice(&p), &head, &err), 0);
  cr_assert(head.imported);
  qun_pack_fini(&p);
  batch(&p, "unknown");
  cr_assert_eq(qun_batch_head_read(qun_pack_slice(&p), &head, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "unknown"));
  qun_pack_fini(&p);
  batch(&p, "batch");
  cr_assert_eq(qun_batch_head_read(qun_pack_slice(&p), &head, &err), QUN_EINVAL, "a key given twice");
  qun_pack_fini(&p);
}

Test(host_intake_socket_frame, answers_are_frames) {
  struct qun_pack out;
  struct qun_frames f;
  qun_slice content;
  struct qun_refusals refused = {0};
  struct qun_error why = {.code = QUN_EINVAL, .message = "data.amount: must be an integer"};
  struct qun_submit_result result = {.accepted = 3, .duplicates = 2, .conflicts = 1, .position = 99};
  qun_pack_init(&out);
  qun_frames_init(&f);
  cr_assert_eq(qun_refusals_add(&refused, 4, &why), 0);
  struct qun_submit_result over = {.code = QUN_EQUOTA, .retry_ms = 250, .message = "the quota is used up"};
  struct qun_refusals none = {0};
  qun_hello_answer(&out,
                   &(struct qun_hello_reply){
                       .tenant = "acme", .role = QUN_ROLE_INGEST, .durable = true, .window = 8, .max_frame = 1000});
  qun_batch_answer(&out, 7, &result, &refused);
  qun_batch_error(&out, 8, &over);
  qun_batch_journaled(&out, 9, 5, &result, &none);
  qun_batch_journaled(&out, 10, 5, &result, &refused);
  qun_frame_error(&out, "a frame of 0 bytes");
  cr_assert(!out.failed);
  cr_assert_eq(qun_frames_push(&f, out.buf, out.len), 0);
  cr_assert_eq(qun_frames_cut(&f, 1000, &content, &err), 1);
  cr_assert(qun_mp_valid(content, 4));
  cr_assert(qun_slice_eq(qun_mp_str(content, "tenant"), qun_str("acme")));
  cr_assert(qun_slice_eq(qun_mp_str(content, "ack"), qun_str("durable")));
  cr_assert_eq(qun_frames_cut(&f, 1000, &content, &err), 1);
  cr_assert(qun_mp_valid(content, 4));
  cr_assert_eq(qun_mp_int(content, "batch", 0), 7);
  cr_assert_eq(qun_mp_int(content, "accepted", 0), 3);
  cr_assert_eq(qun_mp_int(content, "refused_total", 0), 1);
  cr_assert_eq(qun_mp_int(content, "position", 0), 99);
  cr_assert_eq(qun_frames_cut(&f, 1000, &content, &err), 1);
  cr_assert_eq(qun_mp_int(content, "code", 0), QUN_EQUOTA);
  cr_assert_eq(qun_mp_int(content, "retry_ms", 0), 250);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(qun_frames_cut(&f, 1000, &content, &err), 1);
    cr_assert(qun_mp_valid(content, 4));
    cr_assert_eq(qun_mp_int(content, "batch", 0), 9 + i);
    cr_assert_eq(qun_mp_int(content, "journaled", 0), 5);
    cr_assert_eq(qun_mp_int(content, "refused_total", 0), i);
    cr_assert_eq(qun_mp_int(content, "position", 0), 99);
  }
  cr_assert_eq(qun_frames_cut(&f, 1000, &content, &err), 1);
  cr_assert(qun_slice_eq(qun_mp_str(content, "error"), qun_str("a frame of 0 bytes")));
  cr_assert_eq(qun_frames_held(&f), 0);
  qun_refusals_fini(&refused);
  qun_frames_fini(&f);
  qun_pack_fini(&out);
}
