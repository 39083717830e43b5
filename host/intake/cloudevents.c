/* SPDX-License-Identifier: Apache-2.0 */
#include "host/intake/cloudevents.h"

#include "host/intake/normalise_data.h"
#include "host/ops/json.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const kept[] = {"id", "source", "type", "time", "subject", "member", "group", "channel", "lang"};
enum { KEPT = sizeof kept / sizeof *kept, HEADER_MAX = 3 * QUN_ATTRIBUTE_MAX + 2 };

/* ---------------------------------------------------------------- content types */

static int has_prefix(const char *text, const char *prefix) {
  return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* "application/json", "text/json" and "...+json", with any parameters. */
static int is_json(qun_slice type) {
  const char *at = type.ptr;
  size_t n = 0;
  while (n < type.len && at[n] != ';' && at[n] != ' ' && at[n] != '\t') n++;
  if (n == 16 && strncasecmp(at, "application/json", 16) == 0) return 1;
  if (n == 9 && strncasecmp(at, "text/json", 9) == 0) return 1;
  return n > 5 && strncasecmp(at + n - 5, "+json", 5) == 0;
}

/* The JSON event format, or none named: "application/cloudevents", "application/cloudevents+json; charset=utf-8". */
static int check_format(const char *type, const char *mode, struct qun_error *err) {
  const char *rest = type + strlen(mode);
  if (*rest == '\0' || *rest == ';' || *rest == ' ') return QUN_OK;
  if (is_json(qun_str(type))) return QUN_OK;
  return qun_error_set(err, QUN_EUNSUPPORTED, "Content-Type \"%s\": of the event formats only JSON is read",
                       qun__quote(qun_str(type)).text);
}

/* ---------------------------------------------------------------- structured */

/* What is used of an event; each an encoded value, empty if absent. */
enum { VERSION = KEPT, DATA_TYPE, DATA, BASE64, PARTS };

static const char *part_name(int i) {
  static const char *const more[] = {"specversion", "datacontenttype", "data", "data_base64"};
  return i < KEPT ? kept[i] : more[i - KEPT];
}

static void find_parts(qun_slice parts[PARTS], struct qun_unpack u, uint32_t count) {
  while (count-- > 0) {
    qun_slice key, value;
    int i = 0;
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value)) return;
    while (i < PARTS && !qun_slice_eq(key, qun_str(part_name(i)))) i++;
    if (i < PARTS && (value.len != 1 || *(const unsigned char *)value.ptr != 0xc0))
      parts[i] = value; /* nil is absent */
  }
}

/* The text of a part, or the empty slice. */
static qun_slice text_of(qun_slice value) {
  struct qun_unpack u;
  qun_slice s;
  qun_unpack_init(&u, value);
  return qun_unpack_str(&u, &s) ? s : qun_slice_of(NULL, 0);
}

static int check_parts(const qun_slice parts[PARTS], struct qun_error *err) {
  qun_slice version = text_of(parts[VERSION]), type = text_of(parts[DATA_TYPE]);
  if (parts[VERSION].len == 0) return qun_error_set(err, QUN_EINVAL, "specversion is missing");
  if (!qun_slice_eq(version, qun_str("1.0")))
    return qun_error_set(err, QUN_EINVAL, "specversion must be \"1.0\" (got \"%s\")", qun__quote(version).text);
  if (parts[DATA_TYPE].len > 0 && !is_json(type))
    return qun_error_set(err, QUN_EUNSUPPORTED, "datacontenttype \"%s\" is not JSON", qun__quote(type).text);
  if (parts[DATA].len > 0 && parts[BASE64].len > 0)
    return qun_error_set(err, QUN_EINVAL, "data and data_base64 are both given");
  return QUN_OK;
}

