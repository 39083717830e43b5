# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, broken or slow."""
import os
import subprocess
import tempfile
import time

from case_crash import open_tenants
from check import check_all
from daemon import Daemon
from load import BATCH, Load, make_event


def refused(load):
    return [r for s in load.senders for r in s.refusals]


def await_refusal(load):
    while not refused(load):
        assert any(s.is_alive() for s in load.senders), "the senders ended without a refusal"
        load.senders[0].join(0.01)


def await_room(d, tenant):
    """A parked tenant comes back by itself, some seconds after there is room."""
    end = time.monotonic() + 120
    while True:
        first = tenant.sent.get("room", 0)
        tenant.note_sent("room", first, 1)
        event = {"specversion": "1.0", **make_event(None, "room", first)}
        status, answer = d.ask("POST", "/v1/tenants/%s/events" % tenant.name, [event], tenant.tokens["ingest"], BATCH)
        if status == 200:
            tenant.note_acknowledged("room", first, 1)
            return
        assert time.monotonic() < end, "%s: there is room, and still: %s" % (tenant.name, answer)
        time.sleep(0.2)


def full_and_back(d, tenants, ctx, fill, free):
    load = Load(d, tenants, ctx.rng, 4, sizes=(100, 1000))
    load.await_answers(10)
    fill()
    await_refusal(load)
    load.stop()
    for reason in refused(load):
        # LMDB says Input/output error when a part of a page still found room
        assert "No space left" in reason or "full" in reason or "Input/output" in reason, reason
    ctx.say("refused: " + refused(load)[0])
    d.expect(200, "GET", "/v1/tenants")
    free()
    for t in tenants:
        await_room(d, t)
    again = Load(d, tenants, ctx.rng, 4, sizes=(100,))
    again.await_answers(20)
    again.stop()
    assert not refused(again), refused(again)
    check_all(d, tenants, audited=tenants)
    d.kill_all()
    d.start()
    ctx.count("events", check_all(d, tenants, audited=tenants))


def disk_full(ctx):
    """The disk fills up and is freed again."""
    d = Daemon(ctx.setup, faults=True)
    try:
        d.start()
        tenants = open_tenants(d, 2)
        d.faults.set(pattern=d.data + "/*")
        full_and_back(d, tenants, ctx, lambda: d.faults.set(space=0), lambda: d.faults.set(space=-1))
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()


def small_disk(ctx):
    """The same on a small file system of its own, where this user may mount one."""
    base = tempfile.mkdtemp(prefix="qun-small-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", base], stderr=subprocess.DEVNULL, check=False).returncode:
        os.rmdir(base)
        ctx.say("no right to mount: left out")
        return
    d = Daemon(ctx.setup, base=base)
    try:
        d.start()
        filler = os.path.join(base, "filler")

        def fill():
            with open(filler, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"\1" * 65536)
                except OSError:
                    pass

        full_and_back(d, open_tenants(d, 2), ctx, fill, lambda: os.unlink(filler))
        d.clear()
    except BaseException:
        ctx.keep(d)
        raise
    finally:
        subprocess.run(["umount", "-l", base], check=True)
        os.rmdir(base)


def sync_error(ctx):
    """A sync fails: nothing more is acknowledged until a restart, and the reason is said."""
    for pattern in ctx.sync_patterns:
        d = Daemon(ctx.setup, faults=True)
        try:
            d.start()
            tenants = open_tenants(d, 2)
            load = Load(d, tenants, ctx.rng, 4)
            load.await_answers(20)
            d.faults.set(pattern=d.dir + "/" + pattern, sync_skip=ctx.rng.randrange(5), sync_fail=1)
            await_refusal(load)
            load.stop()
            assert d.faults.get("failed") == 1
            ctx.say("%s: %s" % (pattern, refused(load)[0]))
            d.kill_all()
            d.start()
            ctx.count("events", check_all(d, tenants, audited=tenants))
        except BaseException:
            ctx.keep(d)
            raise
        d.clear()


def slow_sync(ctx):
    """Each sync takes 5 ms longer: slower, nothing else."""
    d = Daemon(ctx.setup, faults=True)
    try:
        d.start()
        tenants = open_tenants(d, 2)
        d.faults.set(slow_us=5000)
        load = Load(d, tenants, ctx.rng, 6)
        load.await_answers(60)
        load.stop()
        assert not refused(load), refused(load)
        ctx.count("events", check_all(d, tenants, audited=tenants))
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()
