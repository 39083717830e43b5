/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qun/events.h: the core event vocabulary. One table; intake's checks, the help of `qun`, the documentation and the tests are made
 * from it. A plugin adds types of its own in its manifest (events.types), named <plugin>.<what>.
 *
 * Every event has the envelope id, source, type, time and may have subject, member, group, channel, lang (CloudEvents attribute
 * names); the fields below live in its `data` map.
 *
 * Kinds of a field
 *  STR    UTF-8 text                          INT   64-bit integer, in the unit named
 *  BOOL   true or false                       TIME  UTC milliseconds since 1970 (intake also takes RFC 3339 text)
 *  MEMBER a member: the platform's id at intake, the tenant's number of the member in a plugin
 *  LIST   list of texts                       MAP   map of texts to texts or integers
 * Flags of a field
 *  REQ    must be there
 *  TEXT   what a person wrote: sealed by the tenant's setting; given to a plugin whose manifest asks for personal: [text]
 *  IDENT  identifies a person: always sealed; a plugin sees only `true`
 * Flags of a type
 *  GOVERNS   the record gets a leaf of its own in the audit tree
 *  HOST      only the host writes it
 *  OPERATOR  needs a token of role owner or operator; ingest may not send it
 */
#ifndef QUN_EVENTS_H
#define QUN_EVENTS_H

#include <stdint.h>

enum qun_field_kind {
  QUN_FIELD_STR = 1,
  QUN_FIELD_INT,
  QUN_FIELD_BOOL,
  QUN_FIELD_TIME,
  QUN_FIELD_MEMBER,
  QUN_FIELD_LIST,
  QUN_FIELD_MAP
};

enum { QUN_FIELD_REQ = 1u << 0, QUN_FIELD_TEXT = 1u << 1, QUN_FIELD_IDENT = 1u << 2 };
enum { QUN_TYPE_GOVERNS = 1u << 0, QUN_TYPE_HOST = 1u << 1, QUN_TYPE_OPERATOR = 1u << 2 };

#define QUN_G QUN_TYPE_GOVERNS
#define QUN_H QUN_TYPE_HOST
#define QUN_O QUN_TYPE_OPERATOR
#define QUN_R QUN_FIELD_REQ
#define QUN_T QUN_FIELD_TEXT
#define QUN_I QUN_FIELD_IDENT

