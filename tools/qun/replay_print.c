/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/replay_print.h"

#include <string.h>
#include <time.h>

enum { VALUE_MAX = 120, CELLS_SHOWN = 12 };

/* ---------------------------------------------------------------- values */

static void print_date(char out[VALUE_MAX], int64_t day) {
  time_t at = (time_t)(day * 86400);
  struct tm t;
  gmtime_r(&at, &t);
  strftime(out, VALUE_MAX, "%Y-%m-%d", &t);
}

static void print_number(char out[VALUE_MAX], qun_slice kind, int64_t v) {
  if (qun_slice_is(kind, "ratio"))
    snprintf(out, VALUE_MAX, "%.2f %%", (double)v / 10000);
  else if (qun_slice_is(kind, "money"))
    snprintf(out, VALUE_MAX, "%.2f", (double)v / 100);
  else if (qun_slice_is(kind, "day"))
    print_date(out, v);
  else if (qun_slice_is(kind, "month"))
    snprintf(out, VALUE_MAX, "%lld-%02lld", 1970 + (long long)v / 12, (long long)v % 12 + 1);
  else if (qun_slice_is(kind, "time"))
    print_date(out, v / 86400000);
  else
    snprintf(out, VALUE_MAX, "%lld", (long long)v);
}

/* A value of a report model for one line; texts by their message id. */
static const char *shown(char out[VALUE_MAX], qun_slice kind, qun_slice value) {
  struct qun_unpack u;
  qun_slice text;
  uint32_t n = 0;
  int64_t number = 0;
  int yes = 0;
  qun_unpack_init(&u, value);
  snprintf(out, VALUE_MAX, "-");
  if (qun_unpack_peek(&u) == QUN_MP_ARRAY) qun_unpack_array(&u, &n); /* a text: its id comes first */
  if (qun_unpack_int(&u, &number))
    print_number(out, kind, number);
  else if (qun_unpack_bool(&u, &yes))
    snprintf(out, VALUE_MAX, "%s", yes ? "true" : "false");
  else if (qun_unpack_str(&u, &text))
    snprintf(out, VALUE_MAX, "%.*s", (int)(text.len < 60 ? text.len : 60), (const char *)text.ptr);
  return out;
}

static bool next(struct qun_unpack *u, uint32_t *n, qun_slice *one) {
  return (*n)-- > 0 && qun_unpack_any(u, one);
}

static uint32_t list(struct qun_unpack *u, qun_slice map, const char *key) {
  uint32_t n = 0;
  qun_slice value;
  if (!qun_mp_find(map, key, &value)) return 0;
  qun_unpack_init(u, value);
  return qun_unpack_array(u, &n) ? n : 0;
}

/* ---------------------------------------------------------------- parts */

static void print_hash(const struct qun_cli *cli, const char *name, int width, qun_slice map) {
  qun_slice was = qun_mp_str(map, "live_hash"), is = qun_mp_str(map, "state_hash");
  fprintf(cli->out, "%-*s %.*s\n", width, name, (int)is.len, (const char *)is.ptr);
  if (!qun_slice_eq(was, is))
    fprintf(cli->out, "%-*s %.*s  <- %s\n", width, "", (int)was.len, (const char *)was.ptr,
            cli->zh ? "现有状态" : "as it stands");
}

static void print_fields(const struct qun_cli *cli, qun_slice difference) {
  struct qun_unpack u;
  qun_slice f, was, is;
  char a[VALUE_MAX], b[VALUE_MAX];
  uint32_t n = list(&u, difference, "fields");
  while (next(&u, &n, &f)) {
    qun_slice name = qun_mp_str(f, "field"), none = {NULL, 0};
    if (!qun_mp_find(f, "was", &was) || !qun_mp_find(f, "is", &is)) continue;
    fprintf(cli->out, "      %.*s: %s -> %s\n", (int)name.len, (const char *)name.ptr, shown(a, none, was),
            shown(b, none, is));
  }
}

/* What plugins emitted then and would not emit now, or the other way round. */
static void print_differences(const struct qun_cli *cli, qun_slice reply) {
  struct qun_unpack u;
  qun_slice one;
  uint32_t n = list(&u, reply, "emits_differ");
  while (next(&u, &n, &one)) {
    qun_slice type = qun_mp_str(one, "type"), was = qun_mp_str(one, "was"), is = qun_mp_str(one, "is");
    char day[VALUE_MAX];
    print_date(day, qun_mp_int(one, "day", 0));
    const char *change = qun_slice_is(was, "nothing")  ? (cli->zh ? "新增" : "would be new")
                         : qun_slice_is(is, "nothing") ? (cli->zh ? "不再出现" : "would be gone")
                                                       : (cli->zh ? "内容不同" : "differs");
    fprintf(cli->out, cli->zh ? "  记录 %lld %.*s %s：%s" : "  record %lld %.*s of %s %s",
            (long long)qun_mp_int(one, "seq", 0), (int)type.len, (const char *)type.ptr, day, change);
    int64_t member = qun_mp_int(one, "member", 0);
    if (member) fprintf(cli->out, cli->zh ? "（成员 %lld）" : " (member %lld)", (long long)member);
    fputc('\n', cli->out);
    print_fields(cli, one);
  }
}

