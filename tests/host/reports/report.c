/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>

static const char HOSTILE[] = "</script><img src=x onerror=\"alert(1)\">'&";

static cJSON *draw_json(const char *locale, const char *word) {
  char *text = fixture_draw(locale, word, QUN_FACE_JSON);
  cJSON *json = cJSON_Parse(text);
  cr_assert_not_null(json, "not JSON: %s", text);
  free(text);
  return json;
}

static const cJSON *at(const cJSON *json, const char *path) {
  char copy[128], *save = NULL;
  snprintf(copy, sizeof copy, "%s", path);
  for (char *key = strtok_r(copy, ".", &save); key && json; key = strtok_r(NULL, ".", &save))
    json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(key)) : cJSON_GetObjectItemCaseSensitive(json, key);
  return json;
}

Test(host_reports, json_has_the_ids_and_raw_numbers_of_the_model) {
  cJSON *j = draw_json("en", "Ann");
  cr_assert_str_eq(at(j, "report")->valuestring, "growth");
  cr_assert_str_eq(at(j, "tenant")->valuestring, "acme");
  cr_assert(cJSON_IsTrue(at(j, "simulated")));
  cr_assert_eq(at(j, "as_of")->valuedouble, 1700000000000.0);
  cr_assert_eq(at(j, "sections.now.items.members.value")->valueint, 1234);
  cr_assert_str_eq(at(j, "sections.now.items.revenue.status")->valuestring, "bad");
  cr_assert_eq(at(j, "sections.members.rows.0.share")->valueint, 250000);
  cr_assert_str_eq(at(j, "sections.members.rows.0.why.id")->valuestring, "why.days");
  cr_assert_eq(at(j, "sections.members.rows.0.why.args.n")->valueint, 3);
  cr_assert_str_eq(at(j, "sections.members.rows.0.why.text")->valuestring, "en:why.days(3)");
  cr_assert(cJSON_IsTrue(at(j, "sections.members.rows.0.core")));
  cr_assert(cJSON_IsNull(at(j, "sections.members.rows.1.share")));
  cr_assert_eq(at(j, "sections.daily.series.0.values.1")->valueint, -3);
  cr_assert_str_eq(at(j, "glossary.members.formula")->valuestring, "en:formula.members");
  cJSON_Delete(j);
}

Test(host_reports, a_tenant_without_events_has_no_date) {
  static const enum qun_report_face faces[] = {QUN_FACE_TABLE, QUN_FACE_HTML, QUN_FACE_JSON};
  struct qun_report_reader reader = fixture_reader("en");
  for (size_t i = 0; i < 3; i++) {
    struct qun_report r;
    struct qun_pack out;
    struct qun_error err = {0};
    qun_pack_init(&out);
    qun_report_begin(&r, "growth", "overview", "title", 0, -333, 0);
    qun_report_figures(&r, "now", "title.now");
    qun_report_list_end(&r);
    qun_report_glossary(&r);
    cr_assert_eq(qun_report_draw(&reader, &fixture_speaker, qun_report_end(&r), faces[i], &out, &err), 0, "%s",
                 err.message);
    char *text = strndup((const char *)out.buf, out.len);
    cr_expect_null(strstr(text, "-333"), "%s", text);
    free(text);
    qun_pack_fini(&out);
    qun_report_fini(&r);
  }
}

Test(host_reports, json_labels_follow_the_reader_and_values_do_not) {
  cJSON *en = draw_json("en", "Ann"), *zh = draw_json("zh-CN", "Ann");
  cr_assert_str_eq(at(zh, "sections.now.title")->valuestring, "zh:title.now");
  cr_assert_str_eq(at(zh, "locale")->valuestring, "zh-CN");
  cr_assert(cJSON_Compare(at(en, "sections.now.items.members.value"), at(zh, "sections.now.items.members.value"), 1));
  cJSON_Delete(en);
  cJSON_Delete(zh);
}

