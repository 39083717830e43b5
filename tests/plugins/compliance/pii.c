/* SPDX-License-Identifier: Apache-2.0 */
/* Personal data: own examples, and the fixtures in text/pii of the outside data. */
#include "plugins/compliance/pii.h"
#include "plugins/compliance/fold.h"

#include <yaml.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qun_folder folder;

/* 1 if the text has an item of one of the kinds; its original text goes to `what`. */
static int finds(const char *text, uint32_t kinds, char *what, size_t cap) {
  struct qun_pii_hit hits[16];
  cr_assert_eq(qun__fold(&folder, text, strlen(text)), 0);
  size_t n = qun__pii_find(folder.text, folder.len, hits, 16);
  for (size_t i = 0; i < n; i++) {
    size_t start, end;
    if (!(hits[i].kind & kinds)) continue;
    qun__fold_origin(&folder, hits[i].from, hits[i].to, &start, &end);
    snprintf(what, cap, "%.*s", (int)(end - start), text + start);
    return 1;
  }
  what[0] = 0;
  return 0;
}

Test(plugins_compliance_pii, knows_each_kind_and_refuses_wrong_check_digits) {
  static const struct {
    const char *text;
    uint32_t kind;
    int there;
  } cases[] = {
      {"11010519491231002X", QUN_PII_ID, 1},
      {"110105194912310021", QUN_PII_ID, 0},
      {"440524188001010014", QUN_PII_ID, 1},
      {"110101201302290014", QUN_PII_ID, 0},
      {"000000200001010013", QUN_PII_ID, 0},
      {"身份证110101 19900307 4610", QUN_PII_ID, 1},
      {"4111111111111111", QUN_PII_CARD, 1},
      {"4111111111111112", QUN_PII_CARD, 0},
      {"卡号6205500000000000004", QUN_PII_CARD, 1},
      {"91350100M000100Y43", QUN_PII_USCC, 1},
      {"91350100M000100Y44", QUN_PII_USCC, 0},
      {"13800138000", QUN_PII_MOBILE, 1},
      {"12800138000", QUN_PII_MOBILE, 0},
      {"一三八零零一三八零零零", QUN_PII_MOBILE, 1},
      {"+86 138-0013-8000", QUN_PII_MOBILE, 1},
      {"订单1380013800012", QUN_PII_MOBILE, 0},
      {"张三13812345678", QUN_PII_MOBILE, 1},
      {"京A12345", QUN_PII_PLATE, 1},
      {"京I12345", QUN_PII_PLATE, 0},
      {"粤B12345D", QUN_PII_PLATE, 1},
      {"zhang.san+a＠example.com", QUN_PII_EMAIL, 1},
      {"a@b", QUN_PII_EMAIL, 0},
      {"QQ：987654321", QUN_PII_QQ, 1},
      {"数字是987654321", QUN_PII_QQ, 0},
      {"加我wx: test_user88", QUN_PII_WECHAT, 1},
      {"用户名test_user88", QUN_PII_WECHAT, 0},
      {"座机010-12345678", QUN_PII_LANDLINE, 1},
      {"2026年一二三四五六七八九", QUN_PII_MOBILE, 0},
  };
  char what[200];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_eq(finds(cases[i].text, cases[i].kind, what, sizeof what), cases[i].there, "%s", cases[i].text);
  qun__folder_fini(&folder);
}

Test(plugins_compliance_pii, keeps_within_bounds_on_any_bytes) {
  struct qun_pii_hit hits[4];
  uint32_t seed = 1;
  for (int round = 0; round < 3000; round++) {
    char text[64];
    size_t n = 0;
    for (; n < sizeof text; n++) {
      seed = seed * 1664525u + 1013904223u;
      text[n] = "0123456789x@.- wqvxa京\xe4\xb8\x80"[(seed >> 16) % 26];
    }
    size_t count = qun__pii_find(text, n, hits, 4);
    for (size_t i = 0; i < count; i++) cr_assert(hits[i].from < hits[i].to && hits[i].to <= n);
  }
}

