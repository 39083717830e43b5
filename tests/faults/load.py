# SPDX-License-Identifier: Apache-2.0
"""Clients that send, and remember what was promised to them."""
import http.client
import json
import random
import threading

from daemon import qund

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
KINDS = ("message", "message", "message", "reaction", "join", "leave", "checkin", "read", "share", "consent.given", "complaint")


def make_event(rng, source, number):
    """The same number gives the same event, so that it can be sent again."""
    local = random.Random("%s/%d" % (source, number))
    kind = local.choice(KINDS)
    e = {"id": str(number), "source": source, "type": kind, "member": "u%d" % local.randrange(200), "group": "g%d" % local.randrange(3)}
    if kind == "message":
        e["data"] = {"text": "words " * local.randrange(1, 30)}
    elif kind == "reaction":
        e["data"] = {"emoji": "+1"}
        e["subject"] = str(local.randrange(number + 1))
    elif kind in ("read", "share"):
        e["subject"] = "item%d" % local.randrange(20)
    elif kind == "consent.given":
        e["data"] = {"purpose": "marketing"}
    elif kind == "complaint":
        e["data"] = {"text": "no"}
    return e


class Tenant:
    """What was sent to it, and what of that was acknowledged: source -> ids."""

    def __init__(self, name, tokens):
        self.name, self.tokens = name, tokens
        self.lock = threading.Lock()
        self.sent, self.acknowledged = {}, {}
        self.checkpoint = self.key = None
        self.seen = 0
        self.hashes = None

    def note_sent(self, source, first, count):
        with self.lock:
            self.sent[source] = max(self.sent.get(source, 0), first + count)

    def note_acknowledged(self, source, first, count):
        with self.lock:
            self.acknowledged.setdefault(source, set()).update(range(first, first + count))


class Sender(threading.Thread):
    """Sends until the daemon goes or it is told to stop."""

    def __init__(self, daemon, tenant, source, seed):
        super().__init__(daemon=True)
        self.d, self.tenant, self.source = daemon, tenant, source
        self.rng = random.Random(seed)
        self.next = tenant.sent.get(source, 0)
        self.stopping = False
        self.answers = 0
        self.refusals = []
        self.failure = None

    def run(self):
        try:
            self.work()
        except (OSError, http.client.HTTPException):
            pass  # it has gone
        except Exception as why:  # pylint: disable=broad-except
            self.failure = why

    def take(self, count):
        first = self.next
        self.next += count
        self.tenant.note_sent(self.source, first, count)
        return first, [make_event(self.rng, self.source, n) for n in range(first, self.next)]

    def got(self, first, count, answer):
        assert not answer.get("refused_total") and not answer.get("conflicts"), answer
        self.tenant.note_acknowledged(self.source, first, count)
        self.answers += 1


class SocketSender(Sender):
    def __init__(self, *arguments, sizes=(1, 1, 1, 5, 20, 100), window=4):
        super().__init__(*arguments)
        self.sizes, self.window = sizes, window

    def work(self):
        i = qund.Intake(self.d.data + "/intake.sock", self.tenant.tokens["ingest"], ack=self.rng.choice(("durable", "durable", "applied")))
        assert i.hello and "tenant" in i.hello, i.hello
        waiting, batch = [], 0
        while waiting or not self.stopping:
            while len(waiting) < self.window and not self.stopping:
                first, events = self.take(self.rng.choice(self.sizes))
                i.send({"batch": batch, "events": events})
                waiting.append((batch, first, len(events)))
                batch += 1
            if not waiting:
                break
            answer = i.read()
            if answer is None:
                return
            number, first, count = waiting.pop(0)
            assert answer.get("batch") == number, answer
            if "error" in answer:
                self.refusals.append(answer["error"])
            else:
                self.got(first, count, answer)
        i.close()


class HttpSender(Sender):
    def work(self):
        c = self.d.tcp()
        while not self.stopping:
            first, events = self.take(self.rng.choice((1, 1, 1, 5)))
            body = json.dumps([{"specversion": "1.0", **e} for e in events])
            status, answer = self.d.ask("POST", "/v1/tenants/%s/events" % self.tenant.name, body, self.tenant.tokens["ingest"], BATCH, c)
            if status == 200:
                self.got(first, len(events), answer)
            else:
                assert status in (429, 503, 507, 500), answer
                self.refusals.append(answer.get("detail", ""))
        c.close()


class Load:
    """Several senders over several tenants."""

    def __init__(self, daemon, tenants, rng, senders, **socket):
        self.senders = []
        for n in range(senders):
            kind = HttpSender if n % 3 == 2 else SocketSender
            more = socket if kind is SocketSender else {}
            self.senders.append(kind(daemon, tenants[n % len(tenants)], "s%d" % n, rng.random(), **more))
        for s in self.senders:
            s.start()

    def answers(self):
        return sum(s.answers for s in self.senders)

    def await_answers(self, count):
        while self.answers() < count:
            if not any(s.is_alive() for s in self.senders):
                break
            threading.Event().wait(0.002)

    def stop(self):
        for s in self.senders:
            s.stopping = True
        self.join()

    def join(self):
        for s in self.senders:
            s.join(timeout=120)
            assert not s.is_alive(), "a sender hangs"
            if s.failure:
                raise s.failure
