/* SPDX-License-Identifier: Apache-2.0 */
#include "pii.h"

#include <stdbool.h>
#include <string.h>

enum { RUN_DIGITS = 40, RUN_PARTS = 16 };

static const struct {
  const char *name;
  uint32_t kind;
} names[] = {
    {"id", QUN_PII_ID},
    {"card", QUN_PII_CARD},
    {"uscc", QUN_PII_USCC},
    {"mobile", QUN_PII_MOBILE},
    {"landline", QUN_PII_LANDLINE},
    {"plate", QUN_PII_PLATE},
    {"email", QUN_PII_EMAIL},
    {"qq", QUN_PII_QQ},
    {"wechat", QUN_PII_WECHAT},
};

uint32_t qun__pii_kind(const char *name) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].name, name) == 0) return names[i].kind;
  return 0;
}

const char *qun__pii_name(uint32_t kind) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].kind == kind) return names[i].name;
  return "";
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* ---- check digits */

static bool known_province(const char *d) {
  static const char known[] =
      "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 ";
  for (const char *k = known; *k; k += 3)
    if (k[0] == d[0] && k[1] == d[1]) return true;
  return false;
}

static int number(const char *d, int n) {
  int v = 0;
  while (n-- > 0) v = v * 10 + (*d++ - '0');
  return v;
}

