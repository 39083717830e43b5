# SPDX-License-Identifier: Apache-2.0
"""What must hold after every fault."""
import os
import shutil

PAGE = 1000


def read_log(d, tenant):
    """All records as the API shows them; sequences without a gap."""
    records, after = [], 0
    while True:
        page = d.expect(200, "GET", "/v1/tenants/%s/events?after=%d&limit=%d" % (tenant.name, after, PAGE))["events"]
        if not page:
            return records
        for r in page:
            assert r["seq"] == after + 1, "%s: after record %d comes %d" % (tenant.name, after, r["seq"])
            after = r["seq"]
        records += page


def check_events(d, tenant):
    """Every acknowledged event once, nothing that nobody sent."""
    found = {}
    for r in read_log(d, tenant):
        if r.get("derived") or r.get("control") or r["source"] not in tenant.sent:
            continue
        ids = found.setdefault(r["source"], set())
        number = int(r["id"])
        assert number not in ids, "%s: event %s/%d is there twice" % (tenant.name, r["source"], number)
        assert number < tenant.sent[r["source"]], "%s: nobody sent %s/%d" % (tenant.name, r["source"], number)
        ids.add(number)
    for source, ids in tenant.acknowledged.items():
        lost = ids - found.get(source, set())
        assert not lost, "%s: %d acknowledged events of %s are lost: %s" % (tenant.name, len(lost), source, sorted(lost)[:10])
    return sum(len(i) for i in found.values())


def check_state(d, tenant):
    """The state is what a clean replay of the log gives."""
    path = "/v1/tenants/%s/replay" % tenant.name
    for mode in "verify", "rebuild":
        answer = d.expect(200, "POST", path, {"mode": mode})
        assert answer["match"], "%s: %s gives another state: %s" % (tenant.name, mode, answer)
        assert answer["state_hash"] == answer["live_hash"], answer


def check_audit(d, tenant):
    """The log continues the checkpoint that was kept from before; the bundle verifies with the key that was handed over then."""
    bundle, kept = os.path.join(d.dir, "bundle"), os.path.join(d.dir, "checkpoint")
    shutil.rmtree(bundle, ignore_errors=True)
    since = []
    if tenant.checkpoint:
        with open(kept, "w", encoding="utf-8") as f:
            f.write(tenant.checkpoint)
        since = ["--since", kept]
    status, said = d.qun("audit", "run", tenant.name, "--out", bundle, *since)
    assert status in (0, 1), said  # 1: a rule is not satisfied; what counts here is the proof
    if tenant.key:
        status, said = d.qun("audit", "verify", bundle, "--key", tenant.key, *since)
        assert status == 0, "%s: the audit log does not continue what was signed: %s" % (tenant.name, said)


def keep_proof(d, tenant):
    tenant.checkpoint = d.expect(200, "GET", "/v1/tenants/%s/audit/checkpoint" % tenant.name)
    tenant.key = d.expect(200, "GET", "/v1/tenants/%s/audit/key" % tenant.name).strip()


def check_all(d, tenants, audited=()):
    events = 0
    for t in tenants:
        events += check_events(d, t)
        check_state(d, t)
        if t in audited:
            check_audit(d, t)
        keep_proof(d, t)
    return events
