/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/import.h"

#include "support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>
#include <zstd.h>

/* A folder with one export, and what an import of it said. */
struct run {
  char dir[64];
  char path[200];
  struct qun_pack out; /* "event\n", "!unit number reason\n" in the order of things, then "=" or "?error" */
  struct qun_import_counts counts;
  char format[20];
  char refused_path[300]; /* empty: none */
};

static void begin(struct run *r, const char *name) {
  memset(r, 0, sizeof *r);
  make_folder(r->dir);
  snprintf(r->path, sizeof r->path, "%s/%s", r->dir, name);
}

static void end(struct run *r) {
  qun_pack_fini(&r->out);
  remove_folder(r->dir);
}

static void on_refused(void *arg, const struct qun_import_refusal *refusal) {
  struct run *r = arg;
  char line[900];
  cr_assert(strncmp(refusal->file, r->path, strlen(r->path)) == 0);
  snprintf(line, sizeof line, "!%s%s %llu: %s\n", refusal->file + strlen(r->path), refusal->unit,
           (unsigned long long)refusal->number, refusal->reason);
  qun_pack_raw(&r->out, qun_str(line));
}

/* Imports r->path; the answer is what was said. With a gate, events go through it. */
static const char *import(struct run *r, const char *format, struct gate *g, const char *refused_dir) {
  struct qun_import_options options = {.format = format,
                                       .refused_dir = refused_dir,
                                       .refused = on_refused,
                                       .refused_arg = r};
  struct qun_import *i;
  struct qun_error err = {0};
  qun_slice event;
  int rc;
  qun_pack_clear(&r->out);
  rc = qun_import_open(&i, r->path, &options, &err);
  if (rc == 0) {
    while ((rc = qun_import_next(i, &event, &err)) == 1) {
      if (g && qun_normalise(&g->n, &g->batch, event, &err) < 0) {
        qun_import_refuse(i, &err);
        continue;
      }
      cr_assert_eq(qun_msgpack_to_json(&r->out, event, false, NULL), 0);
      qun_pack_raw(&r->out, qun_str("\n"));
    }
    qun_import_counts(i, &r->counts);
    strcpy(r->format, qun_import_format(i));
    snprintf(r->refused_path, sizeof r->refused_path, "%s",
             qun_import_refused_path(i) ? qun_import_refused_path(i) : "");
    qun_import_close(i);
  }
  qun_pack_raw(&r->out, qun_str(rc < 0 ? "?" : "="));
  if (rc < 0) qun_pack_raw(&r->out, qun_str(err.message));
  qun_pack_raw(&r->out, qun_slice_of("", 1));
  return (const char *)r->out.buf;
}

static void expect(struct run *r, const char *format, const char *want) {
  struct gate g;
  gate_open(&g);
  const char *got = import(r, NULL, &g, NULL); /* the format is recognised, and the gate takes all that is given */
  cr_assert_str_eq(got, want);
  cr_assert_str_eq(r->format, format);
  gate_close(&g);
}

static void write_text(const struct run *r, const char *text) {
  write_file(r->path, text, strlen(text));
}

static void write_zstd(const struct run *r, const char *text, size_t cut) {
  size_t cap = ZSTD_compressBound(strlen(text));
  char *packed = malloc(cap);
  size_t n = ZSTD_compress(packed, cap, text, strlen(text), 3);
  cr_assert(!ZSTD_isError(n) && n > cut);
  write_file(r->path, packed, n - cut);
  free(packed);
}

/* ---------------------------------------------------------------- community */

#define LINE1                                                                                                          \
  "{\"id\":1,\"time\":\"2015-06-30T08:49:52.077Z\",\"type\":\"message\",\"group\":\"g\",\"member\":\"a\",\"text\":"    \
  "\"hi\",\"reply_to\":[7,\"8\"],\"msg\":0,\"lang\":\"en\"}\n"
#define LINE2                                                                                                          \
  "{\"id\":\"2\",\"time\":\"2015-06-30T08:50:00Z\",\"type\":\"rename\",\"community\":\"c\",\"group\":\"g\","           \
  "\"member\":\"a\",\"new_member\":\"b\",\"time_inferred\":true}\n"
#define LINE3                                                                                                          \
  "{\"id\":3,\"time\":\"2015-06-30T08:51:00Z\",\"type\":\"leave\",\"group\":\"g\",\"member\":\"b\",\"text\":\"bye\"}"  \
  "\n"
