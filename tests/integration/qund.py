# SPDX-License-Identifier: Apache-2.0
"""Starts qund over a fresh directory, and speaks HTTP and the intake socket's protocol to it."""
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import msgpack

PROGRAM, PLUGINS = (sys.argv + ["", ""])[1:3]
ROLES = ["owner", "operator", "auditor", "ingest"]


class UnixHTTPConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(120)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="qund-")
        self.data = os.path.join(self.dir, "data")
        self.options = options
        self.process = None
        self.open = []

    def start(self):
        self.errors = open(os.path.join(self.dir, "errors"), "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "--data", self.data, "--plugins", PLUGINS, "--listen", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("qund ready: http://"), line + self.log()
        self.port = int(line.split(",")[0].rsplit(":", 1)[1])
        return self

    def log(self):
        with open(os.path.join(self.dir, "errors"), encoding="utf-8") as f:
            return f.read()

    def end(self, how=signal.SIGTERM):
        """Answers the exit status."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self):
        status = self.process.wait(timeout=120)
        self.process.stdout.close()
        self.errors.close()
        self.process = None
        return status

    def clear(self):
        if self.process:
            self.end()
        for i in self.open:
            i.close()
        shutil.rmtree(self.dir)

    # ---- HTTP

    def tcp(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def agency(self):
        return UnixHTTPConnection(os.path.join(self.data, "qund.sock"))

    def ask(self, method, path, body=None, token=None, headers=None, connection=None):
        """(status, answer): over TCP with a token, over the local socket without."""
        c = connection or (self.tcp() if token else self.agency())
        h = dict(headers or {})
        if token:
            h["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        try:
            c.request(method, path, body=body, headers=h)
            r = c.getresponse()
            text = r.read()
        finally:
            if not connection:
                c.close()
        kind = r.getheader("Content-Type", "")
        return r.status, json.loads(text) if "json" in kind else text.decode()

    def tenant(self, name):
        status, answer = self.ask("POST", "/v1/tenants", {"name": name})
        assert status == 201, answer
        return answer["tokens"]

    def show(self, name):
        status, answer = self.ask("GET", "/v1/tenants/" + name)
        assert status == 200, answer
        return answer

    # ---- the intake socket

    def intake(self, token, **more):
        i = Intake(os.path.join(self.data, "intake.sock"), token, **more)
        self.open.append(i)
        return i


class Intake:
    def __init__(self, path, token, **more):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(120)
        self.sock.connect(path)
        self.send({"token": token, "v": 1, **more})
        self.hello = self.read()

    def send(self, frame):
        raw = msgpack.packb(frame)
        self.sock.sendall(struct.pack(">I", len(raw)) + raw)

    def exactly(self, n):
        parts = bytearray()
        while len(parts) < n:
            got = self.sock.recv(n - len(parts))
            if not got:
                return None
            parts += got
        return bytes(parts)

    def read(self):
        """The next frame; None: the daemon closed."""
        try:
            head = self.exactly(4)
        except ConnectionError:
            return None
        return msgpack.unpackb(self.exactly(struct.unpack(">I", head)[0])) if head else None

    def close(self):
        self.sock.close()


def event(number, source="test", text="hello", **more):
    return {"id": str(number), "source": source, "type": "message", "member": "u%d" % (number % 50), "data": {"text": text}, **more}


def cloud_event(number, **more):
    return {"specversion": "1.0", **event(number), **more}


class Case(unittest.TestCase):
    """A daemon for each test."""
    options = ()

    def setUp(self):
        self.d = Daemon(*self.options).start()

    def tearDown(self):
        self.d.clear()

    def problem(self, got, status, *words):
        self.assertEqual(got[0], status, got)
        self.assertEqual(got[1]["status"], status)
        self.assertTrue(got[1]["type"].startswith("urn:qun:problem:"), got)
        for word in words:
            self.assertIn(word, json.dumps(got[1]))


def main():
    unittest.main(argv=[sys.argv[0], "-v"], module="__main__")
