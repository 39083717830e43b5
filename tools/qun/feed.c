/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/feed.h"

#include "host/ops/json.h"

#include <string.h>
#include <unistd.h>

static void slot_clear(const struct qun_feed *f, struct qun_feed_slot *s) {
  qun_pack_clear(&s->body);
  s->count = 0;
  if (f->form == QUN_FEED_CLOUDEVENTS) return;
  qun_pack_map(&s->body, 2);
  qun_pack_kv_bool(&s->body, "imported", 1);
  qun_pack_cstr(&s->body, "events");
  s->at = qun_pack_open_array(&s->body);
}

int qun_feed_init(struct qun_feed *f, struct qun_cli *cli, const char *tenant, enum qun_feed_form form,
                  uint32_t batch) {
  memset(f, 0, sizeof *f);
  f->cli = cli;
  f->form = form;
  f->batch = batch;
  f->sent = -1;
  qun_pack_init(&f->events_path);
  qun_pack_init(&f->imports_path);
  for (int i = 0; i < 2; i++) {
    qun_pack_init(&f->slots[i].body);
    slot_clear(f, &f->slots[i]);
  }
  const char *events = qun_url_path(&f->events_path, "/v1/tenants/%s/events", tenant);
  const char *imports = qun_url_path(&f->imports_path, "/v1/tenants/%s/imports", tenant);
  if (!events || !imports) return qun_cli_fail(cli, QUN_EXIT_FAILED, &(struct qun_error){.message = "out of memory"});
  return qun_cli_open(cli);
}

void qun_feed_fini(struct qun_feed *f) {
  qun_pack_fini(&f->events_path);
  qun_pack_fini(&f->imports_path);
  qun_pack_fini(&f->slots[0].body);
  qun_pack_fini(&f->slots[1].body);
}

void qun_feed_place(const struct qun_feed *f, int *slot, uint32_t *index) {
  *slot = f->now;
  *index = f->slots[f->now].count;
}

/* ---- answers */

static void take_refused(struct qun_feed *f, int slot, qun_slice reply, const char *key) {
  struct qun_unpack u;
  qun_slice list, item;
  uint32_t n = 0;
  if (!qun_mp_find(reply, key, &list)) return;
  qun_unpack_init(&u, list);
  for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &item); n--) {
    char text[400];
    int64_t index = qun_mp_int(item, "index", -1);
    qun_slice reason = qun_mp_str(item, "reason");
    if (index < 0 || index >= f->slots[slot].count) continue;
    f->refused++;
    snprintf(text, sizeof text, "%.*s", (int)(reason.len < sizeof text ? reason.len : sizeof text - 1),
             (const char *)reason.ptr);
    if (f->on_refused) f->on_refused(f->arg, slot, (uint32_t)index, text);
  }
}

static int take_answer(struct qun_feed *f, int slot, const struct qun_client_answer *answer) {
  struct qun_pack map;
  qun_slice ignored;
  int status = QUN_EXIT_OK;
  qun_pack_init(&map);
  bool readable = qun_json_to_msgpack(&map, qun_pack_slice(&answer->body), NULL) == 0;
  qun_slice reply = qun_pack_slice(&map);
  if (readable && answer->status == 200) {
    f->accepted += qun_mp_int(reply, "accepted", 0);
    f->duplicates += qun_mp_int(reply, "duplicates", 0);
    f->conflicts += qun_mp_int(reply, "conflicts", 0);
    take_refused(f, slot, reply, "refused");
  } else if (readable && answer->status == 422 && qun_mp_find(reply, "errors", &ignored)) {
    take_refused(f, slot, reply, "errors"); /* none of the batch was fit */
  } else {
    status = qun_cli_refused(f->cli, answer);
  }
  qun_pack_fini(&map);
  if (f->on_answer) f->on_answer(f->arg);
  return status;
}

