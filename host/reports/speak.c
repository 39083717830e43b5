/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a model into words: every text and every number goes to the speaker in one call each. */
#include "host/reports/model.h"
#include "host/reports/words.h"

#include <stdio.h>
#include <string.h>

struct list {
  struct qun_arena *arena;
  const char *locale;
  struct qun__text **texts;
  struct qun__value **values;
  uint32_t texts_count, values_count;
};

typedef void (*visit_text)(struct list *l, struct qun__text *t);
typedef void (*visit_value)(struct list *l, struct qun__value *v);

static void walk_values(struct list *l, struct qun__value *values, uint32_t n, visit_text text, visit_value value) {
  for (uint32_t i = 0; i < n; i++) {
    if (values[i].kind == QUN__TEXT && values[i].known)
      text(l, &values[i].text);
    else
      value(l, &values[i]);
  }
}

static void walk_section(struct list *l, struct qun__section *s, visit_text text, visit_value value) {
  text(l, &s->title);
  text(l, &s->note);
  text(l, &s->body);
  for (uint32_t i = 0; i < s->figures_count; i++) {
    text(l, &s->figures[i].label);
    text(l, &s->figures[i].reason);
    walk_values(l, &s->figures[i].value, 1, text, value);
  }
  for (uint32_t i = 0; i < s->columns_count; i++) {
    text(l, &s->columns[i].label);
    walk_values(l, s->columns[i].values, s->columns[i].count, text, value);
  }
  walk_values(l, s->cells, s->rows * s->columns_count, text, value);
}

static void walk(struct qun__model *m, struct list *l, visit_text text, visit_value value) {
  text(l, &m->title);
  value(l, &m->as_of);
  value(l, &m->from);
  value(l, &m->to);
  for (uint32_t i = 0; i < m->sections_count; i++) walk_section(l, &m->sections[i], text, value);
  for (uint32_t i = 0; i < m->glossary_count; i++) {
    text(l, &m->glossary[i].label);
    text(l, &m->glossary[i].formula);
  }
}

static int wants_format(const struct qun__value *v) {
  return v->known && v->kind <= QUN__DURATION;
}

static void count_text(struct list *l, struct qun__text *t) {
  if (t->id.len) l->texts_count++;
}
static void count_value(struct list *l, struct qun__value *v) {
  if (wants_format(v)) l->values_count++;
}
static void keep_text(struct list *l, struct qun__text *t) {
  if (t->id.len) l->texts[l->texts_count++] = t;
}
static void keep_value(struct list *l, struct qun__value *v) {
  if (wants_format(v)) l->values[l->values_count++] = v;
}

static void pack_reader(struct qun_pack *p, const struct qun_report_reader *reader) {
  qun_pack_map(p, 4);
  qun_pack_kv_cstr(p, "locale", reader->locale);
  qun_pack_kv_cstr(p, "zone", reader->zone);
  qun_pack_kv_cstr(p, "currency", reader->currency);
  qun_pack_cstr(p, "items");
}

static void pack_text(struct qun_pack *p, const char *domain, const struct qun__text *t) {
  int64_t n = t->args.len ? qun_mp_int(t->args, "n", INT64_MIN) : INT64_MIN;
  qun_pack_map(p, n == INT64_MIN ? 3 : 4);
  qun_pack_kv_cstr(p, "domain", domain);
  qun_pack_kv_str(p, "id", t->id);
  qun_pack_cstr(p, "args");
  if (t->args.len)
    qun_pack_raw(p, t->args);
  else
    qun_pack_map(p, 0);
  if (n != INT64_MIN) qun_pack_kv_int(p, "n", n);
}

static void pack_value(struct qun_pack *p, const struct qun__value *v) {
  bool currency = v->kind == QUN__MONEY && v->currency.len;
  qun_pack_map(p, currency ? 3 : 2);
  qun_pack_kv_cstr(p, "kind", qun__kind_names[v->kind]);
  qun_pack_kv_int(p, "value", v->number);
  if (currency) qun_pack_kv_str(p, "currency", v->currency);
}

typedef int (*speaker_call)(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err);