#define EVENT1                                                                                                         \
  "{\"type\":\"message\",\"time\":\"2015-06-30T08:49:52.077Z\",\"id\":\"1\",\"source\":\"community/-/"                 \
  "g\",\"group\":\"g\",\"member\":\"a\",\"lang\":\"en\","                                                              \
  "\"data\":{\"text\":\"hi\",\"msg\":\"0\",\"reply_to\":[\"7\",\"8\"]}}\n"
#define EVENT2                                                                                                         \
  "{\"type\":\"rename\",\"time\":\"2015-06-30T08:50:00Z\",\"id\":\"2\",\"source\":\"community/c/"                      \
  "g\",\"group\":\"g\",\"member\":\"a\","                                                                              \
  "\"data\":{\"new_member\":\"b\",\"time_inferred\":true}}\n"
#define EVENT3                                                                                                         \
  "{\"type\":\"leave\",\"time\":\"2015-06-30T08:51:00Z\",\"id\":\"3\",\"source\":\"community/-/"                       \
  "g\",\"group\":\"g\",\"member\":\"b\",\"data\":{\"reason\":\"bye\"}}\n"

Test(host_intake_import, reads_community_lines) {
  struct run r;
  begin(&r, "history.jsonl");
  write_text(&r, "\xef\xbb\xbf" LINE1 "\n" LINE2 LINE3);
  expect(&r, "community", EVENT1 EVENT2 EVENT3 "=");
  cr_assert_str_empty(r.refused_path);
  write_zstd(&r, LINE1 LINE2 LINE3, 0);
  expect(&r, "community", EVENT1 EVENT2 EVENT3 "=");
  end(&r);
}

Test(host_intake_import, passes_over_bad_lines_and_keeps_them) {
  static const char bad1[] = "{\"id\":9,\"type\":\"message\",", bad2[] = "{\"id\":9,\"type\":\"dance\",\"time\":1}",
                    bad3[] = "{\"id\":9,\"type\":\"rename\",\"group\":\"g\",\"member\":\"a\",\"time\":1}",
                    bad4[] = "{\"id\":9,\"type\":\"message\",\"text\":\"\xff\"}";
  struct run r;
  struct gate g;
  char text[4000];
  begin(&r, "history.jsonl");
  gate_open(&g);
  snprintf(text, sizeof text, "%s%s\n%s\r\n%s\n%s\n%s", LINE1, bad1, bad2, bad3, bad4, LINE3);
  write_text(&r, text);
  const char *said = import(&r, NULL, &g, NULL);
  cr_assert_str_eq(
      said,
      EVENT1 "!line 2: column 26: not valid JSON: premature EOF\n"
             "!line 3: type \"dance\" is none of message, action, join, leave, rename, topic, mode, kick and reaction\n"
             "!line 4: data.new_member of \"rename\" is missing\n"
             "!line 5: column 34: not valid UTF-8 text without NUL\n" EVENT3 "=");
  cr_assert_eq(r.counts.entries, 6);
  cr_assert_eq(r.counts.refused, 4);
  char want[300];
  snprintf(want, sizeof want, "%s.refused", r.path);
  cr_assert_str_eq(r.refused_path, want);
  snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n", bad1, bad2, bad3, bad4);
  char *kept = read_text_file(r.refused_path);
  cr_assert_str_eq(kept, text);
  free(kept);
  gate_close(&g);
  end(&r);
}

Test(host_intake_import, puts_refused_lines_elsewhere_when_it_must) {
  struct run r;
  char other[64], want[300];
  begin(&r, "history.jsonl");
  make_folder(other);
  write_text(&r, LINE1 "x\n");
  snprintf(want, sizeof want, "%s.refused",
           r.path); /* a folder stands where the file would be written: root may write anywhere else */
  cr_assert_eq(mkdir(want, 0700), 0);
  import(&r, NULL, NULL, other);
  snprintf(want, sizeof want, "%s/history.jsonl.refused", other);
  cr_assert_str_eq(r.refused_path, want);
  import(&r, NULL, NULL, NULL);
  cr_assert_str_empty(r.refused_path);
  cr_assert_eq(r.counts.refused, 1);
  remove_folder(other);
  end(&r);
}

Test(host_intake_import, says_that_zstd_data_is_cut_off) {
  struct run r;
  char want[300];
  begin(&r, "history.jsonl.zst");
  write_zstd(&r, LINE1 LINE2 LINE3, 5);
  const char *said = import(&r, "community", NULL, NULL);
  snprintf(want, sizeof want, "?%s: the zstd data is cut off", r.path);
  cr_assert_str_eq(said, want);
  end(&r);
}

