/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL as a contender: one prepared statement a frame (log rows, members' and days' counters; one transaction),
 * batches as binary arrays. The frames are made as the protocol wants them (Bind, Execute, Sync; PostgreSQL 15 manual,
 * chapter 55) before the clock starts, so that the client costs as little as Qun's.
 */
#include "tools/qun/bench/pg_server.h"
#include "tools/qun/bench/process.h"
#include "tools/qun/bench/side.h"

#include <stdlib.h>

enum { COLUMNS = 7, ARRAYS = COLUMNS + 1 };
enum { OID_INT8 = 20, OID_INT2 = 21, OID_TEXT = 25 };

#define COUNT_MEMBERS                                                                                                    \
  " m AS (INSERT INTO member AS x SELECT $1::int4, member, count(*) FILTER (WHERE type = 0), max(time_ms) FROM e GROUP " \
  "BY member ORDER BY member ON CONFLICT (tenant_id, member_id) DO UPDATE SET msgs = x.msgs + excluded.msgs, "           \
  "last_seen = greatest(x.last_seen, excluded.last_seen))"
#define COUNT_DAYS                                                                                                      \
  " INSERT INTO day AS d SELECT $1::int4, (time_ms / 86400000)::int4, type, count(*) FROM e GROUP BY 2, 3 ORDER BY 2, " \
  "3 ON CONFLICT (tenant_id, day, type) DO UPDATE SET n = d.n + excluded.n"

static const char batch_sql[] =
    "WITH e AS MATERIALIZED (SELECT * FROM unnest($2::int8[], $3::text[], $4::int2[], $5::text[], $6::int8[], "
    "$7::text[], $8::text[]) AS u(seq, id, type, member, time_ms, channel, body)),"
    " i AS (INSERT INTO events SELECT $1::int4, seq, id, type, member, time_ms, channel, body FROM e)," COUNT_MEMBERS
        COUNT_DAYS;

/* The day's counter comes last, since all of a tenant's transactions wait for that row. */
static const char single_sql[] =
    "WITH i AS (INSERT INTO events VALUES ($1::int4, $2::int8, $3::text, $4::int2, $5::text, $6::int8, $7::text, "
    "$8::text) RETURNING 1),"
    " m AS (INSERT INTO member AS x VALUES ($1::int4, $5::text, ($4::int2 = 0)::int4, $6::int8) ON CONFLICT (tenant_id, "
    "member_id) DO UPDATE SET msgs = x.msgs + excluded.msgs, last_seen = greatest(x.last_seen, excluded.last_seen) "
    "RETURNING 1)"
    " INSERT INTO day AS d SELECT $1::int4, ($6::int8 / 86400000)::int4, $4::int2, 1 FROM i, m ON CONFLICT (tenant_id, "
    "day, type) DO UPDATE SET n = d.n + excluded.n";

static const char json_sql[] =
    "WITH e AS MATERIALIZED (SELECT $2::int8 + row_number() OVER () AS seq, id, (CASE type WHEN 'message' THEN 0 WHEN "
    "'reaction' THEN 1 WHEN 'join' THEN 2 ELSE 3 END)::int2 AS type, member, (extract(epoch FROM \"time\") * "
    "1000)::int8 AS time_ms, \"group\" AS channel, data::text AS body FROM json_to_recordset($3::json) AS u(id text, "
    "type text, \"time\" timestamptz, member text, \"group\" text, data json)),"
    " i AS (INSERT INTO events SELECT $1::int4, seq, id, type, member, time_ms, channel, body FROM e)," COUNT_MEMBERS
        COUNT_DAYS;

struct side {
  struct qun_bench_pg server;
  struct qun_pack columns[ARRAYS]; /* of the frame being made */
};

/* ---- frames */

static void put32(struct qun_pack *p, uint32_t v) {
  unsigned char *at = qun__pack_room(p, 4);
  if (at) qun__put_be(at, v, 4);
}

static void put_value(struct qun_pack *p, const void *bytes, size_t len) {
  put32(p, (uint32_t)len);
  qun_pack_raw(p, qun_slice_of(bytes, len));
}

static void put_int(struct qun_pack *p, uint64_t v, unsigned bytes) {
  put32(p, bytes);
  unsigned char *at = qun__pack_room(p, bytes);
  if (at) qun__put_be(at, v, bytes);
}