static bool is_date(int year, int month, int day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_id18(const char *d) {
  static const int weight[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0, year = number(d + 6, 4);
  if (!known_province(d) || year < 1880 || year > 2099 || !is_date(year, number(d + 10, 2), number(d + 12, 2)))
    return false;
  for (int i = 0; i < 17; i++) sum += (d[i] - '0') * weight[i];
  return "10x98765432"[sum % 11] == d[17];
}

static bool is_id15(const char *d) {
  return known_province(d) && is_date(1900 + number(d + 6, 2), number(d + 8, 2), number(d + 10, 2));
}

static bool luhn(const char *d, int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) {
    int v = d[n - 1 - i] - '0';
    if (i % 2 == 1 && (v *= 2) > 9) v -= 9;
    sum += v;
  }
  return sum % 10 == 0;
}

static bool known_issuer(const char *d, int n) {
  int two = number(d, 2);
  if (d[0] == '4') return n == 13 || n == 16 || n == 19;
  if (two == 62) return n >= 16;
  if (two >= 51 && two <= 55) return n == 16;
  if (two == 34 || two == 37) return n == 15;
  return (two == 35 || two == 60 || two == 65) && n == 16;
}

static bool is_uscc(const char *s) {
  static const char digits[] = "0123456789abcdefghjklmnpqrtuwxy";
  int sum = 0, weight = 1, last = 0;
  bool letter = false;
  for (int i = 0; i < 18; i++) {
    const char *at = strchr(digits, s[i]);
    if (!s[i] || !at || (i >= 2 && i < 8 && !is_digit(s[i]))) return false;
    if (!is_digit(s[i])) letter = true;
    last = (int)(at - digits);
    if (i < 17) sum += last * weight;
    weight = weight * 3 % 31;
  }
  return strchr("159ay", s[0]) && (letter || s[0] == '9') && (31 - sum % 31) % 31 == last;
}

/* ---- cue words */

/* 1 if one of the words (each ended by '|') stands in the 24 bytes before `at`. */
static bool cued(const char *text, size_t at, const char *words) {
  size_t from = at > 24 ? at - 24 : 0;
  for (const char *w = words; *w;) {
    size_t n = strcspn(w, "|");
    if (at - from >= n && memmem(text + from, at - from, w, n)) return true;
    w += n + 1;
  }
  return false;
}

/* ---- runs of digits, which may be broken by single blanks, hyphens or points */

struct run {
  char digits[RUN_DIGITS];
  uint32_t start[RUN_DIGITS], end[RUN_DIGITS];
  uint8_t part[RUN_PARTS + 1]; /* index of the first digit of each part; part[parts] = count */
  int count, parts;
};

/* A character of three bytes as one number; 0 for others. */
static uint32_t wide(const char *t, size_t len) {
  const unsigned char *u = (const unsigned char *)t;
  if (len < 3 || (u[0] & 0xf0) != 0xe0) return 0;
  return (uint32_t)u[0] << 16 | (uint32_t)u[1] << 8 | u[2];
}

/* Value of a Chinese numeral by its UTF-8 bytes, or -1. */
static int numeral(uint32_t c) {
  switch (c) {
  case 0xe99bb6u: return 0; /* 零 */
  case 0xe38087u: return 0; /* 〇 */
  case 0xe4b880u: return 1; /* 一 */
  case 0xe5a3b9u: return 1; /* 壹 */
  case 0xe4ba8cu: return 2; /* 二 */
  case 0xe8b4b0u: return 2; /* 贰 */
  case 0xe4b889u: return 3; /* 三 */
  case 0xe58f81u: return 3; /* 叁 */
  case 0xe59b9bu: return 4; /* 四 */
  case 0xe88286u: return 4; /* 肆 */
  case 0xe4ba94u: return 5; /* 五 */
  case 0xe4bc8du: return 5; /* 伍 */
  case 0xe585adu: return 6; /* 六 */
  case 0xe99986u: return 6; /* 陆 */
  case 0xe4b883u: return 7; /* 七 */
  case 0xe69f92u: return 7; /* 柒 */
  case 0xe585abu: return 8; /* 八 */
  case 0xe68d8cu: return 8; /* 捌 */
  case 0xe4b99du: return 9; /* 九 */
  case 0xe78e96u: return 9; /* 玖 */
  default: return -1;
  }
}

static int digit_at(const char *t, size_t len, size_t *width) {
  if (len == 0) return -1;
  *width = 1;
  if (is_digit(*t)) return *t - '0';
  *width = 3;
  return numeral(wide(t, len));
}

static size_t read_run(const char *t, size_t len, size_t at, struct run *r) {
  size_t width = 0;
  r->count = r->parts = 0;
  r->part[0] = 0;
  while (r->count < RUN_DIGITS - 1) {
    int v = digit_at(t + at, len - at, &width);
    if (v >= 0) {
      /* 张三138...: a change between figures and numerals may be the end of a name */
      if (r->count > r->part[r->parts] && width != r->end[r->count - 1] - r->start[r->count - 1] &&
          r->parts < RUN_PARTS - 1)
        r->part[++r->parts] = (uint8_t)r->count;
      r->start[r->count] = (uint32_t)at;
      r->end[r->count] = (uint32_t)(at + width);
      r->digits[r->count++] = (char)('0' + v);
      at += width;
    } else if (at < len && strchr(" -.", t[at]) && t[at] && r->parts < RUN_PARTS - 1 &&
               digit_at(t + at + 1, len - at - 1, &width) >= 0) {
      r->part[++r->parts] = (uint8_t)r->count;
      at++;
    } else {
      break;
    }
  }
  if (at < len && t[at] == 'x' && (at + 1 == len || !is_alnum(t[at + 1])) && r->count < RUN_DIGITS) {
    r->start[r->count] = (uint32_t)at;
    r->end[r->count] = (uint32_t)++at;
    r->digits[r->count++] = 'x';
  }
  r->part[++r->parts] = (uint8_t)r->count;
  return at;
}

static uint32_t classify(const char *t, size_t at, const char *d, int n) {
  if (d[n - 1] == 'x') return n == 18 && is_id18(d) ? QUN_PII_ID : 0;
  if (n == 18 && is_id18(d)) return QUN_PII_ID;
  if (n == 15 && is_id15(d) && cued(t, at, "身份证|证件|")) return QUN_PII_ID;
  if (n == 18 && is_uscc(d)) return QUN_PII_USCC;
  if (n == 11 && d[0] == '1' && d[1] >= '3') return QUN_PII_MOBILE;
  if (n == 13 && memcmp(d, "861", 3) == 0 && d[3] >= '3') return QUN_PII_MOBILE;
  if (n >= 13 && n <= 19) {
    if (luhn(d, n) && (known_issuer(d, n) || cued(t, at, "卡|账号|账户|"))) return QUN_PII_CARD;
    if (n >= 16 && memcmp(d, "62", 2) == 0 && cued(t, at, "卡|")) return QUN_PII_CARD;
  }
  if (d[0] == '0' && (d[1] == '1' || d[1] == '2') && n == 11) return QUN_PII_LANDLINE;
  if (d[0] == '0' && d[1] >= '3' && (n == 11 || n == 12)) return QUN_PII_LANDLINE;
  return 0;
}

static void from_run(const char *t, const struct run *r, struct qun_pii_hit *hits, size_t cap, size_t *count) {
  int first = 0;
  while (first < r->parts) {
    int last = r->parts;
    uint32_t kind = 0;
    for (; last > first && !kind; last--) {
      int from = r->part[first], n = r->part[last] - from;
      if (n >= 10 && n <= 19) kind = classify(t, r->start[from], r->digits + from, n);
      if (kind && *count < cap) hits[(*count)++] = (struct qun_pii_hit){kind, r->start[from], r->end[from + n - 1]};
    }
    first = kind ? last + 1 : first + 1;
  }
}

/* ---- the other kinds */

static bool is_local(char c) {
  return is_alnum(c) || (c && strchr("._%+-", c));
}

static bool email_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  size_t from = at, to = at + 1, dot = 0;
  while (from > 0 && is_local(t[from - 1])) from--;
  while (from < at && t[from] == '.') from++;
  while (to < len && (is_alnum(t[to]) || t[to] == '-' || t[to] == '.')) to++;
  while (to > at + 1 && !is_alnum(t[to - 1])) to--;
  for (size_t i = at + 1; i < to; i++)
    if (t[i] == '.') dot = i;
  if (from == at || dot <= at + 1 || to - dot < 3) return false;
  for (size_t i = dot + 1; i < to; i++)
    if (is_digit(t[i]) || t[i] == '-') return false;
  *hit = (struct qun_pii_hit){QUN_PII_EMAIL, (uint32_t)from, (uint32_t)to};
  return true;
}

