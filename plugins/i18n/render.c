/* SPDX-License-Identifier: Apache-2.0 */
/* i18n.render and i18n.format: words and values for readers, many at a time. */
#include "i18n.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DOMAINS = 12 };

/* What one request needs. */
struct render {
  struct qun__i18n *self;
  const struct qun_context *ctx;
  struct qun__chain chain;
  struct qun__format *format;
  char currency[4];
  struct qun__lookup lookups[DOMAINS];
  uint32_t lookups_count, next_lookup;
  qun_slice yes, no;
  bool explain;
};

static const char *const from_names[] = {"tenant", "package", "nearest", "source", "id"};

static void copy_text(char *out, size_t size, qun_slice text, const char *otherwise) {
  if (text.len == 0 || text.len >= size) {
    snprintf(out, size, "%s", otherwise);
    return;
  }
  memcpy(out, text.ptr, (size_t)text.len);
  out[text.len] = 0;
}

static struct qun__lookup *lookup_for(struct render *r, qun_slice domain) {
  struct qun__lookup *l;
  for (uint32_t i = 0; i < r->lookups_count; i++) {
    if (qun_slice_is(domain, r->lookups[i].domain)) return &r->lookups[i];
  }
  l = &r->lookups[r->next_lookup++ % DOMAINS];
  if (r->lookups_count < DOMAINS) r->lookups_count++;
  qun__lookup_make(r->self, r->ctx, l, domain, &r->chain);
  return l;
}

static qun_slice own_word(struct render *r, const char *id) {
  const struct qun__source *from;
  const struct qun__words_entry *e = qun__lookup_find(lookup_for(r, qun_str("i18n")), qun_str(id), &from);
  return e ? e->text[0] : qun_str(id);
}

/* Locale, zone and currency: what is asked, else the tenant's, else the reader's locale, UTC and none. */
static int begin(struct render *r, struct qun__i18n *self, const struct qun_context *ctx,
                 const struct qun_request *request) {
  const struct qun__tenant *t = ctx->local;
  char locale[QUN_LOCALE_MAX], zone[64], reader[QUN_LOCALE_MAX];
  *r = (struct render){.self = self, .ctx = ctx};
  copy_text(reader, sizeof reader, request->locale, t ? t->locale : "en");
  copy_text(locale, sizeof locale, qun_mp_str(request->params, "locale"), reader);
  copy_text(zone, sizeof zone, qun_mp_str(request->params, "zone"), t ? t->zone : "UTC");
  copy_text(r->currency, sizeof r->currency, qun_mp_str(request->params, "currency"), t ? t->currency : "");
  r->explain = qun_mp_bool(request->params, "explain", 0) != 0;
  r->format = qun__format_for(self, locale, zone);
  if (!r->format) return QUN_EINVAL;
  qun__tenant_refresh(self, ctx);
  qun__chain_make(&r->chain, qun_str(qun__format_locale(r->format)));
  r->yes = own_word(r, "yes");
  r->no = own_word(r, "no");
  return 0;
}

struct item {
  qun_slice domain, id, context, args;
  int64_t n;
  bool counted;
};

static bool item_read(struct item *item, qun_slice map) {
  struct qun_unpack u;
  *item = (struct item){.domain = qun_mp_str(map, "domain"),
                        .id = qun_mp_str(map, "id"),
                        .context = qun_mp_str(map, "ctx")};
  if (!qun_mp_find(map, "args", &item->args)) item->args = qun_slice_of("\x80", 1);
  qun_unpack_init(&u, item->args);
  if (qun_unpack_peek(&u) != QUN_MP_MAP || !qun__domain_fits(item->domain)) return false;
  item->n = qun_mp_int(map, "n", qun_mp_int(item->args, "n", INT64_MIN));
  item->counted = item->n != INT64_MIN;
  return true;
}

