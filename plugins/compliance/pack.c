/* SPDX-License-Identifier: Apache-2.0 */
#include "detect.h"
#include "pii.h"
#include "yaml.h"

#include <qun/events.h>

#include <stddef.h>
#include <stdio.h>

enum value { STR = 1, WORDS, SAID, INT, FLAG, DATE, CONF, SEVERITY, KIND, DETECTOR, GATE, MATCHES };
enum { T = QUN_RULE_TEXT, R = QUN_RULE_RECORD, M = QUN_RULE_MANUAL, ALL = T | R | M };

struct key {
  const char *name;
  enum value value;
  size_t at;
  unsigned kinds; /* kinds of rule that may have it */
  bool needed;
};

#define AT(FIELD) offsetof(struct qun_rule, FIELD)
static const struct key keys[] = {
    {"id", STR, AT(id), ALL, true},
    {"law", STR, AT(law), ALL, false},
    {"article", STR, AT(article), ALL, true},
    {"title", SAID, AT(title), ALL, true},
    {"conf", CONF, AT(conf), ALL, true},
    {"severity", SEVERITY, AT(severity), ALL, true},
    {"kind", KIND, AT(kind), ALL, true},
    {"since", DATE, AT(since), ALL, false},
    {"country", WORDS, AT(country), ALL, false},
    {"sector", WORDS, AT(sector), ALL, false},
    {"remedy", SAID, AT(remedy), ALL, true},
    {"deadline", STR, AT(deadline), ALL, false},
    {"why", SAID, AT(why), T | R, false},
    {"reason", SAID, AT(reason), M, true},
    {"detector", DETECTOR, AT(detector), T | R, true},
    {"gate", GATE, AT(gate), T, false},
    {"terms", WORDS, AT(terms), T, false},
    {"patterns", WORDS, AT(patterns), T, false},
    {"except", WORDS, AT(except), T, false},
    {"except_patterns", WORDS, AT(except_patterns), T, false},
    {"when", WORDS, AT(when), T, false},
    {"when_patterns", WORDS, AT(when_patterns), T, false},
    {"unless", WORDS, AT(unless), T, false},
    {"unless_patterns", WORDS, AT(unless_patterns), T, false},
    {"pii", WORDS, AT(pii), T, false},
    {"min_terms", INT, AT(min_terms), T, false},
    {"negation", FLAG, AT(negation), T, false},
    {"label", FLAG, AT(label), T, false},
    {"label_only", FLAG, AT(label_only), T, false},
    {"banned", FLAG, AT(banned), T, false},
    {"event", STR, AT(event), R, false},
    {"where", MATCHES, AT(where), R, false},
    {"close", STR, AT(close), R, false},
    {"close_where", MATCHES, AT(close_where), R, false},
    {"field", STR, AT(field), R, false},
    {"fields", WORDS, AT(fields), R, false},
    {"values", WORDS, AT(values), R, false},
    {"other", STR, AT(other), R, false},
    {"scope", STR, AT(scope), R, false},
    {"class", STR, AT(class_), R, false},
    {"purpose", WORDS, AT(purpose), R, false},
    {"separate", FLAG, AT(separate), R, false},
    {"ads_only", FLAG, AT(ads_only), R, false},
    {"minors", FLAG, AT(minors), R, false},
    {"min", INT, AT(min), R, false},
    {"max", INT, AT(max), R, false},
    {"days", INT, AT(days), R, false},
    {"hours", INT, AT(hours), R, false},
    {"working_days", INT, AT(working_days), R, false},
    {"months", INT, AT(months), R, false},
    {"per_year", INT, AT(per_year), R, false},
    {"sensitive", INT, AT(sensitive), R, false},
    {"grace_days", INT, AT(grace_days), R, false},
};
enum { KEYS = sizeof keys / sizeof *keys };

struct parse {
  struct qun_yaml yaml;
  struct qun_rules *rules;
  struct qun_pack_info *pack;
};

