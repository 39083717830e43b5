/* SPDX-License-Identifier: Apache-2.0 */
/* The API over the fake engine, without a transport. */
#include "host/ops/api.h"
#include "host/http/tokens.h"
#include "host/ops/api_internal.h"
#include "host/ops/json.h"
#include "tests/host/support/fake_engine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct qun_engine *engine;
static struct qun_api *api;

static void setup(void) {
  struct qun_error err;
  engine = fake_engine_create();
  cr_assert_eq(qun_api_create(&api, engine, &err), 0, "%s", err.message);
}

static void teardown(void) {
  qun_api_destroy(api);
  fake_engine_destroy(engine);
}

TestSuite(host_ops_api, .init = setup, .fini = teardown);

/* ---- asking */

struct answer {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool there;
  int status, retry_after;
  char type[80], allow[80];
  char *text;
  struct qun_pack map; /* the body as msgpack, when it is JSON */
};

static struct answer answer;

static void on_answer(void *arg, const struct qun_api_response *r) {
  struct answer *a = arg;
  struct qun_error err;
  pthread_mutex_lock(&a->lock);
  a->status = r->status;
  a->retry_after = r->retry_after;
  snprintf(a->type, sizeof a->type, "%s", r->content_type);
  snprintf(a->allow, sizeof a->allow, "%s", r->allow ? r->allow : "");
  a->text = r->body.len ? strndup(r->body.ptr, (size_t)r->body.len) : strdup(""); /* a file's bytes come otherwise */
  if (strstr(a->type, "json")) cr_assert_eq(qun_json_to_msgpack(&a->map, r->body, &err), 0, "%s", err.message);
  a->there = true;
  pthread_cond_signal(&a->wake);
  pthread_mutex_unlock(&a->lock);
}

static int ask_request(struct qun_api_request *req) {
  free(answer.text);
  qun_pack_fini(&answer.map);
  memset(&answer, 0, sizeof answer);
  pthread_mutex_init(&answer.lock, NULL);
  pthread_cond_init(&answer.wake, NULL);
  qun_api_dispatch(api, req, on_answer, &answer);
  pthread_mutex_lock(&answer.lock);
  while (!answer.there) pthread_cond_wait(&answer.wake, &answer.lock);
  pthread_mutex_unlock(&answer.lock);
  return answer.status;
}

static int ask_as(enum qun_role role, const char *tenant, const char *method, const char *path, const char *type,
                  qun_slice body) {
  char copy[256];
  snprintf(copy, sizeof copy, "%s", path);
  char *query = strchr(copy, '?');
  if (query) *query++ = '\0';
  struct qun_api_request req = {.method = method,
                                .path = copy,
                                .query = query,
                                .content_type = type,
                                .body = body,
                                .role = role,
                                .tenant = tenant};
  return ask_request(&req);
}

static int ask(const char *method, const char *path, const char *body) {
  return ask_as(QUN_ROLE_AGENCY, NULL, method, path, "application/json", qun_str(body));
}

static qun_slice text_of(const char *key) {
  return qun_mp_str(qun_pack_slice(&answer.map), key);
}

static int64_t number_of(const char *key) {
  return qun_mp_int(qun_pack_slice(&answer.map), key, -1);
}

static void assert_problem(int status) {
  qun_slice value;
  cr_assert_eq(answer.status, status, "%d: %s", answer.status, answer.text);
  cr_assert_str_eq(answer.type, "application/problem+json");
  cr_assert_eq(number_of("status"), status);
  cr_assert_gt(text_of("title").len, 0);
  cr_assert_gt(text_of("detail").len, 0);
  cr_assert(qun_mp_find(qun_pack_slice(&answer.map), "instance", &value));
  cr_assert_eq(strncmp(text_of("type").ptr, "urn:qun:problem:", 16), 0);
}

static void make_tenant(const char *name) {
  char body[100];
  snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
  cr_assert_eq(ask("POST", "/v1/tenants", body), 201, "%s", answer.text);
}

