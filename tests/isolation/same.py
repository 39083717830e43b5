# SPDX-License-Identifier: Apache-2.0
"""The same community gives the same state, inside the host and isolated; verify replays say so too; nothing is lost or done twice
when qund or a runner is killed meanwhile."""
import contextlib
import os
import signal
import sys
import unittest

import isolated
from isolated import Host
from qund import event

OWN = ["plugins/" + p for p in ("growth", "content", "compliance", "crosspromo", "i18n")]
PACKAGES = OWN + ["examples/hello"]
WATCHED = ["growth", "hello"]


def simulate(host):
    host.cli("simulate", "club", "--seed", "11", "--members", "120", "--days", "45")
    host.enable("club", "hello")  # goes over its past
    return host.settle("club", *WATCHED)


class Same(unittest.TestCase):
    def host(self, *options):
        h = Host(PACKAGES, *options).start()
        self.addCleanup(h.clear)
        return h

    def verify(self, host):
        status, answer = host.ask("POST", "/v1/tenants/club/replay", {"mode": "verify"})
        self.assertEqual(status, 200, answer)
        self.assertTrue(answer["match"], answer)
        self.assertEqual(answer["derived_differ"], 0, answer)

    def test_state_is_the_same_inside_and_isolated(self):
        inside, alone = self.host("--allow-untrusted"), self.host("--isolate", "growth")
        a, b = simulate(inside), simulate(alone)
        for p in WATCHED:
            self.assertEqual(b["plugins"][p]["mode"], "isolated")
            self.assertNotIn("mode", a["plugins"][p])
            self.assertEqual(a["plugins"][p]["state_hash"], b["plugins"][p]["state_hash"], p)
        self.assertEqual(a["derived"], b["derived"], "as many events were emitted")
        self.assertEqual(a["events"], b["events"])
        self.verify(inside)
        self.verify(alone)
        reports = [h.ask("GET", "/v1/tenants/club/reports/growth?view=overview&format=json")[1] for h in (inside, alone)]
        self.assertEqual(reports[0], reports[1])

    def test_killed_runners_and_hosts_lose_and_repeat_nothing(self):
        quiet, hunted = self.host("--allow-untrusted"), self.host("--isolate", "growth", "--no-supervise")
        tokens = [h.tenant("club") for h in (quiet, hunted)]
        for h in (quiet, hunted):
            h.enable("club", "hello")
        for round in range(6):
            events = [event(0, id=f"{round}-{n}", member=f"m{n % 37}") for n in range(400)]
            for h, t in zip((quiet, hunted), tokens):
                h.send("club", t, *events)
            pid = hunted.plugin("club", "hello")["runner"]
            if round % 3 == 2:
                hunted.end(signal.SIGKILL)
                hunted.start()
            elif pid and round % 3 == 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        a, b = quiet.settle("club", *WATCHED), hunted.settle("club", *WATCHED)
        for p in WATCHED:
            self.assertEqual(a["plugins"][p]["state_hash"], b["plugins"][p]["state_hash"], p)
        self.assertEqual(a["derived"], b["derived"])
        self.verify(hunted)

    def test_settings_are_those_of_the_record(self):
        """A plugin that is behind goes by the settings as they were."""
        inside, alone = self.host("--allow-untrusted"), self.host()
        for h in (inside, alone):
            t = h.tenant("club")
            h.enable("club", "hello")
            h.send("club", t, *[event(0, id=f"a{n}", member=f"m{n % 9}") for n in range(18)])
            h.ask("PATCH", "/v1/tenants/club", {"settings": {"hello.regular_after": "5"}})
            h.send("club", t, *[event(0, id=f"b{n}", member=f"m{n % 9}") for n in range(27)])
            h.enable("club", "hello", on=False)
            h.send("club", t, *[event(0, id=f"c{n}", member=f"m{n % 9}") for n in range(9)])
            h.enable("club", "hello")
        a, b = inside.settle("club", "hello"), alone.settle("club", "hello")
        self.assertEqual(a["plugins"]["hello"]["state_hash"], b["plugins"]["hello"]["state_hash"])
        self.assertEqual(b["derived"]["hello.regular"], 9, "at the fifth message, not at the third")
        self.verify(alone)
        status, answer = alone.call("club", "hello.count", {"member": 1})
        self.assertEqual((status, answer["messages"]), (200, 6), answer)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
