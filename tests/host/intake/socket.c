/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/socket.h"
#include "host/intake/socket_frame.h"
#include "host/ops/metrics.h"
#include "tests/host/support/loop.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop l;
static qun_slice reply;

static void setup(void) {
  loop_start(&l);
}

static void teardown(void) {
  loop_stop(&l);
}

TestSuite(host_intake_socket, .init = setup, .fini = teardown);

static void forget(void) {
  union {
    const void *in;
    void *out;
  } p = {.in = reply.ptr};
  free(p.out);
  reply = qun_slice_of(NULL, 0);
}

/* The next answer, or none: the host closed. */
static int next(int fd) {
  forget();
  return frame_read(fd, &reply);
}

static void send_hello_with(int fd, const char *token, const char *ack) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, ack ? 3 : 2);
  qun_pack_kv_cstr(&p, "token", token);
  qun_pack_kv_int(&p, "v", 1);
  if (ack) qun_pack_kv_cstr(&p, "ack", ack);
  cr_assert(frame_write(fd, &p));
  qun_pack_fini(&p);
}

static void send_hello(int fd, const char *token) {
  send_hello_with(fd, token, NULL);
}

static int greeted(const char *token) {
  int fd = client_unix(l.intake_path);
  send_hello(fd, token);
  cr_assert(next(fd));
  cr_assert_eq(qun_mp_int(reply, "v", 0), 1);
  return fd;
}

static void pack_event(struct qun_pack *p, int64_t id, const char *type) {
  qun_pack_map(p, 5);
  qun_pack_kv_int(p, "id", id);
  qun_pack_kv_cstr(p, "source", "s");
  qun_pack_kv_cstr(p, "type", type);
  qun_pack_kv_cstr(p, "member", "u1");
  qun_pack_cstr(p, "data");
  qun_pack_map(p, 1);
  qun_pack_kv_cstr(p, "text", "hello there");
}

static void pack_batch(struct qun_pack *p, int64_t batch, uint32_t events, const char *type) {
  qun_pack_init(p);
  qun_pack_map(p, 2);
  qun_pack_kv_int(p, "batch", batch);
  qun_pack_cstr(p, "events");
  qun_pack_array(p, events);
  for (uint32_t i = 0; i < events; i++) pack_event(p, batch * 1000 + i, type);
}

static bool send_batch(int fd, int64_t batch, uint32_t events) {
  struct qun_pack p;
  pack_batch(&p, batch, events, "message");
  bool sent = frame_write(fd, &p);
  qun_pack_fini(&p);
  return sent;
}

static void assert_closed_with(int fd, const char *why) {
  cr_assert(next(fd), "the host closed without a word");
  qun_slice error = qun_mp_str(reply, "error");
  cr_assert_not_null(memmem(error.ptr, (size_t)error.len, why, strlen(why)), "\"%.*s\" does not say \"%s\"",
                     (int)error.len, (const char *)error.ptr, why);
  cr_assert(!next(fd));
  close(fd);
}

