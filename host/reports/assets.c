/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler reads the files; CMake gives their paths and rebuilds this when they change. */
#include "host/reports/assets.h"

#define EMBED(NAME, PATH)                                                                                              \
  __asm__(".pushsection .rodata\n"                                                                                     \
          ".type qun__asset_" #NAME "_from, @object\n"                                                                 \
          "qun__asset_" #NAME "_from: .incbin \"" PATH "\"\n"                                                          \
          "qun__asset_" #NAME "_to: .byte 0\n"                                                                         \
          ".popsection\n");                                                                                            \
  extern const char qun__asset_##NAME##_from[] __attribute__((visibility("hidden")));                                  \
  extern const char qun__asset_##NAME##_to[] __attribute__((visibility("hidden")));                                    \
  qun_slice qun__asset_##NAME(void) {                                                                                  \
    return qun_slice_of(qun__asset_##NAME##_from, (size_t)(qun__asset_##NAME##_to - qun__asset_##NAME##_from));        \
  }

EMBED(style, QUN_REPORT_STYLE)
EMBED(script, QUN_REPORT_SCRIPT)
EMBED(chart_js, QUN_REPORT_CHART_JS)
