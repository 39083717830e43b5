# SPDX-License-Identifier: Apache-2.0
"""Backup, restore and erasure of a tenant of a daemon that takes events meanwhile."""
import os
import threading

from qund import Case, Daemon, event, main


class Backup(Case):
    def feed(self, token, first, count, member="u%d"):
        i = self.d.intake(token)
        for n in range(first, first + count, 20):
            i.send({"batch": n, "events": [event(k, member=member % (k % 7) if "%" in member else member)
                                           for k in range(n, min(n + 20, first + count))]})
            answer = i.read()
            self.assertNotIn("error", answer)
        i.close()

    def path(self, name):
        return os.path.join(self.d.dir, name)

    def post(self, path, body, status, token=None):
        got = self.d.ask("POST", path, body, token)
        self.assertEqual(got[0], status, got)
        return got[1]

    def test_while_events_come_in(self):
        t = self.d.tenant("aaaa")
        self.feed(t["ingest"], 0, 400)
        writer = threading.Thread(target=self.feed, args=(t["ingest"], 400, 2000))
        writer.start()
        made = [self.post("/v1/tenants/aaaa/backup",
                          {"path": self.path("a%d.tar.zst" % n), "keys_path": self.path("k%d.tar.zst" % n)}, 200)
                for n in range(3)]
        writer.join()
        self.assertEqual(os.stat(self.path("k0.tar.zst")).st_mode & 0o777, 0o600)
        other = Daemon().start()
        try:
            for n, about in enumerate(made):
                body = {"path": self.path("a%d.tar.zst" % n), "keys_path": self.path("k%d.tar.zst" % n),
                        "as": "r%d" % n}
                status, answer = other.ask("POST", "/v1/restore", body)
                self.assertEqual(status, 201, answer)
                self.assertEqual(answer["kept"], about["seq"])
                self.assertEqual(answer["state_hash"], about["state_hash"])
                status, replayed = other.ask("POST", "/v1/tenants/r%d/replay" % n, {"mode": "verify"})
                self.assertEqual((status, replayed["match"]), (200, True))
            self.assertEqual(other.ask("GET", "/v1/doctor")[1]["errors"], 0)
        finally:
            other.clear()
        self.assertEqual(self.d.show("aaaa")["events"], 2400)
        self.assertEqual(sorted(os.listdir(os.path.join(self.d.data, "tenants"))), ["aaaa"])

    def test_only_the_agency_names_paths(self):
        t = self.d.tenant("aaaa")
        for role in "owner", "operator", "auditor":
            self.problem(self.d.ask("POST", "/v1/tenants/aaaa/backup", {"path": "/tmp/x"}, t[role]), 403)
            self.problem(self.d.ask("POST", "/v1/restore", {"path": "/tmp/x"}, t[role]), 403)
        inside = os.path.join(self.d.data, "keys.tar.zst")
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/backup", {"path": "relative"}), 422)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/backup",
                                {"path": self.path("a.tar.zst"), "keys_path": inside}), 422)
        self.assertFalse(os.path.exists(inside))
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/backup", {"path": "/nonexistent/a.tar.zst"}), 500)
        self.problem(self.d.ask("POST", "/v1/restore", {"path": self.path("none.tar.zst")}), 404)

    def test_the_owner_gets_the_file_itself(self):
        t = self.d.tenant("aaaa")
        self.feed(t["ingest"], 0, 100)
        c = self.d.tcp()
        c.request("GET", "/v1/tenants/aaaa/backup", headers={"Authorization": "Bearer " + t["owner"]})
        r = c.getresponse()
        self.assertEqual((r.status, r.getheader("Content-Type")), (200, "application/zstd"))
        with open(self.path("sent.tar.zst"), "wb") as f:
            f.write(r.read())
        c.close()
        self.problem(self.d.ask("GET", "/v1/tenants/aaaa/backup", None, t["auditor"]), 403)
        self.assertEqual([n for n in os.listdir(self.d.data) if n.startswith(".backup")], [])
        answer = self.post("/v1/restore", {"path": self.path("sent.tar.zst"), "as": "bbbb"}, 201)
        self.assertEqual(answer["kept"], self.d.show("aaaa")["seq"])

    def test_a_store_that_is_lost(self):
        t = self.d.tenant("aaaa")
        self.feed(t["ingest"], 0, 100)
        about = self.post("/v1/tenants/aaaa/backup", {"path": self.path("a.tar.zst")}, 200)
        self.d.end()
        store = os.path.join(self.d.data, "tenants", "aaaa", "store")
        with open(os.path.join(store, "data.mdb"), "r+b") as f:
            f.write(b"lost" * 4096)
        self.d.start()
        found = self.d.ask("GET", "/v1/doctor")[1]
        self.assertGreater(found["errors"], 0)
        self.assertIn("--replace", found["findings"][0]["advice"])
        self.problem(self.d.ask("POST", "/v1/restore", {"path": self.path("a.tar.zst")}), 409)
        self.post("/v1/restore", {"path": self.path("a.tar.zst"), "replace": True}, 201)
        self.assertEqual(self.d.show("aaaa")["events"], 100)
        self.assertEqual(self.d.show("aaaa")["state_hash"], about["state_hash"])
        self.feed(t["ingest"], 0, 200)  # its tokens are good still, and what it knew it knows
        self.assertEqual(self.d.show("aaaa")["events"], 200)

    def test_an_erasure(self):
        t = self.d.tenant("aaaa")
        self.feed(t["ingest"], 0, 200)
        self.feed(t["ingest"], 200, 20, member="somebody")
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/erase", {"member": "somebody"}, t["operator"]), 403)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/erase", {}, t["owner"]), 400)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/erase", {"member": "nobody"}, t["owner"]), 404)
        answer = self.post("/v1/tenants/aaaa/erase", {"member": "somebody"}, 200, t["owner"])
        self.assertEqual(answer["redacted"], 20)
        replayed = self.post("/v1/tenants/aaaa/replay", {"mode": "verify"}, 200)
        self.assertTrue(replayed["match"])
        self.assertEqual(self.d.show("aaaa")["events"], 220)
        self.feed(t["ingest"], 220, 100)
        self.assertEqual(self.d.show("aaaa")["events"], 320)
        self.assertEqual(self.d.ask("GET", "/v1/doctor")[1]["errors"], 0)
        self.problem(self.d.ask("POST", "/v1/tenants/aaaa/erase", {"member": "somebody"}, t["owner"]), 404)


if __name__ == "__main__":
    main()
