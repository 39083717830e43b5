/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/bench/row.h"

#include <math.h>
#include <string.h>

int qun_bench_row_met(const struct qun_bench_row *row) {
  double figure = row->rival ? row->ratio.median : row->ours.median;
  if (row->target <= 0) return -1;
  return row->at_most ? figure <= row->target : figure >= row->target;
}

/* ---- JSON */

/* Four figures are more than a benchmark knows; whole numbers stay whole. */
static void pack_number(struct qun_pack *p, const char *name, double v) {
  double scale = v != 0 ? pow(10, 4 - floor(log10(fabs(v))) - 1) : 1,
         rounded = scale < 1 ? round(v) : round(v * scale) / scale;
  if (rounded == floor(rounded) && fabs(rounded) < 1e15)
    qun_pack_kv_int(p, name, (int64_t)rounded);
  else {
    qun_pack_cstr(p, name);
    qun_pack_double(p, rounded);
  }
}

static void pack_spread(struct qun_pack *p, const char *name, const struct qun_spread *s) {
  qun_pack_cstr(p, name);
  if (!s) {
    qun_pack_nil(p);
    return;
  }
  qun_pack_map(p, 3);
  pack_number(p, "min", s->min);
  pack_number(p, "median", s->median);
  pack_number(p, "max", s->max);
}

static void pack_text(struct qun_pack *p, const char *name, const char *text) {
  qun_pack_cstr(p, name);
  if (text)
    qun_pack_cstr(p, text);
  else
    qun_pack_nil(p);
}

static void print_json(const struct qun_bench_run *run, const struct qun_bench_row *row) {
  struct qun_pack p;
  uint32_t n = 11;
  int met = qun_bench_row_met(row);
  qun_pack_init(&p);
  size_t at = qun_pack_open_map(&p);
  qun_pack_kv_cstr(&p, "case", row->name);
  qun_pack_kv_cstr(&p, "measure", row->measure);
  qun_pack_kv_cstr(&p, "unit", row->unit);
  pack_spread(&p, "ours", &row->ours);
  pack_text(&p, "rival", row->rival);
  pack_text(&p, "way", row->way);
  pack_spread(&p, "theirs", row->rival ? &row->theirs : NULL);
  pack_spread(&p, "ratio", row->rival ? &row->ratio : NULL);
  qun_pack_cstr(&p, "target");
  if (met < 0) {
    qun_pack_nil(&p);
    qun_pack_cstr(&p, "met");
    qun_pack_nil(&p);
  } else {
    p.len -= strlen("target") + 1;
    pack_number(&p, "target", row->target);
    qun_pack_kv_bool(&p, "met", met);
  }
  qun_pack_kv_int(&p, "slow_sync_us", run->slow_us);
  for (const struct qun_bench_figure *f = row->figures; f && f->name; f++, n++) pack_number(&p, f->name, f->value);
  qun_pack_close(&p, at, n);
  qun_cli_print_map(run->cli, qun_pack_slice(&p));
  qun_pack_fini(&p);
}

/* ---- for people */

static void print_spread(FILE *to, const struct qun_spread *s) {
  int digits = s->median >= 100 ? 0 : s->median >= 10 ? 1 : 2;
  fprintf(to, "%.*f (%.*f to %.*f)", digits, s->median, digits, s->min, digits, s->max);
}

static void print_text(const struct qun_bench_run *run, const struct qun_bench_row *row) {
  FILE *to = run->cli->out;
  int met = qun_bench_row_met(row);
  if (row->rival) {
    fprintf(to, "%s %s: %s ", row->name, row->measure, row->rival);
    print_spread(to, &row->theirs);
    fprintf(to, " %s%s%s%s; ratio ", row->unit, row->way ? " [" : "", row->way ? row->way : "", row->way ? "]" : "");
    print_spread(to, &row->ratio);
  } else {
    fprintf(to, "%s %s: ", row->name, row->measure);
    print_spread(to, &row->ours);
    fprintf(to, " %s", row->unit);
  }
  for (const struct qun_bench_figure *f = row->figures; f && f->name; f++)
    fprintf(to, "%s %s %.*f %s", f == row->figures ? ";" : ",", f->name, f->value >= 100 ? 0 : 2, f->value, f->unit);
  if (met >= 0)
    fprintf(to, "; wanted %s %g: %s", row->at_most ? "at most" : "at least", row->target, met ? "met" : "missed");
  if (run->slow_us) fprintf(to, "; each sync %u us slower", run->slow_us);
  fputc('\n', to);
}

void qun_bench_row_print(const struct qun_bench_run *run, const struct qun_bench_row *row) {
  if (run->cli->json)
    print_json(run, row);
  else
    print_text(run, row);
  fflush(run->cli->out);
}