/* A path of the route, with `tenant` for its name. */
static void path_of(const struct qun__route *route, const char *tenant, char out[200]) {
  size_t n = 0;
  for (const char *p = route->pattern; *p; p++) {
    if (*p != '{') {
      out[n++] = *p;
      continue;
    }
    n += (size_t)sprintf(out + n, "%s", !strncmp(p, "{name}", 6) ? tenant : "x");
    p = strchr(p, '}');
  }
  out[n] = '\0';
}

/* ---- who may do what */

/* The answer without the path that was asked for. */
static void blank_instance(char *text, const char *tenant) {
  for (char *at = strstr(text, tenant); at; at = strstr(at, tenant)) memset(at, '#', strlen(tenant));
}

Test(host_ops_api, no_token_reaches_another_tenant_on_any_route) {
  uint32_t tried = 0;
  make_tenant("aaaa");
  make_tenant("bbbb");
  for (uint32_t i = 0; i < qun__routes_count; i++) {
    char path[200], other[200], *seen;
    if (!qun__route_of_tenant(&qun__routes[i])) continue;
    for (int role = QUN_ROLE_INGEST; role <= QUN_ROLE_OWNER; role++) {
      path_of(&qun__routes[i], "bbbb", path);
      path_of(&qun__routes[i], "nope", other);
      ask_as((enum qun_role)role, "aaaa", qun__routes[i].method, path, "application/json", qun_str("{}"));
      assert_problem(404);
      seen = strdup(answer.text);
      ask_as((enum qun_role)role, "aaaa", qun__routes[i].method, other, "application/json", qun_str("{}"));
      assert_problem(404);
      blank_instance(seen, "bbbb");
      blank_instance(answer.text, "nope");
      cr_assert_str_eq(seen, answer.text, "%s %s tells whether the tenant exists", qun__routes[i].method, path);
      free(seen);
      tried++;
    }
  }
  cr_assert_gt(tried, 40);
  cr_assert_eq(fake_engine_touched(engine, "bbbb"), 0);
}

Test(host_ops_api, a_tenants_name_in_disguise_is_no_way_around) {
  static const char *const paths[] = {"/v1/tenants/bbbb%2f",      "/v1/tenants/aaaa%2f..%2fbbbb",
                                      "/v1/tenants/aaaa/../bbbb", "/v1/tenants//bbbb",
                                      "/v1/tenants/bbbb/",        "/v1/tenants/BBBB",
                                      "/v1/tenants/bbbb%20",      "/v1//tenants/bbbb"};
  make_tenant("aaaa");
  make_tenant("bbbb");
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    cr_assert_eq(ask_as(QUN_ROLE_OWNER, "aaaa", "GET", paths[i], NULL, qun_str("")), 404, "%s", paths[i]);
  cr_assert_eq(ask_as(QUN_ROLE_OWNER, "aaaa", "GET", "/v1/tenants/%62bbb", NULL, qun_str("")), 404);
  cr_assert_eq(ask_as(QUN_ROLE_OWNER, "aaaa", "GET", "/v1/tenants/%61aaa", NULL, qun_str("")), 200);
  cr_assert_eq(fake_engine_touched(engine, "bbbb"), 0);
}

Test(host_ops_api, every_route_lets_in_its_roles_and_no_others) {
  make_tenant("aaaa");
  for (uint32_t i = 0; i < qun__routes_count; i++) {
    const struct qun__route *route = &qun__routes[i];
    if (!strcmp(route->method, "DELETE")) continue; /* would end the table's tenant; the next test has it */
    for (int role = QUN_ROLE_NONE; role <= QUN_ROLE_AGENCY; role++) {
      char path[200];
      path_of(route, "aaaa", path);
      int status = ask_as((enum qun_role)role, role == QUN_ROLE_AGENCY ? NULL : "aaaa", route->method, path,
                          "application/json", qun_str("{}"));
      if (qun_role_in((enum qun_role)role, route->roles))
        cr_assert(status != 401 && status != 403, "%s %s as %d: %d", route->method, path, role, status);
      else
        assert_problem(role == QUN_ROLE_NONE ? 401 : 403);
    }
  }
}

