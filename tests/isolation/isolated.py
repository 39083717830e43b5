# SPDX-License-Identifier: Apache-2.0
"""A qund over chosen packages, and waiting for isolated plugins to have come to the end of a log."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import qund  # noqa: E402

BUILD = sys.argv[2] if len(sys.argv) > 2 else ""


class Host(qund.Daemon):
    """packages: folders below the build's, such as plugins/growth or zoo/loops."""

    def __init__(self, packages, *options):
        super().__init__(*options)
        self.packages = os.path.join(self.dir, "packages")
        os.mkdir(self.packages)
        for p in packages:
            os.symlink(os.path.join(BUILD, p), os.path.join(self.packages, os.path.basename(p)))

    def start(self):
        qund.PLUGINS = self.packages
        return super().start()

    def cli(self, *words):
        r = subprocess.run([os.path.join(BUILD, "bin", "qun"), "--data", self.data, *words], capture_output=True, text=True,
                           timeout=240)
        assert r.returncode == 0, (words, r.stdout, r.stderr, self.log())
        return r.stdout

    def enable(self, tenant, *plugins, on=True):
        for p in plugins:
            status, answer = self.ask("POST", f"/v1/tenants/{tenant}/plugins/{p}", {"enabled": on})
            assert status == 200, answer

    def plugin(self, tenant, plugin):
        return self.show(tenant)["plugins"][plugin]

    def until(self, what, *why):
        """Waits for a condition that must come."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            answer = what()
            if answer:
                return answer
            time.sleep(0.02)
        raise AssertionError((why, self.log()))

    def settle(self, tenant, *plugins):
        """Until the plugins have come to the log's end."""
        def there():
            show = self.show(tenant)
            return all(show["plugins"][p]["status"] in ("live", "off") for p in plugins) and show
        return self.until(there, tenant, plugins)

    def send(self, tenant, tokens, *events):
        i = self.intake(tokens["ingest"])
        i.send({"batch": 1, "events": list(events)})
        answer = i.read()
        assert answer.get("accepted") == len(events), answer
        i.close()

    def call(self, tenant, service, params=None):
        return self.ask("POST", f"/v1/tenants/{tenant}/call/{service}", params or {})