static const char *scalar(const yaml_node_t *n) {
  return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static int parse_matches(struct parse *p, yaml_node_t *node, const char *key, struct qun_matches *out) {
  if (!node || node->type != YAML_MAPPING_NODE)
    return qun__yaml_fail(&p->yaml, node, key, "a map of fields to values is needed");
  size_t n = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
  out->at = qun__pool_alloc(p->rules->pool, (n ? n : 1) * sizeof *out->at);
  if (!out->at) return qun__yaml_fail(&p->yaml, node, key, "no memory");
  for (size_t i = 0; i < n; i++) {
    yaml_node_pair_t *pair = node->data.mapping.pairs.start + i;
    int error = qun__yaml_text(&p->yaml, p->rules->pool, qun__yaml_node(&p->yaml, pair->key), key, &out->at[i].field);
    if (error == 0)
      error = qun__yaml_words(&p->yaml, p->rules->pool, qun__yaml_node(&p->yaml, pair->value), key, &out->at[i].values);
    if (error < 0) return error;
    out->count++;
  }
  return 0;
}

static int parse_gate(struct parse *p, yaml_node_t *node, struct qun_gate *g) {
  struct qun_yaml *y = &p->yaml;
  struct qun_pool *pool = p->rules->pool;
  if (!node || node->type != YAML_MAPPING_NODE) return qun__yaml_fail(y, node, "gate", "a map is needed");
  for (yaml_node_pair_t *at = node->data.mapping.pairs.start; at < node->data.mapping.pairs.top; at++) {
    yaml_node_t *k = qun__yaml_node(y, at->key), *v = qun__yaml_node(y, at->value);
    const char *name = scalar(k);
    int error;
    if (strcmp(name, "is_ad") == 0)
      error = qun__yaml_bool(y, v, name, &g->is_ad);
    else if (strcmp(name, "staff") == 0)
      error = qun__yaml_bool(y, v, name, &g->staff);
    else if (strcmp(name, "direct") == 0)
      error = qun__yaml_bool(y, v, name, &g->direct);
    else if (strcmp(name, "audience") == 0)
      error = qun__yaml_text(y, pool, v, name, &g->audience);
    else if (strcmp(name, "kind") == 0)
      error = qun__yaml_words(y, pool, v, name, &g->kind);
    else if (strcmp(name, "category") == 0)
      error = qun__yaml_words(y, pool, v, name, &g->category);
    else if (strcmp(name, "not_category") == 0)
      error = qun__yaml_words(y, pool, v, name, &g->not_category);
    else
      error =
          qun__yaml_fail(y, k, name,
                         "unknown key of gate; known are is_ad, staff, direct, audience, kind, category, not_category");
    if (error < 0) return error;
  }
  return 0;
}

static int parse_value(struct parse *p, const struct key *k, yaml_node_t *node, struct qun_rule *r) {
  struct qun_yaml *y = &p->yaml;
  void *at = (char *)r + k->at;
  const char *text = scalar(node);
  switch (k->value) {
  case STR: return qun__yaml_text(y, p->rules->pool, node, k->name, at);
  case WORDS: return qun__yaml_words(y, p->rules->pool, node, k->name, at);
  case SAID: return qun__yaml_said(y, p->rules->pool, node, k->name, at);
  case INT: return qun__yaml_int(y, node, k->name, at);
  case FLAG: return qun__yaml_bool(y, node, k->name, at);
  case DATE: return qun__yaml_date(y, node, k->name, at);
  case GATE: return parse_gate(p, node, at);
  case MATCHES: return parse_matches(p, node, k->name, at);
  case CONF:
    if (strlen(text) != 1 || !strchr("VSM", text[0])) return qun__yaml_fail(y, node, k->name, "V, S or M is needed");
    r->conf = text[0];
    return 0;
  case SEVERITY:
    if (text[0] != 'S' || text[1] < '1' || text[1] > '4' || text[2])
      return qun__yaml_fail(y, node, k->name, "S1, S2, S3 or S4 is needed");
    r->severity = (uint8_t)(text[1] - '0');
    return 0;
  case KIND:
    r->kind = strcmp(text, "text") == 0 ? T : strcmp(text, "record") == 0 ? R : strcmp(text, "manual") == 0 ? M : 0;
    return r->kind ? 0 : qun__yaml_fail(y, node, k->name, "text, record or manual is needed");
  case DETECTOR:
    r->detector = qun__detector_find(text);
    return r->detector ? 0 : qun__yaml_fail(y, node, k->name, "no such detector");
  }
  return qun__yaml_fail(y, node, k->name, "unknown kind of value");
}

static const struct key *key_find(const char *name) {
  for (size_t i = 0; i < KEYS; i++)
    if (strcmp(keys[i].name, name) == 0) return &keys[i];
  return NULL;
}

static bool is_event(const char *name) {
#define QUN_NAME(NAME, FLAGS, DOC) NAME,
  static const char *const types[] = {QUN_EVENT_TYPES(QUN_NAME) "send"};
#undef QUN_NAME
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i], name) == 0) return true;
  return false;
}

