/* SPDX-License-Identifier: Apache-2.0 */
/* What a test gives in by hand and looks at afterwards. */
#include "fake_internal.h"

int qun_fake_code(const struct qun_fake *f) {
  return f->code;
}

const char *qun_fake_message(const struct qun_fake *f) {
  return f->message;
}

void qun_fake_person(struct qun_fake *f, const char *role, const char *locale) {
  free(f->role);
  free(f->locale);
  f->role = qun__fake_strdup(role);
  f->locale = qun__fake_strdup(locale);
}

void qun_fake_provide(struct qun_fake *f, const char *service, int pure, qun_fake_answer answer, void *arg) {
  QUN__FAKE_GROW(f->provided, f->provided_count, f->provided_cap);
  f->provided[f->provided_count++] = (struct qun__fake_provided){.service = qun__fake_strdup(service),
                                                                 .pure = pure != 0,
                                                                 .answer = answer,
                                                                 .arg = arg};
}

void qun_fake_file(struct qun_fake *f, const char *plugin, const char *path, qun_slice body) {
  QUN__FAKE_GROW(f->files, f->files_count, f->files_cap);
  f->files[f->files_count++] = (struct qun__fake_file){.plugin = qun__fake_strdup(plugin),
                                                       .path = qun__fake_strdup(path),
                                                       .body = qun__fake_copy(&f->kept, body)};
}

/* ---------------------------------------------------------------- msgpack */

static void pack_list(struct qun_pack *p, const char *text) {
  size_t at = qun_pack_open_array(p);
  uint32_t n = 0;
  while (text && *text) {
    size_t len = strcspn(text, ",");
    qun_pack_str(p, qun_slice_of(text, len));
    n++;
    text += len + (text[len] == ',');
  }
  qun_pack_close(p, at, n);
}

qun_slice qun_fake_pack(struct qun_fake *f, const struct qun_fake_field *fields, size_t count) {
  struct qun_pack *p = &f->scratch;
  qun_pack_clear(p);
  qun_pack_map(p, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    const struct qun_fake_field *field = &fields[i];
    qun_pack_cstr(p, field->name);
    if (field->raw.len)
      qun_pack_raw(p, field->raw);
    else if (field->list)
      pack_list(p, field->text);
    else if (field->kind == QUN_MP_STR)
      qun_pack_cstr(p, field->text);
    else if (field->kind == QUN_MP_BOOL)
      qun_pack_bool(p, field->number != 0);
    else
      qun_pack_int(p, field->number);
  }
  return qun__fake_copy(&f->kept, qun_pack_slice(p));
}

/* ---------------------------------------------------------------- time */

int64_t qun_fake_clock(const struct qun_fake *f) {
  return f->tenant->clock_ms;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant, chrono-compatible low-level date
 * algorithms). */
