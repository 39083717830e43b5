/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personal data in a folded text (fold.h). What has a check digit is checked, so that order numbers are not taken for
 * identity cards.
 *
 * Sources of the formulas
 *  id        GB 11643-1999: ISO 7064 MOD 11-2 over 17 digits, with an existing province code and date of birth; the old
 * form of 15 digits only after a cue word card      ISO/IEC 7812-1 annex B (Luhn), 13 to 19 digits with a known leading
 * part; numbers that begin with 62 also after a word for a bank card uscc      GB 32100-2015: unified social credit
 * code, weights 3^i mod 31 mobile    11 digits 1[3-9]..., also after 86; Chinese numerals count as digits landline  0 +
 * area code + 7 or 8 digits plate     GA 36: province, letter, 5 characters, or 6 for new-energy cars; no I or O email
 * local@domain.tld;  qq and wechat: only after a word that says so
 */
#ifndef QUN_COMPLIANCE_PII_H
#define QUN_COMPLIANCE_PII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  QUN_PII_ID = 1u << 0,
  QUN_PII_CARD = 1u << 1,
  QUN_PII_USCC = 1u << 2,
  QUN_PII_MOBILE = 1u << 3,
  QUN_PII_LANDLINE = 1u << 4,
  QUN_PII_PLATE = 1u << 5,
  QUN_PII_EMAIL = 1u << 6,
  QUN_PII_QQ = 1u << 7,
  QUN_PII_WECHAT = 1u << 8
};

struct qun_pii_hit {
  uint32_t kind;     /* one QUN_PII_* bit */
  uint32_t from, to; /* folded bytes */
};

/* Words without figures after which an account name may follow; ends with NULL. */
extern const char *const qun__pii_cues[];
/* What a text must have for personal data without a cue, added up by character: a digit 7, an at sign 14, a Chinese
   numeral 2. Below QUN_PII_FIGURES qun__pii_likely() is false. */
enum { QUN_PII_FIGURES = 14 };
size_t qun__pii_figures(const char *text, size_t len);
/* Quick: false when the text can have none, unless one of the cues stands in it. */
bool qun__pii_likely(const char *text, size_t len);
/* Finds up to `cap` items in order of their places; answers how many. Any thread. */
size_t qun__pii_find(const char *text, size_t len, struct qun_pii_hit *hits, size_t cap);
/* The kind of that name ("id", "card", ...), or 0. */
uint32_t qun__pii_kind(const char *name);
/* Name of one bit. */
const char *qun__pii_name(uint32_t kind);

#endif
