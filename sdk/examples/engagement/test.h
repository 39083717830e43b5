/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGAGEMENT_TEST_H
#define ENGAGEMENT_TEST_H

#include <qun/fake_host.h>

#include <criterion/criterion.h>

/* A host with the plugin, for each test of a suite. */
extern struct qun_fake *f;
void open_fake(void);
void close_fake(void);

#define SEND(TYPE, MEMBER, AT, ...) qun_fake_event(f, .type = TYPE, .member = (MEMBER), .at = (AT), __VA_ARGS__)
int64_t of_member(int64_t member, const char *what);

#endif