/* One event's values, each behind its length; as parameters or as elements of seven arrays. */
static void put_event(struct qun_pack *columns[COLUMNS], uint64_t seq, const struct qun_bench_event *e) {
  struct qun_pack body;
  qun_pack_init(&body);
  qun_bench_event_data(&body, e);
  put_int(columns[0], seq, 8);
  put_value(columns[1], e->id, QUN_BENCH_ID);
  put_int(columns[2], e->type, 2);
  put_value(columns[3], e->member, strlen(e->member));
  put_int(columns[4], (uint64_t)e->time_ms, 8);
  put_value(columns[5], e->group, strlen(e->group));
  put_value(columns[6], body.buf, body.len);
  columns[6]->failed |= body.failed;
  qun_pack_fini(&body);
}

static void put_arrays(struct side *s, struct qun_pack *out, uint64_t nth, const struct qun_bench_event *events,
                       uint32_t count) {
  static const uint32_t oids[COLUMNS] = {OID_INT8, OID_TEXT, OID_INT2, OID_TEXT, OID_INT8, OID_TEXT, OID_TEXT};
  struct qun_pack *columns[COLUMNS];
  for (int i = 0; i < COLUMNS; i++) {
    const uint32_t head[] = {1, 0, oids[i], count, 1}; /* dimensions, nulls, element type, length, lower bound */
    columns[i] = &s->columns[i];
    qun_pack_clear(columns[i]);
    for (int k = 0; k < 5; k++) put32(columns[i], head[k]);
  }
  for (uint32_t k = 0; k < count; k++) put_event(columns, nth + k, &events[k]);
  for (int i = 0; i < COLUMNS; i++) {
    put_value(out, columns[i]->buf, columns[i]->len);
    out->failed |= columns[i]->failed;
  }
}

static void put_json(struct side *s, struct qun_pack *out, uint64_t nth, const struct qun_bench_event *events,
                     uint32_t count) {
  struct qun_pack *json = &s->columns[0];
  qun_pack_clear(json);
  for (uint32_t i = 0; i < count; i++) {
    qun_pack_raw(json, qun_slice_of(i ? "," : "[", 1));
    qun_bench_event_json(json, &events[i]);
  }
  qun_pack_raw(json, qun_slice_of("]", 1));
  put_int(out, nth, 8);
  put_value(out, json->buf, json->len);
  out->failed |= json->failed;
}

struct encoder {
  struct side *side;
  bool json;
};

static void encode(void *arg, struct qun_pack *out, uint32_t frame, uint32_t tenant, uint64_t nth,
                   const struct qun_bench_event *events, uint32_t count) {
  (void)frame;
  struct encoder *e = arg;
  struct qun_pack *single[COLUMNS] = {out, out, out, out, out, out, out};
  /* Bind: portal "", statement "w", one format for all: binary */
  static const unsigned char bind[] = {0, 'w', 0, 0, 1, 0, 1, 0};
  static const unsigned char rest[] = {0, 0, 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0, 'S', 0, 0, 0, 4};
  qun_pack_raw(out, qun_slice_of("B", 1));
  size_t at = out->len;
  put32(out, 0);
  qun_pack_raw(out, qun_slice_of(bind, sizeof bind));
  qun_pack_raw(out, qun_slice_of(e->json ? "\3" : "\10", 1)); /* parameters */
  put_int(out, tenant, 4);
  if (e->json)
    put_json(e->side, out, nth, events, count);
  else if (count == 1)
    put_event(single, nth, &events[0]);
  else
    put_arrays(e->side, out, nth, events, count);
  size_t end = out->len + 2; /* with the count of result formats */
  qun_pack_raw(out, qun_slice_of(rest, sizeof rest));
  if (!out->failed) qun__put_be(out->buf + at, end - at, 4);
}

/* ---- answers */

static int refused(const unsigned char *fields, size_t len, struct qun_error *err) {
  const unsigned char *end = fields + len;
  while (fields < end && *fields) {
    size_t n = strnlen((const char *)fields + 1, (size_t)(end - fields - 1));
    if (*fields == 'M')
      return qun_error_set(err, QUN_EFAIL, "PostgreSQL refused: %.*s", (int)n, (const char *)fields + 1);
    fields += n + 2;
  }
  return qun_error_set(err, QUN_EFAIL, "PostgreSQL refused");
}

/* A frame is answered with ReadyForQuery, which its Sync brings after the commit. */
static int take(struct qun_bench_link *link, struct qun_error *err) {
  int answers = 0;
  while (link->to - link->from >= 5) {
    const unsigned char *at = link->in + link->from;
    size_t len = (size_t)qun__get_be(at + 1, 4);
    if (link->to - link->from - 1 < len) break;
    if (*at == 'E') return refused(at + 5, len - 4, err);
    answers += *at == 'Z';
    link->from += 1 + len;
  }
  return answers;
}

static const struct qun_bench_wire wire = {.take = take};

/* ---- a round */