Test(host_intake_socket, the_first_frame_must_be_good) {
  static const struct {
    const char *bytes;
    size_t len;
    const char *why;
  } table[] = {{"\0\0\0\0", 4, "0 bytes"},
               {"\xff\xff\xff\xff", 4, "limit"},
               {"\0\0\4\1", 4, "limit"}, /* 1025: more than a hello may have */
               {"\0\0\0\1\xc0", 5, "not a map"},
               {"\0\0\0\1\x81", 5, "not one whole"},
               {"GET / HTTP/1.1\r\n\r\n", 18, "limit"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    int fd = client_unix(l.intake_path);
    cr_assert(client_write(fd, table[i].bytes, table[i].len));
    assert_closed_with(fd, table[i].why);
  }
}

Test(host_intake_socket, only_tokens_that_may_send_are_let_in) {
  int fd = client_unix(l.intake_path);
  send_hello(fd, "qun_i_wrong");
  assert_closed_with(fd, "not known");
  fd = client_unix(l.intake_path);
  send_hello(fd, l.tokens[0][QUN_ROLE_AUDITOR]);
  assert_closed_with(fd, "auditor");
  for (int role = QUN_ROLE_INGEST; role <= QUN_ROLE_OWNER; role++) {
    if (role == QUN_ROLE_AUDITOR) continue;
    fd = greeted(l.tokens[1][role]);
    cr_assert(qun_slice_eq(qun_mp_str(reply, "tenant"), qun_str("bbbb")));
    close(fd);
  }
}

Test(host_intake_socket, a_token_writes_to_its_own_tenant_only) {
  int fd = greeted(l.tokens[0][QUN_ROLE_OWNER]);
  cr_assert(send_batch(fd, 1, 3));
  cr_assert(next(fd));
  cr_assert_eq(qun_mp_int(reply, "accepted", 0), 3);
  close(fd);
  cr_assert_eq(fake_engine_touched(l.engine, "bbbb"), 0);
  cr_assert_gt(fake_engine_touched(l.engine, "aaaa"), 0);
}

Test(host_intake_socket, batches_are_answered_in_order_with_what_was_refused) {
  struct qun_pack p;
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  cr_assert(send_batch(fd, 1, 10));
  pack_batch(&p, 2, 2, "nosuch");
  cr_assert(frame_write(fd, &p));
  qun_pack_fini(&p);
  cr_assert(send_batch(fd, 3, 0));
  cr_assert(send_batch(fd, 4, 5));
  static const struct { int accepted, refused; } want[] = {{10, 0}, {0, 2}, {0, 0}, {5, 0}};
  for (int i = 0; i < 4; i++) {
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "batch", 0), i + 1);
    cr_assert_eq(qun_mp_int(reply, "accepted", -1), want[i].accepted);
    cr_assert_eq(qun_mp_int(reply, "refused_total", -1), want[i].refused);
  }
  cr_assert_eq(fake_engine_events(l.engine), 15);
  close(fd);
}

/* Small batches are worked on here, large ones on a worker thread: neither overtakes the other. */
Test(host_intake_socket, small_and_large_batches_of_a_connection_stay_in_order) {
  static const uint32_t events[] = {1, 400, 1, 17, 16, 1, 1, 400, 1};
  enum { BATCHES = sizeof events / sizeof *events };
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < BATCHES; i++) cr_assert(send_batch(fd, round * BATCHES + i, events[i]));
    for (int i = 0; i < BATCHES; i++) {
      cr_assert(next(fd));
      cr_assert_eq(qun_mp_int(reply, "batch", -1), round * BATCHES + i);
      cr_assert_eq(qun_mp_int(reply, "accepted", -1), events[i]);
    }
  }
  close(fd);
}

static int greeted_durable(const char *token) {
  int fd = client_unix(l.intake_path);
  send_hello_with(fd, token, "durable");
  cr_assert(next(fd));
  cr_assert(qun_slice_eq(qun_mp_str(reply, "ack"), qun_str("durable")));
  return fd;
}

static void append_frame(struct qun_pack *stream, const struct qun_pack *p) {
  unsigned char head[4];
  qun__put_be(head, p->len, 4);
  qun_pack_raw(stream, qun_slice_of(head, 4));
  qun_pack_raw(stream, qun_pack_slice(p));
}

/* Eight frames come in one piece: four, which is the window, share a flush, then the other four. */
Test(host_intake_socket, durable_answers_say_what_was_journaled_and_frames_share_a_flush) {
  struct qun_pack p, stream;
  int fd = greeted_durable(l.tokens[0][QUN_ROLE_INGEST]);
  cr_assert(send_batch(fd, 0, 1)); /* a worker opens the tenant */
  cr_assert(next(fd));
  qun_pack_init(&stream);
  for (int i = 1; i <= 8; i++) {
    pack_batch(&p, i, i == 5 ? 2 : 1, i == 3 ? "nosuch" : "message");
    append_frame(&stream, &p);
    qun_pack_fini(&p);
  }
  uint32_t flushes = fake_engine_flushes(l.engine);
  cr_assert(client_write(fd, stream.buf, stream.len));
  for (int i = 1; i <= 8; i++) {
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "batch", -1), i);
    if (i == 3) {
      cr_assert_eq(qun_mp_int(reply, "refused_total", -1), 1);
      continue;
    }
    cr_assert_eq(qun_mp_int(reply, "journaled", -1), i == 5 ? 2 : 1);
    cr_assert_gt(qun_mp_int(reply, "position", -1), 0);
    cr_assert_eq(qun_mp_int(reply, "accepted", -1), -1);
  }
  cr_assert_leq(fake_engine_flushes(l.engine) - flushes, 3);
  cr_assert_eq(fake_engine_events(l.engine), 9);
  qun_pack_fini(&stream);
  close(fd);
}