Test(host_intake_import, says_that_zstd_data_is_damaged) {
  struct run r;
  begin(&r, "history.jsonl.zst");
  write_file(r.path, "\x28\xb5\x2f\xfdjunkjunkjunk", 16);
  cr_assert(strstr(import(&r, "community", NULL, NULL), "the zstd data is damaged: "));
  end(&r);
}

Test(host_intake_import, gives_what_comes_before_a_cut) {
  struct run r;
  struct qun_pack text;
  char line[200];
  uint32_t seed = 1;
  begin(&r, "history.jsonl.zst");
  qun_pack_init(&text);
  for (int i = 0; i < 20000; i++) { /* several zstd blocks */
    seed = seed * 1664525u + 1013904223u;
    snprintf(line, sizeof line, "{\"id\":%d,\"time\":%u,\"type\":\"join\",\"group\":\"g\",\"member\":\"u%u\"}\n", i,
             seed, seed >> 3);
    qun_pack_raw(&text, qun_str(line));
  }
  qun_pack_raw(&text, qun_slice_of("", 1));
  write_zstd(&r, (const char *)text.buf, 2000);
  const char *said = import(&r, NULL, NULL, NULL);
  cr_assert(strstr(said, "the zstd data is cut off"));
  cr_assert_gt(r.counts.events, 1000);
  cr_assert_lt(r.counts.events, 20000);
  cr_assert_eq(r.counts.refused, 0);
  qun_pack_fini(&text);
  end(&r);
}

Test(host_intake_import, bounds_a_line) {
  struct run r;
  struct gate g;
  struct qun_pack text;
  begin(&r, "history.jsonl");
  gate_open(&g);
  qun_pack_init(&text);
  qun_pack_raw(&text, qun_str(LINE1));
  for (int i = 0; i < 30; i++) qun_pack_raw(&text, qun_str(repeat('x', 100000))); /* 3 MB without an end */
  qun_pack_raw(&text, qun_str("\n" LINE3));
  write_file(r.path, text.buf, text.len);
  cr_assert_str_eq(import(&r, NULL, &g, NULL), EVENT1 "!line 2: the line is longer than 1 MiB\n" EVENT3 "=");
  text.len -= strlen("\n" LINE3);
  write_file(r.path, text.buf, text.len);
  cr_assert_str_eq(import(&r, NULL, &g, NULL), EVENT1 "!line 2: the line is longer than 1 MiB\n=");
  qun_pack_fini(&text);
  gate_close(&g);
  end(&r);
}

/* ---------------------------------------------------------------- CloudEvents and canonical events */

Test(host_intake_import, reads_cloudevents_lines) {
  struct run r;
  begin(&r, "a.jsonl");
  write_text(&r, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\",\"data\":{"
                 "\"code\":\"c\"}}\n"
                 "{\"specversion\":\"0.3\",\"id\":\"2\",\"source\":\"s\",\"type\":\"join\"}\n");
  expect(&r, "cloudevents",
         "{\"id\":\"1\",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\",\"data\":{\"code\":\"c\"}}\n"
         "!line 2: specversion must be \"1.0\" (got \"0.3\")\n=");
  end(&r);
}

Test(host_intake_import, reads_canonical_lines) {
  struct run r;
  begin(&r, "a.jsonl");
  write_text(&r, "{\"id\":1,\"source\":\"s\",\"type\":\"purchase\",\"data\":{\"amount\":500}}\n[]\n");
  expect(&r, "events",
         "{\"id\":1,\"source\":\"s\",\"type\":\"purchase\",\"data\":{\"amount\":500}}\n!line 2: an event must be a "
         "JSON object\n=");
  end(&r);
}

/* ---------------------------------------------------------------- Telegram */

