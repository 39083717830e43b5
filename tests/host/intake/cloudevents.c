/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/cloudevents.h"

#include "support.h"

#include <stdlib.h>
#include <strings.h>

struct header {
  const char *name, *value;
};

struct request {
  struct header headers[24];
  size_t count;
};

static const char *get(void *arg, const char *name) {
  const struct request *r = arg;
  for (size_t i = 0; i < r->count; i++)
    if (strcasecmp(r->headers[i].name, name) == 0) return r->headers[i].value;
  return NULL;
}

struct outcome {
  int rc;
  struct qun_pack events;
  struct qun_refusals refusals;
  struct qun_error err;
};

static void read_request(struct outcome *o, struct request *r, qun_slice body, size_t max_bytes) {
  memset(o, 0, sizeof *o);
  struct qun_cloudevents_request q = {.content_type = get(r, "content-type"),
                                      .header = get,
                                      .header_arg = r,
                                      .body = body,
                                      .limits = {.bytes = max_bytes}};
  o->rc = qun_cloudevents_read(&o->events, &o->refusals, &q, &o->err);
}

static void end(struct outcome *o) {
  qun_pack_fini(&o->events);
  qun_refusals_fini(&o->refusals);
}

static const struct {
  struct request r;
  const char *body;
  int rc;
  const char *want; /* the first event as JSON, or the message */
} cases[] = {
    /* binary */
    {{{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/s"}, {"ce-type", "join"}}, 4},
     "",
     1,
     "{\"id\":\"1\",\"source\":\"/s\",\"type\":\"join\"}"},
    {{{{"ce-specversion", "1.0"},
       {"ce-id", "\"a\\\"b\""},
       {"ce-source", "%E7%BE%A4%2541"},
       {"ce-type", "join"},
       {"ce-member", "100%"},
       {"ce-group", "%zz"},
       {"ce-lang", "zh-CN"},
       {"ce-channel", "kol"},
       {"ce-subject", "x y"},
       {"ce-time", "2026-11-21T08:00:00Z"},
       {"ce-traceparent", "00-ab"},
       {"Content-Type", "application/json; charset=utf-8"}},
      12},
     "{\"code\":\"c\"}",
     1,
     "{\"id\":\"a\\\"b\",\"source\":\"群%41\",\"type\":\"join\",\"time\":\"2026-11-21T08:00:00Z\",\"subject\":\"x "
     "y\",\"member\":\"100%\","
     "\"group\":\"%zz\",\"channel\":\"kol\",\"lang\":\"zh-CN\",\"data\":{\"code\":\"c\"}}"},
    {{{{"ce-id", "1"}}, 1},
     "",
     QUN_EINVAL,
     "the header ce-specversion is missing (binary mode, as Content-Type is not application/cloudevents)"},
    {{{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-type", "t"}}, 3},
     "",
     QUN_EINVAL,
     "the header ce-source is missing (binary mode, as Content-Type is not application/cloudevents)"},
    {{{{"ce-specversion", "0.3"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "t"}}, 4},
     "",
     QUN_EINVAL,
     "ce-specversion must be 1.0 (got \"0.3\")"},
    {{{{"ce-specversion", "1.0"}, {"ce-id", "%ff"}, {"ce-source", "s"}, {"ce-type", "t"}}, 4},
     "",
     QUN_EINVAL,
     "ce-id is not valid UTF-8 text without NUL"},
    {{{{"ce-specversion", "1.0"}, {"ce-id", "a%00"}, {"ce-source", "s"}, {"ce-type", "t"}}, 4},
     "",
     QUN_EINVAL,
     "ce-id is not valid UTF-8 text without NUL"},
    {{{{"ce-specversion", "1.0"},
       {"ce-id", "1"},
       {"ce-source", "s"},
       {"ce-type", "t"},
       {"ce-datacontenttype", "text/xml"}},
      5},
     "",
     QUN_EINVAL,
     "the header ce-datacontenttype must not be there: Content-Type says it"},
    {{{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "t"}, {"content-type", "text/plain"}},
      5},
     "hello",
     QUN_EUNSUPPORTED,
     "Content-Type \"text/plain\" is not JSON"},
    {{{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "t"}}, 4},
     "{\"a\":1,\n\"a\":2}",
     QUN_EINVAL,
     "data: line 2, column 7: the key \"a\" is given twice"},
    /* structured */
    {{{{"content-type", "application/cloudevents+json; charset=utf-8"}}, 1},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\",\"time\":null,"
     "\"traceparent\":\"x\","
     "\"dataschema\":\"y\",\"datacontenttype\":\"application/vnd.x+json\",\"data\":{\"code\":\"c\"}}",
     1,
     "{\"id\":\"1\",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\",\"data\":{\"code\":\"c\"}}"},
    {{{{"content-type", "Application/CloudEvents"}}, 1},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"data_base64\":\"eyJjb2RlIjoiYyJ9\"}",
     1,
     "{\"id\":\"1\",\"data\":{\"code\":\"c\"}}"},
    {{{{"content-type", "application/cloudevents+json"}}, 1}, "{\"id\":\"1\"}", QUN_EINVAL, "specversion is missing"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "{\"specversion\":1.0}",
     QUN_EINVAL,
     "specversion must be \"1.0\" (got \"\")"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "{\"specversion\":\"1.0\",\"datacontenttype\":\"text/plain\",\"data\":\"x\"}",
     QUN_EUNSUPPORTED,
     "datacontenttype \"text/plain\" is not JSON"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "{\"specversion\":\"1.0\",\"data\":1,\"data_base64\":\"\"}",
     QUN_EINVAL,
     "data and data_base64 are both given"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "{\"specversion\":\"1.0\",\"data_base64\":\"*\"}",
     QUN_EINVAL,
     "data_base64 is not base64"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "{\"specversion\":\"1.0\",\"data_base64\":\"AAH/\"}",
     QUN_EINVAL,
     "data_base64: line 1, column 1: not valid UTF-8 text without NUL"},
    {{{{"content-type", "application/cloudevents+json"}}, 1},
     "[]",
     QUN_EINVAL,
     "an event must be an object (got a list)"},
    {{{{"content-type", "application/cloudevents+avro"}}, 1},
     "x",
     QUN_EUNSUPPORTED,
     "Content-Type \"application/cloudevents+avro\": of the event formats only JSON is read"},
    /* batch */
    {{{{"content-type", "application/cloudevents-batch+json"}}, 1}, "[]", 0, ""},
    {{{{"content-type", "application/cloudevents-batch+json"}}, 1},
     "{}",
     QUN_EINVAL,
     "a batch must be a list of events"},
};

Test(host_intake_cloudevents, reads_each_mode) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct request r = cases[i].r;
    struct outcome o;
    read_request(&o, &r, qun_str(cases[i].body), 0);
    cr_assert_eq(o.rc, cases[i].rc, "case %zu: %s", i, o.err.message);
    if (o.rc > 0) cr_assert_str_eq(as_json(qun_pack_slice(&o.events)), cases[i].want);
    if (o.rc < 0) cr_assert_str_eq(o.err.message, cases[i].want);
    if (o.rc < 0) cr_assert_eq(o.events.len, 0);
    end(&o);
  }
}

