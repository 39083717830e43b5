/* SPDX-License-Identifier: Apache-2.0 */
/* event import: a file by host/intake/import.h. */
#include "host/intake/import.h"
#include "tenants/arena.h"
#include "tools/qun/feed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct importing {
  struct qun_cli *cli;
  struct qun_import *import;
  const char *file;
  struct qun_feed feed;
  struct { /* what the events of a slot came from, until their answer */
    struct qun_arena arena;
    struct qun_import_entry *entries;
  } kept[2];
  struct qun_progress progress;
  time_t begun;
};

static void on_unreadable(void *arg, const struct qun_import_refusal *refusal) {
  const struct importing *im = arg;
  fprintf(im->cli->err, "%s: %s %llu: %s\n", refusal->file, refusal->unit, (unsigned long long)refusal->number,
          refusal->reason);
}

static void on_refused(void *arg, int slot, uint32_t index, const char *reason) {
  struct importing *im = arg;
  struct qun_error why = {.code = QUN_EINVAL};
  snprintf(why.message, sizeof why.message, "%s", reason);
  qun_import_refuse_entry(im->import, &im->kept[slot].entries[index], &why);
}

static void on_answer(void *arg) {
  struct importing *im = arg;
  uint64_t done, total;
  char note[96];
  int64_t seconds = (int64_t)(time(NULL) - im->begun), events = im->feed.accepted + im->feed.duplicates;
  qun_import_progress(im->import, &done, &total);
  snprintf(note, sizeof note, im->cli->zh ? "%lld 条事件，%lld 条/秒" : "%lld events, %lld/s", (long long)events,
           (long long)(seconds ? events / seconds : events));
  qun_progress_draw(&im->progress, done, total, note);
}

static void keep_entry(struct importing *im) {
  struct qun_import_entry e;
  int slot;
  uint32_t index;
  qun_import_entry(im->import, &e);
  qun_feed_place(&im->feed, &slot, &index);
  struct qun_arena *arena = &im->kept[slot].arena;
  if (index == 0) qun_arena_clear(arena);
  e.value = e.raw.len ? qun_slice_of(NULL, 0) : qun_arena_copy(arena, e.value);
  e.raw = qun_arena_copy(arena, e.raw);
  e.file = e.file ? qun_arena_copy(arena, qun_str(e.file)).ptr : NULL;
  im->kept[slot].entries[index] = e;
}

static int feed_all(struct importing *im) {
  struct qun_error err = {0};
  qun_slice event;
  int status = QUN_EXIT_OK, rc = 0;
  while (status == QUN_EXIT_OK && (rc = qun_import_next(im->import, &event, &err)) == 1) {
    keep_entry(im);
    status = qun_feed_add(&im->feed, event);
  }
  int last = qun_feed_flush(&im->feed);
  if (status == QUN_EXIT_OK) status = last;
  return status == QUN_EXIT_OK && rc < 0 ? qun_cli_fail(im->cli, QUN_EXIT_FAILED, &err) : status;
}

static uint64_t summary(const struct importing *im) {
  struct qun_pack map;
  struct qun_import_counts counts;
  const char *refused = qun_import_refused_path(im->import);
  qun_import_counts(im->import, &counts);
  qun_pack_init(&map);
  qun_pack_map(&map, refused ? 7 : 6);
  qun_pack_kv_cstr(&map, "format", qun_import_format(im->import));
  qun_pack_kv_int(&map, "accepted", im->feed.accepted);
  qun_pack_kv_int(&map, "duplicates", im->feed.duplicates);
  qun_pack_kv_int(&map, "conflicts", im->feed.conflicts);
  qun_pack_kv_int(&map, "skipped", (int64_t)counts.skipped);
  qun_pack_kv_int(&map, "refused", (int64_t)counts.refused);
  if (refused) qun_pack_kv_cstr(&map, "refused_file", refused);
  qun_cli_print_map(im->cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
  return counts.refused + (uint64_t)im->feed.conflicts;
}

static int import_all(struct importing *im) {
  const char *slash = strrchr(im->file, '/');
  int status =
      qun_feed_import_begin(&im->feed, qun_import_format(im->import), slash && slash[1] ? slash + 1 : im->file);
  if (status) return status;
  im->begun = time(NULL);
  qun_progress_begin(&im->progress, im->cli, slash && slash[1] ? slash + 1 : im->file);
  status = feed_all(im);
  qun_progress_end(&im->progress);
  int ended = qun_feed_import_end(&im->feed); /* also after a failure: live events wait for the end of an import */
  if (status == QUN_EXIT_OK) status = ended;
  uint64_t not_taken = summary(im);
  return status == QUN_EXIT_OK && not_taken ? QUN_EXIT_NO : status;
}

static int with_feed(struct importing *im, uint32_t batch) {
  int status = qun_feed_init(&im->feed, im->cli, qun_args_word(&im->cli->args, 0), QUN_FEED_CANONICAL, batch);
  im->feed.on_refused = on_refused;
  im->feed.on_answer = on_answer;
  im->feed.arg = im;
  for (int i = 0; i < 2; i++) {
    qun_arena_init(&im->kept[i].arena);
    im->kept[i].entries = calloc(batch, sizeof *im->kept[i].entries);
    if (!im->kept[i].entries)
      status = qun_cli_fail(im->cli, QUN_EXIT_FAILED, &(struct qun_error){.message = "out of memory"});
  }
  if (status == QUN_EXIT_OK) status = import_all(im);
  for (int i = 0; i < 2; i++) {
    qun_arena_fini(&im->kept[i].arena);
    free(im->kept[i].entries);
  }
  qun_feed_fini(&im->feed);
  return status;
}

int qun_cmd_event_import(struct qun_cli *cli) {
  struct qun_error err = {0};
  int64_t batch;
  struct importing im = {.cli = cli, .file = qun_args_word(&cli->args, 1)};
  struct qun_import_options options = {.format = qun_args_flag(&cli->args, "format"),
                                       .zone = qun_args_flag(&cli->args, "zone"),
                                       .refused_dir = ".",
                                       .refused = on_unreadable,
                                       .refused_arg = &im};
  if (qun_args_number(&cli->args, "batch", QUN_FEED_BATCH, 1, QUN_FEED_BATCH_MAX, &batch, &err) < 0)
    return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  if (qun_import_open(&im.import, im.file, &options, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
  int status = with_feed(&im, (uint32_t)batch);
  qun_import_close(im.import);
  return status;
}
