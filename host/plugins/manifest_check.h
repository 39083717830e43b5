/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that texts of plugin.yaml must have. All pure, except qun__is_packaged (blocking). The qun__wrong_* answer
 * what is wrong, as the end of a sentence, or NULL.
 */
#ifndef QUN_HOST_PLUGINS_MANIFEST_CHECK_H
#define QUN_HOST_PLUGINS_MANIFEST_CHECK_H

#include "host/plugins/manifest.h"

/* [a-z][a-z0-9_-]*, at most `most` bytes. */
bool qun__is_name(const char *text, size_t most);
/* Names joined by dots, at most 64 bytes. */
bool qun__is_type_name(const char *text);
/* 1.2.3, perhaps followed by -something; at most 31 bytes. */
bool qun__is_version(const char *text);
bool qun__is_library(const char *text);
bool qun__is_role(const char *text);
bool qun__is_isolation(const char *text);
/* Whether <dir>/<path> is a regular file. */
bool qun__is_packaged(const char *dir, const char *path);

/* 0: no such kind. */
enum qun_field_kind qun__field_kind(const char *text);
enum qun_setting_kind qun__setting_kind(const char *text);
/* 1 and the flags of a type of the core vocabulary; else 0. */
int qun__core_type(const char *name, uint32_t *flags);

bool qun__is_route_method(const char *text);
const char *qun__wrong_route(const char *text);
/* A header that a plugin may be given: none that says who asks or how the message is carried. */
const char *qun__wrong_header(const char *text);
const char *qun__wrong_id(const char *text);
const char *qun__wrong_service_id(const char *text);
const char *qun__wrong_personal(const char *text);
const char *qun__wrong_type(const char *text);
const char *qun__wrong_subscription(const char *text);
const char *qun__wrong_path(const char *text);
const char *qun__wrong_locale(const char *text);

#endif
