#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes a prize draw again from what `qun call TENANT engagement.draw '{"id":...}'` answers: recompute.py FILE, or - for standard input.
It shares no code with the plugin; README.md has the formulas. Exit status: 0 the winners are right, 1 they are not."""
import hashlib
import json
import sys


def entries_hash(entries):
    h = hashlib.sha256()
    for e in sorted(entries, key=lambda e: e["member"]):
        words = e["words"].encode()
        h.update(e["member"].to_bytes(8, "big") + bytes([len(words)]) + words)
    return h.digest()


def winners(seed, entries, prizes):
    draw_hash = hashlib.sha256(b"qun-draw/1" + seed + entries_hash(entries)).digest()
    counter = 0

    def below(n):
        nonlocal counter
        limit = 2**64 - 1 - (2**64 - 1) % n
        while True:
            v = int.from_bytes(hashlib.sha256(draw_hash + counter.to_bytes(4, "big")).digest()[:8], "big")
            counter += 1
            if v < limit:
                return v % n

    left = sorted(e["member"] for e in entries)
    won = []
    for i in range(min(prizes, len(left))):
        j = i + below(len(left) - i)
        left[i], left[j] = left[j], left[i]
        won.append(left[i])
    return won


def judge(draw):
    """What is wrong with a draw; None: nothing."""
    seed = bytes.fromhex(draw["seed"])
    if draw["state"] != "drawn":
        return "it is not drawn yet"
    if hashlib.sha256(seed).hexdigest() != draw["commitment"]:
        return "the seed is not the one that was committed to"
    if entries_hash(draw["entries"]).hex() != draw["entries_hash"]:
        return "the entries are not those that were fixed before the seed was shown"
    if winners(seed, draw["entries"], draw["prizes"]) != draw["winners"]:
        return "the winners do not follow from seed and entries"
    return None


def self_test():
    seed = bytes(range(32))
    entries = [{"member": m, "words": "w" * (m % 3)} for m in range(1, 40)]
    draw = {"state": "drawn", "seed": seed.hex(), "commitment": hashlib.sha256(seed).hexdigest(), "prizes": 5, "entries": entries,
            "entries_hash": entries_hash(entries).hex(), "winners": winners(seed, entries, 5)}
    assert judge(draw) is None and len(set(draw["winners"])) == 5
    assert judge({**draw, "entries": entries[:-1]}) and judge({**draw, "winners": draw["winners"][::-1]})
    assert judge({**draw, "seed": "00" * 32}) and judge({**draw, "state": "closed"})
    assert sorted(winners(seed, entries, 100)) == [e["member"] for e in entries]


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with sys.stdin if sys.argv[1] == "-" else open(sys.argv[1], encoding="utf-8") as file:
        wrong = judge(json.load(file))
    print(wrong or "the winners follow from the seed and the entries")
    return 1 if wrong else 0


sys.exit(main())
