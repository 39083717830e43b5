/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of YAML documents with libyaml: every refusal names file, line and key. */
#ifndef QUN_COMPLIANCE_YAML_H
#define QUN_COMPLIANCE_YAML_H

#include "rule.h"

#include <yaml.h>

struct qun_yaml {
  yaml_document_t doc;
  const char *file;
  char *message;
  size_t cap;
};

/* Parses one document. On success close with qun__yaml_close(). QUN_EINVAL. */
int qun__yaml_open(struct qun_yaml *y, const char *file, qun_slice body, char *message, size_t cap);
void qun__yaml_close(struct qun_yaml *y);
/* Sets "<file>:<line>: <key>: <words>" and answers QUN_EINVAL. */
int qun__yaml_fail(struct qun_yaml *y, const yaml_node_t *node, const char *key, const char *words);
yaml_node_t *qun__yaml_node(struct qun_yaml *y, int id);
/* The value of a key in a map, or NULL. */
yaml_node_t *qun__yaml_find(struct qun_yaml *y, const yaml_node_t *map, const char *key);
int qun__yaml_text(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key, char **out);
int qun__yaml_int(struct qun_yaml *y, yaml_node_t *node, const char *key, int64_t *out);
int qun__yaml_bool(struct qun_yaml *y, yaml_node_t *node, const char *key, bool *out);
/* A list of texts; a single text is a list of one. */
int qun__yaml_words(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key,
                    struct qun_words *out);
/* {en, zh}, both needed. */
int qun__yaml_said(struct qun_yaml *y, struct qun_pool *pool, yaml_node_t *node, const char *key, struct qun_said *out);
/* YYYY-MM-DD as days since 1970-01-01. */
int qun__yaml_date(struct qun_yaml *y, yaml_node_t *node, const char *key, int32_t *out);

#endif
