/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the text rules on labelled texts of the outside data, and their speed: a program for people, not a test.
 *     build/tests/compliance_measure ../shared/data/text
 */
#include "plugins/compliance/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yaml.h>

enum { LABELS = 16, BODY_MAX = 16 << 20 };

struct label {
  char name[40];
  int texts, hit, s1;
};

struct measure {
  struct qun_rules rules;
  struct qun_scanner *scanner;
  uint8_t *bound;
  struct label labels[LABELS];
  int count;
};

/* Processor seconds of this process: others on the machine do not count. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_all(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  char *body = file ? malloc(BODY_MAX) : NULL;
  if (body) *len = fread(body, 1, BODY_MAX - 1, file);
  if (body) body[*len] = 0;
  if (file) fclose(file);
  return body;
}

static int load(struct measure *m, const char *name) {
  char path[600], message[400];
  size_t len;
  snprintf(path, sizeof path, QUN_SOURCE_DIR "/plugins/compliance/packs/%s.yaml", name);
  char *body = read_all(path, &len);
  int error = body ? qun__pack_parse(&m->rules, name, qun_slice_of(body, len), message, sizeof message) : -1;
  if (error < 0) fprintf(stderr, "%s: %s\n", path, body ? message : "cannot be read");
  free(body);
  return error;
}

/* Hits of words and patterns; what is merely missing (a label, a warning) does not count. */
static int hits(struct measure *m, const char *text, const char *kind, const char *category, int *s1) {
  struct qun_hits h;
  struct qun_text t = {.text = qun_str(text),
                       .kind = kind,
                       .category = qun_str(category),
                       .is_ad = strcmp(kind, "ad") == 0};
  t.staff = t.is_ad;
  int n = 0;
  *s1 = 0;
  if (qun__scan(m->scanner, &t, &h) < 0) return -1;
  for (uint32_t i = 0; i < h.count; i++) {
    const struct qun_rule *r = &m->rules.at[h.at[i].rule];
    if (strcmp(r->detector->name, "lexicon") != 0) continue;
    n++;
    *s1 += r->severity == 1;
  }
  return n;
}

static struct label *label_of(struct measure *m, const char *name) {
  for (int i = 0; i < m->count; i++)
    if (strcmp(m->labels[i].name, name) == 0) return &m->labels[i];
  if (m->count == LABELS) return &m->labels[LABELS - 1];
  snprintf(m->labels[m->count].name, sizeof m->labels[0].name, "%s", name);
  return &m->labels[m->count++];
}

static const char *text_of(yaml_document_t *doc, const yaml_node_t *map, const char *key) {
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
    if (strcmp((char *)yaml_document_get_node(doc, p->key)->data.scalar.value, key) == 0)
      return (char *)yaml_document_get_node(doc, p->value)->data.scalar.value;
  return "";
}

static int harm(struct measure *m, const char *root, int show) {
  char path[600];
  size_t len;
  yaml_parser_t parser;
  yaml_document_t doc;
  snprintf(path, sizeof path, "%s/corpus/ChineseHarm-bench/half.json", root);
  char *body = read_all(path, &len);
  if (!body) return 0;
  yaml_parser_initialize(&parser);
  yaml_parser_set_input_string(&parser, (unsigned char *)body, len);
  if (yaml_parser_load(&parser, &doc)) {
    yaml_node_t *list = yaml_document_get_root_node(&doc);
    double bytes = 0, start = now();
    int texts = 0;
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++, texts++) {
      const yaml_node_t *one = yaml_document_get_node(&doc, *i);
      const char *text = text_of(&doc, one, "文本");
      struct label *l = label_of(m, text_of(&doc, one, "标签"));
      int s1, n = hits(m, text, "chat", "", &s1);
      bytes += (double)strlen(text);
      l->texts++;
      l->hit += n > 0;
      l->s1 += s1 > 0;
      if (show && strcmp(l->name, "不违规") == 0 && n > 0) printf("  false alarm: %s\n", text);
    }
    double took = now() - start;
    printf("%s: %d texts, mean %.0f bytes, %.2f us a text\n", path, texts, bytes / texts, took * 1e6 / texts);
    yaml_document_delete(&doc);
  }
  yaml_parser_delete(&parser);
  free(body);
  for (int i = 0; i < m->count; i++)
    printf("  %-20s %5d texts, %5d hit (%.1f %%), %5d by a rule of severity S1\n", m->labels[i].name,
           m->labels[i].texts, m->labels[i].hit, 100.0 * m->labels[i].hit / m->labels[i].texts, m->labels[i].s1);
  return 1;
}

static int adlaw(struct measure *m, const char *root) {
  char path[600], line[2000];
  int right[2] = {0}, all[2] = {0}, s1;
  snprintf(path, sizeof path, "%s/corpus/adlaw-precision-mit.tsv", root);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file)) {
    char *save, *text = NULL;
    line[strcspn(line, "\n")] = 0;
    if (line[0] != '0' && line[0] != '1') continue;
    int want = line[0] == '1';
    for (char *p = strtok_r(line + 1, "\t", &save); p; p = strtok_r(NULL, "\t", &save)) text = p;
    if (!text) continue;
    int got = hits(m, text, "ad", "", &s1) > 0;
    all[want]++;
    right[want] += got == want;
    if (got != want) printf("  %s: %s\n", want ? "missed" : "false alarm", text);
  }
  fclose(file);
  printf("%s: %d of %d found, %d of %d let pass\n", path, right[1], all[1], right[0], all[0]);
  return 1;
}

static void speed(struct measure *m, const char *name, const char *text, const char *kind) {
  enum { ROUNDS = 200000 };
  int s1;
  hits(m, text, kind, "", &s1);
  double start = now();
  for (int i = 0; i < ROUNDS; i++) hits(m, text, kind, "", &s1);
  printf("%-28s %4zu bytes %6.2f us\n", name, strlen(text), (now() - start) * 1e6 / ROUNDS);
}

int main(int argc, char **argv) {
  static const char *const packs[] = {"pipl",   "cybersecurity", "advertising", "internet-ads",
                                      "minors", "competition",   "consumer",    "groups-accounts"};
  struct measure m = {.rules = {.pool = qun__pool_create()}};
  char message[400];
  if (argc < 2) {
    fprintf(stderr, "usage: compliance_measure FOLDER [--show]\n");
    return 2;
  }
  for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
    if (load(&m, packs[i]) < 0) return 3;
  double start = now();
  if (qun__scanner_create(&m.scanner, &m.rules, message, sizeof message) < 0) {
    fprintf(stderr, "%s\n", message);
    return 3;
  }
  printf("%u rules compiled in %.0f ms\n", m.rules.count, (now() - start) * 1e3);
  speed(&m, "chat, Chinese",
        "今天下午我们在图书馆门口集合，大家记得带上水杯和雨伞，晚上一起吃饭，有谁还没报名的请回复一下", "chat");
  speed(&m, "chat, English",
        "how many partitions should i make? i have a 40 gig drive and would like to keep windows on it, thanks for any "
        "help there",
        "chat");
  speed(&m, "chat, with a number", "我的手机号是13812345678，有事打电话", "chat");
  speed(&m, "advertisement", "【广告】春季新品上市，全国销量第一，买一送一，详情请到店咨询，回T退订，投资有风险", "ad");
  if (!harm(&m, argv[1], argc > 2) | !adlaw(&m, argv[1])) fprintf(stderr, "%s: a corpus is absent\n", argv[1]);
  qun__scanner_destroy(m.scanner);
  qun__pool_destroy(m.rules.pool);
  return 0;
}