Test(host_intake_import, reads_telegram) {
  struct run r;
  begin(&r, "result.json");
  write_text(&r, "{\"name\":\"Club\",\"type\":\"private_supergroup\",\"id\":77,\"messages\":["
                 "{\"id\":1,\"type\":\"service\",\"date\":\"2024-01-02T10:00:00\",\"date_unixtime\":\"1704160800\","
                 "\"actor\":\"Ann\",\"actor_id\":\"user1\","
                 "\"action\":\"join_group_by_link\",\"inviter\":\"group\",\"text\":\"\"},"
                 "{\"id\":2,\"type\":\"message\",\"date_unixtime\":\"1704160860\",\"from\":\"Ann\",\"from_id\":"
                 "\"user1\",\"reply_to_message_id\":1,"
                 "\"text\":[\"see \",{\"type\":\"link\",\"text\":\"https://example.com\"},\"!\"],"
                 "\"reactions\":[{\"type\":\"emoji\",\"count\":2,\"emoji\":\"👍\"}]},"
                 "{\"id\":3,\"type\":\"message\",\"date\":\"2024-01-02T10:02:00\",\"from\":\"Ann\",\"from_id\":"
                 "\"user1\",\"photo\":\"p.jpg\",\"text\":\"\"},"
                 "{\"id\":4,\"type\":\"service\",\"date_unixtime\":\"1704161000\",\"actor_id\":\"user1\",\"action\":"
                 "\"invite_members\",\"members\":[\"Bo\",\"Cy\"]},"
                 "{\"id\":5,\"type\":\"service\",\"date_unixtime\":\"1704161001\",\"actor_id\":\"user1\",\"action\":"
                 "\"pin_message\"},"
                 "{\"id\":6,\"type\":\"message\",\"from_id\":\"user1\",\"text\":\"when?\"},"
                 "{\"id\":7,\"type\":\"poll\"},{\"id\":8,\"a\":1,\"a\":1},7]}");
  expect(&r, "telegram",
         "{\"type\":\"join\",\"id\":\"1\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"member\":\"user1\",\"time\":1704160800000}\n"
         "{\"type\":\"member.profile\",\"id\":\"profile/user1\",\"source\":\"telegram/"
         "77\",\"member\":\"user1\",\"time\":1704160860000,"
         "\"data\":{\"name\":\"Ann\"}}\n"
         "{\"type\":\"message\",\"id\":\"2\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"member\":\"user1\",\"time\":1704160860000,"
         "\"data\":{\"text\":\"see https://example.com!\",\"msg\":\"2\",\"reply_to\":[\"1\"]}}\n"
         "{\"type\":\"reaction\",\"id\":\"2/reaction/0\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"time\":1704160860000,"
         "\"data\":{\"msg\":\"2\",\"emoji\":\"👍\",\"count\":2}}\n"
         "{\"type\":\"message\",\"id\":\"3\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"member\":\"user1\",\"time\":1704160920000,"
         "\"data\":{\"msg\":\"3\",\"kind\":\"image\"}}\n"
         "{\"type\":\"invite\",\"id\":\"4/0\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"member\":\"user1\",\"time\":1704161000000}\n"
         "{\"type\":\"invite\",\"id\":\"4/1\",\"source\":\"telegram/"
         "77\",\"group\":\"Club\",\"member\":\"user1\",\"time\":1704161000000}\n"
         "!entry 6: neither date_unixtime nor date says a time\n"
         "!entry 7: type is neither message nor service\n"
         "!entry 8: the key \"a\" is given twice\n"
         "!entry 9: type is neither message nor service\n=");
  cr_assert_eq(r.counts.skipped, 1);
  char *kept = read_text_file(r.refused_path);
  cr_assert_str_eq(
      kept,
      "{\"id\":6,\"type\":\"message\",\"from_id\":\"user1\",\"text\":\"when?\"}\n{\"id\":7,\"type\":\"poll\"}\n\n7\n");
  free(kept);
  end(&r);
}

Test(host_intake_import, says_where_a_document_breaks) {
  struct run r;
  char want[400];
  begin(&r, "result.json");
  write_text(&r, "{\"name\":\"Club\",\"messages\":[{\"id\":2,\"type\":\"message\",\"date_unixtime\":\"1704160860\","
                 "\"from_id\":\"u\",\"text\":\"x\"},{\"id\"");
  const char *said = import(&r, NULL, NULL, NULL);
  snprintf(want, sizeof want, "\n?%s: not valid JSON after entry 1: premature EOF", r.path);
  cr_assert(strstr(said, want), "%s", said);
  cr_assert_eq(r.counts.events, 1);
  end(&r);
}

/* ---------------------------------------------------------------- Discord */

