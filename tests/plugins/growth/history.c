/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real communities of the outside data: persons, interactions and daily, weekly and monthly actives as the plugin counts them, against a count that
 * knows no bitmaps, no tails and no cache: one byte for each person and day.
 */
#include "tests/plugins/growth/growth.h"

#include <qun/days.h>

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

enum { MEMBERS = 20000, DAYS = 8192, FIRST_DAY = 12000, MOST_EVENTS = 60000 };

struct names {
  char *at[MEMBERS];
  uint32_t root[MEMBERS];  /* older number of the same person */
  uint32_t place[1 << 16]; /* hash of a name to its number, or the next free place */
  uint32_t count;
};

struct truth {
  struct names names;
  unsigned char *active; /* [person][day] */
  int64_t interactions;
  int32_t first, last;
};

static uint32_t number_of(struct names *n, const char *name) {
  uint32_t h = 2166136261u;
  for (const char *p = name; *p; p++) h = (h ^ (unsigned char)*p) * 16777619u;
  for (h &= 0xffff;; h = (h + 1) & 0xffff) {
    uint32_t i = n->place[h];
    if (i != 0 && strcmp(n->at[i], name) == 0) return i;
    if (i != 0) continue;
    cr_assert_lt(n->count + 1, MEMBERS);
    n->place[h] = ++n->count;
    n->at[n->count] = strdup(name);
    n->root[n->count] = n->count;
    return n->count;
  }
}

static uint32_t root_of(const struct names *n, uint32_t i) {
  while (n->root[i] != i) i = n->root[i];
  return i;
}

/* "2004-11-15T00:18:00Z", perhaps with a fraction, to UTC milliseconds. */
static int64_t ms_of(const char *time) {
  int32_t day;
  int h, m;
  double s;
  cr_assert(qun_day_parse(qun_slice_of(time, 10), &day));
  cr_assert_eq(sscanf(time + 11, "%2d:%2d:%lf", &h, &m, &s), 3);
  return (int64_t)day * 86400000 + h * 3600000 + m * 60000 + (int64_t)(s * 1000);
}

static const char *text_of(const cJSON *event, const char *key) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(event, key);
  return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int is_one_of(const char *type, const char *const *list) {
  while (*list && strcmp(*list, type) != 0) list++;
  return *list != NULL;
}

static void count(struct truth *t, const char *type, uint32_t member, int32_t day) {
  static const char *const interactions[] = {"message", "action", "reaction", NULL};
  if (!is_one_of(type, interactions)) return;
  cr_assert(day >= FIRST_DAY && day < FIRST_DAY + DAYS);
  t->active[(size_t)member * DAYS + (size_t)(day - FIRST_DAY)] = 1;
  t->interactions++;
  if (t->first == 0 || day < t->first) t->first = day;
  if (day > t->last) t->last = day;
}

static void one_event(struct qun_fake *f, struct truth *t, const cJSON *line) {
  static const char *const used[] = {"message", "action", "reaction", "join", "leave", "kick", "rename", NULL};
  const char *type = text_of(line, "type"), *member = text_of(line, "member"), *renamed = text_of(line, "new_member");
  struct qun_fake_event e = {.type = type, .group = text_of(line, "group"), .time_ms = ms_of(text_of(line, "time"))};
  uint32_t number, other, a, b;
  if (!member || !is_one_of(type, used)) return;
  number = number_of(&t->names, member);
  e.member = number;
  if (strcmp(type, "message") == 0) e.fields[0] = (struct qun_fake_field)QUN_TEXT("text", "x");
  if (renamed) {
    other = number_of(&t->names, renamed);
    e.fields[0] = (struct qun_fake_field)QUN_INT("new_member", other);
    a = root_of(&t->names, number);
    b = root_of(&t->names, other);
    if (a < b)
      t->names.root[b] = a;
    else
      t->names.root[a] = b;
  }
  cr_assert_eq(qun_fake_send(f, &e), 0, "%s", qun_fake_message(f));
  count(t, type, number, (int32_t)(e.time_ms / 86400000));
}

static char *unpack(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  size_t cap = 1u << 26, in_cap = 1u << 24;
  char *in = malloc(in_cap), *out = malloc(cap + 1);
  ZSTD_inBuffer from = {in, 0, 0};
  ZSTD_outBuffer to = {out, cap, 0};
  ZSTD_DStream *stream = ZSTD_createDStream();
  cr_assert(file && in && out && stream);
  from.size = fread(in, 1, in_cap, file);
  while (from.pos < from.size) cr_assert(!ZSTD_isError(ZSTD_decompressStream(stream, &to, &from)));
  ZSTD_freeDStream(stream);
  fclose(file);
  free(in);
  out[to.pos] = '\0';
  *size = to.pos;
  return out;
}