/* One call; its texts go to `shown` in order, kept in the arena. */
static int ask(const struct list *l, speaker_call call, void *arg, const struct qun_pack *params, qun_slice **shown,
               uint32_t count, struct qun_error *err) {
  struct qun_pack reply;
  struct qun_unpack u;
  qun_slice s;
  uint32_t n;
  if (params->failed) return qun_error_set(err, QUN_EFAIL, "out of memory while putting a report into words");
  qun_pack_init(&reply);
  int rc = call(arg, qun_pack_slice(params), &reply, err);
  if (rc < 0) goto out;
  rc = 0;
  qun_unpack_init(&u, qun_pack_slice(&reply));
  if (reply.failed || !qun_unpack_array(&u, &n) || n != count) {
    rc = qun_error_set(err, QUN_EFAIL, "the report's words: %u texts were asked for, another number came", count);
    goto out;
  }
  for (uint32_t i = 0; rc == 0 && i < count; i++) {
    if (!qun_unpack_str(&u, &s))
      rc = qun_error_set(err, QUN_EFAIL, "the report's words: answer %u is no text", i);
    else if (s.len)
      *shown[i] = qun_arena_copy(l->arena, s);
    if (rc == 0 && s.len && !shown[i]->ptr)
      rc = qun_error_set(err, QUN_EFAIL, "out of memory while putting a report into words");
  }
out:
  qun_pack_fini(&reply);
  return rc;
}

static int speak(const struct list *l, const struct qun_report_reader *reader, const struct qun_report_speaker *speaker,
                 struct qun_error *err) {
  struct qun_pack texts, values;
  uint32_t most = l->texts_count > l->values_count ? l->texts_count : l->values_count;
  qun_slice **shown = qun_arena_alloc(l->arena, (most + 1) * sizeof *shown);
  if (!shown) return qun_error_set(err, QUN_EFAIL, "out of memory while putting a report into words");
  qun_pack_init(&texts);
  qun_pack_init(&values);
  pack_reader(&texts, reader);
  qun_pack_array(&texts, l->texts_count);
  for (uint32_t i = 0; i < l->texts_count; i++) {
    pack_text(&texts, reader->plugin, l->texts[i]);
    shown[i] = &l->texts[i]->shown;
  }
  int rc = l->texts_count ? ask(l, speaker->render, speaker->arg, &texts, shown, l->texts_count, err) : 0;
  pack_reader(&values, reader);
  qun_pack_array(&values, l->values_count);
  for (uint32_t i = 0; i < l->values_count; i++) {
    pack_value(&values, l->values[i]);
    shown[i] = &l->values[i]->text.shown;
  }
  if (rc == 0 && l->values_count) rc = ask(l, speaker->format, speaker->arg, &values, shown, l->values_count, err);
  qun_pack_fini(&texts);
  qun_pack_fini(&values);
  return rc;
}

static void ignore_text(struct list *l, struct qun__text *t) {
  (void)l;
  (void)t;
}

/* What needs no speaker: unknown, yes and no, and numbers of members. */
static void own_value(struct list *l, struct qun__value *v) {
  char text[24];
  if (!v->known) {
    v->text.shown = qun_str(qun__word(QUN__W_UNKNOWN, l->locale));
  } else if (v->kind == QUN__BOOL) {
    v->text.shown = qun_str(qun__word(v->number ? QUN__W_YES : QUN__W_NO, l->locale));
  } else if (v->kind == QUN__MEMBER) {
    snprintf(text, sizeof text, "#%lld", (long long)v->number);
    v->text.shown = qun_arena_copy(l->arena, qun_str(text));
  }
}

int qun__model_speak(struct qun__model *m, struct qun_arena *a, const struct qun_report_reader *reader,
                     const struct qun_report_speaker *speaker, struct qun_error *err) {
  struct list l = {.arena = a, .locale = reader->locale};
  walk(m, &l, count_text, count_value);
  l.texts = qun_arena_alloc(a, (l.texts_count + 1) * sizeof *l.texts);
  l.values = qun_arena_alloc(a, (l.values_count + 1) * sizeof *l.values);
  if (!l.texts || !l.values) return qun_error_set(err, QUN_EFAIL, "out of memory while putting a report into words");
  l.texts_count = l.values_count = 0;
  walk(m, &l, keep_text, keep_value);
  walk(m, &l, ignore_text, own_value);
  return speak(&l, reader, speaker, err);
}