/* Text of the catalogues for the item, or its id. */
static qun_slice item_text(struct render *r, const struct item *item, enum qun__from *from, const char **tag) {
  const struct qun__source *source;
  const struct qun__words_entry *e;
  struct qun_pack *key = &r->self->scratch;
  uint32_t form = 0;
  qun_slice find = item->id;
  if (item->context.len) {
    qun_pack_clear(key);
    qun_pack_raw(key, item->context);
    qun_pack_raw(key, qun_slice_of("\x04", 1));
    qun_pack_raw(key, item->id);
    find = qun_pack_slice(key);
  }
  e = qun__lookup_find(lookup_for(r, item->domain), find, &source);
  if (!e) {
    *from = QUN_FROM_ID;
    *tag = "";
    return item->id;
  }
  *from = source->from;
  *tag = source->tag;
  if (e->texts > 1 && item->counted)
    form = qun__plural_form(&source->words->rule, item->n < 0 ? 0 - (uint64_t)item->n : (uint64_t)item->n);
  return e->text[form < e->texts ? form : 0];
}

static void render_item(struct render *r, const struct item *item, struct qun_pack *out) {
  struct qun_pack *buffer = &r->self->scratch;
  struct qun__message m = {
      .args = item->args, .format = r->format, .currency = r->currency, .yes = r->yes, .no = r->no};
  enum qun__from from;
  const char *tag;
  qun_slice text = item_text(r, item, &from, &tag);
  qun_pack_clear(buffer);
  if (from == QUN_FROM_ID)
    qun_pack_raw(buffer, text);
  else
    (void)qun__message_format(buffer, text, &m);
  if (r->explain) {
    qun_pack_map(out, 3);
    qun_pack_cstr(out, "text");
  }
  qun_pack_str(out, qun_pack_slice(buffer));
  if (!r->explain) return;
  qun_pack_kv_cstr(out, "locale", tag);
  qun_pack_kv_cstr(out, "from", from_names[from]);
}

/* A text of qun/report.h: a plain string, or [id, {arguments}]. */
static bool text_read(struct item *item, qun_slice domain, qun_slice value) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice args = qun_slice_of("\x80", 1);
  *item = (struct item){.domain = domain};
  qun_unpack_init(&u, value);
  if (!qun_unpack_array(&u, &n) || n == 0 || n > 2 || !qun_unpack_str(&u, &item->id) || !qun__domain_fits(domain))
    return false;
  if (n == 2 && !qun_unpack_any(&u, &args)) return false;
  qun_unpack_init(&u, args);
  if (qun_unpack_peek(&u) != QUN_MP_MAP) return false;
  item->args = args;
  item->n = qun_mp_int(args, "n", INT64_MIN);
  item->counted = item->n != INT64_MIN;
  return true;
}

static int items_begin(struct qun__i18n *self, qun_slice params, struct qun_unpack *u, uint32_t *n) {
  qun_slice items;
  if (!qun_mp_valid(params, 8)) return qun__refuse(self, QUN_EINVAL, "the parameters are not one msgpack map");
  if (!qun_mp_find(params, "items", &items)) return qun__refuse(self, QUN_EINVAL, "items: a list must stand here");
  qun_unpack_init(u, items);
  if (!qun_unpack_array(u, n)) return qun__refuse(self, QUN_EINVAL, "items: a list must stand here");
  return 0;
}

