#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From an installed SDK alone: a plugin is generated, built out of tree, tested, and loaded into a real qund."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import zipfile

from prefix import COMPILER, Daemon, Prefix, main, message


def setUpModule():
    global sdk, quiz
    sdk = Prefix()
    sdk.qun("plugin", "new", "weekly-quiz", "--title", "Quiz of the week")
    quiz = sdk.build(os.path.join(sdk.top, "weekly-quiz"))


def tearDownModule():
    sdk.clear()


class Install(unittest.TestCase):
    def test_the_prefix_has_what_an_author_needs(self):
        for path in ("bin/qun", "bin/qund", "include/qun/plugin.h", "include/qun/fake_host.h", "lib/libqun_testing.a",
                     "lib/cmake/QunSDK/QunSDKConfig.cmake", "lib/pkgconfig/qun-sdk.pc", "share/qun-sdk/docs/guide.md",
                     "share/qun-sdk/docs/plugin.schema.json", "share/qun-sdk/docs/services.md", "share/qun-sdk/template/plugin.yaml", "lib/qun/plugins/growth/growth.so"):
            self.assertTrue(os.path.exists(os.path.join(sdk.prefix, path)), path)

    def test_the_docs_lead_to_the_headers(self):
        self.assertTrue(os.path.exists(os.path.join(sdk.prefix, "share/qun-sdk/docs/../include/qun/plugin.h")))

    def test_nothing_names_where_it_was_installed(self):
        for folder in ("lib/cmake", "lib/pkgconfig", "share"):
            for at, _, files in os.walk(os.path.join(sdk.prefix, folder)):
                for file in files:
                    with open(os.path.join(at, file), "rb") as f:
                        self.assertNotIn(os.path.join(sdk.top, "first").encode(), f.read(), file)

    def test_pkg_config_is_enough(self):
        env = {**os.environ, "PKG_CONFIG_PATH": os.path.join(sdk.prefix, "lib/pkgconfig")}
        flags = sdk.run("pkg-config", "--cflags", "qun-sdk", env=env).split()
        source = os.path.join(sdk.prefix, "share/qun-sdk/examples/hello/hello.c")
        sdk.run(COMPILER, "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", *flags, source, "-o", "hello.so")


class New(unittest.TestCase):
    def test_it_bears_its_own_name_everywhere(self):
        for at, _, files in os.walk(os.path.join(sdk.top, "weekly-quiz")):
            if "build" in os.path.relpath(at, sdk.top).split(os.sep):
                continue
            for file in files:
                with open(os.path.join(at, file), encoding="utf-8") as f:
                    text = f.read()
                for word in ("my-plugin", "my_plugin", "My plugin"):
                    self.assertNotIn(word, text + file, file)

    def test_it_exports_its_entry_and_nothing_else(self):
        symbols = sdk.run("nm", "-D", "--defined-only", os.path.join(quiz, "weekly-quiz/weekly-quiz.so"))
        self.assertEqual([line.split()[-1] for line in symbols.splitlines()], ["qun_plugin_v1"])

    def test_names_are_checked(self):
        self.assertIn("lower case", sdk.qun("plugin", "new", "Quiz", status=2))
        self.assertIn("plain words", sdk.qun("plugin", "new", "quiz", "--title", "a: b", status=2))

    def test_nothing_is_overwritten(self):
        self.assertIn("not empty", sdk.qun("plugin", "new", "weekly-quiz", status=3))

    def test_an_sdk_that_is_not_there_is_named(self):
        self.assertIn("/nowhere", sdk.qun("plugin", "new", "quiz", "--sdk", "/nowhere", status=3))


class Load(unittest.TestCase):
    def test_a_daemon_runs_it(self):
        with Daemon(sdk, quiz, "--allow-untrusted") as d:
            d.qun("tenant", "create", "acme", "--zone", "Asia/Shanghai")
            d.qun("plugin", "enable", "acme", "weekly-quiz")
            d.send("acme", message(1), message(2), message(3, "u2"))
            self.assertEqual(d.json("call", "acme", "weekly-quiz.count", '{"member":1}')["messages"], 2)
            self.assertEqual(d.json("call", "acme", "weekly-quiz.count", '{"member":2}')["messages"], 1)
            d.qun("replay", "acme")