Test(host_intake_import, reads_discord) {
  struct run r;
  begin(&r, "general.json");
  write_text(&r, "{\"guild\":{\"id\":\"1\",\"name\":\"G\"},\"channel\":{\"id\":\"22\",\"type\":\"GuildTextChat\","
                 "\"name\":\"general\"},\"messages\":["
                 "{\"id\":\"100\",\"type\":\"GuildMemberJoin\",\"timestamp\":\"2024-01-02T10:00:00+08:00\",\"content\":"
                 "\"\",\"author\":{\"id\":\"u1\",\"name\":\"Ann\"}},"
                 "{\"id\":\"101\",\"type\":\"Reply\",\"timestamp\":\"2024-01-02T02:01:00.123+00:00\",\"content\":"
                 "\"yes\",\"author\":{\"id\":\"u1\",\"name\":\"Ann\"},"
                 "\"reference\":{\"messageId\":\"99\"},\"reactions\":[{\"emoji\":{\"name\":\"🎉\"},\"count\":3,"
                 "\"users\":[{\"id\":\"u2\"}]}]},"
                 "{\"id\":\"102\",\"type\":\"ChannelPinnedMessage\",\"timestamp\":\"2024-01-02T02:01:00Z\"},"
                 "{\"id\":\"103\",\"type\":\"Default\",\"timestamp\":\"noon\",\"content\":\"x\"},{\"type\":\"Default\"}"
                 "],\"messageCount\":5}");
  expect(&r, "discord",
         "{\"type\":\"join\",\"source\":\"discord/"
         "22\",\"group\":\"general\",\"member\":\"u1\",\"time\":1704160800000,\"id\":\"100\"}\n"
         "{\"type\":\"member.profile\",\"id\":\"profile/u1\",\"source\":\"discord/"
         "22\",\"member\":\"u1\",\"time\":1704160860123,\"data\":{\"name\":\"Ann\"}}\n"
         "{\"type\":\"message\",\"source\":\"discord/"
         "22\",\"group\":\"general\",\"member\":\"u1\",\"time\":1704160860123,\"id\":\"101\","
         "\"data\":{\"text\":\"yes\",\"msg\":\"101\",\"reply_to\":[\"99\"]}}\n"
         "{\"type\":\"reaction\",\"source\":\"discord/"
         "22\",\"group\":\"general\",\"member\":\"u2\",\"time\":1704160860123,\"id\":\"101/reaction/0/u2\","
         "\"data\":{\"msg\":\"101\",\"emoji\":\"🎉\"}}\n"
         "{\"type\":\"reaction\",\"source\":\"discord/22\",\"group\":\"general\",\"time\":1704160860123,\"id\":\"101/"
         "reaction/0/\","
         "\"data\":{\"msg\":\"101\",\"emoji\":\"🎉\",\"count\":2}}\n"
         "!entry 4: timestamp is missing, or no time\n"
         "!entry 5: id is missing, or no short text\n=");
  end(&r);
}

/* ---------------------------------------------------------------- WeChat */

Test(host_intake_import, reads_the_older_wechat_csv) {
  struct run r;
  begin(&r, "messages.csv");
  write_text(&r, "\xef\xbb\xbflocalId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,"
                 "NickName,Sender\r\n"
                 "1,3,1,0,0,1704160800,2,\"你好, \"\"群\"\"\n第二行\",2024-01-02 10:00:00,,小明,wxid_a\r\n"
                 "2,3,3,0,1,1704160801,2,<img/>,2024-01-02 10:00:01,,,\r\n"
                 "3,3,10000,0,0,1704160802,2,系统,2024-01-02 10:00:02,,,\r\n"
                 "4,3,1,0,0,soon,2,x,,,,wxid_a\r\n"
                 "5,3,1\r\n"
                 "6,3,49,57,0,1704160803,2,引用,2024-01-02 10:00:03,,小明,wxid_a\r\n");
  expect(&r, "wechat-csv",
         "{\"type\":\"member.profile\",\"id\":\"profile/wxid_a\",\"source\":\"wechat/"
         "3\",\"member\":\"wxid_a\",\"time\":1704160800000,\"data\":{\"name\":\"小明\"}}\n"
         "{\"type\":\"message\",\"id\":\"1\",\"source\":\"wechat/"
         "3\",\"group\":\"3\",\"member\":\"wxid_a\",\"time\":1704160800000,"
         "\"data\":{\"text\":\"你好, \\\"群\\\"\\n第二行\"}}\n"
         "{\"type\":\"message\",\"id\":\"2\",\"source\":\"wechat/"
         "3\",\"group\":\"3\",\"member\":\"self\",\"time\":1704160801000,\"data\":{\"kind\":\"image\"}}\n"
         "!line 6: column CreateTime: \"soon\" is no time such as 2026-11-21 16:00:00\n"
         "!line 7: the row has 3 columns, the first line has 12\n"
         "{\"type\":\"message\",\"id\":\"6\",\"source\":\"wechat/"
         "3\",\"group\":\"3\",\"member\":\"wxid_a\",\"time\":1704160803000,"
         "\"data\":{\"text\":\"引用\",\"kind\":\"quote\"}}\n=");
  cr_assert_eq(r.counts.skipped, 1);
  char *kept = read_text_file(r.refused_path);
  cr_assert_str_eq(kept, "4,3,1,0,0,soon,2,x,,,,wxid_a\n5,3,1\n");
  free(kept);
  end(&r);
}

