/* SPDX-License-Identifier: Apache-2.0 */
#include "host/plugins/manifest.h"

#include <qun/msgpack.h>

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A package in a folder of its own. Lines that `change` has take the place of the head's line with the same key, or
 * stand at its end. */
static char dir[] = "/tmp/qun-manifest-XXXXXX";
static char file[64];
static struct qun_error err;
static struct qun_manifest *m;

static void make_dir(void) {
  cr_assert_not_null(mkdtemp(dir));
  snprintf(file, sizeof file, "%s/plugin.yaml", dir);
}

static void drop_dir(void) {
  qun_manifest_destroy(m);
  unlink(file);
  rmdir(dir);
}

TestSuite(host_plugins_manifest, .init = make_dir, .fini = drop_dir);

static void write_file(const char *text) {
  FILE *out = fopen(file, "wb");
  cr_assert_not_null(out);
  fputs(text, out);
  fclose(out);
}

#define HEAD                                                                                                           \
  "id: points\n"                                                                                                       \
  "version: 1.0.0\n"                                                                                                   \
  "abi: 1\n"                                                                                                           \
  "library: points.so\n"                                                                                               \
  "title: {en: Points, zh: 积分}\n"                                                                                  \
  "summary: {en: Counts., zh: 计数。}\n"

static int load(const char *text) {
  write_file(text);
  return qun_manifest_load(&m, dir, &err);
}

Test(host_plugins_manifest, reads_a_whole_one) {
  cr_assert_eq(load(HEAD
                    "after: [a, b]\n"
                    "requires: [qun.store/1]\n"
                    "personal: [text]\n"
                    "isolation: in-process\n"
                    "events:\n"
                    "  subscribe: ['*', points.given]\n"
                    "  emit: [points.given, message]\n"
                    "  types:\n"
                    "    - name: points.given\n"
                    "      doc: Points were given.\n"
                    "      governs: true\n"
                    "      host: true\n"
                    "      fields:\n"
                    "        - {name: points, kind: int, required: true, unit: points, doc: how many}\n"
                    "        - {name: note, kind: str, text: true}\n"
                    "services:\n"
                    "  - {name: points.get, role: auditor, pure: true, doc: {en: Get., zh: 取。}}\n"
                    "  - {name: points.report, role: auditor, doc: {en: Report., zh: 报告。}}\n"
                    "views:\n"
                    "  - {name: top, doc: {en: The most., zh: 最多。}}\n"
                    "settings:\n"
                    "  - {name: share, kind: ratio, default: 0.2, min: 0.05, max: 1, doc: {en: S., zh: 比。}}\n"
                    "  - {name: per_day, kind: int, unit: points, default: -3, min: -10, doc: {en: P., zh: 点。}}\n"
                    "  - {name: words, kind: list, default: 'a, b', doc: {en: W., zh: 词。}}\n"
                    "limits: {store_bytes: 1000000}\n"),
               0, "%s", err.message);
  cr_expect_str_eq(m->id, "points");
  cr_expect_eq(m->after_count, 2);
  cr_expect(m->personal_text);
  cr_expect_str_eq(m->isolation, "in-process");
  cr_expect_eq(m->subscribe_count, 2);
  cr_expect_eq(m->types[0].flags, QUN_TYPE_GOVERNS | QUN_TYPE_HOST);
  cr_expect_eq(m->types[0].fields[0].flags, QUN_FIELD_REQ);
  cr_expect_eq(m->types[0].fields[1].flags, QUN_FIELD_TEXT);
  cr_expect(m->services[0].pure);
  cr_expect_str_eq(m->views[0].doc.zh, "最多。");
  cr_expect_eq(m->settings[0].min, 50000);
  cr_expect_eq(m->settings[0].max, 1000000);
  cr_expect(m->settings[1].has_min && !m->settings[1].has_max);
  cr_expect_eq(m->settings[1].min, -10);
  cr_expect_eq(m->store_bytes, 1000000);
}

Test(host_plugins_manifest, needs_little) {
  cr_assert_eq(load(HEAD), 0, "%s", err.message);
  cr_expect_str_eq(m->isolation, "any");
  cr_expect_eq(m->settings_count, 0);
  cr_expect_not(m->personal_text);
}

