/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/citations.h"

#include "tenants/note.h"
#include "tenants/strict_json.h"

#include <stdbool.h>
#include <stdlib.h>

int qun_citations_add_one(struct qun_citations *c, uint64_t seq, struct qun_error *err) {
  if (c->count == c->cap) {
    uint32_t cap = c->cap ? c->cap * 2 : 256;
    uint64_t *more = cap > c->cap ? realloc(c->seqs, cap * sizeof *more) : NULL;
    if (!more) return qun_error_set(err, QUN_EFAIL, "out of memory");
    c->seqs = more;
    c->cap = cap;
  }
  c->seqs[c->count++] = seq;
  return 0;
}

static int cite(struct qun_citations *c, const cJSON *value, struct qun_error *err) {
  uint64_t seq;
  if (!qun__json_whole(&seq, value))
    return qun_error_set(err, QUN_EINVAL, "a citation that is not the sequence of a record");
  return seq ? qun_citations_add_one(c, seq, err) : 0;
}

/* The number before a text's last colon, if numbers stand on both sides of it; 0 else. */
static uint64_t seq_of_finding(const char *id) {
  uint64_t seq, start;
  const char *last = strrchr(id, ':'), *at = last;
  while (at && at > id && at[-1] >= '0' && at[-1] <= '9') at--;
  if (!at || at <= id || at[-1] != ':') return 0;
  if (!qun__decimal(&start, qun_str(last + 1)) || !qun__decimal(&seq, qun_slice_of(at, (size_t)(last - at)))) return 0;
  return seq;
}

static int collect_member(struct qun_citations *c, const cJSON *member, bool *cites, struct qun_error *err) {
  const char *key = member->string ? member->string : "";
  bool number = strcmp(key, "evidence") == 0 || strcmp(key, "seq") == 0;
  const cJSON *item;
  int code = 0;
  *cites = true;
  if (number && cJSON_IsNumber(member)) return cite(c, member, err);
  if (number && cJSON_IsArray(member)) {
    cJSON_ArrayForEach(item, member) if (!code) code = cite(c, item, err);
    return code;
  }
  if (strcmp(key, "finding") == 0 && cJSON_IsString(member)) {
    uint64_t seq = seq_of_finding(member->valuestring);
    return seq ? qun_citations_add_one(c, seq, err) : 0;
  }
  *cites = false;
  return 0;
}

static int collect(struct qun_citations *c, const cJSON *value, struct qun_error *err) {
  const cJSON *child;
  cJSON_ArrayForEach(child, value) {
    bool cites;
    int code = collect_member(c, child, &cites, err);
    if (!code && !cites) code = collect(c, child, err);
    if (code) return code;
  }
  return 0;
}

int qun_citations_add(struct qun_citations *c, qun_slice text, struct qun_error *err) {
  cJSON *json = qun__json_read(text, err);
  if (!json) return QUN_EINVAL;
  int code = collect(c, json, err);
  cJSON_Delete(json);
  return code;
}

static int order(const void *a, const void *b) {
  uint64_t one, other;
  memcpy(&one, a, sizeof one);
  memcpy(&other, b, sizeof other);
  return one < other ? -1 : one > other;
}

void qun_citations_sort(struct qun_citations *c) {
  uint32_t n = 0;
  if (c->count) qsort(c->seqs, c->count, sizeof *c->seqs, order);
  for (uint32_t i = 0; i < c->count; i++)
    if (i == 0 || c->seqs[i] != c->seqs[n - 1]) c->seqs[n++] = c->seqs[i];
  c->count = n;
}

void qun_citations_fini(struct qun_citations *c) {
  free(c->seqs);
  memset(c, 0, sizeof *c);
}