static int32_t days_of(int year, unsigned month, unsigned day) {
  year -= month <= 2;
  int era = (year >= 0 ? year : year - 399) / 400;
  unsigned of_era = (unsigned)(year - era * 400);
  unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + (int32_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static void no_time(const char *text) {
  fprintf(stderr, "fake host: \"%s\" is no time such as \"2026-01-05 09:00\"\n", text);
  abort();
}

int32_t qun_fake_day(const char *date) {
  int y, n = 0;
  unsigned m, d;
  if (sscanf(date, "%4d-%2u-%2u%n", &y, &m, &d, &n) != 3 || date[n] || m < 1 || m > 12 || d < 1 || d > 31)
    no_time(date);
  return days_of(y, m, d);
}

int64_t qun_fake_ms(struct qun_fake *f, const char *local) {
  int y, n = 0, more = 0;
  unsigned m, d, hour, minute, second = 0;
  int64_t ms = 0;
  if (sscanf(local, "%4d-%2u-%2u %2u:%2u%n", &y, &m, &d, &hour, &minute, &n) != 5 || hour > 23 || minute > 59)
    no_time(local);
  if (local[n] == ':' && sscanf(local + n, ":%2u%n", &second, &more) != 1) no_time(local);
  if (local[n + more] || second > 59 || m < 1 || m > 12 || d < 1 || d > 31) no_time(local);
  if (qun__fake_from_local(f->tenant->zone, days_of(y, m, d), (int32_t)(hour * 60 + minute), &ms))
    no_time(f->tenant->zone);
  return ms + (int64_t)second * 1000;
}

int qun_fake_advance_to(struct qun_fake *f, const char *local) {
  return qun_fake_advance(f, qun_fake_ms(f, local));
}

/* ---------------------------------------------------------------- keyspace */

static struct qun__fake_space *space(struct qun_fake *f) {
  return qun__fake_space_of(f->tenant, f->plugin);
}

qun_slice qun_fake_get(struct qun_fake *f, qun_slice key) {
  bool found;
  struct qun__fake_table *t = &space(f)->store;
  size_t at = qun__fake_table_seek(t, key, &found);
  return found ? qun__fake_cell_value(t->cells[at]) : qun_slice_of(NULL, 0);
}

size_t qun_fake_rows(struct qun_fake *f) {
  return space(f)->store.count;
}

qun_slice qun_fake_dump(struct qun_fake *f) {
  struct qun__fake_table *t = &space(f)->store;
  size_t total = 0;
  for (size_t i = 0; i < t->count; i++) total += 16 + t->cells[i]->klen + t->cells[i]->vlen;
  unsigned char *bytes = qun__fake_keep(&f->kept, total);
  unsigned char *at = bytes;
  for (size_t i = 0; i < t->count; i++) {
    const struct qun__fake_cell *c = t->cells[i];
    qun__put_be(at, c->klen, 8);
    qun__put_be(at + 8, c->vlen, 8);
    memcpy(at + 16, c->bytes, c->klen + c->vlen);
    at += 16 + c->klen + c->vlen;
  }
  return qun_slice_of(bytes, total);
}

uint64_t qun_fake_hash(struct qun_fake *f) {
  qun_slice dump = qun_fake_dump(f);
  const unsigned char *at = dump.ptr;
  uint64_t h = 0xcbf29ce484222325u;
  for (uint64_t i = 0; i < dump.len; i++) h = (h ^ at[i]) * 0x100000001b3u;
  return h;
}

static void print_bytes(FILE *to, qun_slice s) {
  const unsigned char *at = s.ptr;
  for (uint64_t i = 0; i < s.len; i++)
    if (at[i] >= 0x20 && at[i] < 0x7f && at[i] != '\\')
      fputc(at[i], to);
    else
      fprintf(to, "\\x%02x", at[i]);
}

void qun_fake_print(struct qun_fake *f, FILE *to) {
  struct qun__fake_table *t = &space(f)->store;
  for (size_t i = 0; i < t->count; i++) {
    print_bytes(to, qun__fake_cell_key(t->cells[i]));
    fputs(" = ", to);
    print_bytes(to, qun__fake_cell_value(t->cells[i]));
    if (t->cells[i]->tag) fprintf(to, " (owner %llu)", (unsigned long long)t->cells[i]->tag);
    fputc('\n', to);
  }
}

void qun_fake_erase(struct qun_fake *f, uint64_t member) {
  for (size_t i = 0; member && i < f->plugins_count; i++) {
    struct qun__fake_table *t = &qun__fake_space_of(f->tenant, f->plugins[i])->store;
    for (size_t k = t->count; k > 0; k--)
      if (t->cells[k - 1]->tag == member) qun__fake_table_del(t, qun__fake_cell_key(t->cells[k - 1]));
    qun__fake_table_commit(t);
  }
}

/* ---------------------------------------------------------------- emitted, outbox, timers, counters */

size_t qun_fake_emitted_count(const struct qun_fake *f) {
  return f->tenant->emitted_count;
}

const struct qun_fake_emitted *qun_fake_emitted(const struct qun_fake *f, size_t n) {
  return n < f->tenant->emitted_count ? f->tenant->emitted[n] : NULL;
}

const struct qun_fake_emitted *qun_fake_emitted_of(const struct qun_fake *f, const char *type, size_t n) {
  for (size_t i = 0; i < f->tenant->emitted_count; i++)
    if (qun_slice_is(f->tenant->emitted[i]->type, type) && n-- == 0) return f->tenant->emitted[i];
  return NULL;
}

size_t qun_fake_outbox_count(const struct qun_fake *f) {
  return f->tenant->outbox_count;
}

const struct qun_fake_row *qun_fake_outbox(const struct qun_fake *f, size_t n) {
  return n < f->tenant->outbox_count ? &f->tenant->outbox[n]->row : NULL;
}

static int outbox_event(struct qun_fake *f, const struct qun_fake_row *row, const char *reason) {
  static const char *const types[] = {
      [QUN_FAKE_SENT] = "outbox.sent", [QUN_FAKE_FAILED] = "outbox.failed", [QUN_FAKE_BLOCKED] = "outbox.blocked"};
  struct qun_pack p;
  char id[80];
  qun_pack_init(&p);
  qun_pack_map(&p, 2);
  qun_pack_kv_cstr(&p, "plugin", row->plugin);
  if (row->state == QUN_FAKE_SENT)
    qun_pack_kv_str(&p, "via", row->via);
  else
    qun_pack_kv_cstr(&p, "reason", reason ? reason : "");
  snprintf(id, sizeof id, "outbox/%llu", (unsigned long long)f->tenant->seq + 1);
  struct qun_event e = {.flags = QUN_EVENT_CONTROL,
                        .time_ms = f->tenant->clock_ms,
                        .type = qun_str(types[row->state]),
                        .id = qun_str(id),
                        .source = qun_str("qun"),
                        .subject = row->key,
                        .data = qun_pack_slice(&p)};
  int rc = qun__fake_append(f, f->tenant, &e);
  qun_pack_fini(&p);
  return rc;
}

int qun_fake_outbox_end(struct qun_fake *f, const char *key, int state, const char *reason) {
  struct qun__fake_tenant *t = f->tenant;
  if (state < QUN_FAKE_SENT || state > QUN_FAKE_BLOCKED)
    return qun__fake_fail(f, QUN_EINVAL, "a row ends as sent, failed or blocked");
  for (size_t i = 0; i < t->outbox_count; i++) {
    struct qun_fake_row *row = &t->outbox[i]->row;
    if (!qun_slice_is(row->key, key)) continue;
    if (row->state > QUN_FAKE_RELEASED) return qun__fake_fail(f, QUN_ECONFLICT, "the outbox row %s has ended", key);
    row->state = state;
    return outbox_event(f, row, reason);
  }
  return qun__fake_fail(f, QUN_ENOTFOUND, "there is no outbox row %s", key);
}

int64_t qun_fake_timer(struct qun_fake *f, const char *name) {
  bool found;
  struct qun__fake_table *t = &space(f)->timers;
  size_t at = qun__fake_table_seek(t, qun_str(name), &found);
  return found ? (int64_t)t->cells[at]->tag : INT64_MIN;
}

size_t qun_fake_timers(struct qun_fake *f) {
  return space(f)->timers.count;
}

uint64_t qun_fake_metric(struct qun_fake *f, const char *name) {
  for (size_t i = 0; i < f->plugin->metrics_count; i++)
    if (strcmp(f->plugin->metrics[i].name, name) == 0) return f->plugin->metrics[i].value;
  return 0;
}

size_t qun_fake_dead(const struct qun_fake *f) {
  return f->tenant->dead;
}

uint64_t qun_fake_seq(const struct qun_fake *f) {
  return f->tenant->seq;
}