/* X(name, flags, documentation) */
#define QUN_EVENT_TYPES(X)                                                                                                \
  X("message", 0, "A message in a group or account.")                                                                     \
  X("action", 0, "A message that tells what its writer does (IRC /me).")                                                  \
  X("reaction", 0, "A vote or emoji on a message.")                                                                       \
  X("join", 0, "A member enters a group or follows an account. The envelope's channel is where the member came from.")    \
  X("leave", 0, "A member leaves.")                                                                                       \
  X("kick", QUN_G, "A member is removed by another.")                                                                     \
  X("rename", 0, "A member goes on under another id.")                                                                    \
  X("topic", 0, "The topic or notice of a group changes.")                                                                \
  X("mode", 0, "A right or mode of a group or member changes.")                                                           \
  X("invite", 0, "A member invites somebody.")                                                                            \
  X("read", 0, "A member opens an item. The envelope's subject is the item.")                                             \
  X("share", 0, "A member passes an item on. The envelope's subject is the item.")                                        \
  X("click", 0, "A member follows a link. The envelope's subject is the item or campaign code.")                          \
  X("checkin", 0, "A member checks in.")                                                                                  \
  X("purchase", 0, "A member buys.")                                                                                      \
  X("refund", 0, "A purchase is paid back.")                                                                              \
  X("survey.answer", 0, "A member answers a survey question.")                                                            \
  X("member.profile", 0, "What is known of a member. Identity fields are sealed.")                                        \
  X("member.closed", QUN_G, "A member closed the account.")                                                               \
  X("consent.given", QUN_G, "A member agrees to a purpose.")                                                              \
  X("consent.refused", QUN_G, "A member was asked and said no.")                                                          \
  X("consent.withdrawn", QUN_G, "A member takes an agreement back.")                                                      \
  X("optout", QUN_G, "A member wants no more messages of a kind.")                                                        \
  X("complaint", QUN_G, "A member complains. The envelope's id names the case.")                                          \
  X("complaint.answered", QUN_G | QUN_O, "A complaint is answered. The envelope's subject is the case.")                  \
  X("notice.published", QUN_G | QUN_O, "A privacy notice is published.")                                                  \
  X("rules.published", QUN_G | QUN_O, "Group rules are published.")                                                       \
  X("moderation", QUN_G | QUN_O, "A message or member was acted upon. The envelope's subject is the message's id.")       \
  X("request.opened", QUN_G,                                                                                              \
    "A member asks for access, export, correction, erasure, objection or portability. The envelope's id names the case.") \
  X("request.answered", QUN_G | QUN_O, "Such a request is answered. The envelope's subject is the case.")                 \
  X("incident.opened", QUN_G | QUN_O, "A security incident is found. The envelope's id names the case.")                  \
  X("incident.reported", QUN_G | QUN_O,                                                                                   \
    "An incident is reported to an authority or the persons. The envelope's subject is the case.")                        \
  X("vendor.recorded", QUN_G | QUN_O,                                                                                     \
    "Somebody who processes data for the tenant. The envelope's subject is the vendor.")                                  \
  X("transfer.recorded", QUN_G | QUN_O, "Personal data is given to another handler or abroad.")                           \
  X("assessment.recorded", QUN_G | QUN_O, "An impact assessment. The envelope's subject is what it is about.")            \
  X("retention.set", QUN_G | QUN_O, "How long a class of records is kept. The envelope's subject is the class.")          \
  X("promo.recorded", QUN_G | QUN_O, "A prize draw, discount or price promise. The envelope's subject names it.")         \
  X("asset.recorded", QUN_G | QUN_O, "A picture, text or sound with its rights. The envelope's subject names it.")        \
  X("training.recorded", QUN_G | QUN_O, "Staff training. The envelope's subject names the course.")                       \
  X("campaign.recorded", QUN_G | QUN_O, "An advertising campaign with its papers. The envelope's subject names it.")      \
  X("plan.recorded", QUN_G | QUN_O,                                                                                       \
    "A plan or policy in force. The envelope's subject is its kind, such as incident.")                                   \
  X("group.recorded", QUN_G | QUN_O, "What a group is for. The envelope's group names it.")                               \
  X("account.recorded", QUN_G | QUN_O, "An account that the tenant publishes with. The envelope's subject names it.")     \
  X("channel.reach", QUN_O, "How many people a channel reached. The envelope's channel names it.")                        \
  X("channel.cost", QUN_O, "Money spent on a channel. The envelope's channel names it.")                                  \
  X("agreement.proposed", QUN_G | QUN_O,                                                                                  \
    "Terms between this tenant and a partner. The envelope's subject is the agreement's id.")                             \
  X("agreement.accepted", QUN_G | QUN_O, "This tenant accepts terms. The envelope's subject is the agreement's id.")      \
  X("agreement.ended", QUN_G | QUN_O, "This tenant ends an agreement. The envelope's subject is the agreement's id.")     \
  X("qun.created", QUN_G | QUN_H, "The tenant begins.")                                                                   \
  X("qun.runtime", QUN_G | QUN_H, "Versions that can change a result.")                                                   \
  X("qun.settings", QUN_G | QUN_H, "Settings of the profile or of a plugin changed.")                                     \
  X("qun.plugin", QUN_G | QUN_H, "A plugin was enabled, disabled, parked or released. Subject: the plugin.")              \
  X("qun.skipped", QUN_G | QUN_H, "A plugin does not get a record on which it came down. Subject: the plugin.")           \
  X("qun.import.begin", QUN_H, "An import of history begins.")                                                            \
  X("qun.import.end", QUN_H, "An import of history ends.")                                                                \
  X("qun.timer", QUN_H, "A timer fired. The envelope's subject is its name.")                                             \
  X("qun.tick", QUN_H, "The clock moved with no event.")                                                                  \
  X("qun.access", QUN_G | QUN_H, "Personal data was read.")                                                               \
  X("qun.audit", QUN_G | QUN_H, "An audit ran.")                                                                          \
  X("qun.restored", QUN_G | QUN_H, "The tenant was restored from a backup.")                                              \
  X("qun.erased", QUN_G | QUN_H, "What a member left was erased.")                                                        \
  X("outbox.sent", QUN_G | QUN_H, "An outbox row was delivered. The envelope's subject is its key.")                      \
  X("outbox.failed", QUN_G | QUN_H, "An outbox row could not be delivered. The envelope's subject is its key.")           \
  X("outbox.blocked", QUN_G | QUN_H, "An outbox row was refused by the gate. The envelope's subject is its key.")         \
  X("http.answer", QUN_G | QUN_H,                                                                                         \
    "A fetch was answered or given up. The envelope's subject is its key. Only its plugin hears it.")                     \
  X("intercept.asked", QUN_H,                                                                                             \
    "A row is about to leave. The envelope's subject is its key. Only the plugin that is asked hears it.")                \
  X("intercept.verdict", QUN_G | QUN_H, "A plugin decided on such a row. The envelope's subject is its key.")             \
  X("intercept.expired", QUN_G | QUN_H, "Nobody decided in time. The envelope's subject is the row's key.")               \
  X("work.answer", QUN_H, "Work was done or failed. The envelope's subject is its key. Only its plugin hears it.")        \
  X("bridge.sent", QUN_G | QUN_H, "Something crossed the bridge to a partner.")                                           \
  X("bridge.received", QUN_G | QUN_H, "Something crossed the bridge from a partner.")                                     \
  X("bridge.refused", QUN_G | QUN_H, "The bridge refused a crossing.")                                                    \
  X("overlap.committed", QUN_G | QUN_H, "This tenant committed to a set of members for an overlap count.")                \
  X("overlap.counted", QUN_G | QUN_H, "An overlap count ended: a rounded figure or a refusal.")