static bool is_field(const char *event, const char *name) {
#define QUN_FIELD(TYPE, NAME, KIND, FLAGS, UNIT, DOC) {TYPE, NAME},
  static const char *const fields[][2] = {QUN_EVENT_FIELDS(QUN_FIELD){"", ""}};
#undef QUN_FIELD
  if (strcmp(event, "send") == 0 || strcmp(name, "subject") == 0 || strcmp(name, "group") == 0 ||
      strcmp(name, "member") == 0)
    return true;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp(fields[i][0], event) == 0 && strcmp(fields[i][1], name) == 0) return true;
  return false;
}

static int check_matches(struct parse *p, yaml_node_t *node, const char *key, const char *event,
                         const struct qun_matches *m) {
  for (uint32_t i = 0; i < m->count; i++)
    if (!is_field(event, m->at[i].field)) return qun__yaml_fail(&p->yaml, node, key, "the event has no such field");
  return 0;
}

/* What the tables of keys cannot say. */
static int check_rule(struct parse *p, yaml_node_t *node, struct qun_rule *r) {
  struct qun_yaml *y = &p->yaml;
  if (r->event && !is_event(r->event)) return qun__yaml_fail(y, node, "event", "no such event type");
  if (r->close && !is_event(r->close)) return qun__yaml_fail(y, node, "close", "no such event type");
  if ((r->where.count || r->fields.count || r->field) && !r->event)
    return qun__yaml_fail(y, node, "event", "needed with where, field or fields");
  if (r->event && check_matches(p, node, "where", r->event, &r->where) < 0) return QUN_EINVAL;
  if (r->close && check_matches(p, node, "close_where", r->close, &r->close_where) < 0) return QUN_EINVAL;
  for (uint32_t i = 0; i < r->fields.count; i++)
    if (!is_field(r->event, r->fields.at[i])) return qun__yaml_fail(y, node, "fields", "the event has no such field");
  if (r->field && !is_field(r->event, r->field)) return qun__yaml_fail(y, node, "field", "the event has no such field");
  for (uint32_t i = 0; i < r->pii.count; i++) {
    uint32_t kind = qun__pii_kind(r->pii.at[i]);
    if (!kind) return qun__yaml_fail(y, node, "pii", "no such kind of personal data");
    r->pii_mask |= kind;
  }
  if (r->min_terms < 0 || r->min_terms > 16) return qun__yaml_fail(y, node, "min_terms", "1 to 16 is needed");
  for (uint32_t i = 0; i < p->rules->count; i++)
    if (strcmp(p->rules->at[i].id, r->id) == 0) return qun__yaml_fail(y, node, "id", "another rule has this id");
  return 0;
}

static int check_needs(struct parse *p, yaml_node_t *node, const struct qun_rule *r) {
  char name[32];
  if (!r->detector) return 0;
  if (r->detector->kind != r->kind)
    return qun__yaml_fail(&p->yaml, node, "detector", "this detector is for another kind of rule");
  for (const char *at = r->detector->needs; *at;) {
    size_t n = strcspn(at, " ");
    snprintf(name, sizeof name, "%.*s", (int)n, at);
    char *bar = strchr(name, '|');
    bool there = false;
    if (bar) {
      *bar = 0;
      there = qun__yaml_find(&p->yaml, node, bar + 1) != NULL;
      there |= qun__yaml_find(&p->yaml, node, name) != NULL;
      *bar = '|';
    }
    if (!there && !qun__yaml_find(&p->yaml, node, name))
      return qun__yaml_fail(&p->yaml, node, name, "the detector needs this key");
    at += n + (at[n] == ' ');
  }
  return 0;
}

static int grow(struct qun_rules *rules) {
  if (rules->count < rules->cap) return 0;
  uint32_t cap = rules->cap ? rules->cap * 2 : 64;
  struct qun_rule *at = qun__pool_alloc(rules->pool, cap * sizeof *at);
  if (!at) return -1;
  if (rules->count) memcpy(at, rules->at, rules->count * sizeof *at);
  rules->at = at;
  rules->cap = cap;
  return 0;
}

