/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler reads page.html; CMake gives its path and rebuilds this when it changes. */
#include "host/console/page.h"

__asm__(".pushsection .rodata\n"
        ".type qun__console_page_from, @object\n"
        "qun__console_page_from: .incbin \"" QUN_CONSOLE_PAGE "\"\n"
        "qun__console_page_to: .byte 0\n"
        ".popsection\n");
extern const char qun__console_page_from[] __attribute__((visibility("hidden")));
extern const char qun__console_page_to[] __attribute__((visibility("hidden")));

qun_slice qun_console_page(void) {
  return qun_slice_of(qun__console_page_from, (size_t)(qun__console_page_to - qun__console_page_from));
}

/* Inline scripts are let in, since a report shown in the frame inherits this policy and brings its own (by hash). The
   page itself puts nothing that it receives into its document: a report lives in a sandboxed frame of another origin,
   an error is set as text. */
const char *qun_console_security(void) {
  return "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src "
         "data:; "
         "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}