static struct qun_client_request request_of(const struct qun_feed *f, int slot) {
  bool json = f->form == QUN_FEED_CLOUDEVENTS;
  return (struct qun_client_request){.method = "POST",
                                     .path = (const char *)f->events_path.buf,
                                     .content_type = json ? "application/cloudevents-batch+json"
                                                          : "application/vnd.qun.events+msgpack",
                                     .body = qun_pack_slice(&f->slots[slot].body)};
}

/* Waits for the answer to the batch on its way, if there is one. A full queue took nothing: the same goes again. */
static int settle(struct qun_feed *f) {
  struct qun_client_answer answer;
  struct qun_error err = {0};
  int slot = f->sent;
  if (slot < 0) return QUN_EXIT_OK;
  f->sent = -1;
  if (qun_client_end(f->cli->client, &answer, &err) < 0) return qun_cli_fail(f->cli, QUN_EXIT_FAILED, &err);
  if (qun_cli_should_wait(&answer)) {
    struct qun_client_request request = request_of(f, slot);
    unsigned wait = (unsigned)answer.retry_after;
    qun_client_answer_fini(&answer);
    sleep(wait);
    int status = qun_cli_ask_patiently(f->cli, &request, &answer);
    if (status) return status;
  }
  int status = take_answer(f, slot, &answer);
  qun_client_answer_fini(&answer);
  return status;
}

static int send_slot(struct qun_feed *f) {
  struct qun_error err = {0};
  struct qun_feed_slot *s = &f->slots[f->now];
  int status = settle(f);
  if (status || s->count == 0) return status;
  if (f->form == QUN_FEED_CLOUDEVENTS)
    qun_pack_raw(&s->body, qun_str("]"));
  else
    qun_pack_close(&s->body, s->at, s->count);
  struct qun_client_request request = request_of(f, f->now);
  int rc = s->body.failed ? qun_error_set(&err, QUN_EFAIL, "out of memory")
                          : qun_client_begin(f->cli->client, &request, &err);
  if (rc < 0) return qun_cli_fail(f->cli, QUN_EXIT_FAILED, &err);
  f->sent = f->now;
  f->now ^= 1;
  slot_clear(f, &f->slots[f->now]);
  return QUN_EXIT_OK;
}

int qun_feed_add(struct qun_feed *f, qun_slice event) {
  struct qun_feed_slot *s = &f->slots[f->now];
  if (f->form == QUN_FEED_CLOUDEVENTS) qun_pack_raw(&s->body, qun_str(s->count ? "," : "["));
  qun_pack_raw(&s->body, event);
  s->count++;
  return s->count == f->batch || s->body.len >= QUN_FEED_BYTES ? send_slot(f) : QUN_EXIT_OK;
}

int qun_feed_flush(struct qun_feed *f) {
  int status = send_slot(f);
  int last = settle(f);
  return status ? status : last;
}

/* ---- marks */

static int mark(struct qun_feed *f, const struct qun_pack *body) {
  struct qun_pack reply;
  qun_pack_init(&reply);
  int status = qun_cli_ask_map(f->cli, "POST", (const char *)f->imports_path.buf, NULL, qun_pack_slice(body), &reply);
  qun_pack_fini(&reply);
  return status;
}

int qun_feed_import_begin(struct qun_feed *f, const char *format, const char *name) {
  struct qun_pack body;
  qun_pack_init(&body);
  qun_pack_map(&body, 3);
  qun_pack_kv_cstr(&body, "state", "begin");
  qun_pack_kv_cstr(&body, "format", format);
  qun_pack_kv_cstr(&body, "name", name);
  int status = mark(f, &body);
  qun_pack_fini(&body);
  return status;
}

int qun_feed_import_end(struct qun_feed *f) {
  struct qun_pack body;
  qun_pack_init(&body);
  qun_pack_map(&body, 3);
  qun_pack_kv_cstr(&body, "state", "end");
  qun_pack_kv_int(&body, "events", f->accepted);
  qun_pack_kv_int(&body, "duplicates", f->duplicates);
  int status = mark(f, &body);
  qun_pack_fini(&body);
  return status;
}
