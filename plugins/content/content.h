/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this plugin share. One thread, the instance's; handlers keep all state in rows of the keyspace:
 *
 *   m<group>\0<message>       counts of a post (struct qun__post)
 *   n<item>                   counts of a published content item (struct qun__post)
 *   l<group>\0<message>       the content item that the post publishes
 *   i<item>                   a content item (struct qun__item), msgpack array
 *   o<outbox key>             the content item that the outbox row publishes
 *   d<day>                    what was published and asked that day (struct qun__day)
 *   q<account>\0<ms><item>    use of an account's quota: 'p' planned, 'u' used
 *   t<ms><item>               publications by time, planned ones too: account
 *   e<day><item>              items to be evaluated on that day
 *   a<rule>\0<account>        a raised alarm
 *   c<account>                last day an account published, and how many that day
 *
 * Numbers in keys are big-endian, signed ones with the sign turned, so that they sort. Numbers in values are
 * little-endian.
 */
#ifndef QUN_PLUGINS_CONTENT_CONTENT_H
#define QUN_PLUGINS_CONTENT_CONTENT_H

#include <qun/msgpack.h>

#include <stdbool.h>

enum { QUN_KEY_MAX = 400, QUN_ID_MAX = 120, QUN_ACCOUNT_MAX = 120 };

enum qun__kind {
  QUN_KIND_PRACTICAL,
  QUN_KIND_INTERACTIVE,
  QUN_KIND_EMOTIONAL,
  QUN_KIND_AD,
  QUN_KIND_SERVICE,
  QUN_KIND_UGC,
  QUN_KINDS
};
enum qun__state {
  QUN_STATE_TOPIC,
  QUN_STATE_MAKE,
  QUN_STATE_REVIEW,
  QUN_STATE_READY,
  QUN_STATE_SCHEDULED,
  QUN_STATE_PUBLISHED,
  QUN_STATE_EVALUATED,
  QUN_STATE_FAILED,
  QUN_STATE_BLOCKED,
  QUN_STATE_DROPPED,
  QUN_STATES
};
extern const char *const qun__kind_names[QUN_KINDS];
extern const char *const qun__state_names[QUN_STATES];

enum qun__window { QUN_WINDOW_NONE, QUN_WINDOW_DAY, QUN_WINDOW_WEEK, QUN_WINDOW_MONTH };

/* What on_tenant leaves: settings in the form they are used. */
struct qun__settings {
  struct qun_pack kept; /* the settings' bytes; texts below point into it */
  int64_t mix[3];       /* practical, interactive, emotional */
  int64_t topics_min, quality_min, quality_score;
  int64_t ad_limit, ad_feedback, ad_window, feedback_window, feedback_least;
  qun_slice accounts; /* msgpack list of "name=class" */
  int64_t service_quota, subscription_quota;
  enum qun__window service_window, subscription_window;
  bool refuse_over;
  int64_t quiet_from, quiet_to, silence_days, burst_day, evaluate_days;
  bool holiday;
  qun_slice via, target;
};

struct qun__content {
  const struct qun_host *host;
  const struct qun_store_v1 *store;
  const struct qun_events_v1 *events;
  const struct qun_timer_v1 *timer;
  const struct qun_calendar_v1 *calendar;
  const struct qun_reply_v1 *reply;
  const struct qun_outbox_v1 *outbox;
  const struct qun_call_v1 *call;
  struct qun_pack row, data, answer;
};

/* Counts of one post. 48 bytes in its row. */
struct qun__post {
  int64_t time_ms; /* 0: seen only by what refers to it */
  int32_t day;     /* tenant-local */
  uint16_t minute;
  uint8_t kind; /* enum qun__kind */
  uint8_t flags;
  uint32_t agrees, passes, disagrees;
  uint32_t reactions; /* without a vote */
  uint32_t replies, reads, shares, clicks;
};
enum {
  QUN_POST_STAFF = 1,
  QUN_POST_AD = 2,
  QUN_POST_LINKED = 4,
  QUN_POST_ROW = 48,
  QUN_POST_FRESH = 16 /* nothing counted yet: the counters are left out */
};

/* One content item. Texts are borrowed from where it was read. */
struct qun__item {
  qun_slice id;
  enum qun__state state;
  enum qun__kind kind;
  bool is_ad;
  qun_slice title, body, account, label, category, reason, verdict, outbox_key;
  int64_t score;    /* -1: not reviewed */
  int64_t findings; /* -1: not checked */
  int64_t created_ms, changed_ms;
  int64_t asked_ms;     /* 0: no plan */
  int64_t planned_ms;   /* 0: no plan */
  int64_t published_ms; /* 0: not yet */
  int64_t attempts;     /* plans so far */
};

/* What happened on one tenant-local day. */
struct qun__day {
  uint32_t published[QUN_KINDS];
  uint32_t posts, ads;        /* staff posts and published items, and those with a commercial purpose */
  uint32_t quality;           /* published items with a review score of quality_score or more */
  uint32_t answers, too_many; /* survey question too_many_ads */
};
enum { QUN_DAY_ROW = 4 * (QUN_KINDS + 5) };

/* ---- row.c: rows and keys. Keys are built into a buffer of QUN_KEY_MAX bytes; the empty slice when the parts are too
 * long. */