class Engagement(unittest.TestCase):
    """The complete example, as a third party has it: copied out of the prefix, built and tested with what the prefix has."""

    def test_it_is_built_tested_and_draws_what_anybody_can_recompute(self):
        source = os.path.join(sdk.top, "engagement")
        shutil.copytree(os.path.join(sdk.prefix, "share/qun-sdk/examples/engagement"), source)
        packages = sdk.build(source)
        found = sdk.json("plugin", "validate", os.path.join(packages, "engagement"))
        self.assertEqual([c for c in found["checks"] if not c["kept"]], [])
        seed = bytes(range(32))
        hour = 3600 * 1000
        opened = {"commitment": hashlib.sha256(seed).hexdigest(), "prizes": 3, "closes": 1767574800000 + hour}  # 2026-01-05 01:00 and an hour
        past = [{"id": "open", "type": "engagement.draw.opened", "subject": "spring", "time": "2026-01-05T01:00:00Z", "data": opened},
                *({"id": f"e{i}", "type": "engagement.draw.entered", "subject": "spring", "member": f"u{i}", "time": "2026-01-05T01:30:00Z",
                   "data": {"words": f"word {i}"}} for i in range(20)),
                {"id": "late", "type": "engagement.draw.entered", "subject": "spring", "member": "late", "time": "2026-01-05T02:00:00Z"},
                {"id": "reveal", "type": "engagement.draw.revealed", "subject": "spring", "time": "2026-01-05T03:00:00Z", "data": {"seed": seed.hex()}}]
        d = Daemon(sdk, None)
        key = sdk.qun("plugin", "key", "new", "engagement.key").strip()
        package = os.path.join(sdk.top, sdk.json("plugin", "pack", os.path.join(packages, "engagement"))["package"])
        sdk.qun("plugin", "sign", package, "--key", "engagement.key")
        d.qun("plugin", "trust", "add", key, "--prefix", "engagement")
        d.qun("plugin", "install", package, "--grant")
        with d:
            d.qun("tenant", "create", "acme")
            with open(os.path.join(sdk.top, "past.jsonl"), "w", encoding="utf-8") as f:
                f.writelines(json.dumps({"specversion": "1.0", "source": "test", **e}) + "\n" for e in past)
            d.qun("event", "import", "acme", "past.jsonl", "--format", "cloudevents")
            d.qun("plugin", "enable", "acme", "engagement")
            draw = d.json("call", "acme", "engagement.draw", '{"id":"spring"}')
            self.assertEqual((draw["state"], len(draw["entries"]), len(draw["winners"])), ("drawn", 20, 3))
            answer = d.qun("call", "acme", "engagement.draw", '{"id":"spring"}', "--json")
            said = sdk.run(sys.executable, os.path.join(source, "recompute.py"), "-", input=answer)
            self.assertIn("follow from the seed", said)
            wrong = answer.replace('"winners":[', '"winners":[99,')
            sdk.run(sys.executable, os.path.join(source, "recompute.py"), "-", input=wrong, status=1)
            for locale, word in (("en", "Odds of each entry"), ("zh-CN", "每人中奖概率")):
                self.assertIn(word, d.qun("report", "acme", "engagement", "draws", "--locale", locale))
                self.assertNotIn("engagement.", d.qun("report", "acme", "engagement", "--locale", locale))
            d.qun("replay", "acme")


class Guide(unittest.TestCase):
    def test_its_commands_lead_from_nothing_to_an_installed_plugin(self):
        with open(os.path.join(sdk.prefix, "share/qun-sdk/docs/guide.md"), encoding="utf-8") as f:
            blocks = re.findall(r"^<!-- installed -->\n```sh\n(.*?)^```$", f.read(), re.M | re.S)
        self.assertGreaterEqual(len(blocks), 4)
        folder = os.path.join(sdk.top, "guide")
        os.makedirs(folder)
        env = {**os.environ, "PREFIX": sdk.prefix, "PATH": os.path.join(sdk.prefix, "bin") + ":" + os.environ["PATH"]}
        said = sdk.run("sh", "-e", "-c", "".join(blocks), cwd=folder, env=env)
        self.assertIn("trusted: true", said)