/* X(type, field, kind, flags, unit, documentation) */
#define QUN_EVENT_FIELDS(X)                                                                                            \
  X("message", "text", STR, QUN_T, "", "what was written")                                                             \
  X("message", "msg", STR, 0, "", "the message's id in its group, when others refer to it by that")                    \
  X("message", "reply_to", LIST, 0, "", "ids of the messages it answers")                                              \
  X("message", "kind", STR, 0, "", "text, image, voice, video, link, file, quote or notice; text if absent")           \
  X("message", "is_ad", BOOL, 0, "", "commercial purpose")                                                             \
  X("message", "label", STR, 0, "", "the label shown, such as 广告")                                                   \
  X("message", "category", STR, 0, "",                                                                                 \
    "what it advertises: food, health_food, medical, drug, education, invest, alcohol, realestate, cosmetics")         \
  X("message", "staff", BOOL, 0, "", "sent by the community's staff")                                                  \
  X("message", "item", STR, 0, "", "the content item that it publishes")                                               \
  X("message", "session", STR, 0, "", "stretch of conversation in the source")                                         \
  X("message", "community", STR, 0, "", "community in the source")                                                     \
  X("message", "moderated", STR, 0, "", "accepted, rejected or unmoderated in the source")                             \
  X("message", "to", MEMBER, 0, "", "the member it was sent to, when to one alone")                                    \
  X("message", "ai", BOOL, 0, "", "made by a machine")                                                                 \
  X("message", "ai_label", BOOL, 0, "", "says so where people see it")                                                 \
  X("message", "origin", STR, 0, "", "author and source of a reprint")                                                 \
  X("action", "text", STR, QUN_T, "", "what was written")                                                              \
  X("action", "reply_to", LIST, 0, "", "ids of the messages it answers")                                               \
  X("action", "session", STR, 0, "", "stretch of conversation in the source")                                          \
  X("reaction", "msg", STR, 0, "", "the message's msg in its group")                                                   \
  X("reaction", "value", INT, 0, "vote", "1 agree, 0 pass, -1 disagree")                                               \
  X("reaction", "emoji", STR, 0, "", "the sign")                                                                       \
  X("reaction", "count", INT, 0, "reactions", "how many at once; 1 if absent")                                         \
  X("reaction", "community", STR, 0, "", "community in the source")                                                    \
  X("join", "inviter", MEMBER, 0, "", "who invited")                                                                   \
  X("join", "code", STR, 0, "", "campaign or invite code")                                                             \
  X("join", "consent", BOOL, 0, "", "agreed to be added")                                                              \
  X("join", "session", STR, 0, "", "stretch of conversation in the source")                                            \
  X("join", "time_inferred", BOOL, 0, "", "the source had no clock here")                                              \
  X("leave", "reason", STR, QUN_T, "", "parting words")                                                                \
  X("leave", "session", STR, 0, "", "stretch of conversation in the source")                                           \
  X("leave", "time_inferred", BOOL, 0, "", "the source had no clock here")                                             \
  X("kick", "by", MEMBER, 0, "", "who removed")                                                                        \
  X("kick", "reason", STR, QUN_T, "", "why")                                                                           \
  X("kick", "session", STR, 0, "", "stretch of conversation in the source")                                            \
  X("kick", "time_inferred", BOOL, 0, "", "the source had no clock here")                                              \
  X("rename", "new_member", MEMBER, QUN_R, "", "the new id")                                                           \
  X("rename", "session", STR, 0, "", "stretch of conversation in the source")                                          \
  X("rename", "time_inferred", BOOL, 0, "", "the source had no clock here")                                            \
  X("topic", "text", STR, QUN_T, "", "the new topic")                                                                  \
  X("topic", "session", STR, 0, "", "stretch of conversation in the source")                                           \
  X("topic", "time_inferred", BOOL, 0, "", "the source had no clock here")                                             \
  X("mode", "text", STR, QUN_T, "", "the change as the source has it")                                                 \
  X("mode", "by", MEMBER, 0, "", "who changed it")                                                                     \
  X("mode", "session", STR, 0, "", "stretch of conversation in the source")                                            \
  X("mode", "time_inferred", BOOL, 0, "", "the source had no clock here")                                              \
  X("invite", "code", STR, 0, "", "invite code")                                                                       \
  X("invite", "invitee", MEMBER, 0, "", "who was invited")                                                             \
  X("read", "seconds", INT, 0, "s", "how long")                                                                        \
  X("share", "to", STR, 0, "", "where to: friend, moments, group, platform name")                                      \
  X("click", "url", STR, 0, "", "link")                                                                                \
  X("click", "code", STR, 0, "", "campaign code")                                                                      \
  X("purchase", "amount", INT, QUN_R, "minor units", "price paid")                                                     \
  X("purchase", "currency", STR, 0, "ISO 4217", "the tenant's if absent")                                              \
  X("purchase", "order", STR, 0, "", "order number")                                                                   \
  X("purchase", "sku", STR, 0, "", "article")                                                                          \
  X("purchase", "code", STR, 0, "", "campaign code")                                                                   \
  X("refund", "amount", INT, QUN_R, "minor units", "paid back")                                                        \
  X("refund", "order", STR, 0, "", "order number")                                                                     \
  X("survey.answer", "survey", STR, QUN_R, "", "which survey")                                                         \
  X("survey.answer", "question", STR, 0, "", "nps, satisfaction, too_many_ads or another")                             \
  X("survey.answer", "score", INT, 0, "points", "nps 0..10; satisfaction 0..100; yes 1, no 0")                         \
  X("survey.answer", "text", STR, QUN_T, "", "free answer")                                                            \
  X("member.profile", "name", STR, QUN_I, "", "display name")                                                          \
  X("member.profile", "phone", STR, QUN_I, "", "phone number")                                                         \
  X("member.profile", "email", STR, QUN_I, "", "e-mail")                                                               \
  X("member.profile", "unionid", STR, QUN_I, "", "id over a platform's accounts")                                      \
  X("member.profile", "id_number", STR, QUN_I, "", "identity document")                                                \
  X("member.profile", "address", STR, QUN_I, "", "postal address")                                                     \
  X("member.profile", "age_band", STR, 0, "", "0-13, 14-17, 18-24, 25-45, 46+")                                        \
  X("member.profile", "gender", STR, 0, "", "f, m or x")                                                               \
  X("member.profile", "city", STR, 0, "", "city")                                                                      \
  X("member.profile", "city_tier", STR, 0, "", "1, new1, 2, 3")                                                        \
  X("member.profile", "guardian", BOOL, 0, "", "a guardian agreed")                                                    \
  X("member.profile", "tags", LIST, 0, "", "tags")                                                                     \
  X("member.profile", "sensitive", LIST, 0, "",                                                                        \
    "classes of sensitive data held: health, finance, biometrics, religion, location")                                 \
  X("member.profile", "from", STR, 0, "", "where the data is from: own, partner, public, scrape")                      \
  X("member.closed", "reason", STR, 0, "", "why")                                                                      \
  X("consent.given", "purpose", STR, QUN_R, "",                                                                        \
    "join, marketing, profiling, transfer, overlap, sensitive, publish, ...")                                          \
  X("consent.given", "notice", STR, 0, "", "version of the notice shown")                                              \
  X("consent.given", "method", STR, 0, "", "how: form, click, message, paper")                                         \
  X("consent.given", "separate", BOOL, 0, "", "given apart from others")                                               \
  X("consent.given", "expires", TIME, 0, "ms", "until when")                                                           \
  X("consent.given", "partner", STR, 0, "", "for which other handler")                                                 \
  X("consent.refused", "purpose", STR, QUN_R, "", "what was asked for")                                                \
  X("consent.withdrawn", "purpose", STR, QUN_R, "", "what is taken back")                                              \
  X("optout", "kind", STR, 0, "", "marketing if absent")                                                               \
  X("complaint", "about", STR, 0, "", "ads, privacy, content, service")                                                \
  X("complaint", "text", STR, QUN_T, "", "what was written")                                                           \
  X("complaint.answered", "outcome", STR, 0, "", "resolved, refused")                                                  \
  X("complaint.answered", "reason", STR, 0, "", "reasons given")                                                       \
  X("notice.published", "version", STR, QUN_R, "", "version")                                                          \
  X("notice.published", "handler", STR, 0, "", "name and contact of the handler")                                      \
  X("notice.published", "purposes", LIST, 0, "", "purposes")                                                           \
  X("notice.published", "fields", LIST, 0, "", "kinds of data")                                                        \
  X("notice.published", "retention", STR, 0, "", "how long")                                                           \
  X("notice.published", "rights", STR, 0, "", "how to use one's rights")                                               \
  X("notice.published", "officer", STR, 0, "", "contact of the responsible person")                                    \
  X("notice.published", "kind", STR, 0, "", "general if absent, or child")                                             \
  X("notice.published", "lists", LIST, 0, "", "lists that it holds: collection, sharing")                              \
  X("notice.published", "withdrawal", STR, 0, "", "how to take consent back and delete")                               \
  X("rules.published", "version", STR, QUN_R, "", "version")                                                           \
  X("moderation", "action", STR, QUN_R, "", "warn, mute, delete, remove, ban, report, dismiss, patrol")                \
  X("moderation", "reason", STR, 0, "", "why")                                                                         \
  X("moderation", "rule", STR, 0, "", "rule")                                                                          \
  X("request.opened", "kind", STR, QUN_R, "", "access, export, correct, erase, object, portability")                   \
  X("request.opened", "extra_proof", BOOL, 0, "", "more proof of identity was asked for than the policy says")         \
  X("request.answered", "outcome", STR, QUN_R, "", "done, refused")                                                    \
  X("request.answered", "reason", STR, 0, "", "reasons given")                                                         \
  X("request.answered", "conditions_met", BOOL, 0, "", "the conditions of the right were met")                         \
  X("incident.opened", "class", STR, 0, "", "leak, attack, outage")                                                    \
  X("incident.opened", "level", STR, 0, "", "general, larger, major, extreme")                                         \
  X("incident.opened", "affected", INT, 0, "persons", "how many")                                                      \
  X("incident.opened", "detected", TIME, 0, "ms", "when it was found; the event's time if absent")                     \
  X("incident.reported", "to", STR, QUN_R, "", "authority or persons")                                                 \
  X("incident.reported", "content", LIST, 0, "", "what it tells: kinds, cause, harm, measures, contact")               \
  X("vendor.recorded", "role", STR, 0, "", "processor, joint, recipient")                                              \
  X("vendor.recorded", "contract", STR, 0, "", "reference of the contract")                                            \
  X("vendor.recorded", "purpose", STR, 0, "", "what for")                                                              \
  X("vendor.recorded", "country", STR, 0, "ISO 3166", "where")                                                         \
  X("vendor.recorded", "sub_of", STR, 0, "", "vendor that it works for")                                               \
  X("vendor.recorded", "approved", BOOL, 0, "", "approved by the client")                                              \
  X("vendor.recorded", "term", STR, 0, "", "how long")                                                                 \
  X("vendor.recorded", "method", STR, 0, "", "how data is processed")                                                  \
  X("vendor.recorded", "kinds", LIST, 0, "", "kinds of data")                                                          \
  X("vendor.recorded", "measures", STR, 0, "", "protection")                                                           \
  X("vendor.recorded", "ended", TIME, 0, "ms", "when it ended")                                                        \
  X("vendor.recorded", "returned", BOOL, 0, "", "data given back or deleted")                                          \
  X("transfer.recorded", "to", STR, QUN_R, "", "who receives")                                                         \
  X("transfer.recorded", "country", STR, 0, "ISO 3166", "where to")                                                    \
  X("transfer.recorded", "path", STR, 0, "", "assessment, certification, contract")                                    \
  X("transfer.recorded", "subjects", INT, 0, "persons", "how many")                                                    \
  X("transfer.recorded", "sensitive", BOOL, 0, "", "sensitive data")                                                   \
  X("transfer.recorded", "fields", LIST, 0, "", "kinds of data")                                                       \
  X("transfer.recorded", "kind", STR, 0, "", "provide, entrust, merger, judicial")                                     \
  X("transfer.recorded", "contact", STR, 0, "", "contact of the receiver")                                             \
  X("transfer.recorded", "notified", BOOL, 0, "", "the persons were told")                                             \
  X("transfer.recorded", "approved", BOOL, 0, "", "approved by the competent authority")                               \
  X("transfer.recorded", "kept_until", TIME, 0, "ms", "this record is kept until")                                     \
  X("assessment.recorded", "scope", STR, 0, "", "sensitive, automated, entrust, provide, publish, abroad")             \
  X("assessment.recorded", "retained_until", TIME, 0, "ms", "kept until")                                              \
  X("retention.set", "min_days", INT, 0, "d", "at least")                                                              \
  X("retention.set", "max_days", INT, 0, "d", "at most")                                                               \
  X("promo.recorded", "max_prize", INT, 0, "minor units", "highest prize")                                             \
  X("promo.recorded", "price_ref", INT, 0, "minor units", "reference price shown")                                     \
  X("promo.recorded", "price_low", INT, 0, "minor units", "lowest price of the seven days before")                     \
  X("promo.recorded", "rules", STR, 0, "", "version of the rules")                                                     \
  X("promo.recorded", "changed", BOOL, 0, "", "rules changed after the start")                                         \
  X("promo.recorded", "staff_winner", BOOL, 0, "", "a prize went to staff")                                            \
  X("promo.recorded", "preticked", BOOL, 0, "", "an extra is ticked beforehand")                                       \
  X("promo.recorded", "kept", BOOL, 0, "", "the promise was kept")                                                     \
  X("asset.recorded", "kind", STR, 0, "", "image, text, audio, video, portrait")                                       \
  X("asset.recorded", "licence", STR, 0, "", "licence; empty: none")                                                   \
  X("asset.recorded", "source", STR, 0, "", "where it is from")                                                        \
  X("asset.recorded", "expires", TIME, 0, "ms", "until when")                                                          \
  X("asset.recorded", "portrait_consent", BOOL, 0, "", "the person shown agreed in writing")                           \
  X("asset.recorded", "author", STR, 0, "", "who made it")                                                             \
  X("asset.recorded", "quoted", BOOL, 0, "", "used as a quotation")                                                    \
  X("asset.recorded", "marks_removed", BOOL, 0, "", "marks of origin or rights were removed")                          \
  X("asset.recorded", "ai", BOOL, 0, "", "made by a machine")                                                          \
  X("asset.recorded", "ai_label", BOOL, 0, "", "says so where people see it")                                          \
  X("asset.recorded", "ai_meta", BOOL, 0, "", "says so in its metadata")                                               \
  X("training.recorded", "passed", INT, 0, "persons", "how many passed")                                               \
  X("training.recorded", "taken", INT, 0, "persons", "how many took it")                                               \
  X("campaign.recorded", "category", STR, 0, "", "as of a message")                                                    \
  X("campaign.recorded", "advertiser", STR, 0, "", "verified name of the advertiser")                                  \
  X("campaign.recorded", "approver", STR, 0, "", "who approved it")                                                    \
  X("campaign.recorded", "reviewer", STR, 0, "", "qualified reviewer of advertisements")                               \
  X("campaign.recorded", "review_no", STR, 0, "", "number of the prior review by the authority")                       \
  X("campaign.recorded", "review_until", TIME, 0, "ms", "that number is valid until")                                  \
  X("campaign.recorded", "evidence", LIST, 0, "", "proofs of the claims")                                              \
  X("campaign.recorded", "same_text", BOOL, 0, "", "published as reviewed")                                            \
  X("campaign.recorded", "targeted", BOOL, 0, "", "chosen by profile")                                                 \
  X("campaign.recorded", "optout", BOOL, 0, "", "offers a way not to be chosen by profile")                            \
  X("campaign.recorded", "delivery_log", BOOL, 0, "", "rules and records of delivery are kept")                        \
  X("campaign.recorded", "audience", STR, 0, "", "minor or general")                                                   \
  X("campaign.recorded", "ends", TIME, 0, "ms", "when it ends")                                                        \
  X("campaign.recorded", "kept_until", TIME, 0, "ms", "its papers are kept until")                                     \
  X("campaign.recorded", "links_checked", BOOL, 0, "", "the pages that it links to were checked")                      \
  X("plan.recorded", "version", STR, 0, "", "version")                                                                 \
  X("group.recorded", "audience", STR, 0, "", "minor or general")                                                      \
  X("account.recorded", "verified", BOOL, 0, "", "registered with a verified identity")                                \
  X("account.recorded", "bought", BOOL, 0, "", "bought, rented or registered in bulk")                                 \
  X("account.recorded", "field", STR, 0, "", "declared field of content")                                              \
  X("account.recorded", "same_brand", BOOL, 0, "", "its name may be taken for a brand of others")                      \
  X("channel.reach", "people", INT, QUN_R, "persons", "reached")                                                       \
  X("channel.cost", "amount", INT, QUN_R, "minor units", "spent")                                                      \
  X("channel.cost", "currency", STR, 0, "ISO 4217", "the tenant's if absent")                                          \
  X("agreement.proposed", "partner", STR, QUN_R, "", "the other tenant")                                               \
  X("agreement.proposed", "kinds", LIST, QUN_R, "", "what may cross: count, item, code")                               \
  X("agreement.proposed", "form", STR, 0, "", "content, resource, activity, business")                                 \
  X("agreement.proposed", "from", TIME, 0, "ms", "begins")                                                             \
  X("agreement.proposed", "to", TIME, 0, "ms", "ends")                                                                 \
  X("agreement.proposed", "share", INT, 0, "ppm", "partner's share of revenue")                                        \
  X("agreement.accepted", "partner", STR, QUN_R, "", "the other tenant")                                               \
  X("agreement.accepted", "kinds", LIST, QUN_R, "", "what may cross; both sides must name the same")                   \
  X("agreement.accepted", "from", TIME, 0, "ms", "begins")                                                             \
  X("agreement.accepted", "to", TIME, 0, "ms", "ends")                                                                 \
  X("agreement.accepted", "share", INT, 0, "ppm", "partner's share of revenue")                                        \
  X("agreement.ended", "reason", STR, 0, "", "why")                                                                    \
  X("qun.created", "profile", STR, 0, "", "starter profile")                                                           \
  X("qun.created", "simulated", BOOL, 0, "", "made by qun simulate")                                                   \
  X("qun.runtime", "versions", MAP, 0, "", "part: version")                                                            \
  X("qun.settings", "plugin", STR, 0, "", "plugin; empty: the profile")                                                \
  X("qun.settings", "values", MAP, 0, "", "name: value")                                                               \
  X("qun.plugin", "status", STR, 0, "", "enabled, disabled, parked or released")                                       \
  X("qun.plugin", "version", STR, 0, "", "version of the plugin")                                                      \
  X("qun.plugin", "reason", STR, 0, "", "parked: why")                                                                 \
  X("qun.skipped", "plugin", STR, 0, "", "the plugin")                                                                 \
  X("qun.skipped", "seq", INT, 0, "seq", "the record")                                                                 \
  X("qun.import.begin", "format", STR, 0, "", "format")                                                                \
  X("qun.import.begin", "name", STR, 0, "", "name of the file")                                                        \
  X("qun.import.end", "events", INT, 0, "events", "accepted")                                                          \
  X("qun.import.end", "duplicates", INT, 0, "events", "known already")                                                 \
  X("qun.timer", "plugin", STR, 0, "", "whose timer")                                                                  \
  X("qun.timer", "due", INT, 0, "ms", "when it was due")                                                               \
  X("qun.access", "actor", STR, 0, "", "who: role or person")                                                          \
  X("qun.access", "what", STR, 0, "", "what was read")                                                                 \
  X("qun.access", "reason", STR, 0, "", "why")                                                                         \
  X("qun.access", "approved", STR, 0, "", "who approved it")                                                           \
  X("qun.audit", "upto", INT, 0, "seq", "last record covered")                                                         \
  X("qun.audit", "report", STR, 0, "hex", "SHA-256 of the report")                                                     \
  X("qun.audit", "tail", STR, 0, "hex", "root over the records of the group that is not yet full")                     \
  X("qun.audit", "tail_first", INT, 0, "seq", "first record of that group")                                            \
  X("qun.restored", "epoch", INT, 0, "", "epoch of the audit tree that begins")                                        \
  X("qun.restored", "from", STR, 0, "hex", "incarnation that the backup is of")                                        \
  X("qun.restored", "checkpoint", STR, 0, "", "last known checkpoint of the epoch before")                             \
  X("qun.restored", "until", INT, 0, "ms", "point in time; 0: all of the backup")                                      \
  X("qun.restored", "kept", INT, 0, "seq", "last record that was kept")                                                \
  X("qun.restored", "dropped", INT, 0, "records", "records of the backup that were not")                               \
  X("qun.erased", "number", INT, 0, "", "number that the member had")                                                  \
  X("qun.erased", "by", STR, 0, "", "role that asked for it")                                                          \
  X("outbox.sent", "plugin", STR, 0, "", "whose row")                                                                  \
  X("outbox.sent", "via", STR, 0, "", "kind of delivery")                                                              \
  X("outbox.failed", "plugin", STR, 0, "", "whose row")                                                                \
  X("outbox.failed", "reason", STR, 0, "", "what went wrong")                                                          \
  X("outbox.blocked", "plugin", STR, 0, "", "whose row")                                                               \
  X("outbox.blocked", "reason", STR, 0, "", "rules hit")                                                               \
  X("http.answer", "plugin", STR, 0, "", "whose fetch")                                                                \
  X("http.answer", "status", INT, 0, "", "what was answered, 100 to 599; absent: nothing")                             \
  X("http.answer", "type", STR, 0, "", "content type of the answer")                                                   \
  X("http.answer", "body", STR, 0, "", "the answer, if it is text")                                                    \
  X("http.answer", "base64", STR, 0, "", "the answer, if it is not")                                                   \
  X("http.answer", "cut", BOOL, 0, "", "the answer was longer than 64 KiB")                                            \
  X("http.answer", "error", STR, 0, "", "why there is no answer")                                                      \
  X("intercept.asked", "token", STR, 0, "", "names the row in complete()")                                             \
  X("intercept.asked", "plugin", STR, 0, "", "whose row")                                                              \
  X("intercept.asked", "by", STR, 0, "", "who is asked")                                                               \
  X("intercept.asked", "via", STR, 0, "", "kind of delivery")                                                          \
  X("intercept.asked", "target", STR, 0, "", "where to")                                                               \
  X("intercept.asked", "body", MAP, 0, "", "what is to be sent")                                                       \
  X("intercept.asked", "gated", BOOL, 0, "", "compliance decides besides")                                             \
  X("intercept.asked", "deadline", TIME, 0, "", "by when to decide")                                                   \
  X("intercept.verdict", "plugin", STR, 0, "", "whose row")                                                            \
  X("intercept.verdict", "by", STR, 0, "", "who decided")                                                              \
  X("intercept.verdict", "verdict", STR, 0, "", "release or block")                                                    \
  X("intercept.verdict", "reason", STR, 0, "", "why")                                                                  \
  X("intercept.verdict", "patch", MAP, 0, "", "members that were replaced")                                            \
  X("intercept.expired", "plugin", STR, 0, "", "whose row")                                                            \
  X("intercept.expired", "by", STR, 0, "", "who was asked")                                                            \
  X("work.answer", "plugin", STR, 0, "", "whose work")                                                                 \
  X("work.answer", "service", STR, 0, "", "what was called")                                                           \
  X("work.answer", "result", MAP, 0, "", "the reply")                                                                  \
  X("work.answer", "error", STR, 0, "", "why there is none")                                                           \
  X("bridge.sent", "partner", STR, 0, "", "to whom")                                                                   \
  X("bridge.sent", "agreement", STR, 0, "", "under which agreement")                                                   \
  X("bridge.sent", "kind", STR, 0, "", "count, item or code")                                                          \
  X("bridge.received", "partner", STR, 0, "", "from whom")                                                             \
  X("bridge.received", "agreement", STR, 0, "", "under which agreement")                                               \
  X("bridge.received", "kind", STR, 0, "", "count, item or code")                                                      \
  X("bridge.received", "body", MAP, 0, "", "what crossed")                                                             \
  X("bridge.refused", "partner", STR, 0, "", "which partner")                                                          \
  X("bridge.refused", "reason", STR, 0, "", "why")                                                                     \
  X("overlap.committed", "partner", STR, 0, "", "with whom")                                                           \
  X("overlap.committed", "set", STR, 0, "hex", "commitment to the set")                                                \
  X("overlap.committed", "size", INT, 0, "members", "size of the set, rounded")                                        \
  X("overlap.counted", "partner", STR, 0, "", "with whom")                                                             \
  X("overlap.counted", "agreement", STR, 0, "", "under which agreement")                                               \
  X("overlap.counted", "count", INT, 0, "members", "rounded and noised; absent if refused")                            \
  X("overlap.counted", "own", INT, 0, "members", "size of the own set, rounded")                                       \
  X("overlap.counted", "refused", STR, 0, "", "why not")

struct qun_event_field_info {
  const char *type;
  const char *name;
  enum qun_field_kind kind;
  uint32_t flags;
  const char *unit;
  const char *doc;
};

struct qun_event_type_info {
  const char *name;
  uint32_t flags;
  const char *doc;
};

#endif
