/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

/* Rules on persons: consent, notice, requests, incidents, transfers. */

#define NOTICE                                                                                                         \
  "2026-03-01 notice.published version=v1 handler=x purposes=join,marketing,profiling fields=phone,email,tags "        \
  "retention=1y rights=x withdrawal=x lists=collection,sharing\n"
#define YES(PURPOSE, MORE) "2026-03-02 consent.given m=7 purpose=" PURPOSE " method=form notice=v1" MORE "\n"
#define SEND "2026-03-05 message m=1 staff=true is_ad=true to=7 text=x\n"
#define ABROAD "2026-03-05 transfer.recorded to=acme country=SG fields=phone"
#define ASSESSED(SCOPE) "2026-03-04 assessment.recorded scope=" SCOPE " retained_until=2030-01-01\n"
#define REQUEST(KIND) "2026-03-02 request.opened id=q1 m=7 kind=" KIND "\n"
#define ANSWER "2026-03-10 request.answered s=q1 outcome=done\n"
#define LEAK "2026-03-02T10:00 incident.opened id=i1 class=leak level=larger affected=50\n"
#define TOLD(AT, WHOM) AT " incident.reported s=i1 to=" WHOM " content=kinds,cause,harm,measures,contact\n"

#define ANSWERED(RULE, KIND)                                                                                           \
  { RULE, REQUEST(KIND) "until 2026-05-20", REQUEST(KIND) ANSWER "until 2026-05-20" }
#define REPORTED(RULE, WHOM, IN_TIME)                                                                                  \
  { RULE, LEAK "until 2026-03-20", LEAK TOLD(IN_TIME, WHOM) "until 2026-03-20" }
#define CONSENTED(RULE, FIELD, PURPOSE, MORE)                                                                          \
  {                                                                                                                    \
    RULE, NOTICE "2026-03-05 member.profile m=7 " FIELD,                                                               \
        NOTICE YES(PURPOSE, MORE) "2026-03-05 member.profile m=7 " FIELD                                               \
  }
#define STOPPED(RULE)                                                                                                  \
  {                                                                                                                    \
    RULE, NOTICE YES("marketing", "") "2026-03-03 consent.withdrawn m=7 purpose=marketing\n" SEND,                     \
        NOTICE YES("marketing", "") SEND                                                                               \
  }
#define REFUSED(RULE)                                                                                                  \
  { RULE, NOTICE "2026-03-03 optout m=7 kind=marketing\n" SEND, NOTICE "2026-03-06 optout m=7 kind=marketing\n" SEND }
#define PRESENT(RULE, RECORD)                                                                                          \
  { RULE, "2026-03-02 join m=7", "2026-03-02 " RECORD }