#define EVENT(id, more) "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"s\",\"type\":\"join\"" more "}"

static struct request batch_request(void) {
  return (struct request){{{"content-type", "application/cloudevents-batch+json; charset=utf-8"}}, 1};
}

Test(host_intake_cloudevents, refuses_single_events_of_a_batch) {
  static const char body[] =
      "[" EVENT("1", "") ",{\"id\":\"2\"}," EVENT("3", ",\"x\":1,\"x\":2") "," EVENT("4", "") ",7]";
  struct request r = batch_request();
  struct outcome o;
  read_request(&o, &r, qun_str(body), 0);
  cr_assert_eq(o.rc, 5, "%s", o.err.message);
  cr_assert_eq(o.refusals.count, 3);
  cr_assert_eq(o.refusals.items[0].index, 1);
  cr_assert_str_eq(o.refusals.items[0].reason, "specversion is missing");
  cr_assert_eq(o.refusals.items[1].index, 2);
  cr_assert_str_eq(o.refusals.items[1].reason, "the key \"x\" is given twice");
  cr_assert_eq(o.refusals.items[2].index, 4);
  struct qun_unpack u;
  qun_slice event;
  qun_unpack_init(&u, qun_pack_slice(&o.events));
  cr_assert(qun_unpack_any(&u, &event) && qun_unpack_nil(&u) && qun_unpack_nil(&u));
  cr_assert(qun_unpack_any(&u, &event));
  cr_assert_str_eq(as_json(event), "{\"id\":\"4\",\"source\":\"s\",\"type\":\"join\"}");
  cr_assert(qun_unpack_nil(&u) && u.at == u.end);
  end(&o);
}

