#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every #include of the tree: a plugin sees <qun/...> and its own folder; tenants/ knows no loop, no HTTP and nothing of host/; sdk/ knows
nothing of host/, tenants/ or plugins/; host/ reaches into no plugin."""
import os
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
ROOMS = ("host/", "tenants/", "sdk/", "plugins/", "tools/", "tests/")
TRANSPORT = re.compile(r"^(uv\.h|uv/|microhttpd\.h|curl/|nats/)")


def refusal(path, quote, name, headers, exists):
    """Why a file may not include this, or None."""
    room = path.split("/", 1)[0]
    ours = name.startswith(ROOMS)
    if ".." in name.split("/"):
        return "leaves its folder"
    if name == "qun/fake_host.h" and (room != "tests" and not path.startswith(("sdk/testing/", "sdk/examples/", "sdk/template/"))):
        return "is for tests"
    if room == "plugins":
        if quote == '"' and not exists(os.path.join(os.path.dirname(path), name)) and not exists("/".join(path.split("/")[:2] + [name])):
            return "is not in the plugin's folder"
        if name.startswith("qun/") and name[4:] not in headers:
            return "is no header of the SDK"
        return "is not the SDK" if ours else None
    if room == "tenants":
        if name.startswith(("host/", "plugins/", "tools/", "sdk/")):
            return "is above tenants/"
        return "is a matter of the host" if TRANSPORT.match(name) else None
    if room == "sdk":
        return "is outside sdk/" if ours and not name.startswith("sdk/") else None
    if room == "host":
        return "is above host/" if name.startswith(("plugins/", "tools/", "tests/", "sdk/")) else None
    return None


def broken(root):
    found = []
    count = 0
    headers = set(os.listdir(os.path.join(root, "sdk/include/qun")))
    exists = lambda path: os.path.exists(os.path.join(root, path))
    for room in ("plugins", "tenants", "sdk", "host"):
        for folder, _, files in os.walk(os.path.join(root, room)):
            for file in files:
                if not file.endswith((".c", ".h", ".S")):
                    continue
                path = os.path.relpath(os.path.join(folder, file), root)
                with open(os.path.join(root, path), encoding="utf-8") as text:
                    for quote, name in INCLUDE.findall(text.read()):
                        count += 1
                        why = refusal(path, quote, name, headers, exists)
                        if why:
                            found.append(f"{path}: {name} {why}")
    return found, count


def self_test():
    """A tree with one wrong arrow of each kind: all must be found."""
    wrong = {"plugins/a/a.c": ['"host/engine/engine.h"', '"tenants/error.h"', '"../b/b.h"', "<qun/fake_host.h>", '"b.h"', "<qun/secret.h>"],
             "tenants/a.c": ["<uv.h>", '"host/a.h"', "<curl/curl.h>", "<microhttpd.h>"],
             "sdk/testing/a.c": ['"tenants/error.h"', '"host/a.h"'],
             "host/a.c": ['"plugins/a/a.h"', "<qun/fake_host.h>"]}
    fine = {"plugins/a/sub/b.c": ['"a.h"', "<qun/plugin.h>", "<stdio.h>"], "plugins/a/a.h": [], "tenants/b.c": ['"tenants/b.h"', "<lmdb.h>"],
            "sdk/include/qun/plugin.h": ["<stdint.h>"], "host/b.c": ['"tenants/b.h"', "<uv.h>", '"host/plugins/manifest.h"']}
    with tempfile.TemporaryDirectory() as root:
        for path, names in {**wrong, **fine}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.writelines(f"#include {name}\n" for name in names)
        found, _ = broken(root)
        assert len(found) == sum(len(names) for names in wrong.values()), found


def main():
    self_test()
    found, count = broken(sys.argv[1])
    for line in found:
        print(line)
    print(f"{count} includes, {len(found)} wrong")
    return 1 if found or count < 50 else 0


sys.exit(main())
