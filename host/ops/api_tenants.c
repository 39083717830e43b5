/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ops/api_internal.h"

#include <stdlib.h>

/* ---- GET /v1/tenants */

struct names {
  char **items;
  uint32_t count, cap;
};

static int keep_name(void *arg, const char *name) {
  struct names *names = arg;
  if (names->count == names->cap) {
    uint32_t cap = names->cap ? names->cap * 2 : 64;
    char **items = realloc(names->items, cap * sizeof *items);
    if (!items) return QUN_EFAIL;
    names->items = items;
    names->cap = cap;
  }
  char *copy = strdup(name);
  if (!copy) return QUN_EFAIL;
  names->items[names->count++] = copy;
  return 0;
}

static void write_profile(struct qun_pack *out, const struct qun_profile *profile) {
  qun_pack_map(out, 5);
  qun_pack_kv_cstr(out, "name", profile->name);
  qun_pack_kv_cstr(out, "title", profile->title ? profile->title : profile->name);
  qun_pack_kv_cstr(out, "locale", profile->locale ? profile->locale : "");
  qun_pack_kv_cstr(out, "zone", profile->zone ? profile->zone : "");
  qun_pack_kv_bool(out, "simulated", profile->simulated);
}

void qun__get_tenants(struct qun__call *c) {
  struct names names = {0};
  uint32_t written = 0;
  int rc = qun_engine_tenant_each(c->engine, keep_name, &names);
  qun_pack_map(&c->out, 1);
  qun_pack_cstr(&c->out, "tenants");
  size_t at = qun_pack_open_array(&c->out);
  for (uint32_t i = 0; i < names.count && rc == 0; i++) {
    struct qun_profile *profile = NULL;
    rc = qun_engine_tenant_outline(c->engine, names.items[i], &profile, &c->err);
    if (rc == 0) {
      write_profile(&c->out, profile);
      written++;
    } else if (rc == QUN_ENOTFOUND) {
      rc = 0; /* deleted since the names were read */
    }
    qun_profile_destroy(profile);
  }
  qun_pack_close(&c->out, at, written);
  for (uint32_t i = 0; i < names.count; i++) free(names.items[i]);
  free(names.items);
  if (rc < 0)
    qun__answer_error(c, rc, c->err.message[0] ? NULL : "the tenants cannot be listed");
  else
    qun__answer_map(c, 200);
}

/* ---- POST /v1/tenants */

static const enum qun_role token_roles[] = {QUN_ROLE_OWNER, QUN_ROLE_OPERATOR, QUN_ROLE_AUDITOR, QUN_ROLE_INGEST};
enum { TOKEN_ROLES = (int)(sizeof token_roles / sizeof *token_roles) };

static int issue_tokens(struct qun__call *c, const char *name) {
  qun_pack_cstr(&c->out, "tokens");
  qun_pack_map(&c->out, TOKEN_ROLES);
  for (int i = 0; i < TOKEN_ROLES; i++) {
    char token[QUN_TOKEN_SIZE];
    int rc = qun_tokens_add(c->api->tokens, name, token_roles[i], qun_engine_now(c->engine), token, &c->err);
    if (rc < 0) return rc;
    qun_pack_kv_cstr(&c->out, qun_role_name(token_roles[i]), token);
  }
  return 0;
}