Test(host_intake_cloudevents, names_the_place_where_a_batch_breaks) {
  struct request r = batch_request();
  struct outcome o;
  read_request(&o, &r, qun_str("[" EVENT("1", "") ",\n{\"id\" 5}]"), 0);
  cr_assert_eq(o.rc, QUN_EINVAL);
  cr_assert(strstr(o.err.message, "line 2, column "), "%s", o.err.message);
  cr_assert_eq(o.events.len, 0);
  cr_assert_eq(o.refusals.total, 0);
  end(&o);
}

Test(host_intake_cloudevents, refuses_a_body_over_the_limit) {
  struct request r = batch_request();
  struct outcome o;
  char *body = malloc(5000);
  memset(body, ' ', 5000);
  read_request(&o, &r, qun_slice_of(body, 5000), 4999);
  cr_assert_eq(o.rc, QUN_EQUOTA);
  cr_assert_str_eq(o.err.message, "the body is too long: 5000 bytes, at most 4999 are allowed");
  free(body);
  end(&o);
}

/* ---------------------------------------------------------------- what others wrote */

/* The example requests of the conformance suite's feature file: "{{{" blocks between three double quotes, <contentType>
 * filled in. */
static int feature_request(struct request *r, char *text, const char *content_type, char **body) {
  char *save = NULL;
  int in_head = 1;
  r->count = 0;
  *body = NULL;
  for (char *line = text; line; line = save) {
    save = strchr(line, '\n');
    if (save) *save++ = '\0';
    line += strspn(line, " ");
    if (in_head && *line == '\0' && r->count > 0) {
      *body = save;
      return 1;
    }
    char *colon = strstr(line, ": ");
    if (!colon || r->count == 24) continue;
    *colon = '\0';
    const char *value = strcmp(colon + 2, "<contentType>") == 0 ? content_type : colon + 2;
    r->headers[r->count++] = (struct header){line, value};
  }
  return 0;
}

static void check_feature(const char *block, size_t n, const char *content_type) {
  struct request r;
  struct outcome o;
  char *text = strndup(block, n), *body;
  cr_assert(feature_request(&r, text, content_type, &body));
  read_request(&o, &r, qun_str(body), 0);
  cr_assert_eq(o.rc, 1, "%s", o.err.message);
  cr_assert_str_eq(as_json(qun_pack_slice(&o.events)),
                   "{\"id\":\"1234-1234-1234\",\"source\":\"/mycontext/subcontext\",\"type\":\"com.example.someevent\","
                   "\"time\":\"2018-04-05T03:56:24Z\",\"data\":{\"message\":\"Hello World!\"}}");
  end(&o);
  free(text);
}

Test(host_intake_cloudevents, passes_the_conformance_examples) {
  static const char *const types[] = {"application/json", "application/json; charset=utf-8",
                                      "application/cloudevents+json", "application/cloudevents+json; charset=utf-8"};
  const char *path = shared_file("connectors/cloudevents-conformance/features/http-protocol-binding.feature");
  if (!path) cr_skip_test("no conformance cases");
  char *text = read_text_file(path);
  int found = 0;
  for (char *at = text; (at = strstr(at, "Given an HTTP request"));) {
    char *from = strstr(at, "\"\"\"\n"), *to = from ? strstr(from + 3, "\"\"\"") : NULL;
    cr_assert(from && to);
    check_feature(from + 4, (size_t)(to - from - 4), types[2 * found]);
    check_feature(from + 4, (size_t)(to - from - 4), types[2 * found + 1]);
    found++;
    at = to + 3;
  }
  cr_assert_eq(found, 2);
  free(text);
}