static int parse_rule(struct parse *p, yaml_node_t *node) {
  struct qun_yaml *y = &p->yaml;
  if (!node || node->type != YAML_MAPPING_NODE) return qun__yaml_fail(y, node, "rules", "each rule is a map");
  struct qun_rule r = {.pack = p->pack, .since = p->pack->since};
  uint64_t seen = 0;
  for (yaml_node_pair_t *at = node->data.mapping.pairs.start; at < node->data.mapping.pairs.top; at++) {
    yaml_node_t *k = qun__yaml_node(y, at->key);
    const struct key *key = key_find(scalar(k));
    if (!key) return qun__yaml_fail(y, k, scalar(k), "unknown key of a rule");
    if (seen & (1ull << (key - keys))) return qun__yaml_fail(y, k, key->name, "stands twice");
    seen |= 1ull << (key - keys);
    int error = parse_value(p, key, qun__yaml_node(y, at->value), &r);
    if (error < 0) return error;
  }
  for (size_t i = 0; i < KEYS; i++) {
    bool fits = (keys[i].kinds & r.kind) != 0, there = (seen >> i) & 1;
    if (r.kind && there && !fits) return qun__yaml_fail(y, node, keys[i].name, "not for this kind of rule");
    if (!there && (fits || !r.kind) && keys[i].needed && keys[i].kinds == ALL)
      return qun__yaml_fail(y, node, keys[i].name, "missing");
    if (!there && fits && keys[i].needed) return qun__yaml_fail(y, node, keys[i].name, "missing");
  }
  int error = check_needs(p, node, &r);
  if (error == 0) error = check_rule(p, node, &r);
  if (error < 0) return error;
  if (grow(p->rules) < 0) return qun__yaml_fail(y, node, "rules", "no memory");
  r.index = p->rules->count;
  p->rules->at[p->rules->count++] = r;
  return 0;
}

static int parse_head(struct parse *p, yaml_node_t *root) {
  static const char *const known[] = {"pack", "title", "law", "country", "since", "rules"};
  struct qun_yaml *y = &p->yaml;
  struct qun_pool *pool = p->rules->pool;
  if (!root || root->type != YAML_MAPPING_NODE) return qun__yaml_fail(y, root, "pack", "a map is needed");
  for (yaml_node_pair_t *at = root->data.mapping.pairs.start; at < root->data.mapping.pairs.top; at++) {
    yaml_node_t *k = qun__yaml_node(y, at->key);
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(known[i], scalar(k)) == 0;
    if (!found) return qun__yaml_fail(y, k, scalar(k), "unknown key of a pack");
  }
  int error = qun__yaml_text(y, pool, qun__yaml_find(y, root, "pack"), "pack", &p->pack->name);
  if (error == 0) error = qun__yaml_said(y, pool, qun__yaml_find(y, root, "title"), "title", &p->pack->title);
  if (error == 0) error = qun__yaml_said(y, pool, qun__yaml_find(y, root, "law"), "law", &p->pack->law);
  if (error == 0) error = qun__yaml_words(y, pool, qun__yaml_find(y, root, "country"), "country", &p->pack->country);
  if (error == 0) error = qun__yaml_date(y, qun__yaml_find(y, root, "since"), "since", &p->pack->since);
  return error;
}

int qun__pack_parse(struct qun_rules *rules, const char *file, qun_slice body, char *message, size_t message_cap) {
  struct parse p = {.rules = rules, .pack = qun__pool_alloc(rules->pool, sizeof *p.pack)};
  if (!p.pack) {
    snprintf(message, message_cap, "%s: no memory", file);
    return QUN_EINVAL;
  }
  int error = qun__yaml_open(&p.yaml, file, body, message, message_cap);
  if (error < 0) return error;
  yaml_node_t *root = yaml_document_get_root_node(&p.yaml.doc);
  error = parse_head(&p, root);
  yaml_node_t *list = qun__yaml_find(&p.yaml, root, "rules");
  if (error == 0 && (!list || list->type != YAML_SEQUENCE_NODE))
    error = qun__yaml_fail(&p.yaml, root, "rules", "a list is needed");
  for (yaml_node_item_t *i = error < 0 ? NULL : list->data.sequence.items.start;
       i && error == 0 && i < list->data.sequence.items.top; i++)
    error = parse_rule(&p, qun__yaml_node(&p.yaml, *i));
  qun__yaml_close(&p.yaml);
  if (error < 0) return error;
  struct qun_pack_info **tail = &rules->packs;
  while (*tail) tail = &(*tail)->next;
  *tail = p.pack;
  return 0;
}
