# SPDX-License-Identifier: Apache-2.0
"""What the daemon answers: tenants, isolation over every route and the socket, metrics."""
import re
import shutil
import subprocess
import unittest

from qund import Case, ROLES, cloud_event, event, main

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


class Api(Case):
    def test_no_token_reaches_another_tenant(self):
        """Every route of the list, every role, and the socket: another tenant looks like none, and does not change."""
        a, b = self.d.tenant("aaaa"), self.d.tenant("bbbb")
        before = self.d.show("bbbb")
        routes = self.d.ask("GET", "/v1")[1]["routes"]
        tried = 0
        for route in routes:
            if "/{name}" not in route["path"]:
                continue
            for role in ROLES:
                answers = []
                for name in "bbbb", "nope":
                    path = re.sub(r"\{\w+\}", "growth", route["path"].replace("{name}", name))
                    status, answer = self.d.ask(route["method"], path, "{}", a[role])
                    self.problem((status, answer), 404)
                    answer.pop("instance")
                    answers.append(answer)
                self.assertEqual(answers[0], answers[1])
                tried += 1
        self.assertGreater(tried, 40)
        for role in "owner", "operator", "ingest":
            i = self.d.intake(a[role])
            self.assertEqual(i.hello["tenant"], "aaaa")
            i.send({"batch": 1, "events": [event(1, source=role)], "tenant": "bbbb"})
            self.assertIn("tenant", i.read()["error"])
            i.close()
        self.assertEqual(self.d.show("bbbb"), before)
        self.assertEqual(self.d.ask("GET", "/v1/tenants/bbbb", None, b["auditor"])[0], 200)

    def test_an_ingest_token_only_sends(self):
        t = self.d.tenant("aaaa")
        for route in self.d.ask("GET", "/v1")[1]["routes"]:
            if "/{name}" not in route["path"] or "ingest" in route["roles"]:
                continue
            path = re.sub(r"\{\w+\}", "growth", route["path"].replace("{name}", "aaaa"))
            self.problem(self.d.ask(route["method"], path, "{}", t["ingest"]), 403)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/events", cloud_event(1), t["auditor"], STRUCTURED), 403)
        self.assertIn("auditor", self.d.intake(t["auditor"]).hello["error"])

    def test_events_come_in_by_every_door_once(self):
        t = self.d.tenant("aaaa")
        post = "/v1/tenants/aaaa/events"
        first = self.d.ask("POST", post, cloud_event(1), t["ingest"], STRUCTURED)
        self.assertEqual((first[0], first[1]["accepted"]), (200, 1))
        binary = {"ce-specversion": "1.0", "ce-id": "2", "ce-source": "test", "ce-type": "message", "ce-member": "u2",
                  "Content-Type": "application/json"}
        self.assertEqual(self.d.ask("POST", post, {"text": "hello"}, t["ingest"], binary)[1]["accepted"], 1)
        again = self.d.ask("POST", post, [cloud_event(n) for n in (1, 2, 3)], t["ingest"], BATCH)[1]
        self.assertEqual((again["accepted"], again["duplicates"]), (1, 2))
        i = self.d.intake(t["ingest"])
        i.send({"batch": 7, "events": [event(n) for n in (3, 4)]})
        answer = i.read()
        self.assertEqual((answer["batch"], answer["accepted"], answer["duplicates"]), (7, 1, 1))
        other = self.d.ask("POST", post, cloud_event(1, data={"text": "something else"}), t["ingest"], STRUCTURED)[1]
        self.assertEqual((other["accepted"], other["conflicts"]), (0, 1))
        self.assertEqual(self.d.show("aaaa")["events"], 4)
        log = self.d.ask("GET", post + "?limit=1000", None, t["auditor"])[1]["events"]
        self.assertEqual([e["id"] for e in log if e["type"] == "message"], ["1", "2", "3", "4"])
        self.assertNotIn("hello", str(log))

    def test_settings_tokens_and_plugins_are_the_owners(self):
        t = self.d.tenant("aaaa")
        path = "/v1/tenants/aaaa"
        self.assertEqual(self.d.ask("PATCH", path, {"settings": {"locale": "en"}}, t["owner"])[0], 200)
        self.assertEqual(self.d.show("aaaa")["locale"], "en")
        self.problem(self.d.ask("PATCH", path, {"settings": {"no.such": "1"}}, t["owner"]), 422, "no")
        new = self.d.ask("POST", path + "/tokens", {"role": "auditor", "rotate": True}, t["owner"])[1]["token"]
        self.problem(self.d.ask("GET", path, None, t["auditor"]), 401)
        self.assertEqual(self.d.ask("GET", path, None, new)[0], 200)
        status, answer = self.d.ask("GET", "/v1/plugins", None, new)
        self.assertEqual((status, answer["refused"]), (200, []))
        for plugin in answer["plugins"]:
            self.assertEqual(self.d.ask("GET", "/v1/plugins/" + plugin["id"], None, new)[1]["id"], plugin["id"])

    def test_a_replay_gives_the_same_state(self):
        t = self.d.tenant("aaaa")
        self.d.ask("POST", "/v1/tenants/aaaa/events", [cloud_event(n) for n in range(300)], t["ingest"], BATCH)
        for mode in "verify", "rebuild":
            status, answer = self.d.ask("POST", "/v1/tenants/aaaa/replay", {"mode": mode}, t["operator"])
            self.assertEqual((status, answer["match"]), (200, True), answer)
            self.assertEqual(answer["state_hash"], self.d.show("aaaa")["state_hash"])

    def test_a_tenant_that_is_deleted_is_gone(self):
        t = self.d.tenant("aaaa")
        i = self.d.intake(t["ingest"])
        for n in range(3):
            i.send({"batch": n, "events": [event(n)]})
            self.assertEqual(i.read()["accepted"], 1)
        self.assertEqual(self.d.ask("DELETE", "/v1/tenants/aaaa")[0], 200, "a client that stays does not hold it")
        self.problem(self.d.ask("GET", "/v1/tenants/aaaa", None, t["owner"]), 401)
        self.problem(self.d.ask("GET", "/v1/tenants/aaaa"), 404)
        i.send({"batch": 1, "events": [event(1)]})
        self.assertIn("error", i.read())
        fresh = self.d.tenant("aaaa")
        self.assertEqual(self.d.show("aaaa")["events"], 0)
        self.assertNotEqual(fresh["owner"], t["owner"])

    def test_durable_answers_come_from_the_journal_and_the_log_has_each_event_once(self):
        t = self.d.tenant("aaaa")
        clients = [self.d.intake(t["ingest"], ack="durable") for _ in range(8)]
        self.assertEqual(clients[0].hello["ack"], "durable")
        for again in range(2):
            for n in range(80):
                clients[n % 8].send({"batch": n, "events": [event(n)]})
            for n in range(80):
                answer = clients[n % 8].read()
                self.assertEqual(answer["batch"], n)
                self.assertIn(("journaled", 1), answer.items(), answer)
                self.assertGreater(answer["position"], 0)
            self.assertEqual(self.d.show("aaaa")["events"], 80, "what was sent again is told at apply")
        status, answer = self.d.ask("POST", "/v1/tenants/aaaa/events?ack=durable",
                                    [cloud_event(n) for n in range(75, 90)] + [{}], t["ingest"], BATCH)
        self.assertEqual((status, answer["journaled"], answer["refused_total"]), (202, 15, 1), answer)
        self.assertEqual(self.d.show("aaaa")["events"], 90)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/events?ack=never", [], t["ingest"], BATCH), 400, "ack")

    def test_metrics_are_well_formed_and_name_nobody(self):
        t = self.d.tenant("zebra-club")
        self.d.ask("POST", "/v1/tenants/zebra-club/events", [cloud_event(n) for n in range(5)], t["ingest"], BATCH)
        status, page = self.d.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("\nqun_events_accepted_total 5\n", page)
        self.assertNotIn("zebra", page)
        if not shutil.which("promtool"):
            self.skipTest("promtool is absent (Debian: prometheus)")
        tool = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        self.assertEqual((tool.returncode, tool.stdout + tool.stderr), (0, ""))

    def test_pages_for_everybody(self):
        c = self.d.tcp()
        for path in "/", "/v1", "/healthz", "/readyz":
            self.assertEqual(self.d.ask("GET", path, connection=c)[0], 200)
        self.problem(self.d.ask("GET", "/v1/tenants", connection=c), 401)
        self.problem(self.d.ask("GET", "/nosuch", connection=c), 404)
        self.problem(self.d.ask("PUT", "/healthz", "", connection=c), 401)
        c.close()


if __name__ == "__main__":
    main()
