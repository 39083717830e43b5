/* SPDX-License-Identifier: Apache-2.0 */
#include "tenants/yaml_save.h"

#include <pthread.h>

cyaml_err_t qun_yaml_save(char **bytes, size_t *n, const cyaml_config_t *config, const cyaml_schema_value_t *schema,
                          const cyaml_data_t *data) {
  static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER; /* the library's state is the process's too */
  pthread_mutex_lock(&one);
  cyaml_err_t rc = cyaml_save_data(bytes, n, config, schema, data, 0);
  pthread_mutex_unlock(&one);
  return rc;
}
