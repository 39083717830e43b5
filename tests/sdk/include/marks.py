#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every function slot of qun/plugin.h says on which thread it is called: [loop] or [any] in the comment before it."""
import re
import sys

MARK = re.compile(r"\[(loop|any)\]")
SLOT = re.compile(r"\(\*(\w+)\)\s*\(")


def unmarked(text):
    """Names of the slots without exactly one mark, and how many slots there are."""
    missing, seen = [], 0
    for struct in re.finditer(r"struct (\w+) \{(.*?)\n\};", text, re.S):
        comment = ""
        # A member ends at a semicolon outside comments.
        for part in re.finditer(r"/\*.*?\*/|[^;/]+;|/", struct.group(2), re.S):
            piece = part.group(0)
            if piece.startswith("/*"):
                comment += piece
                continue
            slot = SLOT.search(piece)
            if slot:
                seen += 1
                if len(MARK.findall(comment)) != 1:
                    missing.append(f"{struct.group(1)}.{slot.group(1)}")
            comment = ""
    return missing, seen


def main():
    good = "struct a {\n  /* [any] Fine. */\n  int (*x)(int a);\n  /* No mark. */\n  int (*y)(int b,\n int c);\n  int n; /* [any] */\n};"
    assert unmarked(good) == (["a.y"], 2), unmarked(good)
    with open(sys.argv[1], encoding="utf-8") as file:
        missing, seen = unmarked(file.read())
    for name in missing:
        print(f"{sys.argv[1]}: {name} has no thread mark")
    print(f"{seen} slots, {len(missing)} without a mark")
    return 1 if missing or seen < 25 else 0


sys.exit(main())
