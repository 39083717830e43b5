/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/report.h"

#include "host/reports/model.h"

#include <string.h>

static const struct {
  const char *name, *type;
  void (*draw)(const struct qun__model *m, const struct qun_report_reader *r, struct qun_pack *out);
} faces[] = {
    [QUN_FACE_TABLE] = {"table", "text/plain; charset=utf-8", qun__face_table},
    [QUN_FACE_JSON] = {"json", "application/json", qun__face_json},
    [QUN_FACE_CSV] = {"csv", "text/csv; charset=utf-8", qun__face_csv},
    [QUN_FACE_HTML] = {"html", "text/html; charset=utf-8", qun__face_html},
};

int qun_report_face_parse(const char *name, enum qun_report_face *out, struct qun_error *err) {
  for (int f = QUN_FACE_TABLE; f <= QUN_FACE_HTML; f++) {
    if (strcmp(name, faces[f].name) != 0) continue;
    *out = (enum qun_report_face)f;
    return 0;
  }
  return qun_error_set(err, QUN_EINVAL, "there is no report format \"%.40s\"; there are table, json, csv and html",
                       name);
}

const char *qun_report_face_type(enum qun_report_face face) {
  return faces[face].type;
}

int qun_report_draw(const struct qun_report_reader *reader, const struct qun_report_speaker *speaker, qun_slice model,
                    enum qun_report_face face, struct qun_pack *out, struct qun_error *err) {
  struct qun_arena arena;
  struct qun__model m;
  size_t before = out->len;
  qun_arena_init(&arena);
  int rc = qun__model_read(&m, &arena, model, err);
  if (rc == 0) rc = qun__model_speak(&m, &arena, reader, speaker, err);
  if (rc == 0) {
    faces[face].draw(&m, reader, out);
    if (out->failed) rc = qun_error_set(err, QUN_EFAIL, "out of memory while drawing a report");
  }
  if (rc < 0 && !out->failed) out->len = before;
  qun_arena_fini(&arena);
  return rc;
}