static bool is_plate_sign(char c) {
  return is_alnum(c) && c != 'i' && c != 'o';
}

static bool plate_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  static const char provinces[] = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
  size_t i = at + 3, n = 0, digits = 0;
  if (len - at < 9 || !is_plate_sign(t[i]) || is_digit(t[i])) return false;
  bool province = false;
  for (const char *p = provinces; *p && !province; p += 3) province = memcmp(p, t + at, 3) == 0;
  if (!province) return false;
  i++;
  if (len - i > 2 && memcmp(t + i, "·", 2) == 0)
    i += 2;
  else if (strchr(" -.", t[i]))
    i++;
  for (; i < len && is_plate_sign(t[i]); i++, n++) digits += is_digit(t[i]);
  if (i < len && is_alnum(t[i])) return false;
  bool new_energy = n == 6 && digits >= 4 && (!is_digit(t[i - 6]) || !is_digit(t[i - 1]));
  if (!(n == 5 && digits >= 2) && !new_energy) return false;
  *hit = (struct qun_pii_hit){QUN_PII_PLATE, (uint32_t)at, (uint32_t)i};
  return true;
}

static size_t skip_words(const char *t, size_t len, size_t at, const char *words, bool *strong) {
  for (bool more = true; more;) {
    more = false;
    for (const char *w = words; *w;) {
      size_t n = strcspn(w, "|");
      if (len - at >= n && memcmp(t + at, w, n) == 0) {
        at += n;
        more = true;
        if (*w != ' ') *strong = true;
      }
      w += n + 1;
    }
  }
  return at;
}

/* An account name after a word such as 微信 or QQ. */
static bool account_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  static const struct {
    const char *word;
    uint32_t kind;
  } cues[] = {{"qq", QUN_PII_QQ},         {"扣扣", QUN_PII_QQ},     {"企鹅号", QUN_PII_QQ},   {"微信", QUN_PII_WECHAT},
              {"wechat", QUN_PII_WECHAT}, {"薇信", QUN_PII_WECHAT}, {"威信", QUN_PII_WECHAT}, {"v信", QUN_PII_WECHAT},
              {"加v", QUN_PII_WECHAT},    {"vx", QUN_PII_WECHAT},   {"wx", QUN_PII_WECHAT}};
  for (size_t k = 0; k < sizeof cues / sizeof *cues; k++) {
    size_t n = strlen(cues[k].word), marks = 0, digits = 0;
    bool strong = false;
    if (len - at < n || memcmp(t + at, cues[k].word, n) != 0 || (at > 0 && is_alnum(t[at]) && is_alnum(t[at - 1])))
      continue;
    size_t from = skip_words(t, len, at + n, "号码|号|:|是|为| |", &strong), to = from;
    if (from == at + n && is_alnum(t[at + n - 1])) continue;
    for (; to < len && (is_alnum(t[to]) || t[to] == '_' || t[to] == '-'); to++) {
      digits += is_digit(t[to]);
      marks += t[to] == '_' || t[to] == '-';
    }
    size_t size = to - from;
    bool fits = cues[k].kind == QUN_PII_QQ
                    ? size >= 5 && size <= 11 && digits == size && t[from] != '0'
                    : size >= 6 && size <= 20 && from < len && t[from] >= 'a' && (strong || digits + marks > 0);
    if (!fits) continue;
    *hit = (struct qun_pii_hit){cues[k].kind, (uint32_t)from, (uint32_t)to};
    return true;
  }
  return false;
}

