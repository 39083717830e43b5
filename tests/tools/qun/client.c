/* SPDX-License-Identifier: Apache-2.0 */
/* Commands as clients of a daemon's socket. */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fake_daemon d; /* Criterion runs each test in a process of its own */

static void begin(const struct fake_answer *answers, int count) {
  setenv("LC_ALL", "C.UTF-8", 1);
  fake_daemon_start(&d, answers, count);
}

static void end(void) {
  fake_daemon_stop(&d);
}

TestSuite(tools_qun_client);

Test(tools_qun_client, a_report_asks_with_encoded_path_query_and_language) {
  static const struct fake_answer answers[] = {{200, "text/csv", NULL, "a,b\r\n"}};
  begin(answers, 1);
  struct outcome o = run("report", "a b", "growth", "cohorts", "--format", "csv", "--from", "2026-01-01", "--locale",
                         "zh-CN", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_OK, "%s", o.err);
  cr_assert_str_eq(o.out, "a,b\r\n");
  cr_assert_eq(
      strncmp(d.requests[0].head,
              "GET /v1/tenants/a%20b/reports/growth?view=cohorts&from=2026-01-01&format=csv&locale=zh-CN HTTP/1.1\r\n",
              98),
      0, "%s", d.requests[0].head);
  cr_assert_not_null(strstr(d.requests[0].head, "Accept-Language: zh-CN\r\n"));
  cr_assert_null(strstr(d.requests[0].head, "Authorization"));
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, what_the_host_refuses_is_said_and_could_not) {
  static const struct fake_answer answers[] = {
      {404, "application/problem+json", NULL,
       "{\"title\":\"x\",\"status\":404,\"detail\":\"there is no tenant acme\"}"},
      {404, "application/problem+json", NULL, "{\"status\":404,\"detail\":\"there is no tenant acme\"}"},
      {500, "text/plain", NULL, "oops"}};
  begin(answers, 3);
  struct outcome o = run("tenant", "show", "acme", "--data", d.folder, NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_str_eq(o.err, "qun: there is no tenant acme\n");
  cr_assert_str_empty(o.out);
  outcome_fini(&o);
  o = run("tenant", "show", "acme", "--json", "--data", d.folder, NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_not_null(strstr(o.out, "\"status\":404"));
  outcome_fini(&o);
  o = run("tenant", "show", "acme", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_not_null(strstr(o.err, "500"));
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, creating_sends_json_and_json_comes_out) {
  static const struct fake_answer answers[] = {
      {201, "application/json", NULL, "{\"name\":\"acme\",\"tokens\":{\"owner\":\"qun_x\"}}"}};
  begin(answers, 1);
  struct outcome o = run("--json", "tenant", "create", "acme", "--lang", "zh-CN", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_OK, "%s", o.err);
  cr_assert_str_eq(o.out, "{\"name\":\"acme\",\"tokens\":{\"owner\":\"qun_x\"}}\n");
  cr_assert_eq(strncmp(d.requests[0].head, "POST /v1/tenants HTTP/1.1\r\n", 27), 0);
  cr_assert_not_null(strstr(d.requests[0].head, "Content-Type: application/json\r\n"));
  cr_assert_str_eq(d.requests[0].body, "{\"name\":\"acme\",\"locale\":\"zh-CN\"}");
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, an_answer_is_laid_out_for_people) {
  static const struct fake_answer answers[] = {
      {200, "application/json", NULL,
       "{\"name\":\"acme\",\"events\":3,\"by_type\":{\"join\":1,\"message\":2},\"list\":[1,\"a\\u001b[31m\"]}"}};
  begin(answers, 1);
  struct outcome o = run("tenant", "show", "acme", "--data", d.folder, NULL);
  end();
  cr_assert_str_eq(o.out, "name: acme\nevents: 3\nby_type:\n  join: 1\n  message: 2\nlist:\n  1\n  a [31m\n");
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, a_full_queue_is_waited_for) {
  static const struct fake_answer answers[] = {{429, "application/problem+json", "Retry-After: 1\r\n",
                                                "{\"detail\":\"full\"}"},
                                               {200, "application/json", NULL, "{\"ok\":true}"}};
  begin(answers, 2);
  struct outcome o = run("--json", "tenant", "show", "acme", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_OK, "%s", o.err);
  cr_assert_str_eq(o.out, "{\"ok\":true}\n");
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, a_replay_that_does_not_match_is_a_no) {
  static const struct fake_answer answers[] = {
      {200, "application/json", NULL,
       "{\"mode\":\"verify\",\"records\":9,\"match\":false,\"state_hash\":\"aa\",\"live_hash\":\"bb\",\"plugins\":{"
       "\"growth\":{\"state_hash\":\"cc\",\"live_hash\":\"cc\"}}}"},
      {200, "application/json", NULL,
       "{\"mode\":\"whatif\",\"records\":9,\"match\":false,\"state_hash\":\"aa\",\"live_hash\":\"bb\",\"plugins\":{}"
       "}"},
      {200, "application/json", NULL,
       "{\"mode\":\"verify\",\"records\":4,\"match\":false,\"state_hash\":\"aa\",\"live_hash\":\"bb\",\"plugins\":{}}"},
      {200, "application/json", NULL,
       "{\"mode\":\"verify\",\"records\":9,\"match\":true,\"state_hash\":\"aa\",\"live_hash\":\"aa\",\"plugins\":{}}"}};
  begin(answers, 4);
  struct outcome o = run("replay", "acme", "--data", d.folder, NULL);
  cr_assert_eq(o.status, QUN_EXIT_NO);
  cr_assert_not_null(strstr(o.out, "9 records"));
  cr_assert_not_null(strstr(o.out, "the state differs"));
  cr_assert_not_null(strstr(o.out, "bb  <- as it stands"));
  cr_assert_null(strstr(o.out, "cc  <-"));
  outcome_fini(&o);
  o = run("replay", "acme", "--set", "growth.tier_core_over=0.3", "--data", d.folder,
          NULL); /* a question, not a check */
  cr_assert_eq(o.status, QUN_EXIT_OK);
  cr_assert_str_eq(d.requests[1].body, "{\"mode\":\"whatif\",\"set\":{\"growth.tier_core_over\":\"0.3\"}}");
  outcome_fini(&o);
  o = run("replay", "acme", "--until", "2026-01-01T00:00:00Z", "--data", d.folder,
          NULL); /* an earlier state is another */
  cr_assert_eq(o.status, QUN_EXIT_OK);
  outcome_fini(&o);
  o = run("replay", "acme", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_OK);
  cr_assert_not_null(strstr(o.out, "the state is the same"));
  outcome_fini(&o);
  fake_daemon_fini(&d);
}

static void write_file(const char *name, const char *text, char path[128]) {
  snprintf(path, 128, "%s/%s", d.folder, name);
  FILE *f = fopen(path, "w");
  cr_assert_not_null(f);
  fputs(text, f);
  fclose(f);
}

Test(tools_qun_client, send_names_the_line_of_each_refused_event) {
  static const struct fake_answer answers[] = {
      {200, "application/json", NULL,
       "{\"accepted\":1,\"duplicates\":0,\"conflicts\":0,\"refused\":[{\"index\":1,\"reason\":\"no type\"}]}"}};
  char path[128];
  begin(answers, 1);
  write_file("e.jsonl", "{\"id\":\"1\"}\n\nnot json\n{\"id\":\"2\"}\n", path);
  struct outcome o = run("--json", "event", "send", "acme", path, "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_NO);
  cr_assert_str_eq(o.out, "{\"accepted\":1,\"duplicates\":0,\"conflicts\":0,\"refused\":2}\n");
  cr_assert_not_null(strstr(o.err, "e.jsonl:3: "), "%s", o.err);
  cr_assert_not_null(strstr(o.err, "e.jsonl:4: no type\n"), "%s", o.err);
  cr_assert_str_eq(d.requests[0].body, "[{\"id\":\"1\"},{\"id\":\"2\"}]");
  cr_assert_not_null(strstr(d.requests[0].head, "application/cloudevents-batch+json"));
  outcome_fini(&o);
  unlink(path);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, import_sends_batches_between_two_marks_and_keeps_what_is_refused) {
  static const struct fake_answer answers[] = {
      {200, "application/json", NULL, "{}"},
      {200, "application/json", NULL,
       "{\"accepted\":1,\"duplicates\":0,\"conflicts\":0,\"refused\":[{\"index\":1,\"reason\":\"bad\"}]}"},
      {422, "application/problem+json", NULL,
       "{\"status\":422,\"detail\":\"none\",\"errors\":[{\"index\":0,\"reason\":\"worse\"}]}"},
      {200, "application/json", NULL, "{}"}};
  static const char line[] = "{\"id\":\"%d\",\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"message\",\"group\":\"g\","
                             "\"member\":\"m\",\"text\":\"t\"}\n";
  char path[128], refused[160], text[1024] = "", got[512] = "";
  begin(answers, 4);
  for (int i = 1; i <= 3; i++) snprintf(text + strlen(text), sizeof text - strlen(text), line, i);
  write_file("c.jsonl", text, path);
  struct outcome o =
      run("--json", "event", "import", "acme", path, "--format", "community", "--batch", "2", "--data", d.folder, NULL);
  end();
  cr_assert_eq(o.status, QUN_EXIT_NO, "%s", o.err);
  cr_assert_not_null(strstr(d.requests[0].body, "\"state\":\"begin\""));
  cr_assert_not_null(strstr(d.requests[0].body, "\"name\":\"c.jsonl\""));
  cr_assert_not_null(strstr(d.requests[1].head, "application/vnd.qun.events+msgpack"));
  cr_assert_not_null(strstr(d.requests[3].body, "\"state\":\"end\""));
  qun_slice body = qun_slice_of(d.requests[1].body, d.requests[1].body_len);
  cr_assert(qun_mp_valid(body, 8));
  cr_assert(qun_mp_bool(body, "imported", 0));
  cr_assert_not_null(strstr(o.err, "line 2: bad"), "%s", o.err);
  cr_assert_not_null(strstr(o.err, "line 3: worse"), "%s", o.err);
  snprintf(refused, sizeof refused, "%s.refused", path);
  FILE *f = fopen(refused, "r");
  cr_assert_not_null(f);
  cr_assert_not_null(fgets(got, sizeof got, f));
  cr_assert_not_null(strstr(got, "\"id\":\"2\""));
  fclose(f);
  outcome_fini(&o);
  unlink(path);
  unlink(refused);
  fake_daemon_fini(&d);
}

Test(tools_qun_client, a_token_goes_with_a_url) {
  struct outcome o = run("tenant", "list", "--url", "http://127.0.0.1:1", "--token-file", "/nonexistent/token", NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_not_null(strstr(o.err, "/nonexistent/token"));
  outcome_fini(&o);
}

Test(tools_qun_client, nobody_at_the_url_could_not) {
  setenv("no_proxy", "*", 1);
  struct outcome o = run("tenant", "list", "--url", "http://127.0.0.1:1/", NULL);
  cr_assert_eq(o.status, QUN_EXIT_FAILED);
  cr_assert_not_null(strstr(o.err, "http://127.0.0.1:1:"), "%s", o.err);
  outcome_fini(&o);
}