static void check_capture(qun_slice capture, int index) {
  struct request r = {.count = 0};
  struct outcome o;
  struct qun_unpack u;
  qun_slice headers, s;
  static char store[24][300];
  uint32_t count;
  cr_assert(qun_mp_find(capture, "rawHeaders", &headers));
  qun_unpack_init(&u, headers);
  cr_assert(qun_unpack_array(&u, &count) && count <= 24);
  for (uint32_t i = 0; i < count; i++) {
    cr_assert(qun_unpack_str(&u, &s));
    snprintf(store[i], sizeof store[i], "%.*s", (int)s.len, (const char *)s.ptr);
    if (i % 2) r.headers[r.count++] = (struct header){store[i - 1], store[i]};
  }
  read_request(&o, &r, qun_mp_str(capture, "body"), 0);
  if (index < 2) {
    cr_assert_eq(o.rc, 1, "%s", o.err.message);
    cr_assert_str_eq(as_json(qun_pack_slice(&o.events)),
                     "{\"id\":\"a1\",\"source\":\"/wecom/"
                     "ww123\",\"type\":\"com.example.member.joined\",\"time\":\"2025-11-24T12:00:00.123Z\","
                     "\"subject\":\"room 7/new\",\"data\":{\"member\":\"张三\",\"n\":1}}");
  } else {
    cr_assert_eq(o.rc, QUN_EUNSUPPORTED);
    cr_assert_str_eq(o.err.message, "datacontenttype \"application/octet-stream\" is not JSON");
  }
  end(&o);
}

Test(host_intake_cloudevents, reads_what_a_real_client_sent) {
  const char *path = shared_file("connectors/client-captures.json");
  if (!path) cr_skip_test("no captures");
  char *text = read_text_file(path);
  struct qun_pack all;
  struct qun_error err = {0};
  struct qun_unpack u;
  qun_slice list, capture;
  uint32_t count;
  qun_pack_init(&all);
  cr_assert_eq(qun_json_to_msgpack(&all, qun_str(text), &err), 0, "%s", err.message);
  cr_assert(qun_mp_find(qun_pack_slice(&all), "cloudevents", &list));
  qun_unpack_init(&u, list);
  cr_assert(qun_unpack_array(&u, &count));
  cr_assert_eq(count, 3);
  for (int i = 0; qun_unpack_any(&u, &capture); i++) check_capture(capture, i);
  qun_pack_fini(&all);
  free(text);
}

Test(host_intake_cloudevents, takes_events_through_the_gate) {
  struct gate g;
  struct request r = batch_request();
  struct qun_refusals refusals = {0};
  struct qun_error err = {0};
  uint32_t total = 0;
  gate_open(&g);
  struct qun_cloudevents_request q = {
      .content_type = get(&r, "content-type"),
      .header = get,
      .header_arg = &r,
      .body = qun_str("[" EVENT("1", ",\"data\":{\"colour\":1}") ",{}," EVENT("3", ",\"member\":\"u\"") "]")};
  cr_assert_eq(qun_cloudevents_take(&g.n, &g.batch, &refusals, &q, &total, &err), 1, "%s", err.message);
  cr_assert_eq(total, 3);
  cr_assert_eq(g.batch.count, 1);
  cr_assert_eq(refusals.count, 2);
  cr_assert_eq(refusals.items[0].index, 0);
  cr_assert_str_eq(refusals.items[0].reason,
                   "data.colour: \"join\" has no such field; it has inviter, code, consent, session, time_inferred");
  cr_assert_eq(refusals.items[1].index, 1);
  qun_refusals_fini(&refusals);
  gate_close(&g);
}

