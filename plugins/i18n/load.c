/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's own catalogue: i18n.load reads PO text and emits it in parts, the handler stores the parts and puts the
 * catalogue in place with the last one.
 *
 * A part is a flat list of texts, for each message: key, msgid_plural, "<forms> <fuzzy 0|1> <source hash,
 * hexadecimal>", form 0, form 1, ...
 */
#include "i18n.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 24576, WARNINGS = 20, NAMES = 16 };

/* ---- rows */

qun_slice qun__row_key(char *buf, char kind, qun_slice domain, qun_slice tag) {
  size_t n = 0;
  buf[n++] = kind;
  buf[n++] = '/';
  memcpy(buf + n, domain.ptr, (size_t)domain.len);
  n += (size_t)domain.len;
  buf[n++] = 0;
  memcpy(buf + n, tag.ptr, (size_t)tag.len);
  return qun_slice_of(buf, n + (size_t)tag.len);
}

static void big_endian(char *at, uint64_t v, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0; v >>= 8) at[i] = (char)(v & 0xff);
}

qun_slice qun__part_key(char *buf, qun_slice domain, qun_slice tag, uint64_t generation, uint32_t part) {
  size_t n = (size_t)qun__row_key(buf, 'c', domain, tag).len;
  buf[n++] = 0;
  big_endian(buf + n, generation, 8);
  big_endian(buf + n + 8, part, 4);
  return qun_slice_of(buf, n + 12);
}

int qun__load_part(struct qun__words *words, qun_slice entries) {
  struct qun_unpack u;
  uint32_t left;
  qun_unpack_init(&u, entries);
  if (!qun_unpack_array(&u, &left)) return QUN_EFAIL;
  while (left >= 3) {
    struct qun__words_entry e = {0};
    qun_slice meta, text[QUN_PLURAL_FORMS];
    char copy[64];
    unsigned forms, fuzzy;
    int error;
    if (!qun_unpack_str(&u, &e.key) || !qun_unpack_str(&u, &e.plural) || !qun_unpack_str(&u, &meta) ||
        meta.len >= sizeof copy)
      return QUN_EFAIL;
    memcpy(copy, meta.ptr, (size_t)meta.len);
    copy[meta.len] = 0;
    if (sscanf(copy, "%u %u %" SCNx64, &forms, &fuzzy, &e.source) != 3 || forms > QUN_PLURAL_FORMS || left < 3 + forms)
      return QUN_EFAIL;
    for (unsigned i = 0; i < forms; i++) {
      if (!qun_unpack_str(&u, &text[i])) return QUN_EFAIL;
    }
    left -= 3 + forms;
    e.text = text;
    e.texts = forms;
    e.fuzzy = fuzzy != 0;
    error = qun__words_add(words, &e);
    if (error) return error;
  }
  return left ? QUN_EFAIL : 0;
}

/* ---- the service */

struct load {
  struct qun__i18n *self;
  const struct qun_context *ctx;
  qun_slice domain, tag;
  const struct qun__words *words;
  struct qun__lookup english;
  qun_slice rule;
  uint32_t parts;
  struct qun_pack event;
  struct qun_pack warnings;
  uint32_t warnings_count;
  uint32_t translated, fuzzy, unknown;
  uint64_t hash;
};

struct names {
  qun_slice name[NAMES];
  uint32_t count;
};

static void collect(void *arg, qun_slice name) {
  struct names *n = arg;
  for (uint32_t i = 0; i < n->count; i++) {
    if (qun_slice_eq(n->name[i], name)) return;
  }
  if (n->count < NAMES) n->name[n->count++] = name;
}

