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

    def test_in_requests_until_it_is_parked_and_released(self):
        self.open("crash_request")
        for n in range(1, 4):
            with self.assertRaises((ConnectionError, qund.http.client.HTTPException)):
                self.d.ask("POST", "/v1/tenants/zoo/call/crash_request.act", {})
            self.worker(n)
            self.assert_named("crash_request", "SIGSEGV", "on_request", "call of crash_request.act")
        p = self.plugin("crash_request")
        self.assertEqual(p["status"], "parked")
        self.assertIn("came down 3 times in 60 min: crash_request 1.0.0 crashed", p["reason"])
        status, answer = self.ask("POST", "/v1/tenants/zoo/call/crash_request.act", {})
        self.assertEqual(status, 404)
        self.assertIn("plugin crash_request is parked: came down 3 times in 60 min", answer["detail"])
        self.send(4)
        s = self.show()
        self.assertEqual(s["plugins"]["crash_request"]["status"], "parked")
        held = s["plugins"]["crash_request"]["cursor"]
        self.assertLess(held, s["seq"] - 4)
        self.assert_fine()
        self.problem(self.ask("POST", "/v1/plugins/crash_request/release", {"tenant": "zoo"}), "for all tenants")
        self.problem(self.ask("POST", "/v1/plugins/growth/release", {}), "growth is not parked")
        self.assertEqual(self.ask("POST", "/v1/plugins/crash_request/release", {})[1], {"plugin": "crash_request", "runs": "now"})
        while self.plugin("crash_request")["status"] == "parked":
            time.sleep(0.05)
        self.send(1)
        self.assertEqual(self.look("crash_request")["messages"], self.sent, "it has caught up over what it missed")
        self.assertEqual(self.show()["plugins"]["crash_request"]["status"], "live")
        self.assertEqual(self.ask("GET", "/v1/worker")[1]["restarts"], 3, "a change of workers is no crash")
        self.assert_fine()
        with self.assertRaises((ConnectionError, qund.http.client.HTTPException)):
            self.d.ask("POST", "/v1/tenants/zoo/call/crash_request.act", {})
        self.worker(4)
        self.assertIn("came down on trial: crash_request", self.plugin("crash_request")["reason"])

    def problem(self, got, words):
        self.assertEqual(got[0], 409, got)
        self.assertIn(words, got[1]["detail"])


class Load(Zoo):
    def park(self, name, callback, tries):
        """What cannot even be begun is tried three times; then the rest comes up without it."""
        self.open("reads_passwd")
        self.d.end()
        os.symlink(os.path.join(ZOO, name), os.path.join(self.folder, name))
        self.start()
        self.assertEqual(self.ask("GET", "/v1/worker")[1]["restarts"], tries)
        self.assertEqual(self.plugin(name)["status"], "parked")
        self.assert_named(name, "SIGSEGV", callback)
        self.send(1)
        self.assert_fine()

    def test_a_constructor_that_crashes(self):
        self.park("crash_load", "load", 3)

    def test_a_create_that_crashes(self):
        self.park("crash_create", "create", 3)

    def test_safe_mode(self):
        self.open("reads_passwd")
        self.d.end()
        self.d.options += ("--safe-mode",)
        self.start()
        self.assertEqual(self.plugin("reads_passwd")["status"], "parked")
        self.assertIn("safe mode", self.plugin("reads_passwd")["reason"])
        self.assertEqual(self.plugin("growth")["status"], "loaded")
        self.send(3)
        self.assertEqual(self.show()["plugins"]["reads_passwd"]["status"], "parked")
        self.assert_fine()
        self.d.end()
        self.d.options = self.d.options[:-1]
        self.start()
        self.send(1)
        self.assertEqual(self.look("reads_passwd")["messages"], self.sent)
        self.assert_fine()


class Hang(Zoo):
    def hang(self, name, callback, act):
        self.open(name)  # 2,000 ms are the limit of its manifest
        act()
        self.worker(2 if callback == "on_event" else 1)
        self.assert_named(name, "hung (for ", callback)
        self.assertIn(", at ", self.plugin(name)["last_crash"])
        self.send(2)
        self.assert_fine()
        if callback == "on_event":
            self.assertEqual(self.show()["control"]["qun.skipped"], 1)

    def test_a_handler_that_loops(self):
        self.hang("loops", "on_event", lambda: self.send(1, group="zoo"))
        self.assertIn("loops.so+0x", self.plugin("loops")["last_crash"])

    def test_a_handler_that_waits_for_itself(self):
        self.hang("forgets_lock", "on_event", lambda: self.send(1, group="zoo"))

    def test_a_request_that_loops(self):
        def act():
            with self.assertRaises((ConnectionError, qund.http.client.HTTPException)):
                self.d.ask("POST", "/v1/tenants/zoo/call/loops_asked.act", {})
        self.hang("loops_asked", "on_request", act)

    def test_one_that_is_only_logged(self):
        self.open("loops_asked", options=("--hang", "log"))
        c = self.d.agency()
        c.request("POST", "/v1/tenants/zoo/call/loops_asked.act", body="{}")
        while not self.plugin("loops_asked")["crashes"]:
            time.sleep(0.05)
        self.assertIn("plugin loops_asked 1.0.0 hung (for ", self.d.log())
        self.assertEqual(self.ask("GET", "/v1/worker")[1]["restarts"], 0)
        c.close()
        self.d.end(qund.signal.SIGKILL)  # the callback never comes back, so it cannot stop in order


class Reach(Zoo):
    """In the host's process a plugin is trusted: what it is refused are the host's own rules."""

    def test_what_the_services_refuse(self):
        names = ("forges_handle", "keeps_handle", "answers_garbage", "storms", "leaks_descriptors", "hogs_memory")
        self.open(*names)
        self.assertEqual(self.ask("POST", "/v1/tenants/farm/plugins/keeps_handle", {"enabled": True})[0], 200)
        self.send(1, group="zoo")
        self.send(1, "farm", group="zoo")
        self.assertEqual(self.look("forges_handle")["result"], -2)
        self.assertIn(self.look("keeps_handle", "farm")["result"], (0, -2))
        self.assertEqual(self.ask("POST", "/v1/tenants/zoo/call/answers_garbage.act", {})[1]["result"], -7)
        self.assertEqual(self.show()["derived"]["storms.drop"], 2000 * 16, "hops end a storm")
        self.assertEqual(self.ask("GET", "/v1/worker")[1]["restarts"], 0)
        self.assert_fine()

    def test_refused_as_they_are_loaded(self):
        self.open("reads_passwd")
        self.d.end()
        for name in "no_entry", "wrong_magic", "future_abi", "no_create":
            os.symlink(os.path.join(ZOO, name), os.path.join(self.folder, name))
        self.start()
        refused = {p["folder"]: p["reason"] for p in self.ask("GET", "/v1/plugins")[1]["refused"]}
        self.assertEqual(set(refused), {"no_entry", "wrong_magic", "future_abi", "no_create"})
        self.assertEqual(len(set(refused.values())), 4, "each has a sentence of its own")
        self.send(1)
        self.assert_fine()


if __name__ == "__main__":
    main()
