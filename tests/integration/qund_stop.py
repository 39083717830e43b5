# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after a stop and after a crash, once."""
import http.client
import json
import signal
import threading

from qund import Case, Daemon, cloud_event, event, main

SIZE = 200
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


class Sender(threading.Thread):
    """Sends batches until the daemon goes; remembers which were acknowledged."""

    def __init__(self, d, token, name):
        super().__init__()
        self.d, self.token, self.source = d, token, name
        self.acknowledged = set()
        self.failure = None

    def numbers(self, batch):
        return range(batch * SIZE, (batch + 1) * SIZE)

    def run(self):
        try:
            self.work()
        except (OSError, http.client.HTTPException):
            pass  # the daemon closed
        except Exception as why:  # pylint: disable=broad-except
            self.failure = why


class SocketSender(Sender):
    def work(self):
        i = self.d.intake(self.token)
        batch = waiting = 0
        while True:
            while waiting < i.hello["window"]:
                i.send({"batch": batch, "events": [event(n, source=self.source) for n in self.numbers(batch)]})
                batch += 1
                waiting += 1
            answer = i.read()
            if answer is None:
                return
            waiting -= 1
            assert answer["accepted"] == SIZE, answer
            self.acknowledged.add(answer["batch"])


class HttpSender(Sender):
    def work(self):
        c = self.d.tcp()
        batch = 0
        while True:
            body = json.dumps([cloud_event(n, source=self.source) for n in self.numbers(batch)])
            status, answer = self.d.ask("POST", "/v1/tenants/aaaa/events", body, self.token, BATCH, c)
            if status == 200:
                assert answer["accepted"] == SIZE, answer
                self.acknowledged.add(batch)
            else:
                assert status in (429, 503), answer
                if status == 503:
                    return
            batch += 1


class Stop(Case):
    options = ("--shards", "2")

    def under_load(self, how, status):
        t = self.d.tenant("aaaa")
        senders = [SocketSender(self.d, t["ingest"], "socket%d" % n) for n in range(3)]
        senders += [HttpSender(self.d, t["ingest"], "http%d" % n) for n in range(3)]
        for s in senders:
            s.start()
        while sum(len(s.acknowledged) for s in senders) < 60:
            self.assertIsNone(self.d.process.poll(), self.d.log())
            threading.Event().wait(0.01)
        self.assertEqual(self.d.end(how), status, self.d.log())
        for s in senders:
            s.join(timeout=120)
            self.assertFalse(s.is_alive())
            self.assertIsNone(s.failure)
        self.d.start()
        there = self.d.show("aaaa")
        self.assertGreaterEqual(there["events"], sum(len(s.acknowledged) for s in senders) * SIZE)
        i = self.d.intake(t["ingest"])
        for s in senders:
            for batch in s.acknowledged:
                i.send({"batch": batch, "events": [event(n, source=s.source) for n in s.numbers(batch)]})
                answer = i.read()
                self.assertEqual((answer["accepted"], answer["duplicates"]), (0, SIZE), "%s %d" % (s.source, batch))
        i.close()
        self.assertEqual(self.d.show("aaaa")["events"], there["events"])
        match = self.d.ask("POST", "/v1/tenants/aaaa/replay", {"mode": "verify"}, t["operator"])[1]["match"]
        self.assertTrue(match)

    def test_sigterm_under_load_loses_nothing_acknowledged(self):
        self.under_load(signal.SIGTERM, 0)

    def test_sigint_is_the_same(self):
        self.under_load(signal.SIGINT, 0)

    def test_kill_loses_nothing_acknowledged(self):
        self.under_load(signal.SIGKILL, -signal.SIGKILL)

    def test_a_restart_keeps_tokens_and_state(self):
        t = self.d.tenant("aaaa")
        self.d.ask("POST", "/v1/tenants/aaaa/events", [cloud_event(n) for n in range(100)], t["ingest"], BATCH)
        before = self.d.show("aaaa")
        self.assertEqual(self.d.end(), 0)
        self.d.start()
        after = self.d.show("aaaa")
        self.assertEqual((after["state_hash"], after["events"]), (before["state_hash"], before["events"]))
        self.assertEqual(self.d.ask("GET", "/v1/tenants/aaaa", None, t["auditor"])[0], 200)

    def test_the_state_does_not_depend_on_shards_or_batches(self):
        hashes = set()
        for shards, size in (("1", 1), ("1", 1000), ("2", 1), ("2", 1000)):
            d = Daemon("--shards", shards).start()
            t = d.tenant("aaaa")
            i = d.intake(t["ingest"])
            for n in range(0, 1000, size):
                i.send({"batch": n, "imported": True,
                        "events": [event(k, time="2025-01-%02dT00:00:%02d.%03dZ" % (1 + k // 100, k % 60, k)) for k in range(n, n + size)]})
                self.assertEqual(i.read()["accepted"], size)
            i.close()
            hashes.add(d.show("aaaa")["state_hash"])
            d.clear()
        self.assertEqual(len(hashes), 1, hashes)


if __name__ == "__main__":
    main()