static void warn(struct load *l, const struct qun__words_entry *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void warn(struct load *l, const struct qun__words_entry *e, const char *format, ...) {
  char text[240];
  va_list args;
  if (l->warnings_count == WARNINGS) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  l->warnings_count++;
  qun_pack_map(&l->warnings, 3);
  qun_pack_kv_int(&l->warnings, "line", e->line);
  qun_pack_kv_str(&l->warnings, "id", e->key);
  qun_pack_kv_cstr(&l->warnings, "warning", text);
}

/* Arguments that a translation names and its source does not would stand bare before a reader. */
static void check_entry(struct load *l, const struct qun__words_entry *e, const struct qun__words_entry *source) {
  struct names known = {.count = 0}, used = {.count = 0};
  const char *why = "";
  size_t at = 0;
  for (uint32_t i = 0; source && i < source->texts; i++)
    (void)qun__message_scan(source->text[i], collect, &known, &at, &why);
  for (uint32_t i = 0; i < e->texts; i++) {
    if (!qun__message_scan(e->text[i], collect, &used, &at, &why)) warn(l, e, "%s (byte %zu)", why, at + 1);
  }
  for (uint32_t i = 0; source && i < used.count; i++) {
    bool found = false;
    for (uint32_t k = 0; k < known.count; k++) found = found || qun_slice_eq(known.name[k], used.name[i]);
    if (!found) warn(l, e, "the source has no argument {%.*s}", (int)used.name[i].len, (const char *)used.name[i].ptr);
  }
  if (e->plural.len && e->texts != l->words->rule.forms)
    warn(l, e, "%u plural forms stand here, the header says %u", e->texts, l->words->rule.forms);
}

static int emit_part(struct load *l, uint32_t part, qun_slice entries) {
  struct qun_emit e = {.struct_size = sizeof e,
                       .type = qun_str("i18n.catalogue"),
                       .subject = l->domain,
                       .lang = l->tag};
  char hash[20];
  snprintf(hash, sizeof hash, "%016" PRIx64, l->hash);
  qun_pack_clear(&l->event);
  qun_pack_map(&l->event, 8);
  qun_pack_kv_str(&l->event, "domain", l->domain);
  qun_pack_kv_str(&l->event, "locale", l->tag);
  qun_pack_kv_cstr(&l->event, "hash", hash);
  qun_pack_kv_str(&l->event, "rule", l->rule);
  qun_pack_kv_int(&l->event, "part", part);
  qun_pack_kv_int(&l->event, "parts", l->parts);
  qun_pack_kv_int(&l->event, "messages", l->words->count);
  qun_pack_cstr(&l->event, "entries");
  qun_pack_raw(&l->event, entries);
  if (l->event.failed) return QUN_EFAIL;
  e.data = qun_pack_slice(&l->event);
  return l->self->events->emit(l->self->host, l->ctx->tenant, &e);
}

static uint32_t write_entry(struct load *l, struct qun_pack *out, const struct qun__words_entry *e) {
  const struct qun__source *from;
  /* English is the source itself, not made from it. */
  const struct qun__words_entry *source =
      qun_slice_is(l->tag, "en") ? NULL : qun__lookup_find(&l->english, e->key, &from);
  char meta[64];
  snprintf(meta, sizeof meta, "%" PRIu32 " %d %" PRIx64, e->texts, e->fuzzy ? 1 : 0,
           source ? qun__words_hash(source) : 0);
  qun_pack_str(out, e->key);
  qun_pack_str(out, e->plural);
  qun_pack_cstr(out, meta);
  for (uint32_t i = 0; i < e->texts; i++) qun_pack_str(out, e->text[i]);
  return 3 + e->texts;
}

/* Cuts the messages into parts; `send` false only counts them. */
static int each_part(struct load *l, bool send) {
  struct qun_pack part;
  uint32_t i = 0, parts = 0;
  int error = 0;
  qun_pack_init(&part);
  do {
    size_t at;
    uint32_t items = 0;
    qun_pack_clear(&part);
    at = qun_pack_open_array(&part);
    while (i < l->words->count && part.len < PART_BYTES) items += write_entry(l, &part, &l->words->entries[i++]);
    qun_pack_close(&part, at, items);
    if (part.failed)
      error = QUN_EFAIL;
    else if (send)
      error = emit_part(l, parts, qun_pack_slice(&part));
    parts++;
  } while (!error && i < l->words->count);
  l->parts = parts;
  qun_pack_fini(&part);
  return error;
}

static void count_entries(struct load *l) {
  for (uint32_t i = 0; i < l->words->count; i++) {
    const struct qun__words_entry *e = &l->words->entries[i];
    const struct qun__source *from;
    const struct qun__words_entry *source = qun__lookup_find(&l->english, e->key, &from);
    l->translated += qun__words_ready(e);
    l->fuzzy += e->fuzzy;
    l->unknown += source == NULL;
    check_entry(l, e, source);
  }
}

static int answer(struct load *l, const struct qun_request *request) {
  struct qun_pack *out = &l->self->answer;
  qun_pack_clear(out);
  qun_pack_map(out, 8);
  qun_pack_kv_str(out, "domain", l->domain);
  qun_pack_kv_str(out, "locale", l->tag);
  qun_pack_kv_int(out, "messages", l->words->count);
  qun_pack_kv_int(out, "translated", l->translated);
  qun_pack_kv_int(out, "fuzzy", l->fuzzy);
  qun_pack_kv_int(out, "unknown", l->unknown);
  qun_pack_kv_int(out, "parts", l->parts);
  qun_pack_cstr(out, "warnings");
  qun_pack_array(out, l->warnings_count);
  qun_pack_raw(out, qun_pack_slice(&l->warnings));
  if (out->failed || l->warnings.failed) return qun__refuse(l->self, QUN_EFAIL, "memory ran out");
  return l->self->reply->reply(l->self->host, request->id, qun_pack_slice(out));
}

/* The plural rule as it stands in the header, kept so that reading the rows needs no header. */
static qun_slice rule_text(const struct qun__po *po) {
  const char *at = strstr(po->header, "nplurals=");
  size_t n = at ? strcspn(at, "\n") : 0;
  if (!at || (n >= 16 && memmem(at, n, "INTEGER", 7))) return qun_str("");
  return qun_slice_of(at, n);
}

static int load_words(struct load *l, const struct qun_request *request, const struct qun__po *po, qun_slice text) {
  struct qun__chain english = {.tag = {"en"}, .count = 1};
  int error;
  l->rule = rule_text(po);
  l->hash = qun__fnv(14695981039346656037u, text);
  qun__tenant_refresh(l->self, l->ctx);
  qun__lookup_make(l->self, l->ctx, &l->english, l->domain, &english);
  count_entries(l);
  error = each_part(l, false);
  if (!error) error = each_part(l, true);
  return error ? error : answer(l, request);
}

int qun__load(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request) {
  const struct qun__tenant *t = ctx->local;
  struct load l = {.self = self, .ctx = ctx, .domain = qun_mp_str(request->params, "domain")};
  qun_slice text = qun_mp_str(request->params, "po");
  struct qun__po_error err;
  struct qun__po *po = NULL;
  struct qun__words *words = NULL;
  char tag[QUN_LOCALE_MAX];
  int error;
  if (!t) return qun__refuse(self, QUN_EDENIED, "the plugin i18n is not enabled for this tenant");
  if (!qun__domain_fits(l.domain)) return qun__refuse(self, QUN_EINVAL, "domain: a plugin's name must stand here");
  if (qun__locale_tag(tag, sizeof tag, qun_mp_str(request->params, "locale")))
    return qun__refuse(self, QUN_EINVAL, "locale: a language tag such as zh-CN must stand here");
  if (text.len == 0) return qun__refuse(self, QUN_EINVAL, "po: the text of a PO file must stand here");
  if (text.len > (uint64_t)t->catalogue_bytes)
    return qun__refuse(self, QUN_EQUOTA,
                       "po: %" PRIu64 " bytes are more than the setting catalogue_bytes (%" PRId64 ") allows", text.len,
                       t->catalogue_bytes);
  if (qun__po_parse(&po, text, &err))
    return qun__refuse(self, QUN_EINVAL, "po:%" PRIu32 ":%" PRIu32 ": %s", err.line, err.column, err.message);
  l.tag = qun_str(tag);
  qun_pack_init(&l.event);
  qun_pack_init(&l.warnings);
  error = qun__words_from_po(&words, po);
  if (!error) {
    l.words = words;
    error = load_words(&l, request, po, text);
  } else {
    error = qun__refuse(self, error, "memory ran out");
  }
  qun_pack_fini(&l.event);
  qun_pack_fini(&l.warnings);
  qun__words_destroy(words);
  qun__po_destroy(po);
  return error;
}

/* ---- the handler */

struct part {
  qun_slice domain, tag, rule, entries;
  int64_t number, parts, messages;
};

static bool part_read(struct part *p, qun_slice data) {
  p->domain = qun_mp_str(data, "domain");
  p->tag = qun_mp_str(data, "locale");
  p->rule = qun_mp_str(data, "rule");
  p->number = qun_mp_int(data, "part", -1);
  p->parts = qun_mp_int(data, "parts", 0);
  p->messages = qun_mp_int(data, "messages", 0);
  return qun_mp_find(data, "entries", &p->entries) && qun__domain_fits(p->domain) && p->tag.len > 0 &&
         p->tag.len < QUN_LOCALE_MAX && p->number >= 0 && p->number < p->parts && p->parts <= 4096 &&
         p->rule.len < 2048;
}

static int drop_generation(struct qun__i18n *self, qun_handle tenant, const struct part *p, qun_slice header) {
  char key[QUN_ROW_KEY];
  struct qun_unpack u;
  uint32_t n;
  int64_t generation, parts;
  int error = 0;
  qun_unpack_init(&u, header);
  if (!qun_unpack_array(&u, &n) || !qun_unpack_int(&u, &generation) || !qun_unpack_int(&u, &parts)) return 0;
  for (int64_t i = 0; i < parts && error >= 0; i++)
    error =
        self->store->del(self->host, tenant, qun__part_key(key, p->domain, p->tag, (uint64_t)generation, (uint32_t)i));
  return error < 0 ? error : 0;
}

static int put_in_place(struct qun__i18n *self, const struct qun_context *ctx, const struct part *p,
                        uint64_t generation) {
  char key[QUN_ROW_KEY];
  qun_slice old, row = qun__row_key(key, 'h', p->domain, p->tag);
  int error = self->store->get(self->host, ctx->tenant, row, &old);
  if (error >= 0) error = drop_generation(self, ctx->tenant, p, old);
  if (error < 0 && error != QUN_ENOTFOUND) return error;
  row = qun__row_key(key, 'h', p->domain, p->tag);
  qun_pack_clear(&self->scratch);
  qun_pack_array(&self->scratch, 5);
  qun_pack_uint(&self->scratch, generation);
  qun_pack_int(&self->scratch, p->parts);
  qun_pack_int(&self->scratch, p->messages);
  qun_pack_str(&self->scratch, p->rule);
  qun_pack_int(&self->scratch, ctx->clock_ms);
  if (self->scratch.failed) return QUN_EFAIL;
  error = self->store->put(self->host, ctx->tenant, row, qun_pack_slice(&self->scratch), 0);
  return error < 0 ? error : self->store->del(self->host, ctx->tenant, qun__row_key(key, 'p', p->domain, p->tag));
}

int qun__load_event(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_event *event) {
  char key[QUN_ROW_KEY], bytes[8];
  struct part p;
  uint64_t generation = event->seq;
  qun_slice value;
  int error = 0;
  if (!part_read(&p, event->data))
    return qun__refuse(self, QUN_EINVAL, "i18n.catalogue: a field is missing or out of bounds");
  if (p.number == 0) {
    big_endian(bytes, generation, 8);
    error =
        self->store->put(self->host, ctx->tenant, qun__row_key(key, 'p', p.domain, p.tag), qun_slice_of(bytes, 8), 0);
  } else {
    error = self->store->get(self->host, ctx->tenant, qun__row_key(key, 'p', p.domain, p.tag), &value);
    if (error < 0 || value.len != 8)
      return qun__refuse(self, QUN_EINVAL, "i18n.catalogue: part %" PRId64 " has no part before it", p.number);
    generation = qun__get_be(value.ptr, 8);
  }
  if (error >= 0)
    error = self->store->put(self->host, ctx->tenant,
                             qun__part_key(key, p.domain, p.tag, generation, (uint32_t)p.number), p.entries, 0);
  if (error >= 0 && p.number == p.parts - 1) error = put_in_place(self, ctx, &p, generation);
  return error < 0 ? error : 0;
}
