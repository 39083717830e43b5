# SPDX-License-Identifier: Apache-2.0
"""The command line, and reasons not to start: each in one sentence that names the thing. 2: usage, 3: could not."""
import os
import socket
import subprocess
import tempfile
import unittest

from qund import Daemon, PLUGINS, PROGRAM, main


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False)


class Start(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="qund-")
        self.data = os.path.join(self.dir.name, "data")

    def tearDown(self):
        self.dir.cleanup()

    def refused(self, status, word, *arguments):
        got = run(*arguments)
        self.assertEqual(got.returncode, status, got)
        self.assertEqual(got.stdout, "")
        lines = [line for line in got.stderr.splitlines() if line.startswith("qund: ")]
        self.assertEqual(len(lines), 1, got.stderr)
        self.assertIn(word, lines[0])

    def test_usage(self):
        self.refused(2, "--data")
        self.refused(2, "--nosuch", "--nosuch")
        self.refused(2, "shards", "--data", self.data, "--shards", "none")
        self.refused(2, "log_level", "--data", self.data, "--log-level", "loud")
        self.assertEqual(run("--help").returncode, 0)
        self.assertIn("--listen ADDR:PORT", run("--help").stdout)
        self.assertEqual(run("--version").returncode, 0)

    def test_a_directory_that_cannot_be_written(self):
        blocked = os.path.join(self.dir.name, "file")
        with open(blocked, "w", encoding="utf-8"):
            pass
        self.refused(3, blocked, "--data", blocked + "/data", "--plugins", PLUGINS, "--listen", "off")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            self.refused(3, address, "--data", self.data, "--plugins", PLUGINS, "--listen", address)
        self.refused(3, "nowhere", "--data", self.data, "--plugins", PLUGINS, "--listen", "nowhere")

    def test_a_directory_that_another_process_has(self):
        first = Daemon().start()
        self.refused(3, first.data, "--data", first.data, "--plugins", PLUGINS, "--listen", "127.0.0.1:0")
        self.assertEqual(first.ask("GET", "/healthz")[0], 200, "the first one's socket is still its own")
        first.clear()

    def test_a_socket_path_that_is_too_long(self):
        self.refused(3, "longer", "--data", self.data, "--plugins", PLUGINS, "--listen", "off", "--socket", "/tmp/" + "x" * 200)

    def test_no_plugins_folder(self):
        self.refused(3, "/no/such/folder", "--data", self.data, "--plugins", "/no/such/folder", "--listen", "off")

    def test_settings_from_a_file(self):
        config = os.path.join(self.dir.name, "qund.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("body_limit: 1K\nshards: 1\n")
        d = Daemon("--config", config).start()
        t = d.tenant("aaaa")
        status, answer = d.ask("POST", "/v1/tenants/aaaa/events", "x" * 2000, t["ingest"])
        self.assertEqual(status, 413, answer)
        d.clear()

    def test_sockets_are_private_and_removed(self):
        d = Daemon().start()
        path = os.path.join(d.data, "qund.sock")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(d.end(), 0)
        self.assertFalse(os.path.exists(path))
        d.clear()


if __name__ == "__main__":
    main()
