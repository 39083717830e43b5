/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/compliance/days.h"
#include "plugins/compliance/rule.h"
#include "plugins/compliance/scan.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "%s", path);
  char *body = malloc(1 << 20);
  *len = fread(body, 1, 1 << 20, file);
  fclose(file);
  return body;
}

Test(plugins_compliance_pack, reads_every_pack_of_the_plugin) {
  struct qun_rules rules = {.pool = qun__pool_create()};
  struct qun_holidays *holidays = calloc(1, sizeof *holidays);
  struct qun_scanner *scanner;
  char message[400], path[600];
  DIR *dir = opendir(QUN_SOURCE_DIR "/plugins/compliance/packs");
  int packs = 0;
  cr_assert_not_null(dir);
  for (struct dirent *e; (e = readdir(dir));) {
    size_t len;
    if (!strstr(e->d_name, ".yaml")) continue;
    snprintf(path, sizeof path, QUN_SOURCE_DIR "/plugins/compliance/packs/%s", e->d_name);
    char *body = read_file(path, &len);
    int error = strncmp(e->d_name, "holidays", 8) == 0
                    ? qun__holidays_parse(holidays, e->d_name, qun_slice_of(body, len), message, sizeof message)
                    : qun__pack_parse(&rules, e->d_name, qun_slice_of(body, len), message, sizeof message);
    cr_expect_eq(error, 0, "%s", message);
    free(body);
    packs++;
  }
  closedir(dir);
  cr_expect_geq(packs, 12);
  cr_expect_geq(rules.count, 150u);
  cr_assert_eq(qun__scanner_create(&scanner, &rules, message, sizeof message), 0, "%s", message);
  qun__scanner_destroy(scanner);
  qun__pool_destroy(rules.pool);
  free(holidays);
}

#define HEAD "pack: p\ntitle: {en: P, zh: P}\nlaw: {en: L, zh: L}\ncountry: [CN]\nsince: 2020-01-01\nrules:\n"
#define RULE                                                                                                           \
  "  - id: X-1\n    article: \"1\"\n    title: {en: t, zh: t}\n    conf: V\n    severity: S1\n    remedy: {en: r, "    \
  "zh: r}\n"

Test(plugins_compliance_pack, refuses_what_is_wrong_and_names_file_line_and_key) {
  static const struct {
    const char *body, *words;
  } cases[] = {
      {HEAD RULE "    kind: text\n    detector: lexicon\n    terms: [a]\n    colour: red\n",
       "f.yaml:16: colour: unknown key"},
      {HEAD RULE "    kind: text\n    detector: lexicon\n", "f.yaml:7: terms|patterns: the detector needs"},
      {HEAD RULE "    kind: text\n    detector: nothing\n", "f.yaml:14: detector: no such detector"},
      {HEAD RULE "    kind: record\n    detector: lexicon\n    event: join\n",
       "detector: this detector is for another kind"},
      {HEAD RULE "    kind: record\n    detector: fields\n    event: jion\n    fields: [code]\n",
       "event: no such event type"},
      {HEAD RULE "    kind: record\n    detector: fields\n    event: join\n    fields: [colour]\n",
       "fields: the event has no such field"},
      {HEAD RULE "    kind: record\n    detector: fields\n    event: join\n    fields: [code]\n    terms: [x]\n",
       "terms: not for this kind"},
      {HEAD RULE "    kind: text\n    detector: pii\n    pii: [shoe]\n", "pii: no such kind"},
      {HEAD RULE "    kind: manual\n", "reason: missing"},
      {HEAD RULE RULE "    kind: manual\n", "kind: missing"},
      {HEAD RULE "    kind: text\n    detector: lexicon\n    terms: [a]\n    min_terms: x\n",
       "min_terms: a whole number"},
      {HEAD RULE "    kind: text\n    detector: lexicon\n    terms: [a]\n    gate: {is_add: true}\n",
       "is_add: unknown key of gate"},
      {HEAD "  - id: X\n    severity: S9\n", "f.yaml:8: severity: S1, S2, S3 or S4"},
      {HEAD "  - id: X\n    id: Y\n", "f.yaml:8: id: stands twice"},
      {"pack: p\ntitle: {en: P}\n", "title: both en and zh"},
      {"pack: p\ncolour: x\n", "f.yaml:2: colour: unknown key of a pack"},
      {"pack: [\n", "f.yaml:2:"},
  };
  char message[400];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct qun_rules rules = {.pool = qun__pool_create()};
    cr_expect_eq(qun__pack_parse(&rules, "f.yaml", qun_str(cases[i].body), message, sizeof message), QUN_EINVAL,
                 "case %zu", i);
    cr_expect_not_null(strstr(message, cases[i].words), "case %zu: %s", i, message);
    qun__pool_destroy(rules.pool);
  }
}

