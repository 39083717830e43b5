#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py QUN: whole benchmarks of a few events each. Figures mean nothing here; that counts agree is checked by the benchmark itself."""
import glob
import json
import os
import subprocess
import sys
import tempfile

QUN = sys.argv[1]
# A preload stands before the sanitizer's runtime, which would refuse.
ENV = dict(os.environ, LC_ALL="C.UTF-8", ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")


def bench(*args):
    """The rows of a run."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL runs as another user
        done = subprocess.run([QUN, "bench", *args, "--json", "--rounds", "1", "--dir", folder], env=ENV, stdout=subprocess.PIPE, timeout=250, check=False)
        assert done.returncode == 0, f"{args}: status {done.returncode}"
        assert os.listdir(folder) == [], f"{args} left {os.listdir(folder)}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(rows, case, rivals):
    rates = [row for row in rows if row["measure"] == "rate"]
    assert [row["rival"] for row in rates] == [None, *rivals], rows
    for row in rates:
        assert row["case"] == case and row["unit"] == "events/s", row
        assert row["ours"]["min"] <= row["ours"]["median"] <= row["ours"]["max"] and row["ours"]["min"] > 0, row
        assert row["p50_us"] <= row["p99_us"] and row["disk_bytes_per_event"] > 0, row
        if row["rival"]:
            assert row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"], row
            assert row["theirs"]["median"] > 0, row


installed = ["lmdb"]
if glob.glob("/usr/lib/postgresql/*/bin/postgres"):
    installed.insert(0, "postgresql")
if os.path.exists("/usr/bin/redis-server"):
    installed.insert(0, "redis")
print("beside", ", ".join(installed))

check(bench("ingest", "--events", "400", "--batch", "100", "--against", ",".join(installed)), "ingest", installed)
check(bench("single-100x64", "--events", "300", "--tenants", "3", "--window", "8", "--seconds", "5", "--against", "lmdb"), "single-100x64", ["lmdb"])
check(bench("http", "--events", "200", "--against", "lmdb"), "http", [])

slow = bench("single-one", "--events", "20", "--slow-sync", "3000", "--against", "lmdb")
check(slow, "single-one", ["lmdb"])
for row in slow:
    assert row["slow_sync_us"] == 3000, row
    assert row["p50_us"] >= 3000, ("a sync was not slower", row)

for case, rows in (("tenants", 4), ("replay", 1), ("reports", 2), ("audit", 1)):
    got = bench(case, "--events", "1000", "--tenants", "4", "--members", "50")
    assert len(got) == rows and all(row["case"] == case and row["ours"]["median"] > 0 for row in got), got

refused = subprocess.run([QUN, "bench", "ingest", "--against", "oracle"], env=ENV, stderr=subprocess.PIPE, check=False)
assert refused.returncode == 2 and b"oracle" in refused.stderr, refused
listed = subprocess.run([QUN, "bench", "list"], env=ENV, stdout=subprocess.PIPE, check=True).stdout.decode()
for case in ("ingest", "single-1000x64", "tenants", "replay", "reports"):
    assert case in listed, listed
print("fine")
