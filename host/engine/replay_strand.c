/* SPDX-License-Identifier: Apache-2.0 */
/* A strand of a replay: its scratch store, its plugins, its batch. */
#include "host/engine/replay_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Without a number from the caller a batch grows until its memory is worth a commit. */
enum { PAST_RECORDS = 2000, BATCH_INPUTS = 65536 };
static const size_t batch_bytes = (size_t)96 << 20;

static int open_store(struct qun__strand *s, struct qun__replay *r, uint32_t nth, struct qun_error *err) {
  const char *ids[QUN_PLUGINS_MAX];
  char dir[4200];
  snprintf(dir, sizeof dir, "%s/%u", r->dir, nth);
  for (uint32_t i = 0; i < r->plugins->count; i++) ids[i] = r->plugins->plugins[i].manifest->id;
  struct qun_store_options so = {.quota_bytes = r->live.tenant->store->quota_bytes * 2,
                                 .plugins = ids,
                                 .plugins_count = r->plugins->count,
                                 .scratch = true};
  return qun_store_open(&s->store, dir, &so, err);
}

/* A plugin that calls no other needs nobody else to be told of the tenant; those that do need them at the first call. */
static int open_runtime(struct qun__strand *s, struct qun__replay *r, struct qun_error *err) {
  struct qun_config *config = NULL;
  struct qun_view v;
  uint32_t here = qun_runtime_inside(r->plugins) | s->mask;
  int rc = qun_runtime_create_for(&s->rt, r->plugins, here, r->engine->subscriptions, NULL, err);
  if (rc < 0) return rc;
  s->rt->shy = ~s->mask;
  rc = qun_view_begin(&v, s->store, err);
  if (rc < 0) return rc;
  rc = qun_config_read(&config, r->name, &v, r->plugins, r->spec->changes, err);
  if (rc == 0) rc = qun_runtime_scratch_slot(s->rt, r->live.vault, config, &s->slot, err);
  qun_view_end(&v);
  return rc;
}

int qun__strand_open(struct qun__strand *s, struct qun__replay *r, uint32_t mask, uint32_t nth, struct qun_error *err) {
  bool verify = r->spec->mode == QUN_REPLAY_VERIFY;
  s->replay = r;
  s->mask = mask;
  s->extra_seq = r->head.seq;
  qun_arena_init(&s->apart.arena);
  int rc = open_store(s, r, nth, err);
  if (rc == 0) rc = open_runtime(s, r, err);
  if (rc < 0) return rc;
  s->options = (struct qun_apply_options){.rt = s->rt,
                                          .store = s->store,
                                          .vault = r->live.vault,
                                          .name = r->name,
                                          .overrides = r->spec->changes,
                                          .no_log = true,
                                          .skips = r->skips,
                                          .expect = verify ? qun__strand_expect : qun__strand_number,
                                          .expect_arg = s,
                                          .until = r->until};
  if (verify) {
    s->options.apart = mask & ~qun_runtime_inside(r->plugins);
    s->options.derived = qun__strand_apart;
    s->options.derived_arg = s;
  }
  return 0;
}

void qun__strand_close(struct qun__strand *s) {
  if (s->begun) qun_apply_end(&s->apply);
  if (s->rt) qun_runtime_slot_close(s->rt, s->slot);
  qun_runtime_destroy(s->rt);
  qun_store_close(s->store);
  free(s->used);
  free(s->apart.items);
  qun_arena_fini(&s->apart.arena);
  for (uint32_t i = 0; i < s->differ && i < QUN__REPLAY_DIFFERENCES; i++) qun_pack_fini(&s->differences[i].fields);
}

int qun__strand_begin(struct qun__strand *s, struct qun_error *err) {
  if (s->begun) return 0;
  s->begun = true;
  s->waiting = 0;
  int rc = qun_apply_begin(&s->apply, &s->options, s->slot, 0, err);
  s->apply.catch_up = ~s->mask; /* plugins of other strands hear nothing here */
  return rc;
}

int qun__strand_commit(struct qun__strand *s, struct qun_error *err) {
  if (!s->begun) return 0;
  int rc = qun_apply_commit(&s->apply, err);
  qun_apply_end(&s->apply);
  s->begun = false;
  return rc;
}

int qun__strand_breathe(struct qun__strand *s, struct qun_error *err) {
  uint32_t batch = s->replay->spec->batch;
  if (!s->begun) return qun__strand_begin(s, err);
  bool full = s->waiting >= (batch ? batch : BATCH_INPUTS) ||
              qun_overlay_arena(s->apply.batch.view.overlay)->used > batch_bytes;
  if (!full) return 0;
  int rc = qun__strand_commit(s, err);
  return rc < 0 ? rc : qun__strand_begin(s, err);
}

/* ---------------------------------------------------------------- a plugin's past */

/* One commit of plugin n's way. *more: it is not at the end yet. */
static int past_step(struct qun__strand *s, uint32_t n, uint32_t behind, bool *more, struct qun_error *err) {
  const char *id = s->replay->plugins->plugins[n].manifest->id;
  struct qun_view v;
  int rc = qun__strand_begin(s, err);
  if (rc < 0) return rc;
  struct qun_apply *a = &s->apply;
  uint64_t from = qun_cursor_read(&a->batch.view, id), head = a->head.seq;
  uint64_t to = head - from > PAST_RECORDS ? from + PAST_RECORDS : head;
  a->catch_up |= behind;
  rc = qun_view_begin(&v, s->replay->live.tenant->store, err);
  if (rc < 0) return rc;
  rc = qun_apply_past(a, n, &v, from, to, err);
  qun_view_end(&v);
  if (s->replay->spec->mode != QUN_REPLAY_VERIFY) a->head.seq = s->place;
  *more = to < a->head.seq; /* what it emitted is ahead of it now */
  if (rc == 0 && s->rc < 0) rc = qun_error_set(err, s->rc, "%s", s->err.message);
  if (rc == 0 && qun_cursor_write(&a->batch, id, to) < 0)
    rc = qun_error_set(err, QUN_EFAIL, "out of memory for a batch");
  return rc < 0 ? rc : qun__strand_commit(s, err);
}