static void feed(struct qun_fake *f, struct truth *t, const char *path) {
  size_t size;
  char *text = unpack(path, &size), *at = text, *end;
  for (unsigned n = 0; n < MOST_EVENTS && (end = strchr(at, '\n')); n++, at = end + 1) {
    cJSON *line;
    *end = '\0';
    line = cJSON_Parse(at);
    cr_assert(line);
    one_event(f, t, line);
    cJSON_Delete(line);
  }
  free(text);
}

/* Distinct persons active in the `length` days that end with `day`. */
static int64_t distinct(const struct truth *t, int32_t day, int32_t length) {
  static unsigned char seen[MEMBERS];
  int64_t n = 0;
  memset(seen, 0, sizeof seen);
  for (uint32_t i = 1; i <= t->names.count; i++)
    for (int32_t d = day - length + 1; d <= day; d++) {
      uint32_t root = root_of(&t->names, i);
      if (d < FIRST_DAY || seen[root] || !t->active[(size_t)i * DAYS + (size_t)(d - FIRST_DAY)]) continue;
      seen[root] = 1;
      n++;
    }
  return n;
}

static void compare_lines(struct qun_fake *f, const struct truth *t) {
  for (int32_t from = t->first; from <= t->last; from += 300) {
    int32_t to = from + 299 < t->last ? from + 299 : t->last;
    qun_slice model =
        qun_fake_ask(f, "growth.report", QUN_TEXT("view", "activity"), QUN_INT("from", from), QUN_INT("to", to));
    cr_assert(model.len > 0, "%s", qun_fake_message(f));
    for (int32_t day = from; day <= to; day += 7) { /* every seventh: the three windows together see each day */
      uint32_t at = (uint32_t)(day - from);
      cr_assert_eq(model_series(model, "activity_line", "dau", at), distinct(t, day, 1));
      cr_assert_eq(model_series(model, "activity_line", "wau", at), distinct(t, day, 7));
      cr_assert_eq(model_series(model, "activity_line", "mau", at), distinct(t, day, 30));
    }
  }
}

static void check(const char *path) {
  struct truth *t = calloc(1, sizeof *t);
  struct qun_fake *f = growth_open();
  qun_slice counts, model;
  int64_t persons = 0;
  cr_assert(t);
  t->active = calloc((size_t)MEMBERS * DAYS, 1);
  cr_assert(t->active);
  qun_fake_profile(f, "zone", "UTC");
  feed(f, t, path);
  for (uint32_t i = 1; i <= t->names.count; i++) persons += t->names.root[i] == i;
  counts = qun_fake_request(f, "growth.members", qun_slice_of("\x80", 1));
  cr_assert_eq(qun_mp_int(counts, "known", -1), persons, "%s", path);
  cr_assert_eq(model_figure(growth_view_of(f, "overview"), "now", "members"), qun_mp_int(counts, "members", -1));
  model = qun_fake_ask(f, "growth.report", QUN_TEXT("view", "activity"), QUN_INT("from", t->last - 3600),
                       QUN_INT("to", t->last));
  if (t->first > t->last - 3600) cr_assert_eq(model_figure(model, "hours", "interactions"), t->interactions);
  compare_lines(f, t);
  qun_fake_close(f);
  for (uint32_t i = 1; i <= t->names.count; i++) free(t->names.at[i]);
  free(t->active);
  free(t);
}

static int is_community(const struct dirent *entry) {
  size_t len = strlen(entry->d_name);
  return len > 10 && strcmp(entry->d_name + len - 10, ".jsonl.zst") == 0;
}

Test(plugins_growth_history, communities_are_counted_right) {
  const char *shared = getenv("QUN_SHARED_DATA");
  struct dirent **files = NULL;
  char dir[400], path[700];
  int count;
  snprintf(dir, sizeof dir, "%s/communities", shared ? shared : "../shared/data");
  count = scandir(dir, &files, is_community, alphasort);
  if (count <= 0) cr_skip("no communities in QUN_SHARED_DATA");
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, files[i]->d_name);
    check(path);
    free(files[i]);
  }
  free(files);
}
