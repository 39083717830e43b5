/* SPDX-License-Identifier: Apache-2.0 */
/* One event in JSON a line: CloudEvents, or canonical events as the rest of the host writes them. */
#include "host/intake/cloudevents.h"
#include "host/intake/import_internal.h"

static int map_cloudevent(struct qun__import_context *context, qun_slice line, struct qun_pack *events,
                          struct qun_error *err) {
  (void)context;
  return qun_cloudevent_map(events, line, err);
}

static int map_event(struct qun__import_context *context, qun_slice line, struct qun_pack *events,
                     struct qun_error *err) {
  struct qun_unpack u;
  (void)context;
  qun_unpack_init(&u, line);
  if (qun_unpack_peek(&u) != QUN_MP_MAP) return qun_error_set(err, QUN_EINVAL, "an event must be a JSON object");
  qun_pack_raw(events, line);
  return QUN_OK;
}

/* Both have a source and a type; only one has a version. */
static int sniff_line(const struct qun__probe *probe, int version) {
  struct qun_pack line;
  qun_slice v;
  qun_pack_init(&line);
  int yes = qun__probe_line(probe, &line) && qun_mp_find(qun_pack_slice(&line), "source", &v) &&
            qun_mp_find(qun_pack_slice(&line), "type", &v) &&
            qun_mp_find(qun_pack_slice(&line), "specversion", &v) == version;
  qun_pack_fini(&line);
  return yes;
}

static int sniff_cloudevent(const struct qun__probe *probe) {
  return sniff_line(probe, 1);
}

static int sniff_event(const struct qun__probe *probe) {
  return sniff_line(probe, 0);
}

const struct qun_importer qun__import_cloudevents = {
    .info = {"cloudevents", "CloudEvents, one in JSON a line", "jsonl ndjson zst"},
    .unit = "line",
    .records = &qun__line_records,
    .sniff = sniff_cloudevent,
    .map = map_cloudevent,
};

const struct qun_importer qun__import_events = {
    .info = {"events", "canonical events, one in JSON a line", "jsonl ndjson zst"},
    .unit = "line",
    .records = &qun__line_records,
    .sniff = sniff_event,
    .map = map_event,
};