Test(host_intake_socket, many_connections_with_single_events_are_all_answered) {
  enum { CLIENTS = 64, ROUNDS = 20 };
  int fds[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) fds[i] = greeted_durable(l.tokens[i % 2][QUN_ROLE_INGEST]);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CLIENTS; i++) cr_assert(send_batch(fds[i], round * CLIENTS + i, 1));
    for (int i = 0; i < CLIENTS; i++) {
      cr_assert(next(fds[i]));
      cr_assert_eq(qun_mp_int(reply, "batch", -1), round * CLIENTS + i);
      cr_assert_eq(qun_mp_int(reply, "journaled", -1), 1);
    }
  }
  cr_assert_eq(fake_engine_events(l.engine), CLIENTS * ROUNDS);
  cr_assert_eq(qun_metric_get(qun_api_metrics(l.api), QUN_METRIC_EVENTS_ACCEPTED), CLIENTS * ROUNDS);
  for (int i = 0; i < CLIENTS; i++) close(fds[i]);
}

/* Frames torn at any byte, and several in one piece. */
Test(host_intake_socket, frames_may_come_in_pieces) {
  struct qun_pack p, stream;
  int fd = greeted_durable(l.tokens[0][QUN_ROLE_INGEST]);
  qun_pack_init(&stream);
  for (int i = 0; i < 3; i++) {
    pack_batch(&p, i, 1, "message");
    append_frame(&stream, &p);
    qun_pack_fini(&p);
  }
  for (size_t cut = 1; cut < stream.len; cut += 7) {
    cr_assert(client_write(fd, stream.buf, cut));
    usleep(100);
    cr_assert(client_write(fd, stream.buf + cut, stream.len - cut));
    for (int i = 0; i < 3; i++) {
      cr_assert(next(fd));
      cr_assert_eq(qun_mp_int(reply, "batch", -1), i);
      cr_assert_eq(qun_mp_int(reply, "journaled", -1), 1);
    }
  }
  qun_pack_fini(&stream);
  close(fd);
}

Test(host_intake_socket, an_unknown_kind_of_answer_is_refused) {
  int fd = client_unix(l.intake_path);
  send_hello_with(fd, l.tokens[0][QUN_ROLE_INGEST], "perhaps");
  assert_closed_with(fd, "ack");
}

Test(host_intake_socket, no_answer_before_the_commit_and_no_more_than_the_window) {
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  fake_engine_mode(l.engine, FAKE_HOLD);
  for (int i = 1; i <= 8; i++) cr_assert(send_batch(fd, i, 1));
  while (fake_engine_batches(l.engine) < 4) usleep(1000);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  cr_assert_eq(poll(&p, 1, 50), 0);
  cr_assert_eq(fake_engine_batches(l.engine), 4, "the window");
  fake_engine_mode(l.engine, FAKE_COMMIT);
  for (int i = 1; i <= 8; i++) {
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "batch", 0), i);
  }
  close(fd);
}

Test(host_intake_socket, a_full_queue_stops_the_sender_and_loses_nothing) {
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  fake_engine_mode(l.engine, FAKE_FULL);
  /* What fits in the socket's buffers, the window and one read; then writing blocks. */
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct qun_pack p, stream;
  int64_t batches = 0;
  qun_pack_init(&stream);
  for (; batches < 3000; batches++) {
    pack_batch(&p, batches, 20, "message");
    unsigned char head[4];
    qun__put_be(head, p.len, 4);
    qun_pack_raw(&stream, qun_slice_of(head, 4));
    qun_pack_raw(&stream, qun_pack_slice(&p));
    qun_pack_fini(&p);
  }
  size_t sent = 0;
  struct pollfd w = {.fd = fd, .events = POLLOUT};
  while (sent < stream.len && poll(&w, 1, 300) > 0) {
    ssize_t n = send(fd, stream.buf + sent, stream.len - sent, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
  }
  cr_assert_lt(sent, stream.len, "the host read %zu bytes without end", sent);
  cr_assert_gt(qun_metric_get(qun_api_metrics(l.api), QUN_METRIC_BACK_PRESSURE), 0);
  cr_assert_eq(fake_engine_batches(l.engine), 0);
  fake_engine_mode(l.engine, FAKE_COMMIT);
  fcntl(fd, F_SETFL, 0);
  int64_t answered = 0;
  while (answered < batches) {
    struct pollfd both = {.fd = fd, .events = (short)(POLLIN | (sent < stream.len ? POLLOUT : 0))};
    cr_assert_gt(poll(&both, 1, 60000), 0);
    if (both.revents & POLLOUT) {
      ssize_t n = send(fd, stream.buf + sent, stream.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) sent += (size_t)n;
    }
    if (!(both.revents & POLLIN)) continue;
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "batch", -1), answered++);
    cr_assert_eq(qun_mp_int(reply, "accepted", -1), 20);
  }
  cr_assert_eq(fake_engine_events(l.engine), 60000);
  qun_pack_fini(&stream);
  close(fd);
}

