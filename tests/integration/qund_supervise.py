# SPDX-License-Identifier: Apache-2.0
"""The supervisor: a crashed worker is replaced, clients are not refused meanwhile, and what cannot work is not tried again."""
import fcntl
import os
import re
import select
import signal
import socket
import threading
import unittest

from qund import Daemon, PLUGINS, UnixHTTPConnection, cloud_event, main
from qund_start import run

# how the worker ended is what is asked here: AddressSanitizer would make an exit code of a signal that a test sends
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def worker_of(d):
    """(pid, pidfd) of the process that has the data folder."""
    with open(os.path.join(d.data, "LOCK"), encoding="utf-8") as f:
        pid = int(f.read())
    return pid, os.pidfd_open(pid)


def await_end(pidfd):
    assert select.select([pidfd], [], [], 60)[0], "the worker lives on"
    os.close(pidfd)


class Supervise(unittest.TestCase):
    def setUp(self):
        self.d = Daemon().start()

    def tearDown(self):
        self.d.clear()

    def crash(self, how=signal.SIGKILL):
        """Ends the worker; answers once another serves."""
        pid, pidfd = worker_of(self.d)
        signal.pidfd_send_signal(pidfd, how)
        await_end(pidfd)
        return pid, self.d.ask("GET", "/v1/worker")[1]

    def test_a_crashed_worker_is_replaced(self):
        t = self.d.tenant("aaaa")
        self.d.ask("POST", "/v1/tenants/aaaa/events", [cloud_event(n) for n in range(100)], t["ingest"], BATCH)
        self.assertEqual(self.d.ask("GET", "/v1/worker")[1]["restarts"], 0)
        for n, how in enumerate((signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT), 1):
            before, worker = self.crash(how)
            self.assertEqual((worker["supervised"], worker["restarts"]), (True, n))
            self.assertIn(how.name, worker["last_end"])
            self.assertNotEqual(worker_of(self.d)[0], before)
            self.assertIn("worker ended by " + how.name, self.d.log())
            print("%s: %d ms without a worker" % (how.name, worker["gap_ms"]), end=" ", flush=True)
        self.assertEqual(self.d.show("aaaa")["events"], 100)
        self.assertIn("\nqun_worker_restarts_total 3\n", self.d.ask("GET", "/metrics")[1])
        self.assertEqual(self.d.ask("GET", "/v1/tenants/aaaa", None, t["auditor"])[0], 200, "the same port, the same tokens")
        self.d.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.d.process.stdout.read(), "", "the ready line came once")
        self.assertEqual(self.d.wait(), 0)

    def test_clients_wait_and_are_not_refused(self):
        stop, connects, refused = threading.Event(), [0], []

        def knock():
            while not stop.is_set():
                for family, at in ((socket.AF_INET, ("127.0.0.1", self.d.port)), (socket.AF_UNIX, self.d.data + "/qund.sock"),
                                   (socket.AF_UNIX, self.d.data + "/intake.sock")):
                    s = socket.socket(family, socket.SOCK_STREAM)
                    try:
                        s.connect(at)
                        connects[0] += 1
                    except OSError as why:
                        refused.append(why)
                    s.close()
                stop.wait(0.002)

        knocker = threading.Thread(target=knock)
        knocker.start()
        for _ in range(3):
            self.crash()
        stop.set()
        knocker.join()
        self.assertEqual(refused, [])
        self.assertGreater(connects[0], 0)

    def test_an_open_connection_is_cut(self):
        c = UnixHTTPConnection(os.path.join(self.d.data, "qund.sock"))
        self.assertEqual(self.d.ask("GET", "/healthz", connection=c)[0], 200)
        held = c.sock.dup()
        self.crash()
        try:
            self.assertEqual(held.recv(1), b"")
        except ConnectionResetError:
            pass
        held.close()
        c.close()

    def test_the_worker_dies_with_the_supervisor(self):
        _, pidfd = worker_of(self.d)
        self.assertEqual(self.d.end(signal.SIGKILL), -signal.SIGKILL)
        await_end(pidfd)
        self.d.start()
        self.assertEqual(self.d.ask("GET", "/v1/worker")[1]["restarts"], 0)

    def test_a_worker_that_stops_ends_the_supervisor(self):
        os.kill(worker_of(self.d)[0], signal.SIGTERM)
        self.assertEqual(self.d.wait(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.d.data, "qund.sock")))

    def test_signals_are_passed_on(self):
        for how in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            if not self.d.process:
                self.d.start()
            _, pidfd = worker_of(self.d)
            self.assertEqual(self.d.end(how), 0)
            await_end(pidfd)
            self.assertIn("stopping: " + how.name, self.d.log())

    def test_both_may_be_told_to_stop(self):
        """As a service manager does it."""
        _, pidfd = worker_of(self.d)
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        self.d.process.send_signal(signal.SIGTERM)
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        self.assertEqual(self.d.wait(), 0)
        await_end(pidfd)
        self.assertIn("all that was acknowledged is committed", self.d.log())

    def test_a_crash_loop_is_slowed_down_and_can_be_stopped(self):
        for _ in range(4):
            self.crash()
        self.assertNotIn("over and over", self.d.log())
        signal.pidfd_send_signal(worker_of(self.d)[1], signal.SIGKILL)
        with open(os.path.join(self.d.dir, "errors"), encoding="utf-8") as log:
            while not re.search(r"over and over, the next one starts in 1 s", log.read()):
                self.assertIsNone(self.d.process.poll())
                log.seek(0)
        self.assertEqual(self.d.end(), 0)

    def test_one_process_on_request(self):
        self.d.end()
        self.d.options = ("--no-supervise",)
        self.d.start()
        self.assertEqual(worker_of(self.d)[0], self.d.process.pid)
        worker = self.d.ask("GET", "/v1/worker")[1]
        self.assertEqual((worker["supervised"], worker["restarts"], worker["last_end"]), (False, 0, "none"))
        self.assertEqual(self.d.end(signal.SIGKILL), -signal.SIGKILL)

    def test_a_worker_that_cannot_start_is_not_tried_again(self):
        self.d.end()
        with open(os.path.join(self.d.data, "LOCK"), "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            got = run("--data", self.d.data, "--plugins", PLUGINS, "--listen", "off")
        self.assertEqual(got.returncode, 3, got)
        self.assertEqual(got.stderr.count("in use by process"), 1, got.stderr)
        self.assertNotIn("starting another", got.stderr)

    def test_a_service_manager_is_told(self):
        self.d.end()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(60)
            manager.bind(os.path.join(self.d.dir, "notify"))
            os.environ["NOTIFY_SOCKET"] = manager.getsockname()
            try:
                self.d.start()
                self.assertEqual(manager.recv(100), b"READY=1")
                self.crash()
                self.d.end()
                self.assertEqual(manager.recv(100), b"STOPPING=1")
            finally:
                del os.environ["NOTIFY_SOCKET"]


if __name__ == "__main__":
    main()
