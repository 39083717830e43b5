/* SPDX-License-Identifier: Apache-2.0 */
/* audit verify: a third party's check. Needs the bundle and the key that the client handed over; no host, no data
 * directory. */
#include "tenants/bundle.h"
#include "tools/qun/cli.h"

#include <stdlib.h>
#include <string.h>

static void print_json(const struct qun_cli *cli, const struct qun_bundle_result *r) {
  struct qun_pack map;
  char root[65];
  for (int i = 0; i < 32; i++) snprintf(root + 2 * i, 3, "%02x", r->root[i]);
  qun_pack_init(&map);
  qun_pack_map(&map, r->continues ? 11 : 10);
  qun_pack_kv_bool(&map, "verified", 1);
  qun_pack_kv_cstr(&map, "origin", r->origin);
  qun_pack_kv_bool(&map, "any_key", r->any_key);
  qun_pack_kv_int(&map, "files", r->files);
  qun_pack_kv_int(&map, "size", (int64_t)r->size);
  qun_pack_kv_cstr(&map, "root", root);
  qun_pack_kv_int(&map, "records", r->records);
  qun_pack_kv_int(&map, "cited", r->cited);
  qun_pack_kv_int(&map, "audit_seq", (int64_t)r->audit_seq);
  qun_pack_kv_int(&map, "upto", (int64_t)r->upto);
  if (r->continues) qun_pack_kv_int(&map, "since_size", (int64_t)r->since_size);
  qun_cli_print_map(cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
}

static void print_words(const struct qun_cli *cli, const struct qun_bundle_result *r) {
  if (cli->zh) {
    fprintf(cli->out, "验证通过：%s\n", r->origin);
    fprintf(cli->out, "  %u 个文件与签名清单一致；审计树有 %llu 个叶子\n", r->files, (unsigned long long)r->size);
    fprintf(cli->out, "  %u 条记录已证明在日志中，报告引用其中 %u 条；审计覆盖至第 %llu 条\n", r->records, r->cited,
            (unsigned long long)r->upto);
    if (r->continues) fprintf(cli->out, "  延续了 %llu 个叶子的旧检查点\n", (unsigned long long)r->since_size);
    if (r->any_key) fprintf(cli->out, "  仅用包内自带的公钥检查：只说明内部一致，不能证明出自谁手\n");
    return;
  }
  fprintf(cli->out, "verified: %s\n", r->origin);
  fprintf(cli->out, "  %u files are as the signed manifest says; the audit tree has %llu leaves\n", r->files,
          (unsigned long long)r->size);
  fprintf(cli->out,
          "  %u records are proved to be in the log, the report cites %u; the audit covers records up to %llu\n",
          r->records, r->cited, (unsigned long long)r->upto);
  if (r->continues)
    fprintf(cli->out, "  continues the earlier checkpoint of %llu leaves\n", (unsigned long long)r->since_size);
  if (r->any_key)
    fprintf(cli->out, "  checked with the key in the bundle: it is consistent, which does not say who made it\n");
}

static int print_refusal(const struct qun_cli *cli, const struct qun_error *err) {
  struct qun_pack map;
  if (!cli->json) return qun_cli_fail(cli, QUN_EXIT_NO, err);
  qun_pack_init(&map);
  qun_pack_map(&map, 2);
  qun_pack_kv_bool(&map, "verified", 0);
  qun_pack_kv_cstr(&map, "reason", err->message);
  qun_cli_print_map(cli, qun_pack_slice(&map));
  qun_pack_fini(&map);
  return QUN_EXIT_NO;
}

int qun_cmd_audit_verify(struct qun_cli *cli) {
  struct qun_bundle_result result;
  struct qun_error err = {0};
  struct qun_pack since;
  const char *key = qun_args_flag(&cli->args, "key"), *earlier = qun_args_flag(&cli->args, "since");
  bool any = qun_args_flag(&cli->args, "any-key") != NULL;
  if (!key == !any)
    return qun_cli_usage(cli, "audit verify BUNDLE needs --key VKEY, the key that was handed over, or --any-key");
  qun_pack_init(&since);
  int rc = earlier ? qun_cli_read_checkpoint(earlier, &since, &err) : 0;
  int status = rc < 0 ? qun_cli_fail(cli, QUN_EXIT_FAILED, &err) : QUN_EXIT_OK;
  if (rc == 0) {
    rc = qun_bundle_verify(&result, qun_args_word(&cli->args, 0), key, qun_pack_slice(&since), &err);
    if (rc == QUN_EINVAL)
      status = print_refusal(cli, &err);
    else if (rc < 0)
      status = qun_cli_fail(cli, QUN_EXIT_FAILED, &err);
    else if (cli->json)
      print_json(cli, &result);
    else
      print_words(cli, &result);
  }
  qun_pack_fini(&since);
  return status;
}