const struct record_case record_cases[] = {
    {"PIPL-06", NOTICE "2026-03-05 member.profile m=7 address=x", NOTICE "2026-03-05 member.profile m=7 phone=1"},
    CONSENTED("PIPL-13", "tags=vip", "profiling", ""),
    {"PIPL-14a", "2026-03-02 consent.given m=7 purpose=join method=form", NOTICE YES("join", "")},
    {"PIPL-14b",
     NOTICE YES("marketing", "") "2026-03-03 notice.published version=v2 handler=x purposes=resale fields=phone "
                                 "retention=1y rights=x\n" SEND,
     NOTICE YES("marketing", "") SEND},
    STOPPED("PIPL-15"),
    {"PIPL-16", "2026-03-03 consent.withdrawn m=7 purpose=marketing\n2026-03-04 kick m=7",
     "2026-03-03 consent.withdrawn m=7 purpose=marketing\n2026-03-04 kick m=7 reason=spam"},
    {"PIPL-17", "2026-03-01 notice.published version=v1 handler=x", NOTICE},
    PRESENT("PIPL-17p", "notice.published version=v1"),
    {"PIPL-19", "2026-03-01 message m=7 text=x",
     "2026-03-01 message m=7 text=x\n2026-03-01 retention.set s=message max_days=90\nuntil 2026-05-01"},
    {"PIPL-23", NOTICE "2026-03-05 transfer.recorded to=b m=7",
     NOTICE YES("transfer", " separate=true") "2026-03-05 transfer.recorded to=b m=7"},
    {"PIPL-28", NOTICE YES("sensitive", "") "2026-03-05 member.profile m=7 sensitive=health",
     NOTICE YES("sensitive", " separate=true") "2026-03-05 member.profile m=7 sensitive=health"},
    {"PIPL-31", "2026-03-05 member.profile m=7 age_band=0-13",
     "2026-03-05 member.profile m=7 age_band=0-13 guardian=true"},
    {"PIPL-31n", "2026-03-05 member.profile m=7 age_band=0-13",
     "2026-03-04 notice.published version=c1 kind=child\n2026-03-05 member.profile m=7 age_band=0-13"},
    {"PIPL-38", ABROAD, ABROAD " path=contract"},
    {"PIPL-39", NOTICE YES("transfer", "") ABROAD " subjects=1",
     NOTICE YES("transfer", " separate=true") ABROAD " subjects=1"},
    {"PIPL-39n", ABROAD, ABROAD " contact=x notified=true"},
    ANSWERED("PIPL-45", "access"),
    ANSWERED("PIPL-45p", "portability"),
    ANSWERED("PIPL-46", "correct"),
    ANSWERED("PIPL-47", "erase"),
    {"PIPL-50", REQUEST("access") "2026-03-04 request.answered s=q1 outcome=refused",
     REQUEST("access") "2026-03-04 request.answered s=q1 outcome=refused reason=unproved"},
    PRESENT("PIPL-51p", "plan.recorded s=incident version=1"),
    {"PIPL-51t", "2024-03-05 training.recorded s=law\nuntil 2026-03-05", "2026-03-02 training.recorded s=law taken=3"},
    {"PIPL-52", NOTICE "2026-03-05 join m=1000001",
     "2026-03-01 notice.published version=v1 officer=x\n2026-03-05 join m=1000001"},
    {"PIPL-54", "2023-03-02 qun.audit upto=1\nuntil 2026-03-02", "2026-03-02 qun.audit upto=1"},
    {"PIPL-55s", "2026-03-05 member.profile m=7 sensitive=health",
     ASSESSED("sensitive") "2026-03-05 member.profile m=7 sensitive=health"},
    {"PIPL-55v", "2026-03-05 vendor.recorded s=v role=processor",
     ASSESSED("entrust") "2026-03-05 vendor.recorded s=v role=processor"},
    {"PIPL-55p", "2026-03-05 transfer.recorded to=b", ASSESSED("provide") "2026-03-05 transfer.recorded to=b"},
    {"PIPL-55x", ABROAD, ASSESSED("abroad") ABROAD},
    {"PIPL-55a", "2026-03-05 campaign.recorded s=c targeted=true",
     ASSESSED("automated") "2026-03-05 campaign.recorded s=c targeted=true"},
    {"PIPL-56", "2026-03-04 assessment.recorded scope=abroad retained_until=2027-01-01", ASSESSED("abroad")},
    REPORTED("PIPL-57", "authority", "2026-03-02T20:00"),
    {"PIPL-57c", LEAK "2026-03-02T11:00 incident.reported s=i1 to=persons content=kinds,cause",
     LEAK TOLD("2026-03-02T11:00", "persons")},
    PRESENT("NDS-11", "plan.recorded s=incident version=1"),
    REPORTED("NDS-11n", "persons", "2026-03-04"),
    {"NDS-12", "2026-03-05 transfer.recorded to=b kept_until=2027-01-01",
     "2026-03-05 transfer.recorded to=b kept_until=2029-06-01"},
    {"NDS-21", "2026-03-01 notice.published version=v1 lists=collection", NOTICE},
    {"NDS-21w", "2026-03-01 notice.published version=v1", NOTICE},
    {"NDS-22e", "2026-03-01 consent.refused m=7 purpose=marketing\n2026-03-09 consent.refused m=7 purpose=marketing",
     "2026-03-01 consent.refused m=7 purpose=marketing\n2026-04-09 consent.refused m=7 purpose=marketing"},
    {"NDS-22d", NOTICE YES("marketing", " expires=2026-03-04") SEND,
     NOTICE YES("marketing", " expires=2026-04-04") SEND},
    {"NDS-23", "2026-03-02 request.opened id=q1 m=7 kind=access extra_proof=true",
     "2026-03-02 request.opened id=q1 m=7 kind=access extra_proof=false"},
    {"NDS-24", "2026-03-02 member.closed m=7\n2026-03-05 member.profile m=7 city=x",
     "2026-03-05 member.profile m=7 city=x\n2026-03-06 member.closed m=7"},
    {"NDS-25", REQUEST("portability") "2026-03-04 request.answered s=q1 outcome=refused conditions_met=true",
     REQUEST("portability") ANSWER},
    {"NDS-27", "2023-03-02 qun.audit upto=1\nuntil 2026-03-02", "2026-03-02 qun.audit upto=1"},
    {"NDS-35", ABROAD, ABROAD " path=contract"},
    {"XB-7",
     ABROAD
     " subjects=600000 path=contract\n2026-04-05 transfer.recorded to=acme country=SG subjects=600000 path=contract",
     ABROAD
     " subjects=600000 path=contract\n2027-04-05 transfer.recorded to=acme country=SG subjects=600000 path=contract"},
    {"XB-8", ABROAD " subjects=200000", ABROAD " subjects=200000 path=certification"},
    {"XB-10", ABROAD, ASSESSED("abroad") ABROAD},
    {"AUD-2Y", "2023-01-02 qun.audit upto=1\n2026-03-01 join m=10000001",
     "2026-03-01 join m=10000001\n2026-03-02 qun.audit upto=1"},
    ANSWERED("CSL-DEL", "correct"),
    REPORTED("CSL-LEAK", "persons", "2026-03-04"),
    REPORTED("CSL-4H", "authority", "2026-03-02T13:30"),
    REPORTED("CSL-1H", "authority", "2026-03-02T10:50"),
    REPORTED("DSL-29", "authority", "2026-03-02T18:00"),
    {"CSL-COMP", "2026-03-02 complaint id=k1 m=7 about=ads\nuntil 2026-05-01",
     "2026-03-02 complaint id=k1 m=7 about=ads\n2026-03-04 complaint.answered s=k1 outcome=resolved\nuntil 2026-05-01"},
    {"DSL-32", "2026-03-05 member.profile m=7 from=scrape", "2026-03-05 member.profile m=7 from=own"},
    {"DSL-36", "2026-03-05 transfer.recorded to=court kind=judicial",
     "2026-03-05 transfer.recorded to=court kind=judicial approved=true"},
    {"MIN-34", "2026-03-01 member.profile m=7 age_band=14-17\n" REQUEST("access") "until 2026-05-20",
     "2026-03-01 member.profile m=7 age_band=14-17\n" REQUEST("access") ANSWER "until 2026-05-20"},
    {"MIN-36", "2026-03-01 member.profile m=7 age_band=14-17\n2026-03-02 qun.access m=7 actor=x",
     "2026-03-01 member.profile m=7 age_band=14-17\n2026-03-02 qun.access m=7 actor=x approved=y"},
    {"AUD-MIN", "2024-01-02 qun.audit upto=1\n2026-03-01 member.profile m=7 age_band=14-17",
     "2026-03-01 member.profile m=7 age_band=14-17\n2026-03-02 qun.audit upto=1"},
    PRESENT("CP-29a", "notice.published version=v1"),
    REFUSED("CP-29b"),
    REFUSED("CP-R24"),
    {"EC-24", "2026-03-02 member.closed m=7\n" SEND, SEND "2026-03-06 member.closed m=7"},
    {"AD-43a", SEND, NOTICE YES("marketing", "") SEND},
    CONSENTED("GD-6", "tags=vip", "profiling", ""),
    {"GD-5e", "2026-03-01 message m=7 text=x",
     "2026-03-01 message m=7 text=x\n2026-03-01 retention.set s=message max_days=90\nuntil 2026-05-01"},
    {"GD-7a", "2026-03-02 consent.given m=7 purpose=join", NOTICE YES("join", "")},
    STOPPED("GD-7c"),
    {"GD-8", "2026-03-05 member.profile m=7 age_band=0-13",
     "2026-03-05 member.profile m=7 age_band=0-13 guardian=true"},
    CONSENTED("GD-9", "sensitive=health", "sensitive", " separate=true"),
    ANSWERED("GD-12", "access"),
    {"GD-13", "2026-03-01 notice.published version=v1 handler=x", NOTICE},
    ANSWERED("GD-16", "correct"),
    ANSWERED("GD-17", "erase"),
    ANSWERED("GD-20", "portability"),
    REFUSED("GD-21"),
    REPORTED("GD-33", "authority", "2026-03-05T09:30"),
    REPORTED("GD-34", "persons", "2026-03-05T09:30"),
    {"GD-35", "2026-03-05 member.profile m=7 sensitive=health",
     ASSESSED("sensitive") "2026-03-05 member.profile m=7 sensitive=health"},
    {"GD-44", "2026-03-05 transfer.recorded to=x country=US",
     "2026-03-05 transfer.recorded to=x country=US path=contract"},
    {"EP-13", SEND, NOTICE YES("marketing", "") SEND},
    {"CS-4", "2026-02-03 optout m=7 kind=marketing\n" SEND, "2026-03-01 optout m=7 kind=marketing\n" SEND},
    {.rule = 0},
};