/* Bytes in base64 that hold JSON. */
static int put_base64(struct qun_pack *out, qun_slice text, struct qun_error *err) {
  size_t max = (size_t)text.len / 4 * 3 + 3, n = 0;
  unsigned char *bytes = malloc(max);
  int rc;
  if (!bytes) return qun_error_set(err, QUN_EFAIL, "out of memory");
  if (sodium_base642bin(bytes, max, text.ptr, (size_t)text.len, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
    rc = qun_error_set(err, QUN_EINVAL, "data_base64 is not base64");
  } else {
    rc = qun_json_to_msgpack(out, qun_slice_of(bytes, n), err);
    if (rc < 0) qun_error_prefix(err, "data_base64");
  }
  free(bytes);
  return rc;
}

static int put_data(struct qun_pack *out, const qun_slice parts[PARTS], struct qun_error *err) {
  struct qun_unpack u;
  qun_slice text;
  qun_pack_cstr(out, "data");
  if (parts[DATA].len > 0) {
    qun_pack_raw(out, parts[DATA]);
    return QUN_OK;
  }
  qun_unpack_init(&u, parts[BASE64]);
  if (!qun_unpack_str(&u, &text)) return qun_error_set(err, QUN_EINVAL, "data_base64 must be text");
  return put_base64(out, text, err);
}

int qun_cloudevent_map(struct qun_pack *out, qun_slice structured, struct qun_error *err) {
  size_t was = out->len;
  uint32_t count;
  qun_slice parts[PARTS];
  struct qun_unpack u;
  int rc;
  memset(parts, 0, sizeof parts);
  qun_unpack_init(&u, structured);
  if (!qun_unpack_map(&u, &count))
    return qun_error_set(err, QUN_EINVAL, "an event must be an object (got %s)", qun__value_name(&u));
  find_parts(parts, u, count);
  if ((rc = check_parts(parts, err)) < 0) return rc;
  size_t at = qun_pack_open_map(out);
  count = 0;
  for (int i = 0; i < KEPT; i++) {
    if (parts[i].len == 0) continue;
    qun_pack_cstr(out, kept[i]);
    qun_pack_raw(out, parts[i]);
    count++;
  }
  if (parts[DATA].len > 0 || parts[BASE64].len > 0) {
    count++;
    rc = put_data(out, parts, err);
  }
  qun_pack_close(out, at, count);
  if (rc < 0) out->len = was;
  return rc;
}

/* ---------------------------------------------------------------- binary */

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* A header's value: quotes off, then percent-decoded once. A percent sign with no two digits behind it stands for
 * itself. */
static size_t decode_header(const char *value, char out[HEADER_MAX]) {
  size_t len = strlen(value), n = 0;
  int quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"';
  const char *at = quoted ? value + 1 : value, *end = value + len - (quoted ? 1 : 0);
  while (at < end && n < HEADER_MAX) {
    if (quoted && *at == '\\' && end - at >= 2) at++;
    if (*at == '%' && end - at >= 3 && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
      out[n++] = (char)(hex(at[1]) * 16 + hex(at[2]));
      at += 3;
    } else {
      out[n++] = *at++;
    }
  }
  return n;
}

static int put_header(struct qun_pack *out, const struct qun_cloudevents_request *r, const char *name, uint32_t *count,
                      struct qun_error *err) {
  char header[32], text[HEADER_MAX];
  snprintf(header, sizeof header, "ce-%s", name);
  const char *value = r->header(r->header_arg, header);
  if (!value) return QUN_OK;
  qun_slice s = qun_slice_of(text, decode_header(value, text));
  int rc = qun__text_check(s, QUN_ATTRIBUTE_MAX, header, err);
  if (rc < 0) return rc;
  qun_pack_cstr(out, name);
  qun_pack_str(out, s);
  (*count)++;
  return QUN_OK;
}

static int check_headers(const struct qun_cloudevents_request *r, struct qun_error *err) {
  static const char *const needed[] = {"ce-specversion", "ce-id", "ce-source", "ce-type"};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!r->header(r->header_arg, needed[i]))
      return qun_error_set(err, QUN_EINVAL,
                           "the header %s is missing (binary mode, as Content-Type is not application/cloudevents)",
                           needed[i]);
  const char *version = r->header(r->header_arg, "ce-specversion");
  if (strcmp(version, "1.0") != 0)
    return qun_error_set(err, QUN_EINVAL, "ce-specversion must be 1.0 (got \"%s\")", qun__quote(qun_str(version)).text);
  if (r->header(r->header_arg, "ce-datacontenttype"))
    return qun_error_set(err, QUN_EINVAL, "the header ce-datacontenttype must not be there: Content-Type says it");
  if (r->body.len > 0 && r->content_type && !is_json(qun_str(r->content_type)))
    return qun_error_set(err, QUN_EUNSUPPORTED, "Content-Type \"%s\" is not JSON",
                         qun__quote(qun_str(r->content_type)).text);
  return QUN_OK;
}

