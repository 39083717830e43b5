/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into report models. */
#ifndef QUN_TESTS_PLUGINS_CONTENT_COMMON_H
#define QUN_TESTS_PLUGINS_CONTENT_COMMON_H

#include <qun/fake_host.h>

#include <stdbool.h>

/* A section of a model, or the empty slice. */
qun_slice section(qun_slice model, const char *id);
/* Value of a figure; INT64_MIN: not there. */
int64_t figure(qun_slice model, const char *section_id, const char *id);
const char *figure_status(qun_slice model, const char *section_id, const char *id);
/* Rows of a table. */
uint32_t rows_count(qun_slice model, const char *section_id);
/* The value in a row's column; msgpack bytes. Empty: no such row or column. */
qun_slice cell(qun_slice model, const char *section_id, uint32_t row, const char *column);
int64_t cell_int(qun_slice model, const char *section_id, uint32_t row, const char *column);
/* 1 if the cell is that text, or a T of that message id. */
bool cell_is(qun_slice model, const char *section_id, uint32_t row, const char *column, const char *text);

#endif