/* ---- outside data. JSON is YAML: libyaml reads it. */

static yaml_node_t *value_of(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
    if (strcmp((char *)yaml_document_get_node(doc, p->key)->data.scalar.value, key) == 0)
      return yaml_document_get_node(doc, p->value);
  return NULL;
}

static const char *text_of(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  yaml_node_t *n = value_of(doc, map, key);
  return n ? (const char *)n->data.scalar.value : "";
}

static uint32_t kinds_of(const char *type) {
  static const struct {
    const char *type;
    uint32_t kinds;
  } known[] = {{"bank_card", QUN_PII_CARD},
               {"id_number", QUN_PII_ID},
               {"license_plate", QUN_PII_PLATE},
               {"phone", QUN_PII_MOBILE | QUN_PII_LANDLINE},
               {"qq", QUN_PII_QQ},
               {"wechat", QUN_PII_WECHAT},
               {"cn-id18", QUN_PII_ID},
               {"luhn", QUN_PII_CARD},
               {"uscc", QUN_PII_USCC},
               {"mobile", QUN_PII_MOBILE},
               {"plate", QUN_PII_PLATE},
               {"email", QUN_PII_EMAIL}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].type, type) == 0) return known[i].kinds;
  cr_assert_fail("no kind for %s", type);
  return 0;
}

static FILE *open_data(const char *name) {
  char path[600];
  const char *root = getenv("QUN_SHARED_DATA");
  snprintf(path, sizeof path, "%s/text/%s", root ? root : "../shared/data", name);
  FILE *file = fopen(path, "rb");
  if (!file) cr_skip_test("%s is not there", path);
  return file;
}

static int check_file(const char *name) {
  yaml_parser_t parser;
  yaml_document_t doc;
  FILE *file = open_data(name);
  int count = 0;
  char what[200];
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_file(&parser, file);
  cr_assert(yaml_parser_load(&parser, &doc), "%s", name);
  yaml_node_t *root = yaml_document_get_root_node(&doc);
  for (yaml_node_item_t *i = root->data.sequence.items.start; i < root->data.sequence.items.top; i++, count++) {
    const yaml_node_t *one = yaml_document_get_node(&doc, *i);
    const char *input = text_of(&doc, one, "input"), *expected = text_of(&doc, one, "expected_text");
    int want = strcmp(text_of(&doc, one, "should_match"), "true") == 0;
    int got = finds(input, kinds_of(text_of(&doc, one, "type")), what, sizeof what);
    cr_expect_eq(got, want, "%s: %s", name, input);
    if (want && *expected) cr_expect_str_eq(what, expected, "%s: %s", name, input);
  }
  yaml_document_delete(&doc);
  yaml_parser_delete(&parser);
  fclose(file);
  return count;
}

Test(plugins_compliance_pii, agrees_with_the_fixtures) {
  static const char *const files[] = {"pii/zh_bank_card.json", "pii/zh_id_number.json", "pii/zh_license_plate.json",
                                      "pii/zh_phone.json", "pii/zh_social_account.json"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) cr_expect_gt(check_file(files[i]), 0);
  qun__folder_fini(&folder);
}

Test(plugins_compliance_pii, agrees_with_the_table_of_values) {
  FILE *file = open_data("pii-test-values.tsv");
  char line[400], what[200];
  int count = 0;
  while (fgets(line, sizeof line, file)) {
    char *save, *kind = strtok_r(line, "\t", &save), *value = strtok_r(NULL, "\t", &save),
                *expected = strtok_r(NULL, "\t", &save);
    if (*kind == '#' || !value || !expected) continue;
    /* By MOD 11-2 the check digit of this value is 4, not 9: the table is wrong in this line. */
    if (strcmp(value, "810000199901010019") == 0) continue;
    cr_expect_eq(finds(value, kinds_of(kind), what, sizeof what), *expected == '1', "%s %s", kind, value);
    count++;
  }
  fclose(file);
  cr_expect_gt(count, 15);
  qun__folder_fini(&folder);
}
