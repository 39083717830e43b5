# SPDX-License-Identifier: Apache-2.0
"""kill -9 and power cuts at random moments under load; a torn journal."""
import glob
import os
import struct
import threading

from check import check_all
from daemon import Daemon
from load import Load, Tenant

TENANTS, SENDERS = 4, 6
ROUNDS_A_FOLDER = 12  # then a fresh one: the logs are read and replayed whole after each fault


def open_tenants(d, count=TENANTS):
    names = ["t%d" % n for n in range(count)]
    return [Tenant(name, d.tenant(name)) for name in names]


def loaded(d, tenants, rng):
    """Senders at work, at a random moment."""
    load = Load(d, tenants, rng, SENDERS)
    load.await_answers(rng.randint(1, 150))
    threading.Event().wait(rng.random() * 0.05)
    return load


def churn(d, tenants, rng):
    """What the owner does meanwhile: another tenant, other settings. Acknowledged too."""
    if rng.random() < 0.5:
        name = "n%d" % len(tenants)
        tenants.append(Tenant(name, d.tenant(name)))
    t = rng.choice(tenants)
    answer = d.expect(200, "PATCH", "/v1/tenants/" + t.name, {"settings": {"title": "title %d" % rng.randrange(1000)}})
    assert answer is not None


def note_worker(ctx, d):
    worker = d.expect(200, "GET", "/v1/worker")
    if worker["restarts"]:
        ctx.gaps.append(worker["gap_ms"])


def kill_round(ctx, d, tenants):
    load = loaded(d, tenants, ctx.rng)
    if ctx.rng.random() < 0.3:
        churn(d, tenants, ctx.rng)
    if d.worker_crashes < 4 and ctx.rng.random() < 0.7:
        d.kill_worker()  # the fifth within a minute would have to wait
    else:
        d.kill_all()
        load.join()
        d.start()
    load.join()
    ctx.count("kills")
    events = check_all(d, tenants, audited=[ctx.rng.choice(tenants)])
    note_worker(ctx, d)
    return events


def cut_round(ctx, d, tenants):
    load = loaded(d, tenants, ctx.rng)
    if ctx.rng.random() < 0.5:
        churn(d, tenants, ctx.rng)
    if d.worker_crashes < 4 and ctx.rng.random() < 0.3:
        d.kill_worker()  # a cut soon after a crash: what the new worker relied on must be on the disk
        load.join()
        ctx.count("kills")
        load = loaded(d, tenants, ctx.rng)
    lost = d.cut(ctx.rng)
    load.join()
    for name, count in lost.items():
        ctx.count("lost " + name if name != "kept" else "kept pages", count)
    ctx.count("cuts")
    d.start()
    return check_all(d, tenants, audited=[ctx.rng.choice(tenants)])


def rounds(ctx, one, short, **daemon):
    done = 0
    while ctx.goes_on(done, short):
        d = Daemon(ctx.setup, "--shards", str(ctx.rng.randint(1, 3)), **daemon)
        try:
            d.start()
            tenants = open_tenants(d)
            for _ in range(ROUNDS_A_FOLDER):
                events = one(ctx, d, tenants)
                done += 1
                ctx.say("round %d: %d events" % (done, events))
                if not ctx.goes_on(done, short):
                    break
            ctx.count("events", events)
        except BaseException:
            ctx.keep(d)
            raise
        d.clear()


def kill(ctx):
    """kill -9 of the worker or of all processes."""
    rounds(ctx, kill_round, 6)


def power_cut(ctx):
    """The power fails: what was not synced is lost in part."""
    rounds(ctx, cut_round, 6, cuts=True, writeback=ctx.rng.choice((0, 20, 200)))


# ---- the end of the journal

SEGMENT_HEAD, ENTRY_HEAD = 4096, struct.Struct("<4sIQQ")


def newest_segment(d):
    """(path, where its last whole entry ends)."""
    best = None
    for path in glob.glob(os.path.join(d.data, "journal", "*.seg")):
        with open(path, "rb") as f:
            head = f.read(40)
        first = struct.unpack("<Q", head[24:32])[0] if head[:7] == b"QUNJRN1" else 0
        if first and (not best or first > best[0]):
            best = first, path
    if not best:
        return None
    number, path = best
    with open(path, "rb") as f:
        raw = f.read()
    at = SEGMENT_HEAD
    while at + ENTRY_HEAD.size <= len(raw):
        magic, length, its, _ = ENTRY_HEAD.unpack_from(raw, at)
        if magic != b"QJE1" or its != number:
            break
        number += 1
        at += (ENTRY_HEAD.size + length + 7) // 8 * 8
    return path, at


def cut_off(path, at, rng):
    os.truncate(path, at + rng.randrange(0, 64))


def rubbish(path, at, rng):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(rng.randbytes(rng.randrange(1, 5000)))


def half_an_entry(path, at, rng):
    """The number that would come next, and not all of the body."""
    with open(path, "r+b") as f:
        f.seek(SEGMENT_HEAD)
        raw = f.read(at - SEGMENT_HEAD)
        f.seek(at)
        f.write(raw[:rng.randrange(1, max(2, min(len(raw), 400)))])


def torn_journal(ctx):
    """Behind the journal's last whole entry stands half of another, rubbish or nothing."""
    for tear in cut_off, rubbish, half_an_entry:
        d = Daemon(ctx.setup)
        try:
            d.start()
            tenants = open_tenants(d, 2)
            load = loaded(d, tenants, ctx.rng)
            d.kill_all()
            load.join()
            found = newest_segment(d)
            assert found, "the journal has no segment in use"
            tear(*found, ctx.rng)
            d.start()
            worker = d.expect(200, "GET", "/v1/worker")
            assert worker["damaged_segments"] == 0, worker
            ctx.count("recovered entries", worker["recovered_entries"])
            check_all(d, tenants, audited=tenants)
            load = Load(d, tenants, ctx.rng, 2)
            load.await_answers(20)
            load.stop()
            d.kill_all()
            d.start()
            ctx.count("events", check_all(d, tenants, audited=tenants))
        except BaseException:
            ctx.keep(d)
            raise
        d.clear()
