/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event import: a file by host/intake/import.h, in batches. While the host commits one batch the next is read; the
 * order of the file is kept, for the tenant's clock follows the events' own time.
 */
#include "host/intake/import.h"
#include "host/ops/json.h"
#include "tenants/arena.h"
#include "tools/qun/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000, BATCH_MAX = 10000, BATCH_BYTES = 8 * 1024 * 1024 };

struct batch {
  struct qun_pack body;
  size_t events_at;
  uint32_t count;
  struct qun_arena arena; /* what entries borrow */
  struct qun_import_entry *entries;
};

struct importing {
  struct qun_cli *cli;
  struct qun_import *import;
  const char *file, *route;
  struct batch batches[2];
  struct batch *sent; /* on its way; NULL none */
  uint32_t batch_size;
  int64_t accepted, duplicates, conflicts;
  struct qun_progress progress;
  time_t begun;
};

static void on_refused(void *arg, const struct qun_import_refusal *refusal) {
  const struct importing *im = arg;
  fprintf(im->cli->err, "%s: %s %llu: %s\n", refusal->file, refusal->unit, (unsigned long long)refusal->number,
          refusal->reason);
}

static void batch_clear(struct batch *b) {
  qun_pack_clear(&b->body);
  qun_arena_clear(&b->arena);
  b->count = 0;
  qun_pack_map(&b->body, 2);
  qun_pack_kv_bool(&b->body, "imported", 1);
  qun_pack_cstr(&b->body, "events");
  b->events_at = qun_pack_open_array(&b->body);
}

static int batch_add(struct batch *b, const struct qun_import *import, qun_slice event, struct qun_error *err) {
  struct qun_import_entry *e = &b->entries[b->count];
  qun_import_entry(import, e);
  e->raw = qun_arena_copy(&b->arena, e->raw);
  e->value = e->raw.len ? qun_slice_of(NULL, 0) : qun_arena_copy(&b->arena, e->value);
  e->file = e->file ? qun_arena_copy(&b->arena, qun_str(e->file)).ptr : NULL;
  qun_pack_raw(&b->body, event);
  b->count++;
  return b->body.failed ? qun_error_set(err, QUN_EFAIL, "out of memory") : 0;
}

/* Reads until the batch is full: 1, or 0 at the end of the file with what is left, or less. */
static int batch_fill(struct importing *im, struct batch *b, struct qun_error *err) {
  qun_slice event;
  int rc = 1;
  batch_clear(b);
  while (b->count < im->batch_size && b->body.len < BATCH_BYTES && (rc = qun_import_next(im->import, &event, err)) == 1)
    if ((rc = batch_add(b, im->import, event, err)) < 0)
      break;
    else
      rc = 1;
  qun_pack_close(&b->body, b->events_at, b->count);
  return rc;
}

static void draw(struct importing *im) {
  uint64_t done, total;
  char note[96];
  int64_t seconds = (int64_t)(time(NULL) - im->begun), events = im->accepted + im->duplicates;
  qun_import_progress(im->import, &done, &total);
  snprintf(note, sizeof note, im->cli->zh ? "%lld 条事件，%lld 条/秒" : "%lld events, %lld/s", (long long)events,
           (long long)(seconds ? events / seconds : events));
  qun_progress_draw(&im->progress, done, total, note);
}

static void refuse_listed(struct importing *im, const struct batch *b, qun_slice reply, const char *key) {
  struct qun_unpack u;
  qun_slice list, item;
  uint32_t n = 0;
  if (!qun_mp_find(reply, key, &list)) return;
  qun_unpack_init(&u, list);
  for (qun_unpack_array(&u, &n); n > 0 && qun_unpack_any(&u, &item); n--) {
    struct qun_error why = {.code = QUN_EINVAL};
    int64_t index = qun_mp_int(item, "index", -1);
    qun_slice reason = qun_mp_str(item, "reason");
    if (index < 0 || index >= b->count) continue;
    snprintf(why.message, sizeof why.message, "%.*s", (int)reason.len, (const char *)reason.ptr);
    qun_import_refuse_entry(im->import, &b->entries[index], &why);
  }
}