/* Usual events go one way, unusual ones another; both end alike. */
Test(host_intake_cloudevents, usual_and_unusual_events_of_a_batch_pass_the_same_gate) {
#define REST ",\"source\":\"s\",\"type\":\"join\",\"member\":\"u\""
  static const struct {
    const char *event, *reason; /* NULL: taken */
  } table[] = {
      {"{\"specversion\":\"1.0\",\"id\":\"1\"" REST "}", NULL},
      {"{\"id\":\"2\",\"traceparent\":\"00-1\",\"x\":[1,{}]" REST ",\"specversion\":\"1.0\"}", NULL},
      {"{\"specversion\":\"1.0\",\"data\":{\"code\":\"c\"},\"id\":\"3\"" REST "}", NULL},
      {"{\"specversion\":\"1.0\",\"id\":\"4\",\"data_base64\":\"e30=\"" REST "}", NULL},
      {"{\"specversion\":\"1.0\",\"id\":\"5\",\"subject\":null,\"datacontenttype\":\"text/json\"" REST "}", NULL},
      {"{\"specversion\":\"1.0\",\"id\":\"6\",\"datacontenttype\":\"application/json\",\"data\":null" REST "}", NULL},
      {"{\"id\":\"7\"" REST "}", "specversion is missing"},
      {"{\"specversion\":\"0.3\",\"id\":\"8\"" REST "}", "specversion must be \"1.0\" (got \"0.3\")"},
      {"{\"specversion\":\"1.0\",\"id\":\"9\",\"datacontenttype\":\"text/xml\"" REST "}",
       "datacontenttype \"text/xml\" is not JSON"},
      {"{\"specversion\":\"1.0\",\"id\":\"10\",\"data\":{},\"data_base64\":\"e30=\"" REST "}",
       "data and data_base64 are both given"},
      {"7", "an event must be an object (got an integer)"},
      {"{\"specversion\":\"1.0\",\"id\":\"\"" REST "}", "id is empty"},
  };
  enum { EVENTS = sizeof table / sizeof *table, TAKEN = 6 };
  struct gate g;
  struct request r = batch_request();
  struct qun_refusals refusals = {0};
  struct qun_error err = {0};
  char body[4096] = "[";
  gate_open(&g);
  for (int i = 0; i < EVENTS; i++) {
    if (i > 0) strcat(body, ",");
    strcat(body, table[i].event);
  }
  strcat(body, "]");
  struct qun_cloudevents_request q = {.content_type = get(&r, "content-type"),
                                      .header = get,
                                      .header_arg = &r,
                                      .body = qun_str(body)};
  cr_assert_eq(qun_cloudevents_take(&g.n, &g.batch, &refusals, &q, NULL, &err), TAKEN, "%s", err.message);
  cr_assert_eq(refusals.count, EVENTS - TAKEN);
  for (int i = 0; i < EVENTS; i++) {
    char id[8];
    snprintf(id, sizeof id, "%d", i + 1);
    if (i < TAKEN) {
      cr_expect(qun_slice_is(g.batch.items[i].id, id), "event %d", i);
      continue;
    }
    cr_expect_eq(refusals.items[i - TAKEN].index, i);
    cr_expect_str_eq(refusals.items[i - TAKEN].reason, table[i].reason);
  }
  qun_refusals_fini(&refusals);
  gate_close(&g);
}

Test(host_intake_cloudevents, survives_any_change_of_its_bytes) {
  static const char body[] = "[" EVENT("1", ",\"data\":{\"code\":\"c\",\"n\":[1,2.5,null,true]}") ",{}]";
  struct request r = batch_request();
  uint32_t seed = 3;
  char *bytes = malloc(sizeof body);
  for (int i = 0; i < 5000; i++) {
    struct outcome o;
    memcpy(bytes, body, sizeof body);
    for (int changes = 0; changes < 2; changes++) {
      seed = seed * 1664525u + 1013904223u;
      bytes[(seed >> 8) % (sizeof body - 1)] = (char)(seed >> 24);
    }
    read_request(&o, &r, qun_slice_of(bytes, sizeof body - 1), 0);
    cr_assert(o.rc >= 0 || o.err.message[0]);
    end(&o);
  }
  free(bytes);
}
