#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guide's code is the example's code: each fenced block follows a comment that names the file it stands in, `run`: then it is run, or
`installed`: then it is run from an installed SDK. Links lead
somewhere."""
import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"(?:^<!-- (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#]+)\)")


def run(root, command):
    """Commands are run in a copy of the tree's sdk/, so that they leave nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(root, "sdk"), os.path.join(folder, "sdk"))
        done = subprocess.run(["sh", "-e", "-c", command], cwd=folder, capture_output=True, text=True)
        return None if done.returncode == 0 and not done.stderr else f"fails: {done.stderr}"


def wrong(root, where, code):
    if not where:
        return "does not say which file it is from"
    if where == "installed":  # tests/sdk/install runs these
        return None
    if where == "run":
        return run(root, code)
    with open(os.path.join(root, where), encoding="utf-8") as file:
        return None if code in file.read() else f"does not stand in {where}"


def main():
    root = os.path.abspath(sys.argv[1])
    bad, blocks = [], 0
    page = os.path.join(root, "sdk/docs/guide.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for where, _, code in BLOCK.findall(text):
        blocks += 1
        why = wrong(root, where, code)
        if why:
            bad.append(f"guide.md: the block that begins \"{code.splitlines()[0]}\" {why}")
    for link in LINK.findall(text):
        if not os.path.exists(os.path.join(os.path.dirname(page), link)):
            bad.append(f"guide.md: {link} is not there")
    for line in bad:
        print(line)
    print(f"{blocks} blocks, {len(bad)} wrong")
    return 1 if bad or blocks < 8 else 0


sys.exit(main())
