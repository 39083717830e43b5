/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

/* Rules on contracts, campaigns, content and the house's own figures. */

#define FIELD(RULE, RECORD, MORE)                                                                                      \
  { RULE, "2026-03-05 " RECORD, "2026-03-05 " RECORD " " MORE }
#define PRESENT(RULE, RECORD)                                                                                          \
  { RULE, "2026-03-02 join m=7", "2026-03-02 " RECORD }
#define LONG                                                                                                           \
  "this_is_a_text_of_the_staff_that_is_long_enough_to_be_compared_with_the_texts_of_other_accounts_of_the_house"

const struct record_case record_cases_more[] = {
    FIELD("PIPL-20", "vendor.recorded s=v role=joint", "contract=c1"),
    FIELD("PIPL-21a", "vendor.recorded s=v role=processor contract=c1",
          "purpose=x term=x method=x kinds=phone measures=x"),
    FIELD("PIPL-21b", "vendor.recorded s=v ended=2026-03-01", "returned=true"),
    FIELD("PIPL-21c", "vendor.recorded s=v sub_of=w", "approved=true"),
    FIELD("PIPL-22", "transfer.recorded to=b kind=merger", "notified=true"),
    FIELD("PIPL-24a", "campaign.recorded s=c targeted=true", "optout=true"),
    {"CSL-LOG", "2026-03-05 retention.set s=log max_days=30", "2026-03-05 retention.set s=log max_days=400"},
    FIELD("CSL-REAL", "account.recorded s=a field=food", "verified=true"),
    PRESENT("CSL-INC", "plan.recorded s=incident version=1"),
    PRESENT("CSL-USE", "notice.published version=v1"),
    {"CSL-STOP", "2026-03-05T10:00 message id=x1 m=7 g=a text=加群看百家乐\nuntil 2026-03-10",
     "2026-03-05T10:00 message id=x1 m=7 g=a text=加群看百家乐\n2026-03-05T11:00 moderation s=x1 action=delete\nuntil "
     "2026-03-10"},
    PRESENT("DSL-21", "retention.set s=message max_days=365"),
    PRESENT("DSL-27", "plan.recorded s=security version=1"),
    FIELD("AD-4", "campaign.recorded s=c", "evidence=report"),
    FIELD("AD-33", "asset.recorded s=p kind=portrait", "portrait_consent=true"),
    FIELD("AD-34", "campaign.recorded s=c", "approver=x advertiser=y evidence=z"),
    FIELD("AD-46", "campaign.recorded s=c category=drug", "review_no=n1"),
    FIELD("IAD-7", "campaign.recorded s=c review_no=n1", "same_text=true"),
    {"IAD-13", "2026-03-05 campaign.recorded s=c ends=2026-04-01 kept_until=2027-01-01",
     "2026-03-05 campaign.recorded s=c ends=2026-04-01 kept_until=2029-06-01"},
    FIELD("IAD-14a", "campaign.recorded s=c", "advertiser=x"),
    FIELD("IAD-14b", "campaign.recorded s=c", "evidence=x"),
    FIELD("IAD-14c", "campaign.recorded s=c", "reviewer=x"),
    FIELD("IAD-15", "campaign.recorded s=c targeted=true", "delivery_log=true"),
    FIELD("IAD-18", "campaign.recorded s=c", "links_checked=true"),
    {"MIN-23", "2026-03-05 campaign.recorded s=c targeted=true audience=minor",
     "2026-03-06 campaign.recorded s=d targeted=true audience=general"},
    FIELD("ALG-17", "campaign.recorded s=c targeted=true", "optout=true"),
    {"UC-7", "2026-03-05 account.recorded s=a same_brand=true", "2026-03-05 account.recorded s=a verified=true"},
    {"UC-11p", "2026-03-05 promo.recorded s=p max_prize=6000000", "2026-03-05 promo.recorded s=p max_prize=5000000"},
    FIELD("UC-11r", "promo.recorded s=p max_prize=100", "rules=v1"),
    {"UC-11c", "2026-03-05 promo.recorded s=p changed=true", "2026-03-05 promo.recorded s=p changed=false"},
    {"UC-11w", "2026-03-05 promo.recorded s=p staff_winner=true", "2026-03-05 promo.recorded s=p staff_winner=false"},
    FIELD("EC-18", "campaign.recorded s=c targeted=true", "optout=true"),
    {"EC-19", "2026-03-05 promo.recorded s=p preticked=true", "2026-03-05 promo.recorded s=p preticked=false"},
    {"PR-16", "2026-03-05 promo.recorded s=p price_ref=900 price_low=800",
     "2026-03-05 promo.recorded s=p price_ref=800 price_low=800"},
    {"PR-19", "2026-03-05 promo.recorded s=p kept=false", "2026-03-05 promo.recorded s=p kept=true"},
    FIELD("CR-10", "asset.recorded s=i kind=image", "licence=cc source=x"),
    {"CR-10e", "2026-03-05 asset.recorded s=i expires=2026-01-01", "2026-03-05 asset.recorded s=i expires=2027-01-01"},
    FIELD("CR-24", "asset.recorded s=i quoted=true", "author=x source=y"),
    {"CR-51", "2026-03-05 asset.recorded s=i marks_removed=true", "2026-03-05 asset.recorded s=i licence=cc"},
    PRESENT("GRP-9r", "rules.published version=1"),
    {"GRP-9p", "2026-01-02 moderation s=x action=patrol\nuntil 2026-03-10", "2026-03-02 moderation s=x action=patrol"},
    FIELD("OA-15", "account.recorded s=a", "verified=true field=food"),
    PRESENT("OA-16", "plan.recorded s=review version=1"),
    {"OA-18d", "2026-03-05 message m=1 g=a staff=true text=" LONG "\n2026-03-06 message m=1 g=b staff=true text=" LONG,
     "2026-03-05 message m=1 g=a staff=true text=" LONG},
    FIELD("AI-4", "message m=1 g=a ai=true text=x", "ai_label=true"),
    FIELD("AI-5", "asset.recorded s=i ai=true", "ai_meta=true"),
    {"AI-9", "2026-03-05 retention.set s=ai max_days=30", "2026-03-05 retention.set s=ai max_days=200"},
    FIELD("AI-10a", "asset.recorded s=i ai=true", "ai_label=true"),
    {"AI-10b", "2026-03-05 asset.recorded s=i ai=true marks_removed=true", "2026-03-05 asset.recorded s=i ai=true"},
    FIELD("GD-28", "vendor.recorded s=v role=processor contract=c1", "purpose=x term=x kinds=phone measures=x"),
    PRESENT("GD-30", "retention.set s=message max_days=365"),
    PRESENT("GD-32", "plan.recorded s=security version=1"),
    {"A03", "2026-03-05 complaint m=100 about=ads", "2026-03-05 complaint m=300 about=ads"},
    {"A02", "2026-03-05 join m=1", "2026-03-05 join m=1 consent=true"},
    PRESENT("A09", "rules.published version=1"),
    {"A28", "2024-03-05 training.recorded s=law\nuntil 2026-03-05", "2026-03-05 training.recorded s=law"},
    {.rule = 0},
};