Test(host_intake_import, reads_the_newer_wechat_csv) {
  struct run r;
  begin(&r, "妈妈群.csv");
  write_text(&r, "消息ID,类型,发送人,时间,内容,备注,昵称,更多信息\n"
                 "m1,文本,wxid_b,2024-01-02 10:00:00,早,,,\n"
                 "m2,图片,wxid_b,2024-01-02 10:01:00,图,,,\n"
                 "m3,系统消息,系统,2024-01-02 10:02:00,某某加入,,,\n");
  expect(&r, "wechat-csv",
         "{\"type\":\"message\",\"id\":\"m1\",\"source\":\"wechat/"
         "妈妈群\",\"group\":\"妈妈群\",\"member\":\"wxid_b\",\"time\":1704160800000,\"data\":{\"text\":\"早\"}}\n"
         "{\"type\":\"message\",\"id\":\"m2\",\"source\":\"wechat/"
         "妈妈群\",\"group\":\"妈妈群\",\"member\":\"wxid_b\",\"time\":1704160860000,"
         "\"data\":{\"text\":\"图\",\"kind\":\"image\"}}\n=");
  end(&r);
}

Test(host_intake_import, tells_equal_messages_of_one_second_apart) {
  struct run r;
  begin(&r, "chat.csv");
  write_text(&r, "\xef\xbb\xbfTime,SenderName,Sender,TalkerName,Talker,Content\n"
                 "2024-01-02 10:00:00,A,wxid_a,群,1@chatroom,+1\n"
                 "2024-01-02 10:00:00,A,wxid_a,群,1@chatroom,+1\n"
                 "2024-01-02 10:00:01,A,wxid_a,群,1@chatroom,+1\n");
  char first[4000];
  snprintf(first, sizeof first, "%s", import(&r, NULL, NULL, NULL));
  cr_assert_eq(r.counts.events, 4);
  cr_assert(strstr(first, "/0\",\"source\":\"wechat/1@chatroom\",\"group\":\"群\""), "%s", first);
  cr_assert(strstr(first, "/1\",\"source\":\"wechat/1@chatroom\""));
  cr_assert_str_eq(import(&r, NULL, NULL, NULL), first, "the same file gives the same ids");
  end(&r);
}

Test(host_intake_import, says_that_a_quote_never_ends) {
  struct run r;
  begin(&r, "chat.csv");
  write_text(
      &r, "Time,SenderName,Sender,TalkerName,Talker,Content\n2024-01-02 10:00:00,A,wxid_a,群,1@chatroom,\"+1\nx\ny\n");
  cr_assert(strstr(import(&r, NULL, NULL, NULL), "the row that begins on line 2 has a quote that never ends"));
  end(&r);
}

Test(host_intake_import, reads_chatlog_json) {
  struct run r;
  begin(&r, "chat.json");
  write_text(&r,
             "[{\"seq\":1704160800001,\"time\":\"2024-01-02T10:00:00+08:00\",\"talker\":\"1@chatroom\",\"talkerName\":"
             "\"群\",\"isChatRoom\":true,"
             "\"sender\":\"wxid_a\",\"senderName\":\"A\",\"isSelf\":false,\"type\":1,\"subType\":0,\"content\":\"早\"},"
             "{\"seq\":2,\"time\":\"2024-01-02T10:00:01+08:00\",\"talker\":\"1@chatroom\",\"sender\":\"wxid_a\","
             "\"type\":10000,\"content\":\"x\"},"
             "{\"seq\":3,\"talker\":\"1@chatroom\",\"type\":1},{\"seq\":4}]");
  expect(&r, "chatlog",
         "{\"type\":\"member.profile\",\"id\":\"profile/wxid_a\",\"source\":\"wechat/"
         "1@chatroom\",\"member\":\"wxid_a\",\"time\":1704160800000,\"data\":{\"name\":\"A\"}}\n"
         "{\"type\":\"message\",\"id\":\"1704160800001\",\"source\":\"wechat/"
         "1@chatroom\",\"group\":\"群\",\"member\":\"wxid_a\",\"time\":1704160800000,"
         "\"data\":{\"text\":\"早\"}}\n"
         "!entry 3: time is missing, or no time\n!entry 4: talker is missing\n=");
  cr_assert_eq(r.counts.skipped, 1);
  end(&r);
}

