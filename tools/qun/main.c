/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/qun/cli.h"

int main(int argc, char **argv) {
  return qun_cli_main(argc, argv, stdout, stderr);
}
