/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules as data. A pack (packs/<name>.yaml) holds the rules of one law or field of law; README.md describes every key.
 * The rulebook holds all packs, the holiday tables and the compiled scanners. It is made once for an instance and then
 * only read.
 */
#ifndef QUN_COMPLIANCE_RULE_H
#define QUN_COMPLIANCE_RULE_H

#include <qun/plugin.h>

#include <stdbool.h>

struct qun_pool; /* memory that is freed at once */
struct qun_pool *qun__pool_create(void);
/* NULL is fine. */
void qun__pool_destroy(struct qun_pool *p);
/* Zeroed; NULL when memory runs out. */
void *qun__pool_alloc(struct qun_pool *p, size_t n);
char *qun__pool_copy(struct qun_pool *p, const char *text, size_t len);

struct qun_words {
  char **at;
  uint32_t count;
};

struct qun_said { /* words for people */
  char *en, *zh;
};

struct qun_match { /* the record's field has one of these values */
  char *field;
  struct qun_words values;
};

struct qun_matches {
  struct qun_match *at;
  uint32_t count;
};

enum qun_rule_kind { QUN_RULE_TEXT = 1, QUN_RULE_RECORD = 2, QUN_RULE_MANUAL = 4 };

struct qun_gate {
  bool is_ad, staff, direct; /* direct: sent to one person */
  char *audience;            /* group audience, such as minor */
  struct qun_words kind;     /* ad, chat, article */
  struct qun_words category;
  struct qun_words not_category;
};

struct qun_detector;
struct qun_pack_info;

struct qun_rule {
  const struct qun_pack_info *pack;
  uint32_t index; /* in the rulebook */
  char *id, *article, *deadline, *law;
  struct qun_said title, remedy, why, reason;
  char conf;        /* V: wording read, S: secondary source, M: from memory, read it again before you rely on it */
  uint8_t severity; /* 1..4 */
  enum qun_rule_kind kind;
  int32_t since; /* in force from this day (days since 1970-01-01) */
  struct qun_words country, sector;
  const struct qun_detector *detector;
  /* text */
  struct qun_gate gate;
  struct qun_words terms, patterns, except, except_patterns, when, when_patterns, unless, unless_patterns, pii;
  int64_t min_terms;
  bool negation;   /* a hit after a word of negation or warning does not count */
  bool label;      /* the label shown with the text counts as text */
  bool label_only; /* a label heals it: the gate answers needs_label */
  bool banned;     /* content that must not stay: opens the clock of detector `unacted` */
  uint32_t pii_mask;
  /* record */
  char *event, *close, *field, *other, *scope, *class_;
  struct qun_matches where, close_where;
  struct qun_words fields, values, purpose;
  bool separate, ads_only, minors;
  int64_t min, max, days, hours, working_days, months, per_year, sensitive, grace_days;
};

struct qun_pack_info {
  char *name; /* file name without folder and ending */
  struct qun_said title;
  struct qun_said law;
  struct qun_words country;
  int32_t since;
  struct qun_pack_info *next;
};

/* Rules under construction: grows in a pool. */
struct qun_rules {
  struct qun_pool *pool;
  struct qun_pack_info *packs; /* in order of loading */
  struct qun_rule *at;
  uint32_t count, cap;
};

/* Reads a pack and adds its rules. Strict: an unknown key, a missing key, a wrong kind of value or a rule id that
   exists is refused with "<file>:<line>: <key>: ..." in `message`. 0 or QUN_EINVAL. Any thread, no blocking. */
int qun__pack_parse(struct qun_rules *rules, const char *file, qun_slice body, char *message, size_t message_cap);

/* 1 if `list` has the text. */
int qun__words_have(const struct qun_words *list, qun_slice text);

#endif