Test(host_ops_api, only_the_agency_deletes_a_tenant) {
  make_tenant("aaaa");
  cr_assert_eq(ask_as(QUN_ROLE_OWNER, "aaaa", "DELETE", "/v1/tenants/aaaa", NULL, qun_str("")), 403);
  cr_assert_eq(ask("DELETE", "/v1/tenants/aaaa", ""), 200, "%s", answer.text);
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa", ""), 404);
}

/* ---- tenants and tokens */

Test(host_ops_api, a_new_tenants_tokens_work_and_end_with_it) {
  static const char *const roles[] = {"owner", "operator", "auditor", "ingest"};
  struct qun_grant grant[4];
  qun_slice tokens;
  make_tenant("aaaa");
  cr_assert(qun_mp_find(qun_pack_slice(&answer.map), "tokens", &tokens));
  for (int i = 0; i < 4; i++) {
    cr_assert_eq(qun_tokens_verify(qun_api_tokens(api), qun_mp_str(tokens, roles[i]), &grant[i]), 0);
    cr_assert_str_eq(grant[i].tenant, "aaaa");
    cr_assert_str_eq(qun_role_name(grant[i].role), roles[i]);
  }
  cr_assert_eq(ask("DELETE", "/v1/tenants/aaaa", ""), 200);
  for (int i = 0; i < 4; i++) cr_assert(!qun_tokens_still(qun_api_tokens(api), &grant[i]));
}

Test(host_ops_api, tokens_can_be_listed_added_rotated_and_revoked) {
  struct qun_unpack u;
  qun_slice list, first;
  uint32_t n;
  char path[100];
  make_tenant("aaaa");
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/tokens", "{\"role\":\"auditor\"}"), 201);
  cr_assert_eq(text_of("token").len, QUN_TOKEN_SIZE - 1);
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa/tokens", ""), 200);
  cr_assert(qun_mp_find(qun_pack_slice(&answer.map), "tokens", &list));
  qun_unpack_init(&u, list);
  cr_assert(qun_unpack_array(&u, &n) && n == 5);
  cr_assert(qun_unpack_any(&u, &first));
  qun_slice id = qun_mp_str(first, "id");
  snprintf(path, sizeof path, "/v1/tenants/aaaa/tokens/%.*s", (int)id.len, (const char *)id.ptr);
  cr_assert_eq(ask("DELETE", path, ""), 200);
  cr_assert_eq(ask("DELETE", path, ""), 404);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/tokens", "{\"role\":\"auditor\",\"rotate\":true}"), 201);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/tokens", "{\"role\":\"agency\"}"), 422);
}

Test(host_ops_api, settings_must_be_text_and_refusals_name_them) {
  make_tenant("aaaa");
  cr_assert_eq(ask("PATCH", "/v1/tenants/aaaa", "{\"settings\":{\"growth.core_share\":\"0.2\"}}"), 200);
  cr_assert_eq(ask("PATCH", "/v1/tenants/aaaa", "{\"settings\":{\"growth.core_share\":0.2}}"), 422);
  cr_assert_not_null(strstr(answer.text, "growth.core_share"));
  cr_assert_eq(ask("PATCH", "/v1/tenants/aaaa", "{\"settings\":{\"bad.key\":\"1\"}}"), 422);
  cr_assert_not_null(strstr(answer.text, "bad.key"));
  cr_assert_eq(ask("PATCH", "/v1/tenants/aaaa", "{\"settings\":{}}"), 422);
}

/* ---- events */