Test(host_reports, json_keeps_hostile_text_whole) {
  cJSON *j = draw_json("en", HOSTILE);
  cr_assert_str_eq(at(j, "sections.members.rows.0.name")->valuestring, HOSTILE);
  cJSON_Delete(j);
}

Test(host_reports, html_escapes_what_members_wrote) {
  char *html = fixture_draw("en", HOSTILE, QUN_FACE_HTML);
  cr_assert_null(strstr(html, "<img"));
  cr_assert_null(strstr(html, "Acme & Co"));
  cr_assert_not_null(strstr(html, "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;"));
  free(html);
}

Test(host_reports, html_loads_nothing_from_elsewhere) {
  char *html = fixture_draw("zh-CN", "Ann", QUN_FACE_HTML);
  cr_assert_null(strstr(html, "<link"));
  cr_assert_null(strstr(html, "<script src"));
  cr_assert_not_null(strstr(html, "default-src 'none'"));
  cr_assert_null(strstr(html, "unsafe-inline"));
  free(html);
}

Test(host_reports, html_speaks_both_languages_and_says_simulated) {
  char *en = fixture_draw("en", "Ann", QUN_FACE_HTML), *zh = fixture_draw("zh-CN", "Ann", QUN_FACE_HTML);
  cr_assert_not_null(strstr(en, "<html lang=\"en\">"));
  cr_assert_not_null(strstr(en, "Simulated data"));
  cr_assert_not_null(strstr(zh, "<html lang=\"zh-CN\">"));
  cr_assert_not_null(strstr(zh, "模拟数据"));
  cr_assert_not_null(strstr(zh, "<h2>zh:title.now</h2>"));
  free(en);
  free(zh);
}

Test(host_reports, html_has_a_table_beside_each_chart_and_words_for_an_empty_one) {
  char *html = fixture_draw("en", "Ann", QUN_FACE_HTML);
  const char *chart = strstr(html, "<canvas");
  cr_assert_not_null(chart);
  cr_assert_not_null(strstr(chart, "<details open>"));
  cr_assert_not_null(strstr(html, "Nothing to show."));
  free(html);
}

Test(host_reports, html_of_a_real_community_is_not_marked_simulated) {
  struct qun_report_reader reader = fixture_reader("en");
  struct qun_report r;
  struct qun_pack out;
  reader.simulated = false;
  qun_pack_init(&out);
  cr_assert_eq(qun_report_draw(&reader, &fixture_speaker, fixture_model(&r, "Ann"), QUN_FACE_HTML, &out, NULL), 0);
  qun_pack_bool(&out, 0);
  out.buf[out.len - 1] = '\0';
  cr_assert_null(strstr((const char *)out.buf, "Simulated"));
  qun_report_fini(&r);
  qun_pack_fini(&out);
}

Test(host_reports, table_lines_up_wide_signs) {
  char *text = fixture_draw("zh-CN", "Ann", QUN_FACE_TABLE);
  const char *first = strstr(text, "\n  Ann "), *second = strstr(text, "\n  群友 ");
  cr_assert_not_null(first, "%s", text);
  cr_assert_not_null(second, "%s", text);
  const char *a = strstr(first, "ratio:250000"), *b = strchr(second + 8, '\xe2'); /* the dash of an unknown value */
  cr_assert_not_null(a);
  cr_assert_not_null(b);
  /* right edges agree: 12 columns of the ratio against one dash; the two wide signs take 2 columns less in bytes */
  cr_assert_eq((a - first) + 12, (b - second) - 2 + 1);
  cr_assert_not_null(strstr(text, "[良好]"));
  free(text);
}

Test(host_reports, table_keeps_control_signs_off_the_terminal) {
  char *text = fixture_draw("en", "a\033[31mb\nc", QUN_FACE_TABLE);
  cr_assert_null(strchr(text, '\033'));
  cr_assert_not_null(strstr(text, "a [31mb c"));
  free(text);
}

