/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUN_TENANTS_YAML_SAVE_H
#define QUN_TENANTS_YAML_SAVE_H

#include <cyaml/cyaml.h>

/* cyaml_save_data for more than one thread: libcyaml writes numbers into a buffer that all its calls share, so one call at
 * a time goes through. Any thread. */
cyaml_err_t qun_yaml_save(char **bytes, size_t *n, const cyaml_config_t *config, const cyaml_schema_value_t *schema,
                          const cyaml_data_t *data);

#endif