static void print_emits(const struct qun_cli *cli, qun_slice reply) {
  struct qun_unpack u;
  qun_slice one;
  uint32_t n = list(&u, reply, "emits");
  while (next(&u, &n, &one)) {
    qun_slice type = qun_mp_str(one, "type");
    int64_t was = qun_mp_int(one, "was", 0), is = qun_mp_int(one, "is", 0);
    if (was != is)
      fprintf(cli->out, cli->zh ? "  %.*s：原 %lld 条，现 %lld 条\n" : "  %.*s: %lld were, %lld would be\n",
              (int)type.len, (const char *)type.ptr, (long long)was, (long long)is);
  }
}

static void print_cells(const struct qun_cli *cli, qun_slice view) {
  struct qun_unpack u;
  qun_slice one, row, column, was, is, kind;
  char where[4][VALUE_MAX];
  uint32_t n = list(&u, view, "cells"), left = CELLS_SHOWN;
  while (left-- > 0 && next(&u, &n, &one)) {
    qun_slice none = {NULL, 0}, section = qun_mp_str(one, "section");
    if (!qun_mp_find(one, "row", &row) || !qun_mp_find(one, "column", &column) || !qun_mp_find(one, "was", &was) ||
        !qun_mp_find(one, "is", &is))
      continue;
    kind = qun_mp_str(one, "kind");
    shown(where[1], none, column);
    fprintf(cli->out, "    %.*s / %s%s%s: %s -> %s\n", (int)section.len, (const char *)section.ptr,
            shown(where[0], none, row), strcmp(where[1], "-") == 0 ? "" : " / ",
            strcmp(where[1], "-") == 0 ? "" : where[1], shown(where[2], kind, was), shown(where[3], kind, is));
  }
  int64_t more = qun_mp_int(view, "differ", 0) - CELLS_SHOWN;
  if (more > 0)
    fprintf(cli->out, cli->zh ? "    另有 %lld 处（--json 可查看）\n" : "    and %lld more (see --json)\n",
            (long long)more);
}

static void print_reports(const struct qun_cli *cli, qun_slice reply) {
  struct qun_unpack u;
  qun_slice one;
  uint32_t n = list(&u, reply, "reports");
  while (next(&u, &n, &one)) {
    qun_slice plugin = qun_mp_str(one, "plugin"), view = qun_mp_str(one, "view");
    fprintf(cli->out, cli->zh ? "  报告 %.*s %.*s：%lld 处不同\n" : "  report %.*s %.*s: %lld figures differ\n",
            (int)plugin.len, (const char *)plugin.ptr, (int)view.len, (const char *)view.ptr,
            (long long)qun_mp_int(one, "differ", 0));
    print_cells(cli, one);
  }
}

void qun_replay_print(const struct qun_cli *cli, qun_slice reply) {
  struct qun_unpack u;
  qun_slice plugins, name, p;
  uint32_t n = 0;
  fprintf(cli->out, cli->zh ? "重放了 %lld 条记录\n" : "%lld records replayed\n",
          (long long)qun_mp_int(reply, "records", 0));
  if (qun_mp_bool(reply, "match", 0))
    fprintf(cli->out, "%s\n", cli->zh ? "状态一致" : "the state is the same");
  else
    fprintf(cli->out, "%s\n", cli->zh ? "状态不同" : "the state differs");
  print_emits(cli, reply);
  print_differences(cli, reply);
  print_reports(cli, reply);
  print_hash(cli, cli->zh ? "租户" : "tenant", 14, reply);
  if (!qun_mp_find(reply, "plugins", &plugins)) return;
  qun_unpack_init(&u, plugins);
  for (qun_unpack_map(&u, &n); n > 0 && qun_unpack_str(&u, &name) && qun_unpack_any(&u, &p); n--) {
    char text[64];
    snprintf(text, sizeof text, "  %.*s", (int)name.len, (const char *)name.ptr);
    print_hash(cli, text, 14, p);
  }
}