static bool wxid_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  size_t to = at + 5;
  if (len - at < 11 || memcmp(t + at, "wxid_", 5) != 0) return false;
  while (to < len && is_alnum(t[to])) to++;
  if (to - at < 10) return false;
  *hit = (struct qun_pii_hit){QUN_PII_WECHAT, (uint32_t)at, (uint32_t)to};
  return true;
}

static bool uscc_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  if (len - at < 18 || (len - at > 18 && is_alnum(t[at + 18]))) return false;
  for (size_t i = at; i < at + 18; i++)
    if (!is_alnum(t[i])) return false;
  if (!is_uscc(t + at)) return false;
  *hit = (struct qun_pii_hit){QUN_PII_USCC, (uint32_t)at, (uint32_t)at + 18};
  return true;
}

/* First characters of the words in account_at(). */
static bool begins_cue(const char *t, size_t len) {
  if (*t == 'q' || *t == 'v' || *t == 'w') return true;
  switch (wide(t, len)) {
  case 0xe689a3u: /* 扣 */
  case 0xe4bc81u: /* 企 */
  case 0xe5beaeu: /* 微 */
  case 0xe89687u: /* 薇 */
  case 0xe5a881u: /* 威 */
  case 0xe58aa0u: /* 加 */ return true;
  default: return false;
  }
}

/* One item that begins at `at` (an e-mail: whose @ is there). */
static bool item_at(const char *t, size_t len, size_t at, struct qun_pii_hit *hit) {
  bool fresh = at == 0 || !is_alnum(t[at - 1]);
  unsigned char c = (unsigned char)t[at];
  if (c == '@') return email_at(t, len, at, hit);
  if ((c & 0xf0) == 0xe0 && len - at > 3 && is_alnum(t[at + 3]) && plate_at(t, len, at, hit)) return true;
  if (fresh && is_alnum(t[at]) && (wxid_at(t, len, at, hit) || uscc_at(t, len, at, hit))) return true;
  return begins_cue(t + at, len - at) && account_at(t, len, at, hit);
}

size_t qun__pii_figures(const char *text, size_t len) {
  size_t sum = 0;
  for (size_t i = 0; i < len; i++) {
    if (is_digit(text[i]))
      sum += 7;
    else if (text[i] == '@')
      sum += 14;
    else if (numeral(wide(text + i, len - i)) >= 0)
      sum += 2;
  }
  return sum;
}

bool qun__pii_likely(const char *text, size_t len) {
  size_t digits = 0, row = 0;
  bool wide_ones = false;
  for (size_t i = 0; i < len; i++) {
    if (is_digit(text[i]))
      digits++;
    else if (text[i] == '@')
      return true;
    if ((unsigned char)text[i] < 0xe0) continue;
    wide_ones = true;
    row = numeral(wide(text + i, len - i)) >= 0 ? row + 1 : 0;
    if (row >= 7) return true;
  }
  return digits >= (wide_ones ? 2 : 5); /* a plate has two */
}

const char *const qun__pii_cues[] = {"微信", "wechat", "wxid_", "加v", "vx", "wx", "薇信", "威信", "v信", NULL};

size_t qun__pii_find(const char *text, size_t len, struct qun_pii_hit *hits, size_t cap) {
  size_t count = 0, done = 0;
  struct run run;
  for (size_t at = 0; at < len && count < cap; at++) {
    size_t width = 0;
    struct qun_pii_hit hit;
    if (((unsigned char)text[at] & 0xc0) == 0x80) continue;
    if (item_at(text, len, at, &hit) && hit.from >= done) {
      hits[count++] = hit;
      done = hit.to;
      if (hit.to > at) at = hit.to - 1;
      continue;
    }
    if (at < done || digit_at(text + at, len - at, &width) < 0) continue;
    if (at > 0 && is_alnum(text[at - 1]) && !is_digit(text[at - 1])) {
      while (at + 1 < len && is_alnum(text[at + 1])) at++;
      continue;
    }
    size_t end = read_run(text, len, at, &run);
    if (end >= len || !is_alnum(text[end]))
      from_run(text, &run, hits, cap, &count);
    else
      while (end < len && is_alnum(text[end])) end++;
    at = end - 1;
  }
  return count;
}