/* ---------------------------------------------------------------- Slack */

static const char *const slack_files[][2] = {
    {"export/users.json", "[{\"id\":\"U1\",\"name\":\"ann\",\"real_name\":\"Ann "
                          "A\",\"profile\":{\"email\":\"ann@example.com\"}},{\"id\":\"U2\",\"name\":\"bo\"}]"},
    {"export/channels.json", "[]"},
    {"export/general/2024-01-02.json", "[{\"type\":\"message\",\"user\":\"U1\",\"text\":\"one\",\"ts\":\"1704160800."
                                       "000100\",\"reactions\":[{\"name\":\"tada\",\"users\":[\"U2\"],\"count\":2}]},"
                                       "{\"type\":\"message\",\"user\":\"U2\",\"text\":\"three\",\"ts\":\"1704160802."
                                       "000100\",\"thread_ts\":\"1704160800.000100\"},{\"ts\":\"soon\"}]"},
    {"export/random/2024-01-02.json",
     "[{\"type\":\"message\",\"subtype\":\"channel_join\",\"user\":\"U2\",\"ts\":\"1704160801.000200\",\"inviter\":"
     "\"U1\"},"
     "{\"type\":\"message\",\"subtype\":\"pinned_item\",\"user\":\"U2\",\"ts\":\"1704160801.000300\"}]"},
    {"export/random/2024-01-01.json", "[{\"type\":\"message\",\"subtype\":\"channel_topic\",\"user\":\"U2\",\"topic\":"
                                      "\"t\",\"ts\":\"1704074400.000200\"}"},
};

static const char slack_want[] =
    "!: random/2024-01-01.jsonentry 0: not valid JSON after entry 1: premature EOF\n"
    "{\"type\":\"topic\",\"source\":\"slack/"
    "random\",\"group\":\"random\",\"member\":\"U2\",\"time\":1704074400000,\"id\":\"1704074400.000200\",\"data\":{"
    "\"text\":\"t\"}}\n"
    "!: general/2024-01-02.jsonentry 3: ts is missing, or not such as 1611234567.000200\n"
    "{\"type\":\"member.profile\",\"id\":\"profile/U1\",\"source\":\"slack/"
    "users\",\"member\":\"U1\",\"time\":1704160800000,"
    "\"data\":{\"name\":\"Ann A\",\"email\":\"ann@example.com\"}}\n"
    "{\"type\":\"message\",\"source\":\"slack/"
    "general\",\"group\":\"general\",\"member\":\"U1\",\"time\":1704160800000,\"id\":\"1704160800.000100\","
    "\"data\":{\"text\":\"one\",\"msg\":\"1704160800.000100\"}}\n"
    "{\"type\":\"reaction\",\"source\":\"slack/"
    "general\",\"group\":\"general\",\"member\":\"U2\",\"time\":1704160800000,\"id\":\"1704160800.000100/tada/U2\","
    "\"data\":{\"msg\":\"1704160800.000100\",\"emoji\":\"tada\"}}\n"
    "{\"type\":\"reaction\",\"source\":\"slack/"
    "general\",\"group\":\"general\",\"time\":1704160800000,\"id\":\"1704160800.000100/tada/\","
    "\"data\":{\"msg\":\"1704160800.000100\",\"emoji\":\"tada\"}}\n"
    "{\"type\":\"join\",\"source\":\"slack/"
    "random\",\"group\":\"random\",\"member\":\"U2\",\"time\":1704160801000,\"id\":\"1704160801.000200\",\"data\":{"
    "\"inviter\":\"U1\"}}\n"
    "{\"type\":\"member.profile\",\"id\":\"profile/U2\",\"source\":\"slack/"
    "users\",\"member\":\"U2\",\"time\":1704160802000,\"data\":{\"name\":\"bo\"}}\n"
    "{\"type\":\"message\",\"source\":\"slack/"
    "general\",\"group\":\"general\",\"member\":\"U2\",\"time\":1704160802000,\"id\":\"1704160802.000100\","
    "\"data\":{\"text\":\"three\",\"msg\":\"1704160802.000100\",\"reply_to\":[\"1704160800.000100\"]}}\n=";