int qun__render(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct render r;
  struct qun_unpack u;
  struct qun_pack *out = &self->answer;
  struct item item;
  uint32_t n;
  qun_slice map;
  int error = items_begin(self, request->params, &u, &n);
  if (!error) error = begin(&r, self, ctx, request);
  if (error) return error;
  qun_pack_clear(out);
  qun_pack_array(out, n);
  for (uint32_t i = 0; i < n; i++) {
    if (!qun_unpack_any(&u, &map) || !item_read(&item, map))
      return qun__refuse(self, QUN_EINVAL,
                         "items[%" PRIu32 "]: domain and id as texts and args as a map must stand here", i);
    render_item(&r, &item, out);
  }
  if (out->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  return self->reply->reply(self->host, request->id, qun_pack_slice(out));
}

/* ---- values */

static void put_member(struct qun_pack *out, int64_t v) {
  char text[24];
  snprintf(text, sizeof text, "#%" PRId64, v);
  qun_pack_raw(out, qun_str(text));
}

static bool put_number(struct render *r, struct qun_pack *out, qun_slice kind, int64_t v, const char *currency) {
  if (qun_slice_is(kind, "int"))
    qun__format_int(r->format, out, v);
  else if (qun_slice_is(kind, "ratio"))
    qun__format_ratio(r->format, out, v);
  else if (qun_slice_is(kind, "money"))
    qun__format_money(r->format, out, v, currency);
  else if (qun_slice_is(kind, "day"))
    qun__format_day(r->format, out, v);
  else if (qun_slice_is(kind, "month"))
    qun__format_month(r->format, out, v);
  else if (qun_slice_is(kind, "time"))
    qun__format_time(r->format, out, v);
  else if (qun_slice_is(kind, "duration"))
    qun__format_duration(r->format, out, v);
  else if (qun_slice_is(kind, "member"))
    put_member(out, v);
  else
    return false;
  return true;
}

struct value {
  qun_slice kind, value, currency, domain;
};

/* One pass over the map: report tables bring very many of these. */
static bool value_read(struct value *v, struct qun_unpack *u) {
  uint32_t n;
  qun_slice key;
  memset(v, 0, sizeof *v);
  if (!qun_unpack_map(u, &n)) return false;
  while (n-- > 0) {
    bool good;
    if (!qun_unpack_str(u, &key)) return false;
    if (qun_slice_is(key, "kind"))
      good = qun_unpack_str(u, &v->kind);
    else if (qun_slice_is(key, "value"))
      good = qun_unpack_any(u, &v->value);
    else if (qun_slice_is(key, "currency"))
      good = qun_unpack_str(u, &v->currency);
    else if (qun_slice_is(key, "domain"))
      good = qun_unpack_str(u, &v->domain);
    else
      good = qun_unpack_skip(u);
    if (!good) return false;
  }
  return v->kind.len > 0;
}

static bool format_value(struct render *r, const struct value *v, struct qun_pack *out) {
  struct qun_pack *buffer = &r->self->scratch;
  struct qun_unpack u;
  struct item item;
  char currency[4];
  int64_t integer;
  qun_slice text;
  int boolean;
  qun_unpack_init(&u, v->value);
  if (qun_slice_is(v->kind, "text") && text_read(&item, v->domain, v->value)) {
    render_item(r, &item, out);
    return true;
  }
  qun_pack_clear(buffer);
  copy_text(currency, sizeof currency, v->currency, r->currency);
  if (v->value.len == 0 || qun_unpack_nil(&u))
    qun_pack_raw(buffer, qun_str("\xe2\x80\x93"));
  else if (qun_unpack_str(&u, &text))
    qun_pack_raw(buffer, text);
  else if (qun_unpack_bool(&u, &boolean))
    qun_pack_raw(buffer, boolean ? r->yes : r->no);
  else if (!qun_unpack_int(&u, &integer) || !put_number(r, buffer, v->kind, integer, currency))
    return false;
  qun_pack_str(out, qun_pack_slice(buffer));
  return true;
}

int qun__format_request(struct qun__i18n *self, const struct qun_context *ctx, const struct qun_request *request) {
  struct render r;
  struct qun_unpack u;
  struct qun_pack *out = &self->answer;
  struct value v;
  uint32_t n;
  int error = items_begin(self, request->params, &u, &n);
  if (!error) error = begin(&r, self, ctx, request);
  if (error) return error;
  qun_pack_clear(out);
  qun_pack_array(out, n);
  for (uint32_t i = 0; i < n; i++) {
    if (!value_read(&v, &u))
      return qun__refuse(self, QUN_EINVAL, "items[%" PRIu32 "]: a map with kind and value must stand here", i);
    if (!format_value(&r, &v, out))
      return qun__refuse(self, QUN_EINVAL, "items[%" PRIu32 "]: the value does not fit the kind '%.*s'", i,
                         v.kind.len > 20 ? 20 : (int)v.kind.len, (const char *)v.kind.ptr);
  }
  if (out->failed) return qun__refuse(self, QUN_EFAIL, "memory ran out");
  return self->reply->reply(self->host, request->id, qun_pack_slice(out));
}
