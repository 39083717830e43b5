#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From an installed SDK alone: a plugin is generated, built out of tree, tested, and loaded into a real qund."""
import os
import unittest

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
                     "share/qun-sdk/docs/plugin.schema.json", "share/qun-sdk/template/plugin.yaml", "lib/qun/plugins/growth/growth.so"):
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


main()