Test(host_reports, csv_has_a_line_a_value) {
  char *csv = fixture_draw("en", "a,\"b\"", QUN_FACE_CSV);
  static const char head[] = "\xef\xbb\xbfsection,item,column,value,text\r\n";
  cr_assert_eq(strncmp(csv, head, sizeof head - 1), 0, "%s", csv);
  cr_assert_not_null(strstr(csv, "\r\nnow,members,,1234,int:1234\r\n"));
  cr_assert_not_null(strstr(csv, "\r\nmembers,1,name,\"a,\"\"b\"\"\",\"a,\"\"b\"\"\"\r\n"), "%s", csv);
  cr_assert_not_null(strstr(csv, "\r\ndaily,day:20001,dau,-3,int:-3\r\n"));
  free(csv);
}

Test(host_reports, csv_disarms_spreadsheet_formulas) {
  char *csv = fixture_draw("en", "=cmd|' /C calc'!A0", QUN_FACE_CSV);
  cr_assert_not_null(strstr(csv, ",'=cmd"));
  cr_assert_null(strstr(csv, ",=cmd"));
  free(csv);
}

Test(host_reports, refuses_a_model_that_is_not_whole) {
  struct qun_report_reader reader = fixture_reader("en");
  struct qun_report r;
  struct qun_pack out;
  qun_slice model = fixture_model(&r, "Ann");
  qun_pack_init(&out);
  for (uint64_t cut = 0; cut < model.len; cut++) {
    struct qun_error err = {0};
    cr_assert_eq(qun_report_draw(&reader, &fixture_speaker, qun_slice_of(model.ptr, (size_t)cut), QUN_FACE_JSON, &out,
                                 &err),
                 QUN_EINVAL);
    cr_assert_neq(err.message[0], '\0');
  }
  cr_assert_eq(out.len, 0);
  qun_report_fini(&r);
  qun_pack_fini(&out);
}

Test(host_reports, refuses_a_row_of_another_length_and_names_the_section) {
  struct qun_report_reader reader = fixture_reader("en");
  struct qun_report r;
  struct qun_pack out;
  struct qun_error err = {0};
  qun_report_begin(&r, "growth", "", "title", 0, 0, 0);
  qun_report_table(&r, "members", "t");
  qun_report_column(&r, "a", "a", "int");
  qun_report_rows(&r);
  qun_report_row(&r, 2);
  qun_pack_int(&r.pack, 1);
  qun_pack_int(&r.pack, 2);
  qun_report_list_end(&r);
  qun_report_glossary(&r);
  qun_pack_init(&out);
  cr_assert_eq(qun_report_draw(&reader, &fixture_speaker, qun_report_end(&r), QUN_FACE_TABLE, &out, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "\"members\""), "%s", err.message);
  qun_report_fini(&r);
  qun_pack_fini(&out);
}

Test(host_reports, refuses_a_speaker_that_answers_too_few_texts) {
  struct qun_report_reader reader = fixture_reader("en");
  struct qun_report r;
  struct qun_pack out;
  struct qun_error err = {0};
  qun_pack_init(&out);
  cr_assert_eq(qun_report_draw(&reader, &fixture_short_speaker, fixture_model(&r, "Ann"), QUN_FACE_HTML, &out, &err),
               QUN_EFAIL);
  cr_assert_eq(out.len, 0);
  qun_report_fini(&r);
  qun_pack_fini(&out);
}

Test(host_reports, face_names_are_known_and_others_refused) {
  enum qun_report_face face = 0;
  struct qun_error err = {0};
  cr_assert_eq(qun_report_face_parse("csv", &face, &err), 0);
  cr_assert_eq(face, QUN_FACE_CSV);
  cr_assert_str_eq(qun_report_face_type(QUN_FACE_HTML), "text/html; charset=utf-8");
  cr_assert_eq(qun_report_face_parse("pdf", &face, &err), QUN_EINVAL);
  cr_assert_not_null(strstr(err.message, "html"));
}
