#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page.py ROOT MADE: the table of services, the header and what is made of them agree: every vtable of qun/plugin.h has a row, with the same slots in the same
order and the same arguments; the page and the JSON name each; the host and the fake host have each."""
import json
import os
import re
import sys


def vtables(header):
    """{vtable: [(slot, [arguments])]}"""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    out = {}
    for name, body in re.findall(r"struct (qun_\w+_v\d+) \{(.*?)\n\};", text, re.S):
        slots = re.findall(r"\w+ \(\*(\w+)\)\((.*?)\);", body, re.S)
        out[name] = [(slot, [a.strip().split()[-1].lstrip("*") for a in arguments.split(",")][1:]) for slot, arguments in slots]
    return out


def main():
    root, made = sys.argv[1:3]
    read = lambda path: open(path, encoding="utf-8").read()
    header = read(os.path.join(root, "sdk/include/qun/plugin.h"))
    table = json.loads(read(os.path.join(made, "services.json")))
    page = read(os.path.join(made, "services.md"))
    host = read(os.path.join(root, "host/plugins/services.c"))
    fake = read(os.path.join(root, "sdk/testing/fake_services.c"))
    slots = vtables(header)
    ids = dict(re.findall(r'#define (QUN_\w+_\d+) "(qun\.[a-z_]+/\d+)"', header))
    bad = []
    if len(slots) != len(table["services"]) or sorted(ids.values()) != sorted(s["id"] for s in table["services"]):
        bad.append(f"the header has {sorted(ids.values())}")
    for service in table["services"]:
        macro = [name for name, ident in ids.items() if ident == service["id"]][0]
        vtable = "qun_" + macro[4:].lower().rsplit("_", 1)[0] + "_v" + macro.rsplit("_", 1)[1]
        want = [(m["name"], [a["name"] for a in m["in"]], [a["name"] for a in m["out"]]) for m in service["methods"]]
        got = slots[vtable]
        if [name for name, _, _ in want] != [name for name, _ in got]:
            bad.append(f"{service['id']}: slots {got}")
        for (name, ins, outs), (_, arguments) in zip(want, got):
            more = {"cap", "count"}
            if [a for a in arguments if a not in more] != ins + outs:
                bad.append(f"{service['id']} {name}: {arguments} in the header")
            if f"`{name}(" not in page:
                bad.append(f"the page has no {name}")
        if f"## {service['id']}" not in page:
            bad.append(f"the page has no {service['id']}")
        for text, where in ((host, "host"), (fake, "fake host")):
            if macro not in text:
                bad.append(f"the {where} has no {service['id']}")
    for line in bad:
        print(line)
    print(f"{len(table['services'])} services, {sum(len(s['methods']) for s in table['services'])} methods, {len(bad)} wrong")
    return 1 if bad or len(table["services"]) < 14 else 0


sys.exit(main())