Test(plugins_compliance_pack, refuses_a_pattern_that_cannot_be_compiled) {
  struct qun_rules rules = {.pool = qun__pool_create()};
  struct qun_scanner *scanner = NULL;
  char message[400];
  cr_assert_eq(qun__pack_parse(&rules, "f.yaml",
                               qun_str(HEAD RULE "    kind: text\n    detector: lexicon\n    patterns: ['a(b']\n"),
                               message, sizeof message),
               0);
  cr_assert_eq(qun__scanner_create(&scanner, &rules, message, sizeof message), QUN_EINVAL);
  cr_assert_not_null(strstr(message, "X-1: a(b"), "%s", message);
  qun__pool_destroy(rules.pool);
}

static int32_t day(const char *text) {
  int32_t d = 0;
  cr_assert_eq(qun__day_parse(text, &d), 0, "%s", text);
  return d;
}

Test(plugins_compliance_pack, counts_working_days_by_the_dated_table) {
  size_t len;
  char message[400], *body = read_file(QUN_SOURCE_DIR "/plugins/compliance/packs/holidays-cn.yaml", &len);
  struct qun_holidays *h = calloc(1, sizeof *h);
  int32_t due;
  int missing = 0;
  cr_assert_eq(qun__holidays_parse(h, "holidays-cn.yaml", qun_slice_of(body, len), message, sizeof message), 0, "%s",
               message);
  cr_assert_eq(qun__holidays_add(h, day("2026-03-02"), 15, &due, &missing), 0);
  cr_expect_eq(due, day("2026-03-23"));
  /* over Spring Festival: 14 February (a Saturday) is worked, 15 to 23 February are off, 28 February is worked */
  cr_assert_eq(qun__holidays_add(h, day("2026-02-13"), 2, &due, &missing), 0);
  cr_expect_eq(due, day("2026-02-24"));
  cr_assert_eq(qun__holidays_add(h, day("2026-02-27"), 1, &due, &missing), 0);
  cr_expect_eq(due, day("2026-02-28"));
  cr_expect_eq(qun__holidays_add(h, day("2015-03-02"), 1, &due, &missing), QUN_ENOTFOUND);
  cr_expect_eq(missing, 2015);
  cr_expect_eq(qun__holidays_add(h, day("2026-12-30"), 15, &due, &missing), QUN_ENOTFOUND);
  cr_expect_eq(missing, 2027);
  free(body);
  free(h);
}

Test(plugins_compliance_pack, knows_the_calendar) {
  int32_t d;
  cr_expect_eq(day("1970-01-01"), 0);
  cr_expect_eq(day("2026-03-02"), 20514);
  cr_expect_eq(qun__day_add_months(day("2026-01-31"), 1), day("2026-02-28"));
  cr_expect_eq(qun__day_add_months(day("2026-12-15"), 1), day("2027-01-15"));
  cr_expect_eq(qun__day_parse("2026-02-29", &d), -1);
  cr_expect_eq(qun__day_parse("2026-2-1", &d), -1);
}