int qun__strand_past(struct qun__strand *s, struct qun_error *err) {
  uint32_t behind = s->apply.catch_up & s->mask;
  if (!behind) {
    s->apply.catch_up = ~s->mask;
    return 0;
  }
  int rc = qun__strand_commit(s, err);
  for (uint32_t i = 0; behind >> i && rc == 0; i++) {
    bool more = (behind & (1u << i)) != 0;
    while (more && rc == 0) rc = past_step(s, i, behind, &more, err);
    behind &= ~(1u << i);
  }
  return rc < 0 ? rc : qun__strand_begin(s, err);
}

/* ---------------------------------------------------------------- comparing */

static void brief(char out[120], const struct qun_record *r) {
  if (!r)
    snprintf(out, 120, "nothing");
  else
    snprintf(out, 120, "%.*s %.*s by %.*s, %llu bytes of data", (int)r->type.len, (const char *)r->type.ptr,
             (int)(r->subject.len > 30 ? 30 : r->subject.len), (const char *)r->subject.ptr, (int)r->origin.len,
             (const char *)r->origin.ptr, (unsigned long long)r->data.len);
}

/* Fields of two maps that are not the same; those that one has alone are nil in the other. */
static uint32_t pack_fields(struct qun_pack *p, qun_slice a, qun_slice b, bool swapped) {
  struct qun_unpack u;
  uint32_t n = 0, packed = 0;
  static const unsigned char nil = 0xc0;
  qun_unpack_init(&u, a);
  if (!a.len || !qun_unpack_map(&u, &n)) return 0;
  while (n-- > 0) {
    qun_slice key, value, other = qun_slice_of(&nil, 1);
    char name[64];
    if (!qun_unpack_str(&u, &key) || !qun_unpack_any(&u, &value) || key.len >= sizeof name) return packed;
    memcpy(name, key.ptr, (size_t)key.len);
    name[key.len] = '\0';
    bool both = b.len && qun_mp_find(b, name, &other);
    if (both && (swapped || qun_slice_eq(value, other))) continue;
    qun_pack_map(p, 3);
    qun_pack_kv_str(p, "field", key);
    qun_pack_cstr(p, "was");
    qun_pack_raw(p, swapped ? other : value);
    qun_pack_cstr(p, "is");
    qun_pack_raw(p, swapped ? value : other);
    packed++;
  }
  return packed;
}

void qun__strand_differs(struct qun__strand *s, const struct qun__replay_item *was, const struct qun_record *is,
                         qun_slice open) {
  const struct qun_record *any = was ? &was->record : is;
  uint64_t place = was ? was->record.seq : s->at ? s->items[s->at - 1].record.seq : 0;
  if (s->replay->erased_seq && place <= s->replay->erased_seq) return; /* it may follow from what was erased since */
  if (s->differ++ >= QUN__REPLAY_DIFFERENCES) return;
  struct qun__difference *d = &s->differences[s->differ - 1];
  qun_slice a = was ? was->open : (qun_slice){NULL, 0}, b = is ? open : (qun_slice){NULL, 0};
  int32_t minute;
  d->seq = any->seq;
  d->member = any->member;
  d->plugin = qun__replay_owner(s->replay, any);
  snprintf(d->type, sizeof d->type, "%.*s", (int)any->type.len, (const char *)any->type.ptr);
  brief(d->was, was ? &was->record : NULL);
  brief(d->is, is);
  qun_calendar_to_local(s->slot->calendar, any->time_ms, &d->day, &minute);
  qun_pack_init(&d->fields);
  size_t at = qun_pack_open_array(&d->fields);
  uint32_t n = pack_fields(&d->fields, a, b, false);
  n += pack_fields(&d->fields, b, a, true);
  qun_pack_close(&d->fields, at, n);
}

void qun__strand_count(struct qun__strand *s, int32_t plugin, qun_slice type, bool is) {
  uint32_t i = 0;
  while (i < s->emits_count && !(s->emits[i].plugin == plugin && qun_slice_is(type, s->emits[i].type))) i++;
  if (i == QUN__EMIT_COUNTS || type.len >= sizeof s->emits[i].type) return;
  if (i == s->emits_count) {
    s->emits[i] = (struct qun__emit_count){.plugin = plugin};
    memcpy(s->emits[i].type, type.ptr, (size_t)type.len);
    s->emits_count++;
  }
  if (is)
    s->emits[i].is++;
  else
    s->emits[i].was++;
}

bool qun__replay_is(const struct qun__replay_item *item, const struct qun_record *record) {
  const struct qun_record *was = &item->record;
  return was->cause == record->cause && qun_slice_eq(was->origin, record->origin) &&
         qun_slice_eq(was->id, record->id) &&
         (!item->timer || (qun_slice_eq(was->type, record->type) && qun_slice_eq(was->subject, record->subject)));
}

bool qun__replay_same(const struct qun__replay_item *was, const struct qun_record *record, qun_slice open) {
  const struct qun_record *a = &was->record;
  return qun_slice_eq(a->type, record->type) && qun_slice_eq(a->subject, record->subject) &&
         qun_slice_eq(a->group, record->group) && qun_slice_eq(a->channel, record->channel) &&
         qun_slice_eq(a->lang, record->lang) && a->member == record->member && a->hops == record->hops &&
         qun_slice_eq(was->open, open);
}
