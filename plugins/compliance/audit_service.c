/* SPDX-License-Identifier: Apache-2.0 */
/* compliance.audit: every rule that binds the tenant, with evidence. */
#include "core.h"

#include <stdio.h>

struct totals {
  int64_t by_status[3];
  int64_t open, rules;
};

enum { EXAMPLES = 5 };

struct examples {
  struct qun_pack *p;
  const struct qun_rule *r;
  uint32_t n;
};

static int example(void *arg, qun_slice key, qun_slice value) {
  struct examples *x = arg;
  struct qun_finding f;
  char id[160];
  int error = qun__finding_read(key, value, x->r, &f);
  if (error < 0) return error;
  if (f.state != QUN_OPEN) return 0;
  qun__finding_id(x->r, &f, id, sizeof id);
  qun_pack_map(x->p, 6);
  qun_pack_kv_cstr(x->p, "finding", id);
  qun_pack_kv_int(x->p, "seq", (int64_t)f.seq);
  qun_pack_kv_int(x->p, "start", f.start);
  qun_pack_kv_int(x->p, "end", f.end);
  qun_pack_kv_cstr(x->p, "certainty", f.fact ? "fact" : "candidate");
  qun_pack_kv_str(x->p, "note", f.note);
  return ++x->n == EXAMPLES ? 1 : 0;
}

static int pack_examples(struct qun_work *w, const struct qun_rule *r, const struct qun_verdict_of *v,
                         struct qun_pack *p) {
  struct examples x = {.p = p, .r = r};
  struct qun_key prefix;
  size_t at = qun_pack_open_array(p);
  int error = 0;
  if (v->open > 0) {
    qun__finding_prefix(r, &prefix);
    error = qun__each(w, qun__key_slice(&prefix), example, &x);
  }
  qun_pack_close(p, at, x.n);
  return error < 0 ? error : 0;
}

static int pack_rule(struct qun_work *w, const struct qun_rule *r, const struct qun_verdict_of *v, struct qun_pack *p) {
  char severity[8];
  snprintf(severity, sizeof severity, "S%u", (unsigned)r->severity);
  qun_pack_map(p, 18);
  qun_pack_kv_cstr(p, "id", r->id);
  qun_pack_kv_cstr(p, "pack", r->pack->name);
  qun_pack_kv_cstr(p, "law", r->law ? r->law : qun__said(w, &r->pack->law));
  qun_pack_kv_cstr(p, "article", r->article);
  qun_pack_kv_cstr(p, "title", qun__said(w, &r->title));
  qun_pack_kv_cstr(p, "severity", severity);
  qun_pack_kv_cstr(p, "confidence", r->conf == 'V' ? "V" : r->conf == 'S' ? "S" : "M");
  qun_pack_kv_cstr(p, "kind", r->kind == QUN_RULE_TEXT ? "text" : r->kind == QUN_RULE_RECORD ? "record" : "manual");
  qun_pack_kv_cstr(p, "status", qun__status_name(v->status));
  qun_pack_kv_cstr(p, "reason", v->reason);
  qun_pack_kv_cstr(p, "remedy", qun__said(w, &r->remedy));
  qun_pack_kv_cstr(p, "deadline", r->deadline ? r->deadline : "");
  qun_pack_kv_int(p, "population", v->population);
  qun_pack_kv_int(p, "count", v->open);
  qun_pack_kv_int(p, "earlier", v->earlier);
  qun_pack_kv_int(p, "dismissed", v->dismissed + v->resolved);
  qun_pack_cstr(p, "evidence");
  qun_pack_array(p, v->evidence_count);
  for (uint32_t i = 0; i < v->evidence_count; i++) qun_pack_uint(p, v->evidence[i]);
  qun_pack_cstr(p, "examples");
  return pack_examples(w, r, v, p);
}

static bool in_scope(const struct qun_rule *r, qun_slice scope) {
  if (scope.len == 0 || qun_slice_is(scope, "all") || qun_slice_is(scope, r->pack->name)) return true;
  return scope.len <= strlen(r->id) && memcmp(scope.ptr, r->id, (size_t)scope.len) == 0;
}

static void pack_summary(struct qun_work *w, const struct totals *t, qun_slice scope, struct qun_pack *p) {
  const struct qun_stats *s = w->stats;
  const struct {
    const char *name;
    int64_t value;
  } figures[] = {{"rules", t->rules},
                 {"satisfied", t->by_status[QUN_SATISFIED]},
                 {"not_satisfied", t->by_status[QUN_NOT_SATISFIED]},
                 {"not_applicable", t->by_status[QUN_NOT_APPLICABLE]},
                 {"open_findings", t->open},
                 {"records", s->at[ST_EVENTS]},
                 {"texts", s->at[ST_TEXTS]},
                 {"advertisements", s->at[ST_ADS]},
                 {"members", s->at[ST_MEMBERS]},
                 {"complaints", s->at[ST_COMPLAINTS]},
                 {"first_ms", s->at[ST_FIRST_MS]},
                 {"as_of_ms", w->ctx->clock_ms}};
  const uint32_t n = sizeof figures / sizeof *figures;
  qun_pack_map(p, n + 2);
  for (uint32_t i = 0; i < n; i++) qun_pack_kv_int(p, figures[i].name, figures[i].value);
  qun_pack_kv_str(p, "scope", scope.len ? scope : qun_str("all"));
  qun_pack_kv_cstr(
      p, "sampling",
      qun__chinese(w)
          ? "不抽样：本插件订阅的每条记录均已检查；疑似项须由人判断"
          : "none: every record that the plugin subscribes to was checked; candidates need a person's judgement");
}

int qun__audit(struct qun_work *w, const struct qun_request *q) {
  const struct qun_rulebook *b = w->in->book;
  struct totals t = {0};
  struct qun_pack rules, p;
  qun_slice scope = qun_mp_str(q->params, "scope");
  int error = 0;
  qun_pack_init(&rules);
  qun_pack_init(&p);
  for (uint32_t i = 0; error == 0 && i < b->rules.count; i++) {
    struct qun_verdict_of v;
    const struct qun_rule *r = &b->rules.at[i];
    if (!w->bound->rules[i] || !in_scope(r, scope)) continue;
    error = qun__audit_rule(w, r, &v);
    if (error == 0) error = pack_rule(w, r, &v, &rules);
    t.rules++;
    t.by_status[v.status]++;
    t.open += v.open;
  }
  if (error == 0 && t.rules == 0 && scope.len)
    error = w->in->host->fail(w->in->host, QUN_EINVAL, qun_str("scope: no bound pack or rule has this name"));
  if (error < 0) goto out;
  qun_pack_map(&p, 2);
  qun_pack_cstr(&p, "summary");
  pack_summary(w, &t, scope, &p);
  qun_pack_cstr(&p, "rules");
  qun_pack_array(&p, (uint32_t)t.rules);
  qun_pack_raw(&p, qun_pack_slice(&rules));
  error = p.failed || rules.failed ? QUN_EFAIL : w->in->reply->reply(w->in->host, q->id, qun_pack_slice(&p));
out:
  qun_pack_fini(&rules);
  qun_pack_fini(&p);
  return error;
}
