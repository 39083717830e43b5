/* SPDX-License-Identifier: Apache-2.0 */
/* Posts, votes and what they met with; the votes of real groups against the totals that their source published. */
#include "common.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static struct qun_fake *fake;

static void setup(void) {
  fake = qun_fake_open(QUN_BUILD_DIR "/plugins/content");
  cr_assert_not_null(fake);
  qun_fake_tenant(fake, "acme");
  qun_fake_advance_to(fake, "2026-01-05 09:00");
}

static void teardown(void) {
  qun_fake_close(fake);
}

TestSuite(plugins_content_posts, .init = setup, .fini = teardown);

static qun_slice report(const char *view) {
  return qun_fake_ask(fake, "content.report", QUN_TEXT("view", view));
}

static void post(const char *group, const char *msg) {
  qun_fake_event(fake, .type = "message", .member = 1, .group = group, .fields = {QUN_TEXT("msg", msg)});
}

static void vote(const char *group, const char *msg, uint64_t member, int64_t value) {
  qun_fake_event(fake, .type = "reaction", .member = member, .group = group,
                 .fields = {QUN_TEXT("msg", msg), QUN_INT("value", value)});
}

Test(plugins_content_posts, counts_every_vote_and_second_votes_too) {
  qun_slice model;
  post("g", "1");
  post("h", "1");
  vote("g", "1", 2, 1);
  vote("g", "1", 2, 1);
  vote("g", "1", 2, -1);
  vote("g", "1", 3, 0);
  vote("h", "1", 3, -1);
  qun_fake_event(fake, .type = "reaction", .member = 4, .group = "g",
                 .fields = {QUN_TEXT("msg", "1"), QUN_TEXT("emoji", "+"), QUN_INT("count", 5)});
  model = report("votes");
  cr_assert_eq(rows_count(model, "votes"), 2);
  cr_expect_eq(cell_int(model, "votes", 0, "agrees"), 2);
  cr_expect_eq(cell_int(model, "votes", 0, "disagrees"), 1);
  cr_expect_eq(cell_int(model, "votes", 0, "passes"), 1);
  cr_expect_eq(cell_int(model, "votes", 1, "disagrees"), 1);
  cr_expect_eq(figure(model, "totals", "votes"), 5);
  cr_expect_eq(figure(report("overview"), "community", "reactions"), 5);
}

Test(plugins_content_posts, a_vote_may_come_before_its_message) {
  vote("g", "1", 2, 1);
  post("g", "1");
  vote("g", "1", 2, 1);
  cr_expect_eq(cell_int(report("votes"), "votes", 0, "agrees"), 2);
  cr_expect_eq(cell_int(report("votes"), "votes", 0, "day"), qun_fake_day("2026-01-05"));
}

Test(plugins_content_posts, finds_the_hot_posts_and_hours) {
  qun_slice model;
  qun_fake_event(fake, .type = "message", .id = "a", .group = "g", .at = "2026-01-05 21:10");
  qun_fake_event(fake, .type = "message", .id = "b", .group = "g", .at = "2026-01-05 21:20",
                 .fields = {QUN_LIST("reply_to", "a")});
  qun_fake_event(fake, .type = "message", .id = "c", .group = "g", .at = "2026-01-06 09:20",
                 .fields = {QUN_LIST("reply_to", "a,b")});
  qun_fake_event(fake, .type = "share", .subject = "b", .group = "g");
  model = report("overview");
  cr_expect_eq(figure(model, "community", "posts"), 3);
  cr_expect_eq(figure(model, "community", "replies"), 3);
  cr_expect_eq(figure(model, "community", "shares"), 1);
  cr_assert_eq(rows_count(model, "hot"), 2);
  cr_expect(cell_is(model, "hot", 0, "item", "a"));
  cr_expect_eq(cell_int(model, "hot", 0, "heat"), 2);
  model =
      qun_fake_ask(fake, "content.report", QUN_TEXT("view", "overview"), QUN_INT("from", qun_fake_day("2026-01-06")));
  cr_expect_eq(figure(model, "community", "posts"), 1);
}