static int send(const char *type, const char *body) {
  return ask_as(QUN_ROLE_INGEST, "aaaa", "POST", "/v1/tenants/aaaa/events", type, qun_str(body));
}

#define EVENT(id, type)                                                                                                \
  "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"s\",\"type\":\"" type                                       \
  "\",\"member\":\"u1\",\"data\":{\"text\":\"hi\"}}"

Test(host_ops_api, events_are_answered_after_the_commit_with_what_was_refused) {
  make_tenant("aaaa");
  cr_assert_eq(send("application/cloudevents+json; charset=utf-8", EVENT("1", "message")), 200, "%s", answer.text);
  cr_assert_eq(number_of("accepted"), 1);
  cr_assert_eq(number_of("position"), 1);
  cr_assert_eq(send("application/cloudevents-batch+json", "[" EVENT("2", "message") "," EVENT("3", "nosuch") "]"), 200,
               "%s", answer.text);
  cr_assert_eq(number_of("accepted"), 1);
  cr_assert_eq(number_of("refused_total"), 1);
  cr_assert_not_null(strstr(answer.text, "\"index\":1"));
  cr_assert_not_null(strstr(answer.text, "nosuch"));
  cr_assert_eq(send("application/cloudevents-batch+json", "[]"), 200);
  cr_assert_eq(fake_engine_events(engine), 2);
}

static int send_ack(const char *ack, const char *body) {
  char path[80];
  snprintf(path, sizeof path, "/v1/tenants/aaaa/events?ack=%s", ack);
  return ask_as(QUN_ROLE_INGEST, "aaaa", "POST", path, "application/cloudevents-batch+json", qun_str(body));
}

Test(host_ops_api, a_durable_answer_is_202_with_the_journals_position) {
  make_tenant("aaaa");
  cr_assert_eq(send_ack("durable", "[" EVENT("1", "message") "," EVENT("2", "nosuch") "," EVENT("3", "message") "]"),
               202, "%s", answer.text);
  cr_assert_not_null(strstr(answer.text, "\"journaled\":2"), "%s", answer.text);
  cr_assert_not_null(strstr(answer.text, "\"refused_total\":1"), "%s", answer.text);
  cr_assert_not_null(strstr(answer.text, "\"position\":2"), "%s", answer.text);
  cr_assert_null(strstr(answer.text, "accepted"), "%s", answer.text);
  cr_assert_eq(send_ack("applied", "[" EVENT("4", "message") "]"), 200);
  cr_assert_not_null(strstr(answer.text, "\"accepted\":1"), "%s", answer.text);
  cr_assert_eq(send_ack("maybe", "[" EVENT("5", "message") "]"), 400);
  cr_assert_eq(fake_engine_events(engine), 3);
}

Test(host_ops_api, events_that_are_all_refused_are_a_problem_with_the_list) {
  make_tenant("aaaa");
  send("application/cloudevents-batch+json", "[" EVENT("3", "nosuch") "]");
  assert_problem(422);
  cr_assert_not_null(strstr(answer.text, "\"errors\":[{\"index\":0"));
  send("application/cloudevents+json", "{\"specversion\":\"1.0\"");
  cr_assert_geq(answer.status, 400);
  cr_assert_lt(answer.status, 500);
  send("text/plain", "hello");
  cr_assert_geq(answer.status, 400);
  cr_assert_lt(answer.status, 500);
  cr_assert_eq(fake_engine_batches(engine), 0);
}

static void pack_events(struct qun_pack *p) {
  qun_pack_init(p);
  qun_pack_map(p, 1);
  qun_pack_cstr(p, "events");
  qun_pack_array(p, 1);
  qun_pack_map(p, 5);
  qun_pack_kv_cstr(p, "id", "1");
  qun_pack_kv_cstr(p, "source", "s");
  qun_pack_kv_cstr(p, "type", "message");
  qun_pack_kv_cstr(p, "member", "u1");
  qun_pack_cstr(p, "data");
  qun_pack_map(p, 1);
  qun_pack_kv_cstr(p, "text", "hi");
}