Test(host_intake_import, reads_a_slack_zip) {
  struct run r;
  begin(&r, "slack.zip");
  zip_t *z = zip_open(r.path, ZIP_CREATE, NULL);
  cr_assert(z);
  for (size_t i = 0; i < sizeof slack_files / sizeof *slack_files; i++) {
    zip_source_t *s = zip_source_buffer(z, slack_files[i][1], strlen(slack_files[i][1]), 0);
    cr_assert(s && zip_file_add(z, slack_files[i][0], s, ZIP_FL_ENC_UTF_8) >= 0);
  }
  cr_assert_eq(zip_close(z), 0);
  expect(&r, "slack", slack_want);
  cr_assert_eq(r.counts.skipped, 1);
  end(&r);
}

Test(host_intake_import, reads_a_slack_folder) {
  struct run r;
  char path[300];
  begin(&r, "export");
  for (size_t i = 0; i < sizeof slack_files / sizeof *slack_files; i++) {
    snprintf(path, sizeof path, "%s/%s", r.dir, slack_files[i][0]);
    for (char *slash = path + strlen(r.dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
      *slash = '\0';
      mkdir(path, 0700);
    }
    write_file(path, slack_files[i][1], strlen(slack_files[i][1]));
  }
  expect(&r, "slack", slack_want);
  end(&r);
}

Test(host_intake_import, refuses_a_broken_zip) {
  struct run r;
  begin(&r, "slack.zip");
  write_file(r.path, "PK\3\4 and no more", 16);
  cr_assert(strstr(import(&r, NULL, NULL, NULL), ": no zip archive: "));
  end(&r);
}

/* ---------------------------------------------------------------- whatever comes */

Test(host_intake_import, names_the_formats_when_it_knows_none) {
  struct run r;
  begin(&r, "x.bin");
  cr_assert(strstr(import(&r, NULL, NULL, NULL), "x.bin: No such file or directory"));
  write_text(&r, "hello\n");
  cr_assert(
      strstr(import(&r, NULL, NULL, NULL), "x.bin: its first bytes are of no known format; the formats are slack, "));
  cr_assert(strstr(import(&r, "fax", NULL, NULL), "there is no format \"fax\"; the formats are slack, "));
  write_text(&r, "");
  cr_assert(strstr(import(&r, NULL, NULL, NULL), "its first bytes are of no known format"));
  for (size_t i = 0; qun_import_format_at(i);
       i++) { /* each of them takes an empty file or says what is wrong with it */
    const char *said = import(&r, qun_import_format_at(i)->name, NULL, NULL);
    cr_assert(*said == '=' || *said == '?', "%s", said);
  }
  end(&r);
}

Test(host_intake_import, survives_any_change_of_its_bytes) {
  static const char *const texts[] = {
      LINE1 LINE2 LINE3,
      "{\"name\":\"C\",\"id\":7,\"messages\":[{\"id\":2,\"type\":\"message\",\"date_unixtime\":\"1704160860\",\"from\":"
      "\"A\",\"from_id\":\"u\",\"text\":[\"x\",{\"text\":\"y\"}]}]}",
      "Time,SenderName,Sender,TalkerName,Talker,Content\n2024-01-02 "
      "10:00:00,A,wxid_a,群,1@chatroom,\"+1\nx\"\n2024-01-02 10:00:00,A,w,g,t,x\n",
      "{\"guild\":{},\"channel\":{\"id\":\"2\"},\"messages\":[{\"id\":\"1\",\"type\":\"Default\",\"timestamp\":\"2024-"
      "01-02T10:00:00Z\",\"author\":{\"id\":\"u\"},\"content\":\"x\"}]}"};
  struct run r;
  uint32_t seed = 5;
  begin(&r, "f");
  for (int i = 0; i < 1600; i++) {
    char *text = strdup(texts[i % 4]);
    size_t n = strlen(text);
    for (int changes = 0; changes < 2; changes++) {
      seed = seed * 1664525u + 1013904223u;
      text[(seed >> 8) % n] = (char)(seed >> 24);
    }
    write_file(r.path, text, n);
    import(&r, (const char *[]){"community", "telegram", "wechat-csv", "discord"}[i % 4], NULL, NULL);
    free(text);
  }
  end(&r);
}
