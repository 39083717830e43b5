# SPDX-License-Identifier: Apache-2.0
"""The zoo in runners: the host lives on, other tenants and plugins are served, what was tried is denied, and the reason is shown."""
import errno
import sys
import unittest

from isolated import Host
from qund import event

REFUSED = {"no_entry": "does not export", "wrong_magic": "pointers of", "future_abi": "built for ABI", "no_create": "no create",
           "crash_load": "SIGSEGV"}
DENIED = {"reads_passwd": errno.EACCES, "writes_file": errno.EACCES, "opens_socket": errno.EACCES,
          "signals_parent": errno.EACCES, "leaks_descriptors": errno.ENOSYS, "forges_handle": -2}
KILLED = {"forks": "SIGSYS", "crash_event": "SIGSEGV", "aborts": "SIGABRT", "exits": "exit code", "exits_at_once": "exit code",
          "overflows_stack": "SIGSEGV", "loops": "in time", "forgets_lock": "in time"}
ASKED = {"crash_request": "SIGSEGV", "loops_asked": "in time"}
OTHERS = ["storms", "crash_create", "crash_timer", "keeps_handle", "answers_garbage"]
ALL = [*REFUSED, *DENIED, *KILLED, *ASKED, *OTHERS]


class Zoo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Host(["zoo/" + a for a in ALL] + ["examples/hello"], "--runner-callback", "1500", "--runners", "64").start()
        cls.quiet = cls.d.tenant("quiet")
        cls.d.enable("quiet", "hello")

    @classmethod
    def tearDownClass(cls):
        cls.d.clear()

    def served(self, n):
        """Another tenant and another plugin."""
        self.d.send("quiet", self.quiet, event(0, id=f"still-{n}", member="q"))
        self.d.settle("quiet", "hello")

    def test_what_cannot_be_loaded_is_refused_with_its_reason(self):
        refused = {r["folder"]: r["reason"] for r in self.d.ask("GET", "/v1/plugins")[1]["refused"]}
        for animal, part in REFUSED.items():
            self.assertIn(part, refused.get(animal, "it is not refused"), animal)
        self.assertEqual(set(refused), set(REFUSED))

    def test_the_list_says_how_and_why(self):
        for p in self.d.ask("GET", "/v1/plugins")[1]["plugins"]:
            self.assertEqual((p["mode"], p["mode_reason"]), ("isolated", "nobody trusted answers for it"))
            self.assertRegex(p["sandbox"], r"^landlock \d+, seccomp, rlimits$")
        self.assertIn("landlock", self.d.cli("plugin", "list"))

    def test_the_kernel_denies_it(self):
        t = self.d.tenant("denied")
        self.d.enable("denied", *DENIED)
        self.d.send("denied", t, event(1), event(2, group="zoo"), event(3))
        self.d.settle("denied", *DENIED)
        for animal, code in DENIED.items():
            status, answer = self.d.call("denied", animal + ".look")
            self.assertEqual((status, answer), (200, {"messages": 3, "tried": True, "result": code}), animal)
        self.served(1)

    def test_who_comes_down_comes_back_and_goes_on(self):
        """Twice at the same record: it is passed over, with a dead letter."""
        t = self.d.tenant("killed")
        self.d.enable("killed", *KILLED)
        self.d.send("killed", t, event(1), event(2, group="zoo"), event(3))
        show = self.d.settle("killed", *KILLED)
        for animal, how in KILLED.items():
            p = show["plugins"][animal]
            self.assertEqual((p["crashes"], p["status"]), (2, "live"), (animal, p))
            self.assertIn(how, p["reason"], animal)
            self.assertEqual(self.d.call("killed", animal + ".look")[1]["messages"], 2, animal)
        self.assertEqual(show["dead_letters"], len(KILLED))
        self.served(2)

    def test_requests_have_an_end(self):
        t = self.d.tenant("asked")
        self.d.enable("asked", *ASKED)
        self.d.send("asked", t, event(1))
        self.d.settle("asked", *ASKED)
        for animal, how in ASKED.items():
            status, answer = self.d.call("asked", animal + ".act")
            self.assertGreaterEqual(status, 400, answer)
            self.assertIn(how, str(answer))
            self.assertEqual(self.d.call("asked", animal + ".look")[1]["messages"], 1, animal)
        self.served(3)

    def test_too_many_crashes_park_it_there_alone(self):
        t = self.d.tenant("fragile")
        self.d.enable("fragile", "crash_create", "hello")
        self.d.send("fragile", t, event(1))
        self.d.until(lambda: self.d.plugin("fragile", "crash_create")["status"] == "parked")
        self.d.send("fragile", t, event(2))
        self.d.settle("fragile", "hello")
        self.assertIn("SIGSEGV", self.d.plugin("fragile", "crash_create")["reason"])

    def test_a_storm_blows_over(self):
        t = self.d.tenant("stormy")
        self.d.enable("stormy", "storms", "hello")
        self.d.send("stormy", t, event(1, group="zoo"))
        show = self.d.settle("stormy", "storms", "hello")
        self.assertEqual(show["derived"]["storms.drop"], 2000 * 16, "16 causes deep and no further")
        self.served(4)

    def test_a_kept_handle_is_another_tenants(self):
        a, b = self.d.tenant("kept-a"), self.d.tenant("kept-b")
        for name, t in ("kept-a", a), ("kept-b", b):
            self.d.enable(name, "keeps_handle")
            self.d.send(name, t, event(1, group="zoo"))
            self.d.settle(name, "keeps_handle")
            self.assertEqual(self.d.call(name, "keeps_handle.look")[1]["result"], 0, "a process knows one tenant")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