qun_slice qun__post_key(char *buf, char prefix, qun_slice group, qun_slice message);
qun_slice qun__text_key(char *buf, char prefix, qun_slice text);
qun_slice qun__day_key(char *buf, char prefix, int32_t day, qun_slice text);
qun_slice qun__time_key(char *buf, char prefix, int64_t ms, qun_slice text);
qun_slice qun__quota_key(char *buf, qun_slice account, int64_t ms, qun_slice item);
/* The number behind `skip` bytes of a key. */
int64_t qun__key_time(qun_slice key, size_t skip);
int32_t qun__key_day(qun_slice key, size_t skip);

int qun__get(struct qun__content *self, qun_handle tenant, qun_slice key, qun_slice *value);
int qun__put(struct qun__content *self, qun_handle tenant, qun_slice key, qun_slice value);
int qun__del(struct qun__content *self, qun_handle tenant, qun_slice key);

void qun__post_decode(struct qun__post *post, qun_slice value);
/* 0 and zeroes when there is no row. */
int qun__post_get(struct qun__content *self, qun_handle tenant, qun_slice key, struct qun__post *post, bool *found);
int qun__post_put(struct qun__content *self, qun_handle tenant, qun_slice key, const struct qun__post *post);
int qun__day_get(struct qun__content *self, qun_handle tenant, int32_t day, struct qun__day *out);
int qun__day_put(struct qun__content *self, qun_handle tenant, int32_t day, const struct qun__day *in);
void qun__day_decode(struct qun__day *day, qun_slice value);
/* QUN_ENOTFOUND. */
int qun__item_get(struct qun__content *self, qun_handle tenant, qun_slice id, struct qun__item *item);
bool qun__item_decode(struct qun__item *item, qun_slice id, qun_slice value);
int qun__item_put(struct qun__content *self, qun_handle tenant, const struct qun__item *item);
/* -1: no such name. */
int qun__kind_of(qun_slice name);
int qun__state_of(qun_slice name);

/* ---- posts.c: what the community does */
int qun__on_message(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
int qun__on_reaction(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
/* read, share, click */
int qun__on_use(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
int qun__on_answer(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);

/* ---- items.c: content items */
int qun__on_item(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
/* Emits content.item {state, reason}. */
int qun__item_emit(struct qun__content *self, const struct qun_context *ctx, qun_slice id, enum qun__state state,
                   qun_slice reason);
/* 1 if an item may go from one state to the other. */
bool qun__state_follows(enum qun__state from, enum qun__state to);

/* ---- plan.c: when an item may go out */
struct qun__plan {
  int64_t at_ms;
  bool quiet, quota;    /* why it moved */
  const char *refused;  /* reason, or NULL */
  int64_t value, limit; /* of a refusal */
};
struct qun__quota {
  const char *account_class; /* service, subscription or none */
  enum qun__window window;
  int64_t limit;
};
void qun__quota_of(const struct qun__settings *s, qun_slice account, struct qun__quota *out);
/* First and one-past-last local day of the window that holds the day. */
void qun__window_days(enum qun__window window, int32_t day, int32_t *from, int32_t *to);
/* Uses of the account's quota from `from` to before `to`, at most `most`. */
int qun__quota_count(struct qun__content *self, qun_handle tenant, qun_slice account, int64_t from_ms, int64_t to_ms,
                     int64_t *count);
/* Looks only: quiet hours, quota and ad share decide. `over` empty: the setting. */
int qun__plan_make(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                   qun_slice account, int64_t asked_ms, qun_slice over, struct qun__plan *out);
int qun__on_plan(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
int qun__on_verdict(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);
int qun__on_outbox(struct qun__content *self, const struct qun_context *ctx, const struct qun_event *event);

/* ---- days.c: daily rules */
struct qun__ads {
  int64_t posts, ads, answers, too_many;
  int64_t share, feedback; /* ppm; -1 not known */
  bool limited;            /* feedback enforces the limit */
};
int qun__ads_meter(struct qun__content *self, const struct qun_context *ctx, int32_t day, struct qun__ads *out);
/* Notes a publication on its day and sees that the daily timer runs. */
int qun__day_published(struct qun__content *self, const struct qun_context *ctx, const struct qun__item *item,
                       int32_t day);
int qun__on_timer(struct qun__content *self, const struct qun_context *ctx, const struct qun_timer *timer);
/* Adds up the days from..to. */
int qun__day_sum(struct qun__content *self, qun_handle tenant, int32_t from, int32_t to, struct qun__day *out);
int32_t qun__week_begin(int32_t day);

/* ---- services.c */
int qun__serve(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request);

/* ---- report.c, report_posts.c, report_items.c */
struct qun_report;
struct qun__view {
  struct qun__content *self;
  const struct qun_context *ctx;
  struct qun_report *report;
  int32_t from, to; /* tenant-local days */
  bool ranged;      /* the reader named the days: else what has no end of its own covers all time */
};
struct qun__column {
  const char *id, *label, *kind;
};
int qun__report(struct qun__content *self, const struct qun_context *ctx, const struct qun_request *request);
/* Opens a table and its rows. */
void qun__table(struct qun__view *v, const char *id, const char *title, const struct qun__column *columns,
                size_t count);
/* Calls `each` for all rows with the prefix, in key order; stops when it answers other than 0, and answers that. */
int qun__each(struct qun__content *self, const struct qun_context *ctx, qun_slice prefix, qun_slice after,
              int (*each)(void *arg, const struct qun_pair *row), void *arg);
int qun__view_posts(struct qun__view *v); /* part of overview */
int qun__view_votes(struct qun__view *v);
int qun__view_items(struct qun__view *v);
int qun__view_calendar(struct qun__view *v);
int qun__view_quota(struct qun__view *v);

/* ---- content.c */
int qun__refuse(struct qun__content *self, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
