/* SPDX-License-Identifier: Apache-2.0 */
/* The words that belong to the faces themselves, not to any plugin's report. Pure; any thread. */
#ifndef QUN_HOST_REPORTS_WORDS_H
#define QUN_HOST_REPORTS_WORDS_H

enum qun__word {
  QUN__W_AS_OF,
  QUN__W_PERIOD,
  QUN__W_SIMULATED,
  QUN__W_SIMULATED_LONG,
  QUN__W_GLOSSARY,
  QUN__W_METRIC,
  QUN__W_FORMULA,
  QUN__W_SOURCE,
  QUN__W_AS_TABLE,
  QUN__W_YES,
  QUN__W_NO,
  QUN__W_UNKNOWN,
  QUN__W_EMPTY,
  QUN__W_GOOD,
  QUN__W_WARN,
  QUN__W_BAD,
  QUN__W_MADE_BY,
  QUN__W_MEMBER,
  QUN__W_SECTION,
  QUN__W_ITEM,
  QUN__W_COLUMN,
  QUN__W_VALUE,
  QUN__W_TEXT,
  QUN__W_COLON,
  QUN__WORDS_COUNT
};

/* In the language of `locale`: Chinese for zh..., English for all others. Static. */
const char *qun__word(enum qun__word word, const char *locale);

#endif