static int count_answer(struct importing *im, const struct batch *b, const struct qun_client_answer *answer) {
  struct qun_pack map;
  qun_slice ignored;
  int status = QUN_EXIT_OK;
  qun_pack_init(&map);
  bool readable = qun_json_to_msgpack(&map, qun_pack_slice(&answer->body), NULL) == 0;
  qun_slice reply = qun_pack_slice(&map);
  if (readable && answer->status == 200) {
    im->accepted += qun_mp_int(reply, "accepted", 0);
    im->duplicates += qun_mp_int(reply, "duplicates", 0);
    im->conflicts += qun_mp_int(reply, "conflicts", 0);
    refuse_listed(im, b, reply, "refused");
  } else if (readable && answer->status == 422 && qun_mp_find(reply, "errors", &ignored)) {
    refuse_listed(im, b, reply, "errors"); /* none of the batch was fit */
  } else {
    status = qun_cli_refused(im->cli, answer);
  }
  qun_pack_fini(&map);
  return status;
}

static struct qun_client_request request_of(const struct importing *im, const struct batch *b) {
  return (struct qun_client_request){.method = "POST",
                                     .path = im->route,
                                     .content_type = "application/vnd.qun.events+msgpack",
                                     .body = qun_pack_slice(&b->body)};
}

/* Waits for the answer to the batch on its way, if there is one. */
static int settle(struct importing *im) {
  struct qun_client_answer answer;
  struct qun_error err = {0};
  struct batch *b = im->sent;
  if (!b) return QUN_EXIT_OK;
  im->sent = NULL;
  if (qun_client_end(im->cli->client, &answer, &err) < 0) return qun_cli_fail(im->cli, QUN_EXIT_FAILED, &err);
  if (qun_cli_should_wait(&answer)) {
    struct qun_client_request request = request_of(im, b);
    unsigned wait = (unsigned)answer.retry_after;
    qun_client_answer_fini(&answer);
    sleep(wait);
    int status = qun_cli_ask_patiently(im->cli, &request, &answer);
    if (status) return status;
  }
  int status = count_answer(im, b, &answer);
  qun_client_answer_fini(&answer);
  draw(im);
  return status;
}

static int send(struct importing *im, struct batch *b) {
  struct qun_error err = {0};
  struct qun_client_request request = request_of(im, b);
  if (b->count == 0) return QUN_EXIT_OK;
  if (qun_client_begin(im->cli->client, &request, &err) < 0) return qun_cli_fail(im->cli, QUN_EXIT_FAILED, &err);
  im->sent = b;
  return QUN_EXIT_OK;
}

static int run_batches(struct importing *im) {
  struct qun_error err = {0};
  int status = QUN_EXIT_OK, more = 1;
  for (int turn = 0; more == 1 && status == QUN_EXIT_OK; turn ^= 1) {
    more = batch_fill(im, &im->batches[turn], &err);
    status = settle(im);
    if (status == QUN_EXIT_OK) status = send(im, &im->batches[turn]);
  }
  int last = settle(im);
  if (status == QUN_EXIT_OK) status = last;
  if (more < 0 && status == QUN_EXIT_OK) status = qun_cli_fail(im->cli, QUN_EXIT_FAILED, &err);
  return status;
}