#define DOC "doc: {en: E., zh: 中。}"
#define GET "services: [{name: points.get, role: owner, " DOC "}]\n"
#define HTTP "requires: [qun.http/1]\n"
#define TYPE(more) "events:\n  types:\n    - name: points.x\n      doc: X.\n" more

/* Every refusal names the line and the key. */
Test(host_plugins_manifest, names_line_and_key_of_what_is_wrong) {
  static const struct {
    const char *text, *sentence;
  } cases[] = {
      {"", ":1: is empty"},
      {HEAD "colour: red\n", ":7: colour: there is no such key"},
      {HEAD "events:\n  listen: [a]\n", ":8: events.listen: there is no such key"},
      {HEAD TYPE("      fields:\n        - {name: a, kind: int}\n        - name: b\n          colour: red\n"),
       ":14: events.types[0].fields[1].colour: there is no such key"},
      {HEAD "id: again\n", ":7: id: Mapping field already seen: id"},
      {"version: 1.0.0\n", ":1: id is missing"},
      {HEAD "services:\n  - name: points.get\n    " DOC "\n", ":8: services[0]: role is missing"},
      {HEAD "after: points2\n", ":7: after: Expecting SEQUENCE, got event: SCALAR"},
      {HEAD "after: &x [a]\nrequires: *x\n", ":8: requires: YAML alias unsupported"},
      {HEAD "after: [", ":8: "},
      {HEAD "after:\n  - a\n  - Points\n", ":9: after[1]: \"Points\" is no id of a plugin"},
      {HEAD "after: [points]\n", ":7: after: points cannot come after itself"},
      {HEAD "after: [a, b, a]\n", ":7: after[2]: \"a\" stands there twice"},
      {HEAD "requires: [store]\n", ":7: requires[0]: \"store\" must be a service id such as qun.store/1"},
      {HEAD "personal: [ident]\n", ":7: personal[0]: \"ident\" must be text"},
      {HEAD "isolation: maybe\n", ":7: isolation: \"maybe\" must be any, in-process or isolated"},
      {HEAD "limits:\n  store_bytes: 64MB\n", ":8: limits.store_bytes: \"64MB\" must be a number of bytes"},
      {HEAD "events:\n  emit:\n    - qun.settings\n", ":9: events.emit[0]: only the host writes qun.settings"},
      {HEAD "events:\n  emit:\n    - other.thing\n",
       ":9: events.emit[0]: other.thing is neither a type of this plugin nor"},
      {HEAD "events:\n  subscribe: [A]\n", ":8: events.subscribe[0]: \"A\" is no event type"},
      {HEAD TYPE("      governs: yes\n"), ":11: events.types[0].governs: \"yes\" must be true or false"},
      {HEAD TYPE("    - name: points.x\n      doc: Y.\n"), ":11: events.types[1].name: there are two types points.x"},
      {HEAD "events:\n  types:\n    - {name: other.x, doc: X.}\n",
       ":9: events.types[0].name: \"other.x\" must be points.<what>"},
      {HEAD TYPE("      fields: [{name: a, kind: float}]\n"),
       ":11: events.types[0].fields[0].kind: \"float\" must be str, int,"},
      {HEAD TYPE("      fields: [{name: a, kind: int, text: true}]\n"),
       ":11: events.types[0].fields[0].text: only a str can be"},
      {HEAD TYPE("      fields: [{name: a, kind: int}, {name: a, kind: int}]\n"),
       ":11: events.types[0].fields[1]: there are two"},
      {HEAD "services:\n  - {name: get, role: owner, " DOC "}\n",
       ":8: services[0].name: \"get\" must be points.<verb>"},
      {HEAD "services:\n  - {name: points.get, role: guest, " DOC "}\n",
       ":8: services[0].role: \"guest\" must be auditor,"},
      {HEAD "services:\n  - {name: points.get, role: owner, pure: true, emits: true, " DOC "}\n",
       ":8: services[0].emits: a pure"},
      {HEAD GET "routes: [{path: a, method: GET, service: points.get}]\n", ":8: routes: routes need qun.http/1"},
      {HEAD HTTP GET "routes: [{path: a, method: PATCH, service: points.get}]\n",
       ":9: routes[0].method: \"PATCH\" must be GET, POST, PUT or DELETE"},
      {HEAD HTTP GET "routes: [{path: /a, method: GET, service: points.get}]\n",
       ":9: routes[0].path: \"/a\" must be segments"},
      {HEAD HTTP GET "routes: [{path: \"a/../b\", method: GET, service: points.get}]\n",
       ":9: routes[0].path: \"a/../b\" must be segments"},
      {HEAD HTTP GET "routes: [{path: \"{a}/{b}/{c}/{d}\", method: GET, service: points.get}]\n",
       ":9: routes[0].path: \"{a}/{b}/{c}/{d}\" has more than three names"},
      {HEAD HTTP GET "routes: [{path: a, method: GET, service: points.put}]\n",
       ":9: routes[0].service: points.put is no service of this plugin"},
      {HEAD HTTP "services: [{name: points.get, role: plugin, " DOC
                 "}]\nroutes: [{path: a, method: GET, service: points.get}]\n",
       ":9: routes[0].service: points.get is pure or for plugins alone"},
      {HEAD HTTP GET "routes: [{path: a, method: GET, service: points.get, headers: [Cookie]}]\n",
       ":9: routes[0].headers[0]: \"Cookie\" must be the name of a header in lower case"},
      {HEAD HTTP GET "routes: [{path: a, method: GET, service: points.get, headers: [authorization]}]\n",
       ":9: routes[0].headers[0]: \"authorization\" is a header that no plugin is given"},
      {HEAD HTTP GET "routes: [{path: a, method: GET, service: points.get, max_body: 1048577}]\n",
       ":9: routes[0].max_body: \"1048577\" must be a number of bytes, at most 1048576"},
      {HEAD HTTP GET
       "routes:\n  - {path: a, method: GET, service: points.get}\n  - {path: a, method: GET, service: points.get}\n",
       ":11: routes[1].path: there are two routes GET a"},
      {HEAD "intercept: [{via: spool, deadline_s: 60, otherwise: block}]\n",
       ":7: intercept: who intercepts requires qun.intercept/1 and subscribes"},
      {HEAD "intercept: [{via: spool, deadline_s: 0, otherwise: block}]\n",
       ":7: intercept[0].deadline_s: \"0\" must be 1 to 604800 seconds"},
      {HEAD "intercept: [{via: spool, deadline_s: 5, otherwise: wait}]\n",
       ":7: intercept[0].otherwise: \"wait\" must be release or block"},
      {HEAD "requires: [qun.http_client/1]\n", ":1: settings: qun.http_client/1 needs a setting http_hosts"},
      {HEAD "requires: [qun.http_client/1]\nsettings:\n  - {name: http_hosts, kind: list, default: evil.example, " DOC
            "}\n",
       ":8: settings: qun.http_client/1 needs a setting http_hosts"},
      {HEAD "views:\n  - {name: top, " DOC "}\n", ":7: views: views need a service points.report"},
      {HEAD "settings:\n  - {name: a, kind: float, default: 1, " DOC "}\n",
       ":8: settings[0].kind: \"float\" must be int, ratio,"},
      {HEAD "settings:\n  - {name: a, kind: int, " DOC "}\n", ":8: settings[0]: a has no default"},
      {HEAD "settings:\n  - name: a\n    kind: ratio\n    default: 0.1234567\n    " DOC "\n",
       ":10: settings[0].default: setting a: \"0.1234567\" must be a decimal with up to six places"},
      {HEAD "settings:\n  - name: a\n    kind: int\n    default: 9\n    max: 5\n    " DOC "\n",
       ":10: settings[0].default: setting a: 9 must be at most 5"},
      {HEAD "settings:\n  - {name: a, kind: int, default: 3, min: 4, max: 2, " DOC "}\n",
       ":8: settings[0].max: max is less than min"},
      {HEAD "settings:\n  - {name: a, kind: bool, default: true, min: 0, " DOC "}\n",
       ":8: settings[0].min: only int, ratio and"},
      {HEAD "settings:\n  - {name: a, kind: int, default: 1, " DOC "}\n  - {name: a, kind: int, default: 1, " DOC "}\n",
       ":9: settings[1].name: there are two settings a"},
      {HEAD "settings:\n  - {name: a, kind: int, default: 1, doc: {en: E.}}\n", ":8: settings[0].doc: zh is missing"},
      {HEAD "files: [../secret]\n", ":7: files[0]: \"../secret\" must be a path inside the package"},
      {HEAD "files: [/etc/passwd]\n", ":7: files[0]: \"/etc/passwd\" must be a path inside the package"},
      {HEAD "files: [data.csv]\n", ":7: files[0]: data.csv is not a file of the package"},
      {HEAD "locales: [zh.po]\n", ":7: locales[0]: \"zh.po\" must be locales/<language>.po"},
      {"id: points\nversion: 1.0\nabi: 1\nlibrary: p.so\ntitle: {en: P, zh: 点}\nsummary: {en: P, zh: 点}\n",
       ":2: version: \"1.0\" must be three numbers"},
      {"id: Points\nversion: 1.0.0\nabi: 1\nlibrary: p.so\ntitle: {en: P, zh: 点}\nsummary: {en: P, zh: 点}\n",
       ":1: id: \"Points\" must be"},
      {"id: points\nversion: 1.0.0\nabi: one\nlibrary: p.so\ntitle: {en: P, zh: 点}\nsummary: {en: P, zh: 点}\n",
       ":3: abi: \"one\" must be"},
      {"id: points\nversion: 1.0.0\nabi: 1\nlibrary: ../p.so\ntitle: {en: P, zh: 点}\nsummary: {en: P, zh: 点}\n",
       ":4: library: \"../p.so\""},
      {"id: points\nversion: 1.0.0\nabi: 1\nlibrary: p.so\ntitle: {en: P}\nsummary: {en: P, zh: 点}\n",
       ":5: title: zh is missing"},
      {HEAD "---\nmore: 1\n", ":1: Ignoring documents after first"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    err.message[0] = 0;
    cr_expect_eq(load(cases[i].text), QUN_EINVAL, "%s", cases[i].sentence);
    cr_expect(strncmp(err.message, file, strlen(file)) == 0, "%s", err.message);
    cr_expect(strncmp(err.message + strlen(file), cases[i].sentence, strlen(cases[i].sentence)) == 0,
              "want \"%s\", got \"%s\"", cases[i].sentence, err.message + strlen(file));
  }
}

Test(host_plugins_manifest, says_that_there_is_none) {
  cr_assert_eq(qun_manifest_load(&m, dir, &err), QUN_ENOTFOUND);
  cr_assert_not_null(strstr(err.message, "/plugin.yaml: No such file or directory"));
}

Test(host_plugins_manifest, refuses_a_file_of_a_megabyte_and_more) {
  FILE *out = fopen(file, "wb");
  for (int i = 0; i < 70000; i++) fputs("# no end in sight\n", out);
  fclose(out);
  cr_assert_eq(qun_manifest_load(&m, dir, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "not a file of at most 1 MiB"));
}

/* ---------------------------------------------------------------- settings */

static int64_t stored(enum qun_setting_kind kind, const char *text) {
  const struct qun_setting s = {.name = "x", .kind = kind};
  struct qun_pack p;
  struct qun_unpack u;
  int64_t v = INT64_MIN;
  qun_pack_init(&p);
  if (qun_setting_parse(&s, text, &p, &err) == 0) {
    qun_unpack_init(&u, qun_pack_slice(&p));
    cr_expect(qun_unpack_int(&u, &v));
  }
  qun_pack_fini(&p);
  return v;
}

Test(host_plugins_manifest, stores_numbers_exactly) {
  cr_expect_eq(stored(QUN_SETTING_RATIO, "0.2"), 200000);
  cr_expect_eq(stored(QUN_SETTING_RATIO, "0.1"), 100000);
  cr_expect_eq(stored(QUN_SETTING_RATIO, "-0.000001"), -1);
  cr_expect_eq(stored(QUN_SETTING_RATIO, "1"), 1000000);
  cr_expect_eq(stored(QUN_SETTING_RATIO, "0.29000000"), 290000);
  cr_expect_eq(stored(QUN_SETTING_RATIO, "9223372036854.775807"), INT64_MAX);
  cr_expect_eq(stored(QUN_SETTING_INT, "3"), 3);
  cr_expect_eq(stored(QUN_SETTING_INT, "-0"), 0);
  cr_expect_eq(stored(QUN_SETTING_MONEY, "1250"), 1250);
}

Test(host_plugins_manifest, refuses_what_is_no_such_number) {
  static const char *const ratios[] = {
      "", ".", ".5", "5.", "1e3", "0,2", " 1", "1 ", "+1", "--1", "0x1", "nan", "9223372036854.775808", "0.0000001"};
  for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
    cr_expect_eq(stored(QUN_SETTING_RATIO, ratios[i]), INT64_MIN, "%s", ratios[i]);
  cr_expect_eq(stored(QUN_SETTING_INT, "1.5"), INT64_MIN);
  cr_expect_eq(stored(QUN_SETTING_MONEY, "12.50"), INT64_MIN);
  cr_expect_str_eq(err.message,
                   "setting x: \"12.50\" must be a whole number of the currency's minor units (1250 for 12.50)");
}

Test(host_plugins_manifest, names_setting_and_bounds) {
  const struct qun_setting s = {
      .name = "share", .kind = QUN_SETTING_RATIO, .has_min = true, .has_max = true, .min = 50000, .max = 500000};
  struct qun_pack p;
  qun_pack_init(&p);
  cr_expect_eq(qun_setting_parse(&s, "0.6", &p, &err), QUN_EINVAL);
  cr_expect_str_eq(err.message, "setting share: 0.6 must be at least 0.05 and at most 0.5");
  cr_expect_eq(qun_setting_parse(&s, "half", &p, &err), QUN_EINVAL);
  cr_expect_str_eq(
      err.message,
      "setting share: \"half\" must be a decimal with up to six places, such as 0.25, at least 0.05 and at most 0.5");
  cr_expect_eq(p.len, 0);
  qun_pack_fini(&p);
}

Test(host_plugins_manifest, stores_the_other_kinds) {
  const struct qun_setting list = {.name = "l", .kind = QUN_SETTING_LIST},
                           flag = {.name = "b", .kind = QUN_SETTING_BOOL},
                           text = {.name = "s", .kind = QUN_SETTING_STRING};
  struct qun_pack p;
  struct qun_unpack u;
  uint32_t n;
  int on;
  qun_slice s;
  qun_pack_init(&p);
  cr_assert_eq(qun_setting_parse(&list, " a, b c ,,d", &p, &err), 0);
  cr_assert_eq(qun_setting_parse(&list, "", &p, &err), 0);
  cr_assert_eq(qun_setting_parse(&flag, "true", &p, &err), 0);
  cr_assert_eq(qun_setting_parse(&text, "你好", &p, &err), 0);
  cr_expect_eq(qun_setting_parse(&flag, "yes", &p, &err), QUN_EINVAL);
  cr_expect_eq(qun_setting_parse(&text, "\xff", &p, &err), QUN_EINVAL);
  qun_unpack_init(&u, qun_pack_slice(&p));
  cr_assert(qun_unpack_array(&u, &n) && n == 3);
  cr_expect(qun_unpack_str(&u, &s) && qun_slice_is(s, "a"));
  cr_expect(qun_unpack_str(&u, &s) && qun_slice_is(s, "b c"));
  cr_expect(qun_unpack_str(&u, &s) && qun_slice_is(s, "d"));
  cr_expect(qun_unpack_array(&u, &n) && n == 0);
  cr_expect(qun_unpack_bool(&u, &on) && on);
  cr_expect(qun_unpack_str(&u, &s) && qun_slice_is(s, "你好"));
  cr_expect_eq(u.at, u.end);
  qun_pack_fini(&p);
}