Test(host_intake_socket, what_is_no_batch_ends_the_connection_after_the_answers_before_it) {
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  cr_assert(send_batch(fd, 1, 2));
  cr_assert(client_write(fd, "\0\0\0\2\xc1\xc1", 6));
  cr_assert(next(fd));
  cr_assert_eq(qun_mp_int(reply, "accepted", 0), 2);
  assert_closed_with(fd, "not one whole");
  fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  cr_assert(client_write(fd, "\x7f\xff\xff\xff", 4));
  assert_closed_with(fd, "limit");
}

Test(host_intake_socket, msgpack_cut_off_anywhere_is_refused) {
  struct qun_pack p;
  pack_batch(&p, 1, 1, "message");
  for (size_t n = 1; n < p.len; n++) {
    struct qun_pack part = p;
    int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
    part.len = n;
    cr_assert(frame_write(fd, &part));
    assert_closed_with(fd, "whole");
  }
  qun_pack_fini(&p);
  cr_assert_eq(fake_engine_batches(l.engine), 0);
}

static void keep_ingest_id(void *arg, const struct qun_token_info *info) {
  if (info->role == QUN_ROLE_INGEST) snprintf(arg, QUN_TOKEN_ID_SIZE, "%s", info->id);
}

Test(host_intake_socket, a_revoked_token_sends_no_more) {
  char id[QUN_TOKEN_ID_SIZE];
  struct qun_error err;
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  cr_assert(send_batch(fd, 1, 1));
  cr_assert(next(fd));
  qun_tokens_each(qun_api_tokens(l.api), "aaaa", keep_ingest_id, id);
  cr_assert_eq(qun_tokens_revoke(qun_api_tokens(l.api), "aaaa", id, &err), 0);
  cr_assert(send_batch(fd, 2, 1));
  cr_assert(next(fd));
  cr_assert_eq(qun_mp_int(reply, "code", 0), QUN_EDENIED);
  assert_closed_with(fd, "taken away");
  cr_assert_eq(fake_engine_events(l.engine), 1);
}

Test(host_intake_socket, a_client_that_only_ends_its_side_gets_its_answers) {
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  fake_engine_mode(l.engine, FAKE_HOLD);
  for (int i = 1; i <= 3; i++) cr_assert(send_batch(fd, i, 1));
  shutdown(fd, SHUT_WR);
  while (fake_engine_batches(l.engine) < 3) usleep(1000);
  fake_engine_mode(l.engine, FAKE_COMMIT);
  for (int i = 1; i <= 3; i++) {
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "batch", 0), i);
  }
  cr_assert(!next(fd));
  close(fd);
}

Test(host_intake_socket, a_client_that_left_is_no_harm) {
  fake_engine_mode(l.engine, FAKE_HOLD);
  for (uint32_t i = 0; i < 10; i++) {
    int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
    cr_assert(send_batch(fd, 1, 1));
    while (fake_engine_batches(l.engine) <= i) usleep(1000);
    close(fd);
  }
  fake_engine_mode(l.engine, FAKE_COMMIT);
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]);
  close(fd);
}

Test(host_intake_socket, a_stop_answers_what_was_taken) {
  int fd = greeted(l.tokens[0][QUN_ROLE_INGEST]), idle = greeted(l.tokens[1][QUN_ROLE_INGEST]),
      silent = client_unix(l.intake_path);
  fake_engine_mode(l.engine, FAKE_HOLD);
  for (int i = 1; i <= 3; i++) cr_assert(send_batch(fd, i, 1));
  while (fake_engine_batches(l.engine) < 3) usleep(1000);
  loop_stop_begin(&l);
  cr_assert(!next(idle));
  cr_assert(!next(silent));
  fake_engine_mode(l.engine, FAKE_COMMIT);
  for (int i = 1; i <= 3; i++) {
    cr_assert(next(fd));
    cr_assert_eq(qun_mp_int(reply, "accepted", 0), 1);
  }
  cr_assert(!next(fd));
  close(fd);
  close(idle);
  close(silent);
}
