#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function of the SDK's headers has a comment before it (functions that stand together may share one), and every header says at its head on which
thread its functions are called and whether they block. Slots of plugin.h: marks.py."""
import glob
import os
import re
import sys

FUNCTION = re.compile(r"^(?:static inline )?[\w\s\*]+?\**(qun_\w+)\(", re.M)


def functions(text):
    """(name, whether a comment leads to it) of each public function that is defined or declared at the left margin."""
    out, commented, blank = [], False, True
    inside = depth = 0
    for line in text.splitlines():
        if inside:
            inside = "*/" not in line
            commented = True
            continue
        if depth == 0 and line.startswith("/*"):
            inside = "*/" not in line
            commented = not line.startswith("/* ------")
            continue
        if depth == 0 and not line.strip():
            commented, blank = False, True
        if depth == 0 and not line.startswith((" ", "#", "}", "typedef", "struct qun_pair {", "enum", "extern")):
            found = FUNCTION.match(line)
            if found and not found.group(1).startswith("qun__"):
                out.append((found.group(1), commented))
        if "/*" in line and "*/" not in line:
            inside = True
        depth += line.count("{") - line.count("}") if not line.startswith(("extern", "#")) else 0
        depth = max(depth, 0)
    return out


def head(text):
    return re.search(r"/\*(.*?)\*/", text.split("*/", 1)[1], re.S).group(1)


def main():
    good = "/* Adds. */\nint qun_add(int a,\n            int b);\nstatic inline int qun_more(int a) {\n  return a;\n}\n\nint qun_bare(void);\nint qun__own(void);\n"
    assert functions(good) == [("qun_add", True), ("qun_more", True), ("qun_bare", False)], functions(good)
    bad = seen = 0
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "sdk/include/qun/*.h")) + [os.path.join(sys.argv[1], "sdk/testing/qun/fake_host.h")]):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for name, commented in functions(text):
            seen += 1
            if not commented:
                bad += 1
                print(f"{os.path.basename(path)}: {name} has no comment")
        for word in ("thread", "block"):
            if functions(text) and word not in head(text):
                bad += 1
                print(f"{os.path.basename(path)}: its head does not say anything about \"{word}\"")
    print(f"{seen} functions, {bad} wrong")
    return 1 if bad or seen < 80 else 0


sys.exit(main())
