/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml.h"

#include "days.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct chunk {
  struct chunk *next;
  size_t used, size;
  max_align_t bytes[];
};

struct qun_pool {
  struct chunk *chunks;
};

struct qun_pool *qun__pool_create(void) {
  return calloc(1, sizeof(struct qun_pool));
}

void qun__pool_destroy(struct qun_pool *p) {
  if (!p) return;
  for (struct chunk *c = p->chunks, *next; c; c = next) {
    next = c->next;
    free(c);
  }
  free(p);
}

void *qun__pool_alloc(struct qun_pool *p, size_t n) {
  size_t align = sizeof(max_align_t);
  n = (n + align - 1) / align * align;
  if (!p->chunks || p->chunks->size - p->chunks->used < n) {
    size_t size = n > 16384 ? n : 16384;
    struct chunk *c = calloc(1, sizeof *c + size);
    if (!c) return NULL;
    c->size = size;
    c->next = p->chunks;
    p->chunks = c;
  }
  void *at = (char *)p->chunks->bytes + p->chunks->used;
  p->chunks->used += n;
  return at;
}

char *qun__pool_copy(struct qun_pool *p, const char *text, size_t len) {
  char *copy = qun__pool_alloc(p, len + 1);
  if (copy) memcpy(copy, text, len);
  return copy;
}

int qun__words_have(const struct qun_words *list, qun_slice text) {
  for (uint32_t i = 0; i < list->count; i++)
    if (qun_slice_is(text, list->at[i])) return 1;
  return 0;
}

int qun__yaml_open(struct qun_yaml *y, const char *file, qun_slice body, char *message, size_t cap) {
  yaml_parser_t parser;
  *y = (struct qun_yaml){.file = file, .message = message, .cap = cap};
  if (!yaml_parser_initialize(&parser)) {
    snprintf(message, cap, "%s: no memory", file);
    return QUN_EINVAL;
  }
  yaml_parser_set_input_string(&parser, body.ptr, (size_t)body.len);
  if (!yaml_parser_load(&parser, &y->doc)) {
    snprintf(message, cap, "%s:%zu: %s", file, parser.problem_mark.line + 1,
             parser.problem ? parser.problem : "not YAML");
    yaml_parser_delete(&parser);
    return QUN_EINVAL;
  }
  yaml_parser_delete(&parser);
  return 0;
}

void qun__yaml_close(struct qun_yaml *y) {
  yaml_document_delete(&y->doc);
}

int qun__yaml_fail(struct qun_yaml *y, const yaml_node_t *node, const char *key, const char *words) {
  snprintf(y->message, y->cap, "%s:%zu: %s: %s", y->file, node ? node->start_mark.line + 1 : 1, key, words);
  return QUN_EINVAL;
}

yaml_node_t *qun__yaml_node(struct qun_yaml *y, int id) {
  return yaml_document_get_node(&y->doc, id);
}

yaml_node_t *qun__yaml_find(struct qun_yaml *y, const yaml_node_t *map, const char *key) {
  if (!map || map->type != YAML_MAPPING_NODE) return NULL;
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
    yaml_node_t *k = qun__yaml_node(y, p->key);
    if (k && k->type == YAML_SCALAR_NODE && strcmp((const char *)k->data.scalar.value, key) == 0)
      return qun__yaml_node(y, p->value);
  }
  return NULL;
}

int qun__yaml_text(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key, char **out) {
  if (!node || node->type != YAML_SCALAR_NODE) return qun__yaml_fail(y, node, key, "a text is needed");
  char *copy = qun__pool_copy(pool, (const char *)node->data.scalar.value, node->data.scalar.length);
  if (!copy) return qun__yaml_fail(y, node, key, "no memory");
  *out = copy;
  return 0;
}

int qun__yaml_int(struct qun_yaml *y, yaml_node_t *node, const char *key, int64_t *out) {
  if (!node || node->type != YAML_SCALAR_NODE) return qun__yaml_fail(y, node, key, "a whole number is needed");
  const char *text = (const char *)node->data.scalar.value;
  char *end;
  errno = 0;
  long long v = strtoll(text, &end, 10);
  if (errno || end == text || *end) return qun__yaml_fail(y, node, key, "a whole number is needed");
  *out = v;
  return 0;
}

int qun__yaml_bool(struct qun_yaml *y, yaml_node_t *node, const char *key, bool *out) {
  const char *text = node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
  if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
    return qun__yaml_fail(y, node, key, "true or false is needed");
  *out = strcmp(text, "true") == 0;
  return 0;
}

int qun__yaml_words(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key,
                    struct qun_words *out) {
  bool list = node && node->type == YAML_SEQUENCE_NODE;
  if (!node || node->type == YAML_MAPPING_NODE) return qun__yaml_fail(y, node, key, "a list of texts is needed");
  size_t n = list ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 1;
  struct qun_words w = {qun__pool_alloc(pool, (n ? n : 1) * sizeof(char *)), (uint32_t)n};
  if (!w.at) return qun__yaml_fail(y, node, key, "no memory");
  for (size_t i = 0; i < n; i++) {
    yaml_node_t *item = list ? qun__yaml_node(y, node->data.sequence.items.start[i]) : node;
    int error = qun__yaml_text(y, pool, item, key, &w.at[i]);
    if (error < 0) return error;
    if (!*w.at[i]) return qun__yaml_fail(y, item, key, "an empty text");
  }
  *out = w;
  return 0;
}

int qun__yaml_said(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key,
                   struct qun_said *out) {
  struct qun_said s = {0};
  if (!node || node->type != YAML_MAPPING_NODE) return qun__yaml_fail(y, node, key, "{en, zh} is needed");
  for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
    yaml_node_t *k = qun__yaml_node(y, p->key);
    const char *name = k && k->type == YAML_SCALAR_NODE ? (const char *)k->data.scalar.value : "";
    char **to = strcmp(name, "en") == 0 ? &s.en : strcmp(name, "zh") == 0 ? &s.zh : NULL;
    if (!to) return qun__yaml_fail(y, k, key, "only en and zh are known here");
    int error = qun__yaml_text(y, pool, qun__yaml_node(y, p->value), key, to);
    if (error < 0) return error;
  }
  if (!s.en || !s.zh || !*s.en || !*s.zh) return qun__yaml_fail(y, node, key, "both en and zh are needed");
  *out = s;
  return 0;
}

int qun__yaml_date(struct qun_yaml *y, yaml_node_t *node, const char *key, int32_t *out) {
  const char *text = node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
  if (qun__day_parse(text, out) < 0) return qun__yaml_fail(y, node, key, "a date YYYY-MM-DD is needed");
  return 0;
}
