/* SPDX-License-Identifier: Apache-2.0 */
/* A report of a tenant of the engine, in the words of its i18n plugin. */
#include "host/engine/engine.h"
#include "host/reports/report.h"

/* The speaker of the host: the tenant's i18n plugin. */
struct host_speaker {
  struct qun_engine *engine;
  const char *tenant, *locale;
};

static int host_call(const struct host_speaker *s, const char *service, qun_slice params, struct qun_pack *reply,
                     struct qun_error *err) {
  struct qun_call_spec spec = {
      .tenant = s->tenant, .service = service, .params = params, .locale = s->locale, .role = "host"};
  int rc = qun_engine_call_wait(s->engine, &spec, reply, err);
  if (rc < 0) qun_error_prefix(err, "reports get their words from the i18n plugin");
  return rc;
}

static int host_render(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err) {
  return host_call(arg, "i18n.render", params, reply, err);
}

static int host_format(void *arg, qun_slice params, struct qun_pack *reply, struct qun_error *err) {
  return host_call(arg, "i18n.format", params, reply, err);
}

int qun_report_render(struct qun_engine *e, const char *tenant, const char *plugin, qun_slice model,
                      enum qun_report_face face, const char *locale, struct qun_pack *out, struct qun_error *err) {
  struct qun_profile *profile;
  int rc = qun_engine_tenant_profile(e, tenant, &profile, err);
  if (rc < 0) return rc;
  struct qun_report_reader reader = {.tenant = tenant,
                                     .title = profile->title,
                                     .plugin = plugin,
                                     .locale = locale && *locale ? locale : profile->locale,
                                     .zone = profile->zone,
                                     .currency = profile->currency,
                                     .simulated = profile->simulated};
  struct host_speaker host = {.engine = e, .tenant = tenant, .locale = reader.locale};
  struct qun_report_speaker speaker = {.arg = &host, .render = host_render, .format = host_format};
  rc = qun_report_draw(&reader, &speaker, model, face, out, err);
  qun_profile_destroy(profile);
  return rc;
}
