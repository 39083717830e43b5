/* SPDX-License-Identifier: Apache-2.0 */
/* simulate: a made-up community as a tenant that every report marks as such. The same command twice changes nothing. */
#include "host/ops/json.h"
#include "host/ops/simulate.h"
#include "tools/qun/feed.h"

struct simulating {
  struct qun_feed feed;
  struct qun_progress progress;
  struct qun_pack created; /* the answer to a new tenant: its tokens are shown this once */
  uint64_t given;
  int status; /* of the feed, once it failed */
};

static int on_event(void *arg, qun_slice canonical) {
  struct simulating *s = arg;
  s->status = qun_feed_add(&s->feed, canonical);
  if (++s->given % QUN_FEED_BATCH == 0) qun_progress_draw(&s->progress, s->given, 0, NULL);
  return s->status ? 1 : 0;
}

static int read_options(const struct qun_args *args, struct qun_simulation *o, struct qun_error *err) {
  int64_t seed, members, days;
  int rc = qun_args_number(args, "seed", 1, 0, INT64_MAX, &seed, err);
  if (rc == 0) rc = qun_args_number(args, "members", 0, 1, 1000000, &members, err);
  if (rc == 0) rc = qun_args_number(args, "days", 0, 1, 3660, &days, err);
  if (rc == 0)
    *o = (struct qun_simulation){.seed = (uint64_t)seed,
                                 .members = (uint32_t)members,
                                 .days = (uint32_t)days,
                                 .code = qun_args_flag(args, "code")};
  return rc;
}

/* 0 with *exists; a tenant that is real is left alone. */
static int look(struct qun_cli *cli, const char *name, bool *exists) {
  struct qun_pack path, map;
  struct qun_client_answer answer;
  qun_pack_init(&path);
  qun_pack_init(&map);
  struct qun_client_request request = {.method = "GET", .path = qun_url_path(&path, "/v1/tenants/%s", name)};
  int status = qun_cli_ask_patiently(cli, &request, &answer);
  qun_pack_fini(&path);
  if (status) return status;
  *exists = answer.status == 200;
  bool real = *exists && qun_json_to_msgpack(&map, qun_pack_slice(&answer.body), NULL) == 0 &&
              !qun_mp_bool(qun_pack_slice(&map), "simulated", 0);
  if (answer.status != 200 && answer.status != 404) status = qun_cli_refused(cli, &answer);
  if (real) {
    qun_cli_usage(cli, "%s is a real tenant; simulated events do not go into it", name);
    status = QUN_EXIT_FAILED;
  }
  qun_pack_fini(&map);
  qun_client_answer_fini(&answer);
  return status;
}

static void summary(const struct simulating *s, const char *name) {
  struct qun_pack map;
  qun_slice tokens;
  bool created = s->created.len && qun_mp_find(qun_pack_slice(&s->created), "tokens", &tokens);
  qun_pack_init(&map);
  qun_pack_map(&map, created ? 6 : 5);
  qun_pack_kv_cstr(&map, "name", name);
  if (created) {
    qun_pack_cstr(&map, "tokens");
    qun_pack_raw(&map, tokens);
  }
  qun_pack_kv_int(&map, "accepted", s->feed.accepted);
  qun_pack_kv_int(&map, "duplicates", s->feed.duplicates);
  qun_pack_kv_int(&map, "conflicts", s->feed.conflicts);
  qun_pack_kv_int(&map, "refused", s->feed.refused);
  qun_cli_print_map(s->feed.cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
}

static int give_all(struct simulating *s, const struct qun_simulation *options) {
  struct qun_error err = {0};
  int status = qun_feed_import_begin(&s->feed, "simulate", "simulate");
  if (status) return status;
  int rc = qun_simulate(options, on_event, s, &err);
  if (rc < 0) s->status = qun_cli_fail(s->feed.cli, QUN_EXIT_FAILED, &err);
  int last = qun_feed_flush(&s->feed), ended = qun_feed_import_end(&s->feed);
  if (s->status) return s->status;
  return last ? last : ended;
}

int qun_cmd_simulate(struct qun_cli *cli) {
  struct qun_simulation options;
  struct qun_error err = {0};
  struct simulating s = {0};
  bool exists = false;
  const char *name = qun_args_word(&cli->args, 0);
  if (read_options(&cli->args, &options, &err) < 0) return qun_cli_fail(cli, QUN_EXIT_USAGE, &err);
  qun_pack_init(&s.created);
  int status = look(cli, name, &exists);
  if (status == QUN_EXIT_OK && !exists) status = qun_cli_tenant_create(cli, name, true, &s.created);
  if (status) {
    qun_pack_fini(&s.created);
    return status;
  }
  status = qun_feed_init(&s.feed, cli, name, QUN_FEED_CANONICAL, QUN_FEED_BATCH);
  if (status == QUN_EXIT_OK) {
    qun_progress_begin(&s.progress, cli, name);
    status = give_all(&s, &options);
    qun_progress_end(&s.progress);
    summary(&s, name);
    if (status == QUN_EXIT_OK && s.feed.refused + s.feed.conflicts) status = QUN_EXIT_NO;
  }
  qun_feed_fini(&s.feed);
  qun_pack_fini(&s.created);
  return status;
}
