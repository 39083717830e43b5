# SPDX-License-Identifier: Apache-2.0
"""The zoo in the host's own process: plugins that are trusted code and misbehave. The worker comes back, the culprit is named, what was
acknowledged is there, other plugins and tenants are served; and a replay gives the same state."""
import json
import os
import shutil
import tempfile
import time
import unittest

import qund
from qund import Daemon, cloud_event, main

ZOO = os.path.join(os.path.dirname(qund.PLUGINS), "zoo")
OWN = ("compliance", "growth")
JSON = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


class Zoo(unittest.TestCase):
    """A daemon with a few animals beside plugins of ours; tenant zoo has them on, tenant farm has not."""

    def open(self, *animals, options=()):
        self.folder = tempfile.mkdtemp(prefix="qund-zoo-")
        for name in OWN:
            os.symlink(os.path.join(qund.PLUGINS, name), os.path.join(self.folder, name))
        for name in animals:
            os.symlink(os.path.join(ZOO, name), os.path.join(self.folder, name))
        self.animals, usual, qund.PLUGINS = animals, qund.PLUGINS, self.folder
        self.d = Daemon("--allow-untrusted", *options)
        qund.PLUGINS = usual
        self.start()
        self.sent = 0
        self.zoo, self.farm = self.d.tenant("zoo"), self.d.tenant("farm")
        for name in animals:
            self.assertEqual(self.ask("POST", "/v1/tenants/zoo/plugins/" + name, {"enabled": True})[0], 200)
        self.send(3)

    def start(self):
        usual, qund.PLUGINS = qund.PLUGINS, self.folder
        self.d.start()
        qund.PLUGINS = usual

    def tearDown(self):
        self.d.clear()
        shutil.rmtree(self.folder)

    def ask(self, method, path, body=None):
        """Asks until a worker answers: one that crashes cuts its connections."""
        for _ in range(2400):
            try:
                return self.d.ask(method, path, body)
            except (ConnectionError, qund.http.client.HTTPException):
                time.sleep(0.05)
        self.fail("nobody answers")

    def send(self, n=1, tenant="zoo", **more):
        """Events that are acknowledged: durable once this comes back."""
        for _ in range(n):
            self.sent += tenant == "zoo"
            body = json.dumps(cloud_event(1000 * (tenant == "farm") + self.sent, **more))
            while True:
                try:
                    status, answer = self.d.ask("POST", "/v1/tenants/%s/events?ack=durable" % tenant, body, None, JSON)
                    break
                except (ConnectionError, qund.http.client.HTTPException):
                    time.sleep(0.05)
            self.assertEqual(status, 202, answer)

    def worker(self, restarts):
        """Once as many workers have come down."""
        for _ in range(2400):
            w = self.ask("GET", "/v1/worker")[1]
            if w["restarts"] >= restarts:
                print("%s: %d ms without a worker" % (",".join(self.animals), w["gap_ms"]), end=" ", flush=True)
                return w
            time.sleep(0.05)
        self.fail("no restart: " + self.d.log()[-2000:])

    def look(self, name, tenant="zoo"):
        status, answer = self.ask("POST", "/v1/tenants/%s/call/%s.look" % (tenant, name), {})
        self.assertEqual(status, 200, answer)
        return answer

    def plugin(self, name):
        return {p["id"]: p for p in self.ask("GET", "/v1/plugins")[1]["plugins"]}[name]

    def show(self, tenant="zoo"):
        return self.ask("GET", "/v1/tenants/" + tenant)[1]

    def same_again(self):
        """A replay of the log gives what is there."""
        for mode in "verify", "rebuild":
            status, answer = self.ask("POST", "/v1/tenants/zoo/replay", {"mode": mode})
            self.assertEqual(status, 200, answer)
            self.assertTrue(answer["match"], {n: p for n, p in answer["plugins"].items() if p["differs"]})

    def assert_fine(self):
        """Nothing acknowledged is lost, nothing is there twice, and everybody else is served."""
        s = self.show()
        self.assertEqual(s["events"], self.sent)
        for name in OWN:
            self.assertEqual((s["plugins"][name]["status"], s["plugins"][name]["cursor"]), ("live", s["seq"]))
        self.send(1, "farm")
        self.assertGreater(self.show("farm")["events"], 0)
        self.same_again()

    def assert_named(self, name, how, callback, event=""):
        """The operator's log and the list of plugins say in one sentence who it was."""
        said = self.plugin(name)["last_crash"]
        for word in (name + " 1.0.0 ", how, "in " + callback, event):
            self.assertIn(word, said)
        self.assertIn("came down by plugin " + said, self.d.log())


class Crash(Zoo):
    def poison(self, name, how, callback="on_event", event="message 4 of test"):
        """An event that brings the worker down twice is passed over, and only for that plugin."""
        self.open(name, "reads_passwd")
        self.send(1, group="zoo")
        if callback == "on_timer":
            self.send(1)
        self.worker(2)
        self.assert_named(name, how, callback, event)
        self.send(2)
        self.assertEqual(self.worker(2)["restarts"], 2)
        s = self.show()
        self.assertEqual((s["dead_letters"], s["control"]["qun.skipped"]), (1, 1))
        self.assertEqual(self.look("reads_passwd"), {"messages": self.sent, "tried": True, "result": 0})
        self.assertEqual((self.plugin(name)["status"], self.plugin(name)["crashes"]), ("loaded", 2))
        self.assert_fine()
        return self.look(name)

    def test_in_a_handler(self):
        self.assertEqual(self.poison("crash_event", "SIGSEGV"), {"messages": 5, "tried": False, "result": 0})

    def test_at_the_end_of_the_stack(self):
        self.poison("overflows_stack", "SIGSEGV")

    def test_by_abort(self):
        self.poison("aborts", "SIGABRT")

    def test_by_exit(self):
        self.poison("exits", "it ended the process")

    def test_in_a_timer(self):
        self.assertEqual(self.poison("crash_timer", "SIGSEGV", "on_timer", "timer boom")["messages"], 7)

    def test_by_exit_without_a_word(self):
        self.open("exits_at_once")
        self.send(1, group="zoo")
        self.worker(2)
        self.assert_named("exits_at_once", "it ended the process", "on_event")
        self.assert_fine()

    def test_in_a_request(self):
        self.open("crash_request")
        for n in range(1, 4):
            with self.assertRaises((ConnectionError, qund.http.client.HTTPException)):
                self.d.ask("POST", "/v1/tenants/zoo/call/crash_request.act", {})
            self.worker(n)
            self.assert_named("crash_request", "SIGSEGV", "on_request", "call of crash_request.act")
        self.assertEqual(self.plugin("crash_request")["status"], "parked")
        status, answer = self.ask("POST", "/v1/tenants/zoo/call/crash_request.act", {})
        self.assertEqual(status, 404)
        self.assertIn("plugin crash_request is parked: came down 3 times in 60 min", answer["detail"])
        self.assert_fine()


if __name__ == "__main__":
    main()
