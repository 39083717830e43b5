# SPDX-License-Identifier: Apache-2.0
"""Routes of a plugin over HTTP: what the plugin is given, what goes out, who may ask."""
from qund import Case, main

ROOT = "/v1/tenants/acme/x/probe/"


class Routes(Case):
    options = ("--allow_untrusted",)

    def setUp(self):
        super().setUp()
        self.tokens = self.d.tenant("acme")
        self.assertEqual(self.d.ask("POST", "/v1/tenants/acme/plugins/probe", {"enabled": True})[0], 200)

    def raw(self, method, path, body=None, headers=None, role="auditor"):
        c = self.d.tcp()
        c.request(method, ROOT + path, body=body, headers={"Authorization": "Bearer " + self.tokens[role], **(headers or {})})
        r = c.getresponse()
        text = r.read()
        c.close()
        return r, text

    def test_the_plugin_gets_what_its_route_lists_and_no_more(self):
        r, text = self.raw("POST", "echo/a%2Fb/c%20d?q=1%262", b"the body", {"X-Note": "hi", "Cookie": "session=1", "X-Other": "no"})
        self.assertEqual((r.status, text), (201, b"a/b|c d|1&2|hi|-|the body"))
        self.assertEqual(r.getheader("Content-Type"), "text/html; charset=utf-8")
        self.assertEqual(r.getheader("X-Content-Type-Options"), "nosniff")
        policy = r.getheader("Content-Security-Policy")
        self.assertTrue(policy.startswith("sandbox;"), policy)
        self.assertIn("default-src 'none'", policy)
        self.assertIsNone(r.getheader("Set-Cookie"))
        self.assertEqual(self.d.show("acme")["derived"]["probe.passed"], 1)

    def test_a_plain_reply_is_json(self):
        r, text = self.raw("GET", "plain")
        self.assertEqual((r.status, r.getheader("Content-Type").split(";")[0], text.strip()), (200, "application/json", b"1"))

    def test_other_paths_methods_and_bodies_are_refused(self):
        self.assertEqual(self.raw("GET", "nothing")[0].status, 404)
        self.assertEqual(self.raw("GET", "echo/a")[0].status, 404)
        r, _ = self.raw("GET", "echo/a/b")
        self.assertEqual((r.status, r.getheader("Allow")), (405, "POST"))
        self.assertEqual(self.raw("POST", "echo/a/b", b"x" * 2001)[0].status, 413)
        self.assertEqual(self.raw("POST", "echo/a/b?q=1&q=2", b"")[0].status, 400)
        self.assertEqual(self.d.ask("GET", "/v1/tenants/acme/x/nobody/plain", None, self.tokens["owner"])[0], 404)

    def test_the_service_names_the_least_role(self):
        self.assertEqual(self.raw("GET", "owners", role="operator")[0].status, 403)
        self.assertEqual(self.raw("GET", "owners", role="owner")[0].status, 201)
        self.assertEqual(self.raw("GET", "plain", role="ingest")[0].status, 403)
        c = self.d.tcp()
        c.request("GET", ROOT + "plain")
        self.assertEqual(c.getresponse().status, 401)
        c.close()

    def test_a_service_that_answers_http_is_not_called_otherwise(self):
        self.problem(self.d.ask("POST", "/v1/tenants/acme/call/probe.page", {}), 404, "by its route alone")

    def test_the_plugin_lists_its_routes(self):
        routes = self.d.ask("GET", "/v1/plugins/probe")[1]["routes"]
        self.assertIn({"method": "GET", "path": "plain", "service": "probe.page"}, routes)


main()
