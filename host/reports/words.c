/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reports/words.h"

#include <string.h>

static const struct {
  const char *en, *zh;
} words[QUN__WORDS_COUNT] = {
    [QUN__W_AS_OF] = {"As of", "截至"},
    [QUN__W_PERIOD] = {"Period", "统计区间"},
    [QUN__W_SIMULATED] = {"Simulated data", "模拟数据"},
    [QUN__W_SIMULATED_LONG] = {"This community was made up by a program. No figure here describes real people.",
                               "本社群由程序模拟生成，所有数字均不代表真实用户。"},
    [QUN__W_GLOSSARY] = {"How each figure is worked out", "指标口径"},
    [QUN__W_METRIC] = {"Figure", "指标"},
    [QUN__W_FORMULA] = {"Formula", "计算方法"},
    [QUN__W_SOURCE] = {"Source", "依据"},
    [QUN__W_AS_TABLE] = {"The same as a table", "以表格查看"},
    [QUN__W_YES] = {"yes", "是"},
    [QUN__W_NO] = {"no", "否"},
    [QUN__W_UNKNOWN] = {"–", "–"},
    [QUN__W_EMPTY] = {"Nothing to show.", "暂无数据。"},
    [QUN__W_GOOD] = {"good", "良好"},
    [QUN__W_WARN] = {"watch", "关注"},
    [QUN__W_BAD] = {"act now", "需处理"},
    [QUN__W_MADE_BY] = {"Made by Qun", "由 Qun（群）生成"},
    [QUN__W_MEMBER] = {"member", "成员"},
    [QUN__W_SECTION] = {"section", "板块"},
    [QUN__W_ITEM] = {"item", "条目"},
    [QUN__W_COLUMN] = {"column", "列"},
    [QUN__W_VALUE] = {"value", "数值"},
    [QUN__W_TEXT] = {"text", "文本"},
    [QUN__W_COLON] = {": ", "："},
};

const char *qun__word(enum qun__word word, const char *locale) {
  int zh = locale && strncmp(locale, "zh", 2) == 0 && (locale[2] == '\0' || locale[2] == '-' || locale[2] == '_');
  return zh ? words[word].zh : words[word].en;
}