class Dev(unittest.TestCase):
    def test_a_change_is_built_and_loaded(self):
        sdk.qun("plugin", "new", "in-work")
        source = os.path.join(sdk.top, "in-work")
        dev = subprocess.Popen([os.path.join(sdk.prefix, "bin/qun"), "plugin", "dev", source, "--in-process"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        try:
            line = dev.stdout.readline()
            self.assertIn("loaded; try: qun --data ", line)
            data = line.split("--data ")[1].split()[0]
            for file in ("in_work.c", "plugin.yaml"):
                with open(os.path.join(source, file), encoding="utf-8") as f:
                    text = f.read()
                with open(os.path.join(source, file), "w", encoding="utf-8") as f:
                    f.write(text.replace("1.0.0", "1.0.1"))
            while not dev.stdout.readline().startswith("loaded"):  # the one file without the other is refused
                self.assertIsNone(dev.poll())
            self.assertIn("1.0.1", sdk.qun("--data", data, "plugin", "list"))
        finally:
            dev.terminate()
            self.assertEqual(dev.wait(120), 0)
            dev.stdout.close()
        self.assertFalse(os.path.exists(data))

    def test_in_process_is_said(self):
        self.assertIn("--in-process", sdk.qun("plugin", "dev", "weekly-quiz", status=2))


class Validate(unittest.TestCase):
    """Sound plugins keep every rule of the contract; each broken one is found by the check that is there for it."""

    def broken(self, name, *changes):
        """A package of the example hello, changed and built."""
        with open(os.path.join(sdk.prefix, "share/qun-sdk/examples/hello/hello.c"), encoding="utf-8") as f:
            text = f.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        folder = os.path.join(sdk.top, name)
        os.makedirs(folder)
        shutil.copy(os.path.join(sdk.prefix, "share/qun-sdk/examples/hello/plugin.yaml"), folder)
        with open(os.path.join(folder, "hello.c"), "w", encoding="utf-8") as f:
            f.write(text)
        sdk.run(COMPILER, "-shared", "-fPIC", "-fvisibility=hidden", "-I", os.path.join(sdk.prefix, "include"), "hello.c", "-o", "hello.so", cwd=folder)
        return folder

    def refused(self, folder, check, *words):
        found = json.loads(sdk.run(os.path.join(sdk.prefix, "bin/qun"), "plugin", "validate", folder, "--check", check, "--json", status=1).split("\n")[0])
        self.assertEqual([(c["check"], c["kept"]) for c in found["checks"]], [(check, False)])
        for word in words:
            self.assertIn(word, found["checks"][0]["reason"])

    def test_a_generated_plugin_keeps_every_rule(self):
        found = sdk.json("plugin", "validate", os.path.join(quiz, "weekly-quiz"), "--seed", "7")
        self.assertEqual([c["check"] for c in found["checks"] if not c["kept"]], [], found)
        self.assertGreaterEqual(len(found["checks"]), 14)

    def test_a_clock_is_found_without_running_it(self):
        folder = self.broken("b-clock", ("#include <qun/plugin.h>", "#include <qun/plugin.h>\n#include <time.h>"),
                             ("  int64_t n;\n  int rc;\n  if (event", "  int64_t n = (int64_t)time(NULL);\n  int rc;\n  if (event"))
        self.refused(folder, "clock", "it calls time")

    def test_what_is_kept_in_memory_is_found(self):
        folder = self.broken("b-memory", ("  const struct qun_reply_v1 *reply;", "  const struct qun_reply_v1 *reply;\n  int64_t seen;"),
                             ("n = count_of(h, ctx->tenant, event->member) + 1;", "n = ++h->seen;"))
        self.refused(folder, "restarts", "memory is only a cache")
        self.refused(folder, "tenants", "another one is served in between")

    def test_a_global_is_found(self):
        folder = self.broken("b-global", ("n = count_of(h, ctx->tenant, event->member) + 1;", "static int64_t seen;\n  n = ++seen;"))
        self.refused(folder, "twice", "beside the keyspace")

    def test_a_crash_is_one_checks_answer(self):
        folder = self.broken("b-crash", ("if (member < 1)", "if (member > 19) __builtin_trap();\n  if (member < 1)"))
        self.refused(folder, "requests", "crashed")

    def test_symbols_too_many_and_a_wrong_id_are_found(self):
        folder = self.broken("b-symbol", ("static int create(", "QUN_EXPORT int create("), ('QUN_PLUGIN("hello"', 'QUN_PLUGIN("hallo"'))
        self.refused(folder, "entry", "it exports create")
        self.refused(folder, "loads", "hallo")

    def test_an_unknown_check_is_named(self):
        self.assertIn("nonsense", sdk.qun("plugin", "validate", "weekly-quiz", "--check", "nonsense", status=2))


class Package(unittest.TestCase):
    """pack, sign, inspect, trust, install; each step and what it refuses."""

    @classmethod
    def setUpClass(cls):
        cls.key = sdk.qun("plugin", "key", "new", "my.key").strip()
        cls.packed = sdk.json("plugin", "pack", os.path.join(quiz, "weekly-quiz"))["package"]
        cls.path = os.path.join(sdk.top, cls.packed)
        sdk.qun("plugin", "pack", os.path.join(quiz, "weekly-quiz"), "--out", "unsigned.qunpkg")
        sdk.qun("plugin", "sign", cls.packed, "--key", "my.key")

    def changed(self, name, part, change):
        """A copy of the package with one part changed."""
        to = os.path.join(sdk.top, name)
        with zipfile.ZipFile(self.path) as old, zipfile.ZipFile(to, "w") as new:
            for info in old.infolist():
                body = old.read(info)
                new.writestr(info.filename, change(body) if info.filename == part else body)
        return to

    def test_packing_twice_gives_the_same_bytes(self):
        sdk.qun("plugin", "pack", os.path.join(quiz, "weekly-quiz"), "--out", "again.qunpkg")
        with open(os.path.join(sdk.top, "again.qunpkg"), "rb") as a, open(os.path.join(sdk.top, "unsigned.qunpkg"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_inspect_shows_what_is_in_it_and_runs_nothing(self):
        found = sdk.json("plugin", "inspect", self.packed)
        self.assertEqual((found["id"], found["version"]), ("weekly-quiz", "1.0.0"))
        self.assertEqual(found["signature"]["standing"], "stranger")
        self.assertEqual(found["signature"]["key"], self.key)
        self.assertEqual(found["library"]["exports"], ["qun_plugin_v1"])
        self.assertIn("qun.timer/1", found["requires"])
        with zipfile.ZipFile(self.path) as z:
            sums = {i.filename: hashlib.sha256(z.read(i)).hexdigest() for i in z.infolist()}
        self.assertEqual({f["path"]: f["sha256"] for f in found["files"]}, sums)

    def test_a_library_that_would_run_when_it_is_loaded_is_inspected_all_the_same(self):
        mark = os.path.join(sdk.top, "ran")
        with open(os.path.join(sdk.top, "trap.c"), "w", encoding="utf-8") as f:
            f.write("#include <stdio.h>\n#include <qun/plugin.h>\n__attribute__((constructor)) static void ran(void) { fclose(fopen(\"%s\", \"w\")); }\n"
                    "static const struct qun_plugin p;\nQUN_PLUGIN(\"trap\", \"1.0.0\", p)\n" % mark)
        os.makedirs(os.path.join(sdk.top, "trap"), exist_ok=True)
        sdk.run(COMPILER, "-shared", "-fPIC", "-I", os.path.join(sdk.prefix, "include"), "trap.c", "-o", "trap/trap.so")
        with open(os.path.join(sdk.top, "trap/plugin.yaml"), "w", encoding="utf-8") as f:
            f.write("id: trap\nversion: 1.0.0\nabi: 1\nlibrary: trap.so\ntitle: {en: Trap, zh: 陷阱}\nsummary: {en: Snaps., zh: 夹人。}\n")
        self.assertIn("qun_plugin_v1", sdk.json("plugin", "inspect", "trap/")["library"]["exports"])
        sdk.qun("plugin", "pack", "trap/")
        self.assertFalse(os.path.exists(mark))

    def test_a_changed_part_is_named(self):
        for part in ("plugin.yaml", "index", "signature"):
            path = self.changed("changed.qunpkg", part, lambda body: body + b"\n")
            self.assertIn("broken", sdk.qun("plugin", "inspect", path, status=1))
            self.assertIn("changed", sdk.qun("plugin", "sign", path, "--key", "my.key", status=1) + "changed" * (part == "index"))
        library = next(i.filename for i in zipfile.ZipFile(self.path).infolist() if i.filename.endswith(".so"))
        path = self.changed("changed.qunpkg", library, lambda body: body[:-1] + bytes([body[-1] ^ 1]))
        self.assertIn(library, sdk.qun("plugin", "inspect", path, status=1))
        self.assertIn(library, sdk.qun("--data", "d0", "plugin", "install", path, "--grant", status=1))

    def test_what_is_no_package_is_refused(self):
        with open(os.path.join(sdk.top, "text.qunpkg"), "w", encoding="utf-8") as f:
            f.write("no archive")
        self.assertIn("no package", sdk.qun("plugin", "inspect", "text.qunpkg", status=1))
        with zipfile.ZipFile(os.path.join(sdk.top, "evil.qunpkg"), "w") as z:
            z.writestr("../evil", "x")
        self.assertIn("inside the package", sdk.qun("plugin", "inspect", "evil.qunpkg", status=1))

    def test_installing_asks_for_a_grant_once(self):
        self.assertIn("qun.store/1", sdk.qun("--data", "d1", "plugin", "install", self.packed, status=1))
        self.assertFalse(sdk.json("--data", "d1", "plugin", "install", self.packed, "--grant")["trusted"])
        sdk.qun("--data", "d1", "plugin", "trust", "add", self.key, "--prefix", "weekly-", "--name", "me")
        self.assertTrue(sdk.json("--data", "d1", "plugin", "install", self.packed)["trusted"])
        self.assertEqual(sdk.json("--data", "d1", "plugin", "trust", "list")["trusted"], [{"key": self.key, "prefix": "weekly-", "name": "me"}])
        sdk.qun("--data", "d1", "plugin", "uninstall", "weekly-quiz")
        self.assertIn("not granted", sdk.qun("--data", "d1", "plugin", "install", self.packed, status=1))
        sdk.qun("--data", "d1", "plugin", "trust", "remove", self.key)
        sdk.qun("--data", "d1", "plugin", "trust", "remove", self.key, status=1)

    def test_a_daemon_runs_what_a_trusted_key_signed(self):
        d = Daemon(sdk, None, "--signatures", "strict")
        d.qun("plugin", "trust", "add", self.key, "--prefix", "*")
        d.qun("plugin", "install", self.path, "--grant")
        with d:
            by_id = {p["id"]: p for p in d.json("plugin", "list")["plugins"]}
            self.assertTrue(by_id["weekly-quiz"]["trusted"])
            self.assertIn("growth", by_id)
            d.qun("tenant", "create", "acme")
            d.qun("plugin", "enable", "acme", "weekly-quiz")
            d.send("acme", message(1))
            self.assertEqual(d.json("call", "acme", "weekly-quiz.count", '{"member":1}')["messages"], 1)

    def test_a_strict_daemon_refuses_a_stranger(self):
        d = Daemon(sdk, None, "--signatures", "strict")
        d.qun("plugin", "install", self.path, "--grant")
        with d:
            refused = {p["folder"]: p["reason"] for p in d.json("plugin", "list")["refused"]}
            self.assertIn("is not trusted", refused["weekly-quiz"])


main()
