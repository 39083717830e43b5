# SPDX-License-Identifier: Apache-2.0
"""A qund that can be killed, cut off and given a bad disk. qund.py of tests/integration speaks to it."""
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import qund  # noqa: E402  pylint: disable=wrong-import-position

from image import Notes  # noqa: E402  pylint: disable=wrong-import-position


class Setup:
    """Where the programs are."""

    def __init__(self, build):
        self.qund, self.qun = os.path.join(build, "bin", "qund"), os.path.join(build, "bin", "qun")
        self.plugins, self.shims = os.path.join(build, "plugins"), os.path.join(build, "tests", "faults")


class Faults:
    """struct faults of faults.c."""
    FIELDS = ("slow_us", "sync_skip", "sync_fail", "space", "shift_ms", "failed")

    def __init__(self, path):
        with open(path, "w+b") as f:
            f.write(struct.pack("<6q256s", 0, 0, 0, -1, 0, 0, b"*"))
            f.flush()
            self.map = mmap.mmap(f.fileno(), 0)

    def set(self, pattern=None, **values):
        if pattern is not None:
            self.map[48:304] = pattern.encode().ljust(256, b"\0")
        for name, value in values.items():
            at = 8 * self.FIELDS.index(name)
            self.map[at:at + 8] = struct.pack("<q", value)

    def get(self, name):
        at = 8 * self.FIELDS.index(name)
        return struct.unpack("<q", self.map[at:at + 8])[0]


class Daemon(qund.Daemon):
    def __init__(self, setup, *options, base=None, cuts=False, faults=False, writeback=0):
        super().__init__(*options)
        self.setup, self.writeback = setup, writeback
        if base:
            os.rmdir(self.dir)
            self.dir = tempfile.mkdtemp(prefix="qund-", dir=base)
            self.data = os.path.join(self.dir, "data")
        self.keys = os.path.join(self.dir, "keys")
        os.mkdir(self.data, 0o700)
        os.mkdir(self.keys, 0o700)
        self.notes = Notes(os.path.join(self.dir, "notes"), [self.data, self.keys]) if cuts else None
        self.faults = Faults(os.path.join(self.dir, "faults")) if faults else None
        self.errors = None
        self.worker_crashes = 0

    def environment(self):
        env = dict(os.environ)
        shims = []
        if self.notes:
            shims.append("libqun_powercut.so")
            env.update(QUN_CUT_ROOTS=":".join(self.notes.roots), QUN_CUT_NOTES=self.notes.dir,
                       QUN_CUT_WRITEBACK=str(self.writeback))
        if self.faults:
            shims.append("libqun_faults.so")
            env["QUN_FAULTS"] = os.path.join(self.dir, "faults")
        if shims:
            env["LD_PRELOAD"] = ":".join(os.path.join(self.setup.shims, s) for s in shims)
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return env

    def launch(self):
        """Starts it; the caller reads the ready line."""
        if self.notes:
            self.notes.begin()
        self.errors = open(os.path.join(self.dir, "errors"), "ab")
        self.process = subprocess.Popen(
            [self.setup.qund, "--data", self.data, "--keys", self.keys, "--plugins", self.setup.plugins, "--listen", "127.0.0.1:0",
             *self.options], stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self.environment(), start_new_session=True)
        self.worker_crashes = 0

    def start(self):
        self.launch()
        line = self.process.stdout.readline()
        if not line.startswith("qund ready: http://"):
            self.wait()
            raise AssertionError("qund does not start: %s\n%s" % (line, self.log()[-3000:]))
        self.port = int(line.split(",")[0].rsplit(":", 1)[1])
        return self

    # ---- ends

    def worker(self):
        with open(os.path.join(self.data, "LOCK"), encoding="utf-8") as f:
            return os.pidfd_open(int(f.read()))

    @staticmethod
    def await_end(pidfd):
        assert select.select([pidfd], [], [], 120)[0], "a process does not end"
        os.close(pidfd)

    def kill_worker(self):
        """Another one comes by itself."""
        pidfd = self.worker()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        self.await_end(pidfd)
        self.worker_crashes += 1

    def kill_all(self):
        try:
            pidfd = self.worker()
        except OSError:
            pidfd = None  # it has ended by itself
        os.killpg(self.process.pid, signal.SIGKILL)
        if pidfd is not None:
            self.await_end(pidfd)
        self.wait()

    def cut(self, rng):
        self.kill_all()
        return self.notes.build(rng)

    def clear(self):
        if self.process:
            self.kill_all()
        super().clear()

    # ---- asking

    def expect(self, status, method, path, body=None, **more):
        got = self.ask(method, path, body, **more)
        assert got[0] == status, "%s %s: %s" % (method, path, got)
        return got[1]

    def qun(self, *arguments):
        """The command line: (exit status, output and errors)."""
        got = subprocess.run([self.setup.qun, "--data", self.data, *arguments], capture_output=True, text=True, timeout=300,
                             check=False)
        return got.returncode, got.stdout + got.stderr
