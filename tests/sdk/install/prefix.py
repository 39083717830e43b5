# SPDX-License-Identifier: Apache-2.0
"""An SDK that `cmake --install` left in a temporary folder, moved away from where it was installed, and what an author does with it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, COMPILER = (sys.argv + [""] * 3)[1:4]


class Prefix:
    """Made once for all tests of a program."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="qun-sdk-")
        first = os.path.join(self.top, "first")
        self.prefix = os.path.join(self.top, "prefix")
        self.run(CMAKE, "--install", BUILD, "--prefix", first)
        os.rename(first, self.prefix)

    def clear(self):
        shutil.rmtree(self.top)

    def run(self, *command, status=0, cwd=None, input=None, env=None):
        """What it printed; its exit status must be `status`."""
        done = subprocess.run(command, cwd=cwd or self.top, capture_output=True, text=True, input=input, timeout=600, env=env)
        if done.returncode != status:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}, {status} was expected\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr if status else done.stdout

    def qun(self, *words, **more):
        return self.run(os.path.join(self.prefix, "bin/qun"), *words, **more)

    def json(self, *words, **more):
        return json.loads(self.qun(*words, "--json", **more))

    def build(self, source, *options):
        """Configures, builds and runs its tests; answers the folder of packages."""
        build = os.path.join(source, "build")
        self.run(CMAKE, "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_COMPILER={COMPILER}", *options)
        self.run(CMAKE, "--build", build, "--parallel", "2")
        self.run("ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error")
        return os.path.join(build, "package")


class Daemon:
    """The installed qund over a fresh data directory."""

    def __init__(self, sdk, packages, *options):
        self.sdk = sdk
        self.dir = tempfile.mkdtemp(prefix="qund-", dir=sdk.top)
        self.data = os.path.join(self.dir, "data")
        self.command = [os.path.join(sdk.prefix, "bin/qund"), "--data", self.data, "--listen", "off", *(["--plugins", packages] if packages else []),
                        *options]
        self.process = None

    def start(self):
        self.log = open(os.path.join(self.dir, "log"), "ab")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("qund ready"):
            self.stop()
            with open(os.path.join(self.dir, "log"), encoding="utf-8") as f:
                raise AssertionError(f"qund does not start: {line}{f.read()}")
        return self

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        self.process.wait(timeout=120)
        self.process.stdout.close()
        self.log.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def qun(self, *words, **more):
        return self.sdk.qun("--data", self.data, *words, **more)

    def json(self, *words, **more):
        return self.sdk.json("--data", self.data, *words, **more)

    def send(self, tenant, *events):
        lines = "".join(json.dumps({"specversion": "1.0", "source": "test", **e}) + "\n" for e in events)
        self.qun("event", "send", tenant, "-", input=lines)


def message(number, member="u1", time="2026-01-05T01:00:00Z", **more):
    return {"id": str(number), "type": "message", "member": member, "time": time, "data": {"text": "hello"}, **more}


def main():
    unittest.main(argv=[sys.argv[0], "-v"], module="__main__")
