/* SPDX-License-Identifier: Apache-2.0 */
/* compliance.check, .dismiss, .resolve and .approve. */
#include "core.h"
#include "pii.h"

#include <stdio.h>
#include <stdlib.h>

static int refuse(struct qun_work *w, int code, const char *message) {
  return w->in->host->fail(w->in->host, code, qun_str(message));
}

bool qun__chinese(const struct qun_work *w) {
  return w->locale.len >= 2 && memcmp(w->locale.ptr, "zh", 2) == 0;
}

const char *qun__said(const struct qun_work *w, const struct qun_said *s) {
  return qun__chinese(w) ? s->zh : s->en;
}

static int answer(struct qun_work *w, const struct qun_request *q, const struct qun_pack *p) {
  if (p->failed) return refuse(w, QUN_EFAIL, "no memory for the answer");
  return w->in->reply->reply(w->in->host, q->id, qun_pack_slice(p));
}

static void pack_hit(struct qun_work *w, const struct qun_text *t, const struct qun_hit *h, struct qun_pack *p) {
  const struct qun_rule *r = &w->in->book->rules.at[h->rule];
  const char *text = t->text.ptr;
  char severity[8];
  snprintf(severity, sizeof severity, "S%u", (unsigned)r->severity);
  qun_pack_map(p, 13);
  qun_pack_kv_cstr(p, "rule", r->id);
  qun_pack_kv_cstr(p, "law", r->law ? r->law : qun__said(w, &r->pack->law));
  qun_pack_kv_cstr(p, "article", r->article);
  qun_pack_kv_cstr(p, "severity", severity);
  qun_pack_kv_cstr(p, "certainty", "candidate");
  qun_pack_kv_int(p, "start", h->start);
  qun_pack_kv_int(p, "end", h->end);
  qun_pack_kv_int(p, "start_char", (int64_t)qun__fold_points(text, h->start));
  qun_pack_kv_int(p, "end_char", (int64_t)qun__fold_points(text, h->end));
  qun_pack_kv_str(p, "text", h->whole ? qun_slice_of(NULL, 0) : qun_slice_of(text + h->start, h->end - h->start));
  qun_pack_kv_cstr(p, "why", qun__said(w, r->why.en ? &r->why : &r->title));
  qun_pack_kv_cstr(p, "fix", qun__said(w, &r->remedy));
  qun_pack_kv_cstr(p, "kind", h->pii ? qun__pii_name(h->pii) : h->whole ? "missing" : "text");
}

/* A text that is a number would be looked at as no text at all, and found fine. 0, or what is wrong. */
static int check_kinds(struct qun_work *w, const struct qun_request *q) {
  static const struct {
    const char *name;
    enum qun_mp_type type;
    const char *message;
  } params[] = {{"text", QUN_MP_STR, "text: must be text"},
                {"kind", QUN_MP_STR, "kind: ad, chat or article is needed"},
                {"category", QUN_MP_STR, "category: must be text"},
                {"label", QUN_MP_STR, "label: must be text"},
                {"audience", QUN_MP_STR, "audience: must be text"},
                {"is_ad", QUN_MP_BOOL, "is_ad: must be true or false"},
                {"direct", QUN_MP_BOOL, "direct: must be true or false"}};
  for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
    struct qun_unpack u;
    qun_slice value;
    if (!qun_mp_find(q->params, params[i].name, &value)) continue;
    qun_unpack_init(&u, value);
    enum qun_mp_type type = qun_unpack_peek(&u);
    if (type != params[i].type && type != QUN_MP_NIL) return refuse(w, QUN_EINVAL, params[i].message);
  }
  return 0;
}

/* Pure: arguments, settings, packs. */
int qun__check(struct qun_work *w, const struct qun_request *q) {
  struct qun_hits hits;
  struct qun_pack p;
  char kind[16];
  qun_slice k = qun_mp_str(q->params, "kind"), text;
  int wrong = check_kinds(w, q);
  if (wrong < 0) return wrong;
  if (k.len == 0) k = qun_str("chat");
  if (!qun_slice_is(k, "ad") && !qun_slice_is(k, "chat") && !qun_slice_is(k, "article"))
    return refuse(w, QUN_EINVAL, "kind: ad, chat or article is needed");
  if (!qun_mp_find(q->params, "text", &text)) return refuse(w, QUN_EINVAL, "text: missing");
  snprintf(kind, sizeof kind, "%.*s", (int)k.len, (const char *)k.ptr);
  struct qun_text t = {.text = qun_mp_str(q->params, "text"),
                       .category = qun_mp_str(q->params, "category"),
                       .label = qun_mp_str(q->params, "label"),
                       .audience = qun_mp_str(q->params, "audience"),
                       .kind = kind,
                       .is_ad = strcmp(kind, "ad") == 0,
                       .bound = w->bound->rules};
  t.is_ad |= qun_mp_bool(q->params, "is_ad", 0) != 0;
  t.direct = qun_mp_bool(q->params, "direct", 0) != 0;
  t.staff = strcmp(kind, "chat") != 0;
  if (qun__scan(w->in->book->scanner, &t, &hits) < 0) return refuse(w, QUN_EINVAL, "text: cannot be scanned");
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "verdict", qun__verdict_name(qun__verdict_of(w->in->book, w->bound, &hits)));
  qun_pack_cstr(&p, "hits");
  qun_pack_array(&p, hits.count);
  for (uint32_t i = 0; i < hits.count; i++) pack_hit(w, &t, &hits.at[i], &p);
  int error = answer(w, q, &p);
  qun_pack_fini(&p);
  return error;
}

