# SPDX-License-Identifier: Apache-2.0
"""Bad input: each gets a clear error that names the thing, what was good is kept, and the daemon lives."""
import json
import struct

import msgpack

from qund import Case, cloud_event, event, main

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
PACKED = {"Content-Type": "application/vnd.qun.events+msgpack"}
POST = "/v1/tenants/aaaa/events"


class Limits(Case):
    def setUp(self):
        super().setUp()
        self.t = self.d.tenant("aaaa")

    def post(self, body, headers):
        return self.d.ask("POST", POST, body, self.t["ingest"], headers)

    def tearDown(self):
        self.assertEqual(self.d.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.d.end(), 0)
        super().tearDown()

    def test_one_bad_event_does_not_refuse_the_others(self):
        bad = [{"type": "nosuch"}, {"time": "yesterday"}, {"data": {"text": 7}}, {"data": {"nosuch": 1}}, {"source": ""}, {"member": 7}]
        batch = [cloud_event(n) for n in range(3)]
        for n, change in enumerate(bad):
            batch.insert(n, cloud_event(100 + n, **change))
        status, answer = self.post(batch, BATCH)
        self.assertEqual((status, answer["accepted"], answer["refused_total"]), (200, 3, len(bad)), answer)
        self.assertEqual([r["index"] for r in answer["refused"]], list(range(len(bad))))
        self.assertIn("nosuch", answer["refused"][0]["reason"])
        missing = cloud_event(9)
        del missing["id"]
        self.problem(self.post(missing, STRUCTURED), 422, "id")

    def test_bytes_that_are_no_events(self):
        whole = msgpack.packb({"events": [event(1)]})
        for n in range(len(whole)):
            self.problem(self.post(whole[:n], PACKED), 400)
        self.problem(self.post(msgpack.packb({"events": [event(1, text="x")]}).replace(b"\xa1x", b"\xa1\xff"), PACKED), 422, "UTF-8")
        self.problem(self.post(b"\xdd\xff\xff\xff\xff", PACKED), 400)
        self.problem(self.post(b"\x81\xa6events" + b"\x91" * 5000, PACKED), 400)
        for text in b"{", b"[1,", b"{\"id\":\"\xff\"}", b"\x00":
            status, _ = self.post(text, STRUCTURED)
            self.assertIn(status, (400, 422))
        self.assertEqual(self.d.show("aaaa")["events"], 0)

    def test_a_hundred_megabytes(self):
        """Said beforehand, or only found out: 413 either way, and nothing is held."""
        c = self.d.tcp()
        c.putrequest("POST", POST)
        for name, value in {"Authorization": "Bearer " + self.t["ingest"], "Content-Length": str(100 << 20), **BATCH}.items():
            c.putheader(name, value)
        c.endheaders()
        r = c.getresponse()
        self.problem((r.status, json.loads(r.read())), 413, str(100 << 20))
        c.close()
        c = self.d.tcp()
        c.putrequest("POST", POST)
        for name, value in {"Authorization": "Bearer " + self.t["ingest"], "Transfer-Encoding": "chunked", **BATCH}.items():
            c.putheader(name, value)
        c.endheaders()
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range((100 << 20) // 65536):
                c.send(chunk)
        except OSError:
            pass  # the daemon has answered and closed
        r = c.getresponse()
        self.problem((r.status, json.loads(r.read())), 413)
        c.close()

    def test_hostile_frames(self):
        for raw, word in ((struct.pack(">I", 1 << 31), "limit"), (struct.pack(">I", 0), "0 bytes"), (b"\0\0\0\1\xc1", "whole")):
            i = self.d.intake(self.t["ingest"])
            i.sock.sendall(raw)
            self.assertIn(word, i.read()["error"])
            self.assertIsNone(i.read())
            i.close()
        i = self.d.intake(self.t["ingest"])
        i.send({"batch": 1, "events": [event(1), "not an event", {}, event(2, type="nosuch"), event(3)]})
        answer = i.read()
        self.assertEqual((answer["accepted"], answer["refused_total"]), (2, 3), answer)
        i.close()

    def quota(self, value):
        """Sets it; it holds from the store's next opening, since it decides the size of its map."""
        answer = self.d.ask("PATCH", "/v1/tenants/aaaa", {"settings": {"quota_bytes": str(value)}}, self.t["owner"])
        self.assertEqual(answer[0], 200, answer)
        self.assertEqual(self.d.end(), 0)
        self.d.start()

    def test_a_full_quota_is_507_and_keeps_what_is_there(self):
        self.quota(4 << 20)
        taken = 0
        for n in range(0, 20000, 500):
            status, answer = self.post([cloud_event(k, data={"text": "x" * 2000}) for k in range(n, n + 500)], BATCH)
            if status != 200:
                break
            taken += answer["accepted"]
        self.problem((status, answer), 507, "quota")
        self.assertGreater(taken, 0)
        self.assertEqual(self.d.show("aaaa")["events"], taken)
        i = self.d.intake(self.t["ingest"])
        i.send({"batch": 1, "events": [event(88888)]})
        self.assertIn("quota", i.read()["error"])
        i.close()
        self.quota(1 << 30)
        self.assertEqual(self.d.show("aaaa")["events"], taken)
        self.assertEqual(self.post(cloud_event(99999), STRUCTURED)[0], 200)


if __name__ == "__main__":
    main()