void qun__post_tenants(struct qun__call *c) {
  struct qun_tenant_spec spec = {
      .name = qun__body_text(c, "name"),
      .profile = qun__body_text(c, "profile"),
      .title = qun__body_text(c, "title"),
      .locale = qun__body_text(c, "locale"),
      .zone = qun__body_text(c, "zone"),
      .simulated = qun_mp_bool(qun_pack_slice(&c->in), "simulated", 0),
  };
  int rc = spec.name ? 0 : qun_error_set(&c->err, QUN_EFAIL, "there is no memory for the request");
  if (rc == 0) rc = qun_engine_tenant_create(c->engine, &spec, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "name", spec.name);
  rc = issue_tokens(c, spec.name);
  if (rc < 0) {
    /* Nobody could use it: take it back, so that the same request may be sent again. */
    struct qun_error ignored;
    qun_tokens_drop(c->api->tokens, spec.name, &ignored);
    qun_engine_tenant_delete(c->engine, spec.name, &ignored);
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun__answer_map(c, 201);
}

/* ---- one tenant */

void qun__get_tenant(struct qun__call *c) {
  int rc = qun_engine_tenant_show(c->engine, c->params[0], &c->out, &c->err);
  if (rc < 0)
    qun__answer_error(c, rc, NULL);
  else
    qun__answer_map(c, 200);
}

static int check_settings(struct qun__call *c, qun_slice settings) {
  struct qun_unpack u;
  uint32_t n;
  qun_slice key, value;
  qun_unpack_init(&u, settings);
  if (!qun_unpack_map(&u, &n) || n == 0) return qun_error_set(&c->err, QUN_EINVAL, "\"settings\" is empty");
  while (n-- > 0) {
    if (!qun_unpack_str(&u, &key)) return qun_error_set(&c->err, QUN_EINVAL, "the names of \"settings\" must be text");
    if (!qun_unpack_str(&u, &value)) {
      int shown = key.len > 100 ? 100 : (int)key.len;
      return qun_error_set(&c->err, QUN_EINVAL, "settings.%.*s must be text, as a person writes it (\"0.2\")", shown,
                           (const char *)key.ptr);
    }
  }
  return 0;
}

void qun__patch_tenant(struct qun__call *c) {
  qun_slice settings = {0};
  qun_mp_find(qun_pack_slice(&c->in), "settings", &settings);
  int rc = check_settings(c, settings);
  if (rc == 0) rc = qun_engine_tenant_set(c->engine, c->params[0], settings, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "name", c->params[0]);
  qun_pack_cstr(&c->out, "settings");
  qun_pack_raw(&c->out, settings);
  qun__answer_map(c, 200);
}

void qun__delete_tenant(struct qun__call *c) {
  struct qun_error ignored;
  int rc = qun_engine_tenant_delete(c->engine, c->params[0], &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  /* The file went with the keys; what is left is the index. */
  qun_tokens_drop(c->api->tokens, c->params[0], &ignored);
  qun_pack_map(&c->out, 1);
  qun_pack_kv_cstr(&c->out, "deleted", c->params[0]);
  qun__answer_map(c, 200);
}

/* ---- tokens */

struct token_list {
  struct qun_pack *out;
  uint32_t count;
};

static void write_token(void *arg, const struct qun_token_info *info) {
  struct token_list *list = arg;
  char created[25];
  qun_time_format(info->created_ms, created);
  qun_pack_map(list->out, 3);
  qun_pack_kv_cstr(list->out, "id", info->id);
  qun_pack_kv_cstr(list->out, "role", qun_role_name(info->role));
  qun_pack_kv_cstr(list->out, "created", created);
  list->count++;
}

void qun__get_tokens(struct qun__call *c) {
  struct token_list list = {.out = &c->out};
  qun_pack_map(&c->out, 1);
  qun_pack_cstr(&c->out, "tokens");
  size_t at = qun_pack_open_array(&c->out);
  qun_tokens_each(c->api->tokens, c->params[0], write_token, &list);
  qun_pack_close(&c->out, at, list.count);
  qun__answer_map(c, 200);
}

void qun__post_tokens(struct qun__call *c) {
  char token[QUN_TOKEN_SIZE];
  const char *word = qun__body_text(c, "role");
  enum qun_role role = word ? qun_role_parse(word) : QUN_ROLE_NONE;
  int64_t now = qun_engine_now(c->engine);
  int rc = qun_mp_bool(qun_pack_slice(&c->in), "rotate", 0)
               ? qun_tokens_rotate(c->api->tokens, c->params[0], role, now, token, &c->err)
               : qun_tokens_add(c->api->tokens, c->params[0], role, now, token, &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 2);
  qun_pack_kv_cstr(&c->out, "role", qun_role_name(role));
  qun_pack_kv_cstr(&c->out, "token", token);
  qun__answer_map(c, 201);
}

void qun__delete_token(struct qun__call *c) {
  int rc = qun_tokens_revoke(c->api->tokens, c->params[0], c->params[1], &c->err);
  if (rc < 0) {
    qun__answer_error(c, rc, NULL);
    return;
  }
  qun_pack_map(&c->out, 1);
  qun_pack_kv_cstr(&c->out, "revoked", c->params[1]);
  qun__answer_map(c, 200);
}