static int read_binary(struct qun_pack *events, const struct qun_cloudevents_request *r, struct qun_error *err) {
  uint32_t count = 0;
  int rc = check_headers(r, err);
  if (rc < 0) return rc;
  size_t at = qun_pack_open_map(events);
  for (int i = 0; i < KEPT; i++)
    if ((rc = put_header(events, r, kept[i], &count, err)) < 0) return rc;
  if (r->body.len > 0) {
    qun_pack_cstr(events, "data");
    if ((rc = qun_json_to_msgpack(events, r->body, err)) < 0) {
      qun_error_prefix(err, "data");
      return rc;
    }
    count++;
  }
  qun_pack_close(events, at, count);
  return 1;
}

/* ---------------------------------------------------------------- batch */

struct bytes {
  qun_slice left;
};

static ptrdiff_t read_bytes(void *arg, void *buf, size_t size) {
  struct bytes *b = arg;
  size_t n = b->left.len < size ? (size_t)b->left.len : size;
  memcpy(buf, b->left.ptr, n);
  b->left = qun_slice_of((const char *)b->left.ptr + n, (size_t)b->left.len - n);
  return (ptrdiff_t)n;
}

static int put_event(struct qun_pack *events, struct qun_refusals *refusals, uint32_t index, qun_slice structured) {
  struct qun_error why = {0};
  if (qun_cloudevent_map(events, structured, &why) == 0) return QUN_OK;
  qun_pack_nil(events);
  return qun_refusals_add(refusals, index, &why);
}

static int too_many(uint32_t max, struct qun_error *err) {
  return qun_error_set(err, QUN_EQUOTA, "the batch has too many events: at most %u are allowed", max);
}