Test(plugins_content_posts, a_post_that_publishes_an_item_counts_for_the_item) {
  qun_slice model;
  qun_fake_event(fake, .type = "content.item", .subject = "i1",
                 .fields = {QUN_TEXT("state", "ready"), QUN_TEXT("kind", "interactive"), QUN_TEXT("title", "t")});
  qun_fake_event(fake, .type = "message", .group = "g",
                 .fields = {QUN_TEXT("msg", "1"), QUN_TEXT("item", "i1"), QUN_BOOL("staff", 1)});
  qun_fake_event(fake, .type = "read", .member = 2, .subject = "i1");
  qun_fake_event(fake, .type = "click", .member = 2, .subject = "i1");
  vote("g", "1", 2, 1);
  model = report("items");
  cr_expect(cell_is(model, "items", 0, "state", "content.state.published"));
  cr_expect_eq(cell_int(model, "items", 0, "reads"), 1);
  cr_expect_eq(cell_int(model, "items", 0, "clicks"), 1);
  cr_expect_eq(cell_int(model, "items", 0, "votes"), 1);
  model = report("overview");
  cr_expect_eq(figure(model, "content", "published"), 1);
  cr_expect_eq(figure(model, "content", "staff_posts"), 1);
  cr_expect_eq(figure(model, "community", "votes"), 1);
}

Test(plugins_content_posts, the_keyspace_does_not_depend_on_memory) {
  uint64_t once = 0;
  for (int pass = 0; pass < 2; pass++) {
    qun_fake_tenant(fake, pass ? "second" : "first");
    qun_fake_recreate_every(fake, pass ? 1 : 0);
    qun_fake_advance_to(fake, "2026-01-05 09:00");
    qun_fake_event(fake, .type = "content.item", .subject = "i1",
                   .fields = {QUN_TEXT("state", "published"), QUN_TEXT("kind", "ad")});
    post("g", "1");
    vote("g", "1", 2, 1);
    qun_fake_event(fake, .type = "survey.answer",
                   .fields = {QUN_TEXT("survey", "s"), QUN_TEXT("question", "too_many_ads"), QUN_INT("score", 1)});
    qun_fake_advance_to(fake, "2026-01-20 00:00");
    if (pass)
      cr_expect_eq(qun_fake_hash(fake), once);
    else
      once = qun_fake_hash(fake);
  }
}

/* ---- real groups */

static char *read_all(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  char *text;
  long n;
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  n = ftell(f);
  rewind(f);
  text = calloc(1, (size_t)n + 1);
  *len = fread(text, 1, (size_t)n, f);
  fclose(f);
  return text;
}

static char *unpack_zstd(const char *path, size_t *len) {
  size_t packed, room;
  char *in = read_all(path, &packed), *out = NULL;
  unsigned long long size;
  ZSTD_DStream *d;
  ZSTD_inBuffer source;
  ZSTD_outBuffer target;
  if (!in) return NULL;
  size = ZSTD_getFrameContentSize(in, packed);
  room = size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? packed * 40 : (size_t)size;
  out = malloc(room + 1);
  d = ZSTD_createDStream();
  source = (ZSTD_inBuffer){in, packed, 0};
  target = (ZSTD_outBuffer){out, room, 0};
  while (source.pos < source.size && !ZSTD_isError(ZSTD_decompressStream(d, &target, &source)) && target.pos < room)
    continue;
  ZSTD_freeDStream(d);
  free(in);
  out[target.pos] = 0;
  *len = target.pos;
  return out;
}