Test(host_ops_api, msgpack_cut_off_anywhere_is_refused) {
  struct qun_pack p;
  make_tenant("aaaa");
  pack_events(&p);
  for (size_t n = 0; n < p.len; n++) {
    ask_as(QUN_ROLE_INGEST, "aaaa", "POST", "/v1/tenants/aaaa/events", "application/vnd.qun.events+msgpack",
           qun_slice_of(p.buf, n));
    assert_problem(400);
  }
  cr_assert_eq(ask_as(QUN_ROLE_INGEST, "aaaa", "POST", "/v1/tenants/aaaa/events", "application/vnd.qun.events+msgpack",
                      qun_pack_slice(&p)),
               200, "%s", answer.text);
  cr_assert_eq(fake_engine_events(engine), 1);
  qun_pack_fini(&p);
}

Test(host_ops_api, a_full_queue_is_429_and_takes_nothing) {
  make_tenant("aaaa");
  fake_engine_mode(engine, FAKE_FULL);
  send("application/cloudevents+json", EVENT("1", "message"));
  assert_problem(429);
  cr_assert_gt(answer.retry_after, 0);
  fake_engine_mode(engine, FAKE_COMMIT);
  cr_assert_eq(send("application/cloudevents+json", EVENT("1", "message")), 200);
  cr_assert_eq(fake_engine_events(engine), 1);
}

Test(host_ops_api, types_of_operators_are_not_for_ingest) {
  static const char body[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"channel.cost\","
                             "\"channel\":\"c\",\"data\":{\"amount\":5}}";
  make_tenant("aaaa");
  send("application/cloudevents+json", body);
  assert_problem(422);
  cr_assert_eq(ask_as(QUN_ROLE_OPERATOR, "aaaa", "POST", "/v1/tenants/aaaa/events", "application/cloudevents+json",
                      qun_str(body)),
               200, "%s", answer.text);
}

/* ---- reading */

Test(host_ops_api, the_log_never_shows_what_is_sealed) {
  make_tenant("aaaa");
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa/events", ""), 200, "%s", answer.text);
  cr_assert_not_null(strstr(answer.text, "\"text\":{\"sealed\":true}"), "%s", answer.text);
  cr_assert_not_null(strstr(answer.text, "\"member\":3"));
  cr_assert_null(strstr(answer.text, "secret-bytes"));
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa/events?after=1&limit=5", ""), 200);
  cr_assert_null(strstr(answer.text, "qun.created"));
  static const char *const bad[] = {
      "after=x",  "after=-1",  "limit=0",        "limit=1001", "limit=99999999999999999999",
      "nosuch=1", "after=%zz", "after=1&after=2"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char path[100];
    snprintf(path, sizeof path, "/v1/tenants/aaaa/events?%s", bad[i]);
    ask("GET", path, "");
    assert_problem(400);
  }
}

Test(host_ops_api, calls_pass_parameters_role_and_language) {
  make_tenant("aaaa");
  struct qun_api_request req = {.method = "POST",
                                .path = "/v1/tenants/aaaa/call/fake.echo",
                                .accept_language = "zh-CN,zh;q=0.9",
                                .body = qun_str("{\"n\":[1,null,\"\\u4f60\"]}"),
                                .role = QUN_ROLE_AUDITOR,
                                .tenant = "aaaa"};
  cr_assert_eq(ask_request(&req), 200, "%s", answer.text);
  cr_assert(qun_slice_eq(text_of("role"), qun_str("auditor")));
  cr_assert(qun_slice_eq(text_of("locale"), qun_str("zh-CN")));
  cr_assert_not_null(strstr(answer.text, "你"));
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/call/no.such", "{}"), 404);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/call/fake.echo", "[1]"), 400);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/call/fake.echo", "{\"n\":"), 400);
}

