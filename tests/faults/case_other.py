# SPDX-License-Identifier: Apache-2.0
"""Clients that stand still, clocks that jump, stores that are damaged."""
import http.client
import os
import resource
import signal
import socket
import struct
import threading

import msgpack

from case_crash import open_tenants
from check import check_all
from daemon import Daemon, qund
from load import Load, make_event

PAGE = resource.getpagesize()


def resident(d):
    with open(os.path.join(d.data, "LOCK"), encoding="utf-8") as f:
        pid = int(f.read())
    with open("/proc/%d/statm" % pid, encoding="utf-8") as f:
        return int(f.read().split()[1]) * PAGE


def stuff(sock, frame):
    """Sends without ever reading, until the daemon reads no more. Answers the bytes that went."""
    raw = struct.pack(">I", len(frame)) + frame
    sock.setblocking(False)
    sent, stuck = 0, 0
    while stuck < 20:
        try:
            sent += sock.send(raw[sent % len(raw):])
            stuck = 0
        except BlockingIOError:
            stuck += 1
            threading.Event().wait(0.05)
    return sent


def stopped_client(ctx):
    """Clients that send and never read are held back: memory stays bounded, others are served, a stop waits for none."""
    d = Daemon(ctx.setup, "--drain", "1")
    try:
        d.start()
        tenants = open_tenants(d, 2)
        deaf = []
        before = resident(d)
        # refused one by one, with a reason each: long answers
        frame = msgpack.packb({"batch": 0, "events": [{**make_event(ctx.rng, "deaf", n), "type": "nosuch"} for n in range(200)]})
        for _ in range(20):
            i = qund.Intake(d.data + "/intake.sock", tenants[0].tokens["ingest"])
            i.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.append(i)
            stuff(i.sock, frame)
        half = d.tcp()
        half.connect()
        half.sock.sendall(b"POST /v1/tenants/t0/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
        grown = resident(d) - before
        ctx.say("20 deaf clients cost %d MiB" % (grown >> 20))
        assert grown < 512 << 20, "%d bytes for 20 clients that do not read" % grown
        load = Load(d, tenants[1:], ctx.rng, 2)
        load.await_answers(50)
        load.stop()
        assert load.answers() >= 50
        check_all(d, tenants[1:], audited=tenants[1:])
        assert d.end() == 0, d.log()[-2000:]
        for i in deaf:
            i.close()
        half.close()
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()


def stopped_process(ctx):
    """SIGSTOP of the worker and of the supervisor: work goes on where it stood."""
    d = Daemon(ctx.setup)
    try:
        d.start()
        tenants = open_tenants(d, 2)
        load = Load(d, tenants, ctx.rng, 4)
        for n in range(1, 6):
            load.await_answers(20 * n)
            worker = d.worker()
            signal.pidfd_send_signal(worker, signal.SIGSTOP)
            d.process.send_signal(signal.SIGSTOP)
            threading.Event().wait(ctx.rng.random() * 0.05)
            d.process.send_signal(signal.SIGCONT)
            signal.pidfd_send_signal(worker, signal.SIGCONT)
            os.close(worker)
        load.stop()
        ctx.count("events", check_all(d, tenants, audited=tenants))
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()


def clocks(d, tenant):
    records = d.expect(200, "GET", "/v1/tenants/%s/events?after=%d&limit=1000" % (tenant.name, tenant.seen))["events"]
    tenant.seen += len(records)
    return [r["clock"] for r in records]


def clock_back(ctx):
    """The time of day jumps: the tenants' clocks never run back, and a restart changes nothing."""
    d = Daemon(ctx.setup, faults=True)
    try:
        d.start()
        tenants = open_tenants(d, 2)
        times = {t: clocks(d, t) for t in tenants}
        for hours in (0, -1, -24 * 400, 2, -3, 0):
            d.faults.set(shift_ms=hours * 3600000)
            load = Load(d, tenants, ctx.rng, 4, sizes=(1, 10))
            load.await_answers(30)
            load.stop()
            if hours == -3:
                d.kill_all()
                d.start()
        for t in tenants:
            while True:
                more = clocks(d, t)
                if not more:
                    break
                times[t] += more
            assert times[t] == sorted(times[t]), "%s: its clock ran back" % t.name
        ctx.count("events", check_all(d, tenants, audited=tenants))
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()


# ---- damaged stores

def overwrite(path, rng):
    with open(path, "r+b") as f:
        size = os.fstat(f.fileno()).st_size
        for _ in range(40):
            f.seek(rng.randrange(0, size, 4096))
            f.write(rng.randbytes(4096))


def lose_head(path, rng):
    with open(path, "r+b") as f:
        f.write(rng.randbytes(8192))


def truncate(path, rng):
    os.truncate(path, rng.randrange(1, os.stat(path).st_size // 4096) * 4096)


def empty(path, rng):
    del rng
    os.truncate(path, 0)


def replace(path, rng):
    with open(path, "wb") as f:
        f.write(rng.randbytes(200000))


DAMAGES = (overwrite, lose_head, truncate, empty, replace)


def one_damage(ctx, damage):
    """The damaged tenant says so; the others go on, and so does the process."""
    d = Daemon(ctx.setup)
    try:
        d.start()
        tenants = open_tenants(d, 3)
        load = Load(d, tenants, ctx.rng, 6)
        load.await_answers(120)
        load.stop()
        check_all(d, tenants)
        backup = os.path.join(d.dir, "t0.tar.zst")
        status, said = d.qun("backup", "t0", "--out", backup)
        assert status == 0, said
        assert d.end() == 0
        damage(os.path.join(d.data, "tenants", "t0", "store", "data.mdb"), ctx.rng)
        d.start()
        ctx.say("%s: %s" % (damage.__name__, provoke(d)))
        again = Load(d, tenants[1:], ctx.rng, 4)
        again.await_answers(60)
        again.stop()
        check_all(d, tenants[1:], audited=tenants[1:])
        status, said = d.qun("restore", backup, "--replace")
        assert status == 0, said
        tenants[0].checkpoint = tenants[0].key = None  # the restored log has an origin of its own
        ctx.count("events", check_all(d, tenants, audited=tenants))
        ctx.count("crashes", d.expect(200, "GET", "/v1/worker")["restarts"])
        assert d.end() == 0
    except BaseException:
        ctx.keep(d)
        raise
    d.clear()


def provoke(d):
    """Asks for the damaged tenant until it is known to be: at most one worker pays for that. Answers what is said of it."""
    for _ in range(3):
        try:
            status, answer = d.ask("GET", "/v1/tenants/t0")
        except (OSError, http.client.HTTPException):
            continue
        assert status >= 400, answer
        assert d.expect(200, "GET", "/v1/worker")["restarts"] <= 1, d.log()[-3000:]
        return "%d %s" % (status, answer["detail"])
    raise AssertionError("worker after worker crashes:\n" + d.log()[-3000:])


def damaged_store(ctx):
    """A store that is overwritten, cut short or replaced."""
    for damage in DAMAGES:
        ctx.say(damage.__name__)
        one_damage(ctx, damage)