static int64_t send_line(const cJSON *line, int64_t clock) {
  char msg[32], id[32];
  struct qun_fake_event e = {.time_ms = ++clock, .member = 1, .id = id};
  snprintf(msg, sizeof msg, "%d", cJSON_GetObjectItem(line, "msg")->valueint);
  snprintf(id, sizeof id, "%d", cJSON_GetObjectItem(line, "id")->valueint);
  e.type = cJSON_GetObjectItem(line, "type")->valuestring;
  e.group = cJSON_GetObjectItem(line, "group")->valuestring;
  e.fields[0] = (struct qun_fake_field)QUN_TEXT("msg", msg);
  if (strcmp(e.type, "reaction") == 0)
    e.fields[1] = (struct qun_fake_field)QUN_INT("value", cJSON_GetObjectItem(line, "value")->valueint);
  cr_assert_eq(qun_fake_send(fake, &e), 0, "%s", qun_fake_message(fake));
  return clock;
}

static int64_t send_lines(char *text) {
  char *save = NULL;
  int64_t clock = qun_fake_clock(fake), votes = 0;
  for (char *one = strtok_r(text, "\n", &save); one; one = strtok_r(NULL, "\n", &save)) {
    cJSON *line = cJSON_Parse(one);
    cr_assert_not_null(line);
    votes += strcmp(cJSON_GetObjectItem(line, "type")->valuestring, "reaction") == 0;
    clock = send_line(line, clock);
    cJSON_Delete(line);
  }
  return votes;
}

static void compare(const cJSON *oracle, int64_t votes, const char *name) {
  const cJSON *want;
  qun_slice model = report("votes");
  uint32_t n = rows_count(model, "votes"), compared = 0;
  cr_expect_eq(figure(model, "totals", "votes"), votes, "%s", name);
  cJSON_ArrayForEach(want, cJSON_GetObjectItem(oracle, "per_comment")) {
    int agrees = cJSON_GetArrayItem(want, 0)->valueint, disagrees = cJSON_GetArrayItem(want, 1)->valueint;
    uint32_t i = 0;
    while (i < n && !cell_is(model, "votes", i, "item", want->string)) i++;
    if (i == n) {
      cr_expect_eq(agrees + disagrees, 0, "%s: %s is not in the report", name, want->string);
      continue;
    }
    compared++;
    cr_expect_eq(cell_int(model, "votes", i, "agrees"), agrees, "%s: agrees of %s", name, want->string);
    cr_expect_eq(cell_int(model, "votes", i, "disagrees"), disagrees, "%s: disagrees of %s", name, want->string);
  }
  cr_expect_gt(compared, 0);
  cr_log_info("%s: %u posts have the votes that the source published", name, compared);
}

static void one_group(const char *folder, const char *oracle_name, int nth) {
  char path[1400], tenant[16];
  size_t len;
  int base = (int)(strlen(oracle_name) - strlen(".oracle.json"));
  char *text, *json;
  cJSON *oracle;
  snprintf(path, sizeof path, "%s/%s", folder, oracle_name);
  json = read_all(path, &len);
  oracle = cJSON_Parse(json);
  snprintf(path, sizeof path, "%s/%.*s.jsonl.zst", folder, base, oracle_name);
  text = unpack_zstd(path, &len);
  if (oracle && text && cJSON_GetObjectItem(oracle, "per_comment")) {
    snprintf(tenant, sizeof tenant, "group%d", nth);
    qun_fake_tenant(fake, tenant);
    compare(oracle, send_lines(text), oracle_name);
  }
  cJSON_Delete(oracle);
  free(json);
  free(text);
}

Test(plugins_content_posts, votes_equal_the_totals_of_the_source, .timeout = 240) {
  const char *data = getenv("QUN_SHARED_DATA");
  char folder[1024];
  struct dirent *entry;
  int groups = 0;
  DIR *dir;
  snprintf(folder, sizeof folder, "%s/communities", data ? data : "../shared/data");
  dir = opendir(folder);
  if (!dir) cr_skip_test("%s is not here", folder);
  while ((entry = readdir(dir))) {
    const char *end = strstr(entry->d_name, ".oracle.json");
    if (end && end[12] == 0) one_group(folder, entry->d_name, groups++);
  }
  closedir(dir);
  cr_assert_gt(groups, 0);
}