/* The whole list at once: the quick way, good when every event is good JSON. */
static int read_list(struct qun_pack *events, struct qun_refusals *refusals, qun_slice list, uint32_t max,
                     struct qun_error *err) {
  struct qun_unpack u;
  uint32_t count;
  qun_unpack_init(&u, list);
  if (!qun_unpack_array(&u, &count)) return qun_error_set(err, QUN_EINVAL, "a batch must be a list of events");
  if (count > max) return too_many(max, err);
  for (uint32_t i = 0; i < count; i++) {
    qun_slice event;
    if (!qun_unpack_any(&u, &event) || put_event(events, refusals, i, event) < 0)
      return qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  return (int)count;
}

/* Event by event, so that a duplicate key or a number out of range refuses one event and not the batch. */
static int read_stream(struct qun_pack *events, struct qun_refusals *refusals, qun_slice body, uint32_t max,
                       struct qun_error *err) {
  struct bytes bytes = {body};
  struct qun_json_stream *s;
  struct qun_json_element e;
  uint32_t count = 0;
  int rc;
  if (qun_json_stream_open(&s, NULL, read_bytes, &bytes) < 0) return qun_error_set(err, QUN_EFAIL, "out of memory");
  while ((rc = qun_json_stream_next(s, &e, err)) == 1) {
    if (count == max) {
      rc = too_many(max, err);
      break;
    }
    if (e.reason) {
      struct qun_error why;
      qun_error_set(&why, QUN_EINVAL, "%s", e.reason);
      qun_pack_nil(events);
      rc = qun_refusals_add(refusals, count, &why);
    } else {
      rc = put_event(events, refusals, count, e.value);
    }
    if (rc < 0) {
      qun_error_set(err, rc, "out of memory");
      break;
    }
    count++;
  }
  qun_json_stream_close(s);
  return rc < 0 ? rc : (int)count;
}

static int read_batch(struct qun_pack *events, struct qun_refusals *refusals, const struct qun_cloudevents_request *r,
                      struct qun_error *err) {
  uint32_t max = r->limits.events ? r->limits.events : 10000;
  struct qun_pack list;
  struct qun_error place = {0}, ignored;
  qun_pack_init(&list);
  int rc = qun_json_to_msgpack(&list, r->body, &place);
  if (rc == 0) {
    rc = read_list(events, refusals, qun_pack_slice(&list), max, err);
  } else {
    rc = read_stream(events, refusals, r->body, max, rc == QUN_EINVAL ? &ignored : err);
    if (rc == QUN_EINVAL)
      qun_error_set(err, rc, "%s", place.message); /* has line and column */
    else if (rc < 0)
      qun_error_set(err, rc, "%s", ignored.message);
  }
  qun_pack_fini(&list);
  return rc;
}

static int read_structured(struct qun_pack *events, const struct qun_cloudevents_request *r, struct qun_error *err) {
  struct qun_pack event;
  qun_pack_init(&event);
  int rc = qun_json_to_msgpack(&event, r->body, err);
  if (rc == 0) rc = qun_cloudevent_map(events, qun_pack_slice(&event), err);
  qun_pack_fini(&event);
  return rc < 0 ? rc : 1;
}

int qun_cloudevents_read(struct qun_pack *events, struct qun_refusals *refusals,
                         const struct qun_cloudevents_request *r, struct qun_error *err) {
  static const char batch[] = "application/cloudevents-batch", structured[] = "application/cloudevents";
  const char *type = r->content_type ? r->content_type : "";
  size_t max = r->limits.bytes ? r->limits.bytes : 16u << 20, was = events->len;
  uint32_t kept_before = refusals->count, total_before = refusals->total;
  int rc;
  while (*type == ' ') type++;
  if (r->body.len > max)
    return qun_error_set(err, QUN_EQUOTA, "the body is too long: %llu bytes, at most %zu are allowed",
                         (unsigned long long)r->body.len, max);
  if (has_prefix(type, batch))
    rc = check_format(type, batch, err) < 0 ? QUN_EUNSUPPORTED : read_batch(events, refusals, r, err);
  else if (has_prefix(type, structured))
    rc = check_format(type, structured, err) < 0 ? QUN_EUNSUPPORTED : read_structured(events, r, err);
  else
    rc = read_binary(events, r, err);
  if (rc >= 0 && events->failed) rc = qun_error_set(err, QUN_EFAIL, "out of memory");
  if (rc < 0) {
    if (!events->failed) events->len = was;
    refusals->count = kept_before;
    refusals->total = total_before;
  }
  return rc;
}

static int by_index(const void *left, const void *right) {
  const struct qun_refusal *a = left, *b = right;
  return (a->index > b->index) - (a->index < b->index);
}

/* By way of canonical maps: a single event, and batches in which only some events are good JSON. */
static int take_by_map(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                       const struct qun_cloudevents_request *request, uint32_t *total, struct qun_error *err) {
  struct qun_pack events;
  struct qun_unpack u;
  int taken = 0;
  qun_pack_init(&events);
  int count = qun_cloudevents_read(&events, refusals, request, err);
  if (count < 0) taken = count;
  qun_unpack_init(&u, qun_pack_slice(&events));
  for (uint32_t i = 0; (int)i < count && taken >= 0; i++) {
    struct qun_error why = {0};
    qun_slice event;
    if (qun_unpack_nil(&u)) continue; /* refused above */
    if (!qun_unpack_any(&u, &event)) break;
    if (qun_normalise(n, batch, event, &why) == 0)
      taken++;
    else if (qun_refusals_add(refusals, i, &why) < 0)
      taken = qun_error_set(err, QUN_EFAIL, "out of memory");
  }
  if (refusals->count > 1) qsort(refusals->items, refusals->count, sizeof *refusals->items, by_index);
  if (taken >= 0 && total) *total = (uint32_t)count;
  qun_pack_fini(&events);
  return taken;
}

static int refuse(struct qun_refusals *refusals, uint32_t index, const struct qun_error *why, struct qun_error *err) {
  if (qun_refusals_add(refusals, index, why) == 0) return QUN_OK;
  return qun_error_set(err, QUN_EFAIL, "out of memory");
}

/* An event of a batch: mostly as it stands; what is unusual or refused, by way of its canonical map. 1: taken. */
static int take_event(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                      struct qun_unpack *u, uint32_t index, struct qun_error *err) {
  struct qun_unpack from = *u;
  struct qun_error why = {0};
  struct qun_pack canonical;
  qun_slice event;
  if (qun__normalise_cloudevent(n, batch, u) == 0) return 1;
  *u = from;
  if (!qun_unpack_any(u, &event)) return qun_error_set(err, QUN_EFAIL, "out of memory");
  qun_pack_init(&canonical);
  int rc = qun_cloudevent_map(&canonical, event, &why);
  if (rc == 0 && canonical.failed) rc = qun_error_set(&why, QUN_EFAIL, "out of memory");
  if (rc == 0) rc = qun_normalise(n, batch, qun_pack_slice(&canonical), &why);
  qun_pack_fini(&canonical);
  return rc == 0 ? 1 : refuse(refusals, index, &why, err);
}

/* A batch that is good JSON as a whole goes from there through the gate. QUN_EINVAL: it is not, and nothing was taken. */
static int take_list(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                     const struct qun_cloudevents_request *r, uint32_t *total, struct qun_error *err) {
  uint32_t max = r->limits.events ? r->limits.events : 10000, count = 0;
  struct qun_pack list;
  struct qun_unpack u;
  int taken = 0;
  qun_pack_init(&list);
  int rc = qun_json_to_msgpack(&list, r->body, err);
  qun_unpack_init(&u, qun_pack_slice(&list));
  if (rc == 0 && !qun_unpack_array(&u, &count)) rc = qun_error_set(err, QUN_EINVAL, "a batch must be a list of events");
  if (rc == 0 && count > max) rc = too_many(max, err);
  for (uint32_t i = 0; i < count && rc >= 0; i++)
    if ((rc = take_event(n, batch, refusals, &u, i, err)) > 0) taken++;
  qun_pack_fini(&list);
  if (rc >= 0 && total) *total = count;
  return rc < 0 ? rc : taken;
}

static bool is_batch(const struct qun_cloudevents_request *r) {
  static const char batch[] = "application/cloudevents-batch";
  struct qun_error err;
  const char *type = r->content_type ? r->content_type : "";
  while (*type == ' ') type++;
  size_t max = r->limits.bytes ? r->limits.bytes : 16u << 20;
  return r->body.len <= max && has_prefix(type, batch) && check_format(type, batch, &err) == 0;
}

int qun_cloudevents_take(struct qun_normaliser *n, struct qun_input_batch *batch, struct qun_refusals *refusals,
                         const struct qun_cloudevents_request *request, uint32_t *total, struct qun_error *err) {
  if (is_batch(request)) {
    int rc = take_list(n, batch, refusals, request, total, err);
    if (rc != QUN_EINVAL) return rc;
  }
  return take_by_map(n, batch, refusals, request, total, err);
}
