#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guard.py SURFACE.so: holds today's types of qun/plugin.h against each released minor (plugin-1.N.abi, written by abidw). Structs may grow at their
end, by members that `history` names with a reason; everything else is a break. New functions of the surface are new structs: fine.

  guard.py --release SURFACE.so plugin-1.N.abi    writes the dump of a minor that is being released"""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GROWN = re.compile(r"^'struct (\w+)' changed:$")
MEMBER = re.compile(r"^    '(.*)', at offset \d+ \(in bits\)$")
FINE = [re.compile(p) for p in (
    r"^Leaf changes summary: \d+ artifacts? changed$", r"^Changed leaf types summary: \d+ leaf types? changed$",
    r"^Removed/Changed/Added functions summary: 0 Removed, 0 Changed, \d+ Added functions?$",
    r"^Removed/Changed/Added variables summary: 0 Removed, 0 Changed, 0 Added variable$",
    r"^\d+ Added functions?:$", r"^  \[A\] 'function .*'(\s+\{\w+\})?$", r"^  type size changed from \d+ to \d+ \(in bits\)$",
    r"^  \d+ data member insertions?:$", r"^$")]


def name_of(declaration):
    """The member's name in "int (void*)* on_new" or "qun_slice extra"."""
    return declaration.split()[-1].split("::")[-1]


def judge(report):
    """What breaks, and the members that structs got, by abidiff's words."""
    breaks, grown, struct = [], [], None
    for line in report.splitlines():
        found = GROWN.match(line)
        if found:
            struct = found.group(1)
        elif MEMBER.match(line) and struct:
            grown.append(f"{struct}.{name_of(MEMBER.match(line).group(1))}")
        elif not any(pattern.match(line) for pattern in FINE):
            breaks.append(line.strip())
        sizes = re.match(r"^  type size changed from (\d+) to (\d+)", line)
        if sizes and int(sizes.group(2)) < int(sizes.group(1)):
            breaks.append(f"{struct} shrank")
    return breaks, grown


def accepted(text):
    known = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(None, 2)
        assert len(parts) == 3 and re.match(r"^1\.\d+$", parts[0]) and len(parts[2]) > 15, f"history:{number}: MINOR STRUCT.MEMBER reason"
        known[parts[1]] = parts[0]
    return known


def self_test():
    head = ("Leaf changes summary: 1 artifact changed\nChanged leaf types summary: 1 leaf type changed\n"
            "Removed/Changed/Added functions summary: 0 Removed, 0 Changed, 1 Added function\n"
            "Removed/Changed/Added variables summary: 0 Removed, 0 Changed, 0 Added variable\n\n")
    grew = "'struct qun_plugin' changed:\n  type size changed from 512 to 576 (in bits)\n  1 data member insertion:\n    'int (void*)* on_new', at offset 512 (in bits)\n"
    moved = "'struct qun_event' changed:\n  there are data member changes:\n    'uint32_t reserved' offset changed from 416 to 448 (in bits) (by +32 bits)\n"
    shrank = "'struct qun_emit' changed:\n  type size changed from 576 to 512 (in bits)\n  1 data member deletion:\n    'qun_slice lang', at offset 512 (in bits)\n"
    assert judge(head + grew) == ([], ["qun_plugin.on_new"]), judge(head + grew)
    assert judge(head + moved)[0], "a member that moved must be found"
    assert len(judge(head + shrank)[0]) == 2, judge(head + shrank)
    assert judge(head.replace("0 Removed, 0 Changed, 1", "1 Removed, 0 Changed, 0"))[0], "a struct that went must be found"
    assert accepted("# x\n1.1 qun_plugin.on_new because somebody asked\n") == {"qun_plugin.on_new": "1.1"}


def dump(surface, out):
    subprocess.run(["abidw", "--no-comp-dir-path", "--no-corpus-path", "--no-show-locs", "--type-id-style", "hash", "--out-file", out, surface],
                   check=True)
    with open(out, encoding="utf-8") as file:
        text = re.sub(r"path='[^']*surface\.c'", "path='surface.c'", file.read())
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    self_test()
    if sys.argv[1] == "--release":
        return dump(sys.argv[2], sys.argv[3])
    with open(os.path.join(HERE, "history"), encoding="utf-8") as file:
        known = accepted(file.read())
    wrong = 0
    dumps = sorted(glob.glob(os.path.join(HERE, "plugin-*.abi")))
    assert dumps, "no dump of a released minor is here"
    for old in dumps:
        run = subprocess.run(["abidiff", "--leaf-changes-only", "--no-show-locs", old, sys.argv[1]], capture_output=True, text=True, check=False)
        assert run.returncode & 3 == 0, run.stderr
        breaks, grown = judge(run.stdout)
        unknown = [member for member in grown if member not in known]
        print(f"{os.path.basename(old)}: {len(grown)} members more, {len(breaks)} breaks, {len(unknown)} not in history")
        for line in breaks:
            print(f"  breaks a plugin that is out there: {line}")
        for member in unknown:
            print(f"  {member} is new: say in tests/sdk/abi/history why")
        wrong += len(breaks) + len(unknown)
    return 1 if wrong else 0


sys.exit(main())