static int prepare(struct side *s, const struct qun_bench_plan *plan, PGconn **out, struct qun_error *err) {
  const char *sql = plan->json ? json_sql : plan->batch == 1 ? single_sql : batch_sql;
  int rc = qun_bench_pg_connect(&s->server, out, err);
  if (rc < 0) return rc;
  PGresult *r = PQprepare(*out, "w", sql, 0, NULL);
  if (PQresultStatus(r) != PGRES_COMMAND_OK) rc = qun_error_set(err, QUN_EFAIL, "PostgreSQL: %s", PQerrorMessage(*out));
  PQclear(r);
  return rc;
}

static int check(struct side *s, const struct qun_bench_drive *d, struct qun_bench_result *result,
                 struct qun_error *err) {
  double rows, counted = 0, bytes = 0;
  int rc = qun_bench_pg_number(&s->server, "SELECT count(*) FROM events", &rows, err);
  if (rc == 0) rc = qun_bench_pg_number(&s->server, "SELECT coalesce(sum(n), 0) FROM day", &counted, err);
  if (rc == 0 && ((uint64_t)rows != d->events || (uint64_t)counted != d->events))
    rc = qun_error_set(err, QUN_EFAIL, "%llu events were acknowledged, PostgreSQL holds %.0f and counted %.0f",
                       (unsigned long long)d->events, rows, counted);
  if (rc == 0)
    rc = qun_bench_pg_number(&s->server,
                             "SELECT pg_total_relation_size('events') + pg_total_relation_size('member') + "
                             "pg_total_relation_size('day')",
                             &bytes, err);
  if (rc == 0 && d->events) result->disk = bytes / (double)d->events;
  return rc;
}

static int drive(struct side *s, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_drive *d,
                 struct qun_bench_result *result, struct qun_error *err) {
  PGconn **connections = calloc(way, sizeof *connections);
  d->links = calloc(way, sizeof *d->links);
  int rc = connections && d->links ? 0 : qun_error_set(err, QUN_EFAIL, "out of memory");
  for (uint32_t i = 0; rc == 0 && i < way; i++) {
    rc = prepare(s, plan, &connections[i], err);
    if (rc == 0) d->links[d->links_count++].fd = PQsocket(connections[i]);
  }
  if (rc == 0) rc = qun_bench_drive(d, err);
  if (rc == 0) result->memory = (double)qun_bench_memory(s->server.pid);
  for (uint32_t i = 0; connections && i < way; i++) PQfinish(connections[i]);
  free(connections);
  return rc;
}

static int side_round(void *self, const struct qun_bench_plan *plan, uint32_t way, struct qun_bench_result *result,
                      struct qun_error *err) {
  struct side *s = self;
  struct encoder encoder = {s, plan->json};
  struct qun_bench_frames frames;
  struct qun_bench_drive d = {
      .plan = plan, .frames = &frames, .wire = &wire, .groups = 1, .depth = (plan->under_way + way - 1) / way};
  int rc = qun_bench_frames_make(&frames, plan, encode, &encoder, err);
  if (rc == 0) rc = qun_bench_pg_do(&s->server, "TRUNCATE events, member, day", err);
  if (rc == 0) rc = qun_bench_pg_do(&s->server, "CHECKPOINT", err);
  if (rc == 0) rc = drive(s, plan, way, &d, result, err);
  if (rc == 0) qun_bench_result_of(result, &d);
  if (rc == 0) rc = check(s, &d, result, err);
  if (rc == 0) rc = qun_bench_pg_do(&s->server, "CHECKPOINT", err); /* what it still owes the disk is not for others */
  qun_bench_drive_fini(&d);
  free(d.links);
  qun_bench_frames_fini(&frames);
  return rc;
}

/* ---- the side */

static int side_open(void **self, const struct qun_bench_setup *setup, struct qun_error *err) {
  struct side *s = calloc(1, sizeof *s);
  *self = s;
  return s ? qun_bench_pg_start(&s->server, setup->dir, err) : qun_error_set(err, QUN_EFAIL, "out of memory");
}

static uint32_t side_ways(const struct qun_bench_plan *plan, uint32_t out[QUN_BENCH_WAYS]) {
  uint32_t n = 0;
  for (uint32_t way = 1; way <= plan->under_way && way <= 64; way *= 2) out[n++] = way;
  return n;
}

static void side_close(void *self) {
  struct side *s = self;
  if (!s) return;
  qun_bench_pg_stop(&s->server);
  for (int i = 0; i < ARRAYS; i++) qun_pack_fini(&s->columns[i]);
  free(s);
}

const struct qun_bench_side qun_bench_postgresql = {
    .name = "postgresql", .open = side_open, .ways = side_ways, .round = side_round, .close = side_close};