Test(host_ops_api, replay_and_proofs_check_their_bodies) {
  make_tenant("aaaa");
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/replay", "{\"mode\":\"verify\"}"), 200);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/replay",
                   "{\"mode\":\"whatif\",\"set\":{\"growth.x\":\"1\"},\"until\":\"2026-01-01T00:00:00Z\"}"),
               200);
  static const char *const bad[] = {"{}",
                                    "{\"mode\":\"other\"}",
                                    "{\"mode\":\"whatif\"}",
                                    "{\"mode\":\"verify\",\"set\":{}}",
                                    "{\"mode\":\"verify\",\"until\":\"soon\"}",
                                    "{\"mode\":7}",
                                    "{\"mode\":\"verify\",\"batch\":-1}",
                                    "[]",
                                    "{"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ask("POST", "/v1/tenants/aaaa/replay", bad[i]);
    assert_problem(400);
  }
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/audit/prove", "{\"seq\":3}"), 200);
  cr_assert_eq(number_of("size"), 5);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/audit/prove", "{\"seq\":0}"), 400);
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa/audit/checkpoint", ""), 200);
  cr_assert_str_eq(answer.text, "origin\n5\nroot\n");
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/imports", "{\"state\":\"begin\",\"format\":\"slack\",\"name\":\"x.zip\"}"),
               200);
  cr_assert_eq(ask("POST", "/v1/tenants/aaaa/imports", "{\"state\":\"middle\"}"), 400);
}

/* ---- the table */

Test(host_ops_api, what_is_not_there_says_so) {
  ask("GET", "/nosuch", "");
  assert_problem(404);
  ask("PUT", "/v1/tenants", "");
  assert_problem(405);
  cr_assert_str_eq(answer.allow, "GET, POST");
  ask("GET", "/v1/%zz", "");
  assert_problem(400);
  ask("GET", "/v1/%00", "");
  assert_problem(400);
  ask("GET", "/v1/%ff", "");
  assert_problem(400);
  ask("POST", "/v1/tenants", "{\"name\":\"a\",\"nosuch\":1}");
  assert_problem(400);
  cr_assert_not_null(strstr(answer.text, "nosuch"));
  ask("POST", "/v1/tenants", "{\"title\":\"a\"}");
  assert_problem(400);
  cr_assert_not_null(strstr(answer.text, "name"));
}

Test(host_ops_api, the_list_of_routes_is_the_table) {
  qun_slice routes;
  struct qun_unpack u;
  uint32_t n;
  cr_assert_eq(ask_as(QUN_ROLE_NONE, NULL, "GET", "/v1", NULL, qun_str("")), 200);
  cr_assert(qun_mp_find(qun_pack_slice(&answer.map), "routes", &routes));
  qun_unpack_init(&u, routes);
  cr_assert(qun_unpack_array(&u, &n));
  cr_assert_eq(n, qun__routes_count);
}

Test(host_ops_api, a_draining_api_reads_and_does_not_write) {
  make_tenant("aaaa");
  cr_assert_eq(ask("GET", "/readyz", ""), 200);
  qun_api_drain(api);
  ask("GET", "/readyz", "");
  assert_problem(503);
  cr_assert_eq(ask("GET", "/healthz", ""), 200);
  cr_assert_eq(ask("GET", "/v1/tenants/aaaa", ""), 200);
  send("application/cloudevents+json", EVENT("1", "message"));
  assert_problem(503);
}

Test(host_ops_api, public_pages_name_no_tenant) {
  static const char *const paths[] = {"/", "/v1", "/healthz", "/readyz", "/metrics"};
  make_tenant("zebra-club");
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    cr_assert_eq(ask_as(QUN_ROLE_NONE, NULL, "GET", paths[i], NULL, qun_str("")), 200);
    cr_assert_null(strstr(answer.text, "zebra-club"), "%s", paths[i]);
  }
  cr_assert_not_null(strstr(answer.text, "\nqun_tenants 1\n"));
}