/* {state: begin, format, name} or {state: end, events, duplicates} */
static int mark(struct importing *im, bool begin) {
  struct qun_pack path, body, reply;
  const char *slash = strrchr(im->file, '/');
  qun_pack_init(&path);
  qun_pack_init(&body);
  qun_pack_init(&reply);
  qun_pack_map(&body, 3);
  qun_pack_kv_cstr(&body, "state", begin ? "begin" : "end");
  if (begin) {
    qun_pack_kv_cstr(&body, "format", qun_import_format(im->import));
    qun_pack_kv_cstr(&body, "name", slash && slash[1] ? slash + 1 : im->file);
  } else {
    qun_pack_kv_int(&body, "events", im->accepted);
    qun_pack_kv_int(&body, "duplicates", im->duplicates);
  }
  const char *p = qun_url_path(&path, "/v1/tenants/%s/imports", qun_args_word(&im->cli->args, 0));
  int status = qun_cli_ask_map(im->cli, "POST", p, NULL, qun_pack_slice(&body), &reply);
  qun_pack_fini(&path);
  qun_pack_fini(&body);
  qun_pack_fini(&reply);
  return status;
}

static uint64_t summary(const struct importing *im) {
  struct qun_pack map;
  struct qun_import_counts counts;
  const char *refused = qun_import_refused_path(im->import);
  qun_import_counts(im->import, &counts);
  qun_pack_init(&map);
  qun_pack_map(&map, refused ? 7 : 6);
  qun_pack_kv_cstr(&map, "format", qun_import_format(im->import));
  qun_pack_kv_int(&map, "accepted", im->accepted);
  qun_pack_kv_int(&map, "duplicates", im->duplicates);
  qun_pack_kv_int(&map, "conflicts", im->conflicts);
  qun_pack_kv_int(&map, "skipped", (int64_t)counts.skipped);
  qun_pack_kv_int(&map, "refused", (int64_t)counts.refused);
  if (refused) qun_pack_kv_cstr(&map, "refused_file", refused);
  qun_cli_print_map(im->cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
  return counts.refused + (uint64_t)im->conflicts;
}

static int import_all(struct importing *im) {
  int status = mark(im, true);
  if (status) return status;
  im->begun = time(NULL);
  qun_progress_begin(&im->progress, im->cli, im->file);
  status = run_batches(im);
  qun_progress_end(&im->progress);
  int marked = mark(im, false); /* also after a failure: live events wait for the end of an import */
  if (status == QUN_EXIT_OK) status = marked;
  uint64_t not_taken = summary(im);
  return status == QUN_EXIT_OK && not_taken ? QUN_EXIT_NO : status;
}

int qun_cmd_event_import(struct qun_cli *cli) {
  struct qun_error err = {0};
  struct qun_pack path;
  int64_t size;
  struct importing im = {.cli = cli, .file = qun_args_word(&cli->args, 1)};
  struct qun_import_options options = {.format = qun_args_flag(&cli->args, "format"),
                                       .zone = qun_args_flag(&cli->args, "zone"),
                                       .refused_dir = ".",
                                       .refused = on_refused,
                                       .refused_arg = &im};
  if (qun_args_number(&cli->args, "batch", BATCH, 1, BATCH_MAX, &size, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  int status = qun_cli_open(cli);
  if (status) return status;
  if (qun_import_open(&im.import, im.file, &options, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  qun_pack_init(&path);
  im.batch_size = (uint32_t)size;
  im.route = qun_url_path(&path, "/v1/tenants/%s/events", qun_args_word(&cli->args, 0));
  for (int i = 0; i < 2; i++) {
    qun_pack_init(&im.batches[i].body);
    qun_arena_init(&im.batches[i].arena);
    im.batches[i].entries = calloc(im.batch_size, sizeof *im.batches[i].entries);
  }
  if (im.route && im.batches[0].entries && im.batches[1].entries)
    status = import_all(&im);
  else
    status = qun_cli_fail(cli, QUN_EXIT_FAILED, &(struct qun_error){.message = "out of memory"});
  for (int i = 0; i < 2; i++) {
    qun_pack_fini(&im.batches[i].body);
    qun_arena_fini(&im.batches[i].arena);
    free(im.batches[i].entries);
  }
  qun_pack_fini(&path);
  qun_import_close(im.import);
  return status;
}
