/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of qun.http_client/1 must look like, and who approved its host. Pure: the same answer in every replay, so no library's URL parser is asked; what
 * is left of the URL syntax means the same to all of them. The qun__fetch_wrong_* answer a sentence or NULL.
 */
#ifndef QUN_HOST_ENGINE_FETCH_FORM_H
#define QUN_HOST_ENGINE_FETCH_FORM_H

#include <qun/plugin.h>

#include <stdbool.h>

/* https://<host>[:port]/..., or plain http to 127.0.0.1 and localhost. *authority: "<host>[:port]", borrowed from url. */
const char *qun__fetch_wrong_url(qun_slice url, qun_slice *authority);
const char *qun__fetch_wrong_method(qun_slice method);
/* A msgpack map of at most 32 lower-case names to texts of at most 8 KiB without control characters; none that carries the message. */
const char *qun__fetch_wrong_headers(qun_slice headers);
/* Whether the settings of a plugin (msgpack map) list the host under "http_hosts". */
bool qun__fetch_approved(qun_slice settings, qun_slice authority);

#endif
