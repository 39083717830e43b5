/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes: dispatch, GET /v1, its documentation and the isolation test are made from it. */
#include "host/ops/api_internal.h"

#define PARAMS(...) ((const struct qun__param[]){__VA_ARGS__, {0}})
#define TENANT "/v1/tenants/{name}"

const struct qun__route qun__routes[] = {
    {"GET", "/", QUN_ROLES_ANYBODY, QUN__HERE, QUN__BODY_NONE, qun__get_index, "A page for people.", NULL},
    {"GET", "/v1", QUN_ROLES_ANYBODY, QUN__HERE, QUN__BODY_NONE, qun__get_routes, "This list.", NULL},
    {"GET", "/healthz", QUN_ROLES_ANYBODY, QUN__HERE, QUN__BODY_NONE, qun__get_health, "Whether the process lives.",
     NULL},
    {"GET", "/readyz", QUN_ROLES_ANYBODY, QUN__HERE, QUN__BODY_NONE, qun__get_ready, "Whether requests are welcome.",
     NULL},
    {"GET", "/metrics", QUN_ROLES_ANYBODY, QUN__SHORT, QUN__BODY_NONE, qun__get_metrics,
     "Counters, in the Prometheus text format.", NULL},

    {"GET", "/v1/tenants", QUN_ROLES_AGENCY, QUN__SHORT, QUN__BODY_NONE, qun__get_tenants, "All tenants.", NULL},
    {"POST", "/v1/tenants", QUN_ROLES_AGENCY, QUN__SHORT, QUN__BODY_JSON, qun__post_tenants,
     "Makes a tenant and one token a role, shown this once.",
     PARAMS({"name", QUN__IN_BODY, QUN__TEXT, true, "letters a-z, digits and -, at most 63"},
            {"profile", QUN__IN_BODY, QUN__TEXT, false, "starter profile"},
            {"title", QUN__IN_BODY, QUN__TEXT, false, "display name"},
            {"locale", QUN__IN_BODY, QUN__TEXT, false, "BCP 47"},
            {"zone", QUN__IN_BODY, QUN__TEXT, false, "IANA time zone"},
            {"simulated", QUN__IN_BODY, QUN__BOOL, false, "marked as simulated in every report"})},
    {"GET", TENANT, QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_NONE, qun__get_tenant,
     "Counts, state hash, plugins of a tenant.", NULL},
    {"PATCH", TENANT, QUN_ROLES_OWNER, QUN__SHORT, QUN__BODY_JSON, qun__patch_tenant,
     "Changes settings; recorded in the log.",
     PARAMS({"settings", QUN__IN_BODY, QUN__MAP, true, "\"plugin.key\" or a profile key: value as text"})},
    {"DELETE", TENANT, QUN_ROLES_AGENCY, QUN__SHORT, QUN__BODY_NONE, qun__delete_tenant,
     "Deletes a tenant, its keys and tokens.", NULL},

    {"GET", TENANT "/tokens", QUN_ROLES_OWNER, QUN__SHORT, QUN__BODY_NONE, qun__get_tokens,
     "Ids and roles of the tokens.", NULL},
    {"POST", TENANT "/tokens", QUN_ROLES_OWNER, QUN__SHORT, QUN__BODY_JSON, qun__post_tokens,
     "Makes a token, shown this once.",
     PARAMS({"role", QUN__IN_BODY, QUN__TEXT, true, "owner, operator, auditor or ingest"},
            {"rotate", QUN__IN_BODY, QUN__BOOL, false, "take the role's other tokens away"})},
    {"DELETE", TENANT "/tokens/{id}", QUN_ROLES_OWNER, QUN__SHORT, QUN__BODY_NONE, qun__delete_token,
     "Takes a token away.", NULL},

    {"POST", TENANT "/events", QUN_ROLES_INGEST, QUN__SHORT, QUN__BODY_RAW, qun__post_events,
     "Takes events in: CloudEvents (binary, structured, batch) or application/vnd.qun.events+msgpack. Answers after "
     "the commit.",
     PARAMS({"imported", QUN__IN_QUERY, QUN__BOOL, false, "true: history, kept as such"})},
    {"GET", TENANT "/events", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_NONE, qun__get_events,
     "The log; personal fields stay sealed.",
     PARAMS({"after", QUN__IN_QUERY, QUN__INT, false, "sequence to begin behind"},
            {"limit", QUN__IN_QUERY, QUN__INT, false, "at most so many records, up to 1000"})},
    {"POST", TENANT "/imports", QUN_ROLES_INGEST, QUN__SHORT, QUN__BODY_JSON, qun__post_imports,
     "Records that an import begins or ends.",
     PARAMS({"state", QUN__IN_BODY, QUN__TEXT, true, "begin or end"},
            {"format", QUN__IN_BODY, QUN__TEXT, false, "format of the file"},
            {"name", QUN__IN_BODY, QUN__TEXT, false, "name of the file"},
            {"events", QUN__IN_BODY, QUN__INT, false, "accepted"},
            {"duplicates", QUN__IN_BODY, QUN__INT, false, "known already"})},

    {"GET", TENANT "/reports/{plugin}", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_NONE, qun__get_report,
     "A plugin's report.",
     PARAMS({"view", QUN__IN_QUERY, QUN__TEXT, false, "a view of the plugin's manifest"},
            {"from", QUN__IN_QUERY, QUN__TEXT, false, "first day, YYYY-MM-DD"},
            {"to", QUN__IN_QUERY, QUN__TEXT, false, "last day"},
            {"format", QUN__IN_QUERY, QUN__TEXT, false, "json, html, csv or table"},
            {"locale", QUN__IN_QUERY, QUN__TEXT, false, "language of the reader, BCP 47"})},
    {"POST", TENANT "/call/{service}", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_RAW, qun__post_call,
     "Calls a plugin's service with a JSON object; the manifest names the least role.",
     PARAMS({"locale", QUN__IN_QUERY, QUN__TEXT, false, "language of the reader, BCP 47"})},

    {"GET", TENANT "/audit/checkpoint", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_NONE, qun__get_checkpoint,
     "Signs the audit tree as it stands (C2SP checkpoint).", NULL},
    {"GET", TENANT "/audit/key", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_NONE, qun__get_audit_key,
     "The key that checkpoints verify with.", NULL},
    {"POST", TENANT "/audit/prove", QUN_ROLES_AUDITOR, QUN__SHORT, QUN__BODY_JSON, qun__post_prove,
     "Proves that a record is in the log.",
     PARAMS({"seq", QUN__IN_BODY, QUN__INT, true, "the record's sequence"},
            {"size", QUN__IN_BODY, QUN__INT, false, "leaves of the tree; absent: as it stands"})},

    {"POST", TENANT "/replay", QUN_ROLES_OPERATOR, QUN__LONG, QUN__BODY_JSON, qun__post_replay,
     "Replays the log into a scratch store and compares.",
     PARAMS({"mode", QUN__IN_BODY, QUN__TEXT, true, "verify, rebuild or whatif"},
            {"set", QUN__IN_BODY, QUN__MAP, false, "what-if: \"plugin.key\": value as text"},
            {"until", QUN__IN_BODY, QUN__TEXT, false, "RFC 3339"},
            {"batch", QUN__IN_BODY, QUN__INT, false, "records a commit"})},

    {"GET", "/v1/plugins", QUN_ROLES_TOKEN, QUN__HERE, QUN__BODY_NONE, qun__get_plugins,
     "Plugins that are loaded or were refused.", NULL},
    {"GET", "/v1/plugins/{id}", QUN_ROLES_TOKEN, QUN__HERE, QUN__BODY_NONE, qun__get_plugin, "A plugin's manifest.",
     NULL},
    {"POST", TENANT "/plugins/{id}", QUN_ROLES_OWNER, QUN__SHORT, QUN__BODY_JSON, qun__post_plugin,
     "Switches a plugin on or off; recorded in the log.",
     PARAMS({"enabled", QUN__IN_BODY, QUN__BOOL, true, "true: on, and it catches up over the whole log"})},
};

const uint32_t qun__routes_count = sizeof qun__routes / sizeof *qun__routes;