static int emit(struct qun_work *w, const char *type, qun_slice subject, const struct qun_pack *data) {
  struct qun_emit e = {.struct_size = sizeof e,
                       .type = qun_str(type),
                       .subject = subject,
                       .data = qun_pack_slice(data)};
  return data->failed ? QUN_EFAIL : w->in->events->emit(w->in->host, w->ctx->tenant, &e);
}

static int say_done(struct qun_work *w, const struct qun_request *q, const char *name, qun_slice value,
                    const char *state) {
  struct qun_pack p;
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_str(&p, name, value);
  qun_pack_kv_cstr(&p, "state", state);
  int error = answer(w, q, &p);
  qun_pack_fini(&p);
  return error;
}

int qun__close(struct qun_work *w, const struct qun_request *q, const char *type) {
  const struct qun_rule *r;
  struct qun_key key;
  struct qun_pack p;
  qun_slice id = qun_mp_str(q->params, "finding"), reason = qun_mp_str(q->params, "reason"),
            person = qun_mp_str(q->params, "person");
  if (reason.len == 0) return refuse(w, QUN_EINVAL, "reason: say why");
  if (person.len == 0) return refuse(w, QUN_EINVAL, "person: say who decides");
  int error = qun__finding_locate(w, id, &r, &key);
  if (error == QUN_EINVAL) return refuse(w, error, "finding: RULE:SEQ:START is needed");
  if (error < 0) return refuse(w, error, "finding: there is none of that id");
  qun_pack_init(&p);
  qun_pack_map(&p, 4);
  qun_pack_kv_str(&p, "finding", id);
  qun_pack_kv_cstr(&p, "rule", r->id);
  qun_pack_kv_str(&p, "reason", reason);
  qun_pack_kv_str(&p, "person", person);
  error = emit(w, type, qun_str(r->id), &p);
  qun_pack_fini(&p);
  return error < 0
             ? error
             : say_done(w, q, "finding", id, strcmp(type, "compliance.dismissed") == 0 ? "dismissed" : "resolved");
}

/* A person lets a send go that the gate held for one. What was blocked stays blocked: it must be written anew. */
int qun__approve(struct qun_work *w, const struct qun_request *q) {
  struct qun_key k;
  struct qun_pack p;
  int64_t row[2];
  qun_slice key = qun_mp_str(q->params, "key"), plugin = qun_mp_str(q->params, "plugin");
  qun_slice reason = qun_mp_str(q->params, "reason"), person = qun_mp_str(q->params, "person");
  if (plugin.len == 0) plugin = qun_str("content");
  if (key.len == 0) return refuse(w, QUN_EINVAL, "key: missing");
  if (reason.len == 0 || person.len == 0) return refuse(w, QUN_EINVAL, "reason and person: say why and who");
  qun__key_begin(&k, "w/");
  qun__key_text(&k, plugin);
  qun__key_text(&k, qun_str("/"));
  qun__key_text(&k, key);
  int found = qun__get_ints(w, &k, row, 2);
  if (found <= 0) return refuse(w, QUN_ENOTFOUND, "key: the gate has no such send");
  if (row[0] == QUN_BLOCK) return refuse(w, QUN_ECONFLICT, "key: this send is blocked; change it and send it anew");
  if (row[0] == QUN_FINE) return refuse(w, QUN_ECONFLICT, "key: this send is released already");
  qun_pack_init(&p);
  qun_pack_map(&p, 6);
  qun_pack_kv_str(&p, "key", key);
  qun_pack_kv_str(&p, "plugin", plugin);
  qun_pack_kv_cstr(&p, "verdict", "fine");
  qun_pack_cstr(&p, "rules");
  qun_pack_array(&p, 0);
  qun_pack_kv_str(&p, "reason", reason);
  qun_pack_kv_str(&p, "person", person);
  int error = emit(w, "compliance.verdict", key, &p);
  qun_pack_fini(&p);
  return error < 0 ? error : say_done(w, q, "key", key, "fine");
}
