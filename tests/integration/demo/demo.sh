#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job by tools/run --once: small made-up files always, simulated tenants, and the real communities of QUN_SHARED_DATA in a released build.
# Environment: QUN_BIN (folder of qun and qund), QUN_SOURCE, QUN_SHARED_DATA, QUN_DEMO_REAL (not empty: also the real files).
set -euo pipefail
export LC_ALL=C.UTF-8 no_proxy=127.0.0.1
work=$(mktemp -d "${TMPDIR:-/tmp}/qun-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
plugins=(growth content compliance crosspromo i18n)

fail() {
  echo "FAILED: $*" >&2
  [ -f "${demo:-}/qund.log" ] && tail -n 20 "$demo/qund.log" >&2
  exit 1
}

# run_demo FOLDER ARGS...: the job in a folder of its own.
run_demo() {
  demo=$work/$1
  shift
  QUN_RUN_BIN=$QUN_BIN QUN_RUN_DEMO=$demo "$QUN_SOURCE/tools/run" --once "$@" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err" >&2; fail "tools/run --once $*"; }
}

qun() { "$QUN_BIN/qun" --data "$demo/.data" --keys "$demo/.keys" "$@"; }
number() { qun --json tenant show "$1" | jq -r "$2"; }

# The reports are there, whole, in both languages, and say the same numbers as each other.
check_results() {
  local name=$1 plugin
  for plugin in "${plugins[@]}"; do
    grep -q '<html lang="zh-CN">' "$demo/$name/$plugin.html" || fail "$name/$plugin.html is not Chinese"
    grep -q '</html>' "$demo/$name/$plugin.html" || fail "$name/$plugin.html is cut off"
    grep -q '<html lang="en">' "$demo/$name/en/$plugin.html" || fail "$name/en/$plugin.html is not English"
    jq -e --arg name "$name" '.tenant == $name and (.sections | length > 0) and .locale == "zh-CN"' "$demo/$name/$plugin.json" >/dev/null ||
      fail "$name/$plugin.json"
    # a message id that no catalogue has shows itself: words with dots and no space
    ! jq -r '[.title, .sections[].title, .glossary[].label] | .[]' "$demo/$name/$plugin.json" | grep -E '^[a-z0-9_]+(\.[a-z0-9_]+)+$' ||
      fail "$name/$plugin.json has words that nobody translated"
  done
}

# The bundle verifies with its key, and with no other; nor with one byte changed anywhere.
check_bundle() {
  local name=$1 bundle=$demo/$1/audit key other file status
  key=$(cat "$demo/$name/audit.key")
  "$QUN_BIN/qun" audit verify "$bundle" --key "$key" >/dev/null || fail "the bundle of $name is refused"
  other=${key%?????}AAAA=
  status=0
  "$QUN_BIN/qun" audit verify "$bundle" --key "$other" >/dev/null 2>&1 || status=$?
  [ $status != 0 ] || fail "the bundle of $name is taken with another key"
  while read -r file; do
    cp -r "$bundle" "$work/changed"
    python3 - "$work/changed/$file" <<'PY'
import sys
p = sys.argv[1]
b = bytearray(open(p, "rb").read())
b[len(b) // 2] ^= 1
open(p, "wb").write(b)
PY
    status=0
    "$QUN_BIN/qun" audit verify "$work/changed" --key "$key" >/dev/null 2>&1 || status=$?
    [ $status = 1 ] || fail "the bundle of $name is taken with a changed byte in $file (status $status)"
    rm -rf "$work/changed"
  done < <(cd "$bundle" && find . -type f | sed 's|^\./||')
}

# What the log holds by type is what the file holds.
check_counts() { # TENANT FILE
  local read=cat
  case "$2" in *.zst) read='zstd -dcq' ;; esac
  diff <($read "$2" | jq -r .type | sort | uniq -c | awk '{print $2, $1}') \
    <(qun --json tenant show "$1" | jq -r '.by_type | to_entries[] | "\(.key) \(.value)"' | sort) >&2 || fail "$1 holds other events than $2"
}

# Sums of the votes by message, against what the source published.
check_votes() { # TENANT ORACLE
  diff <(jq -r '.per_comment | to_entries[] | select(.value[0] + .value[1] > 0) | "\(.key) \(.value[0]) \(.value[1])"' "$2" | sort) \
    <(qun --json event tail "$1" --after 0 | jq -r 'select(.type == "reaction") | "\(.data.msg) \(.data.value)"' |
      awk '$2 == 1 {a[$1]++} $2 == -1 {d[$1]++} $2 != 0 {m[$1]} END {for (k in m) print k, a[k] + 0, d[k] + 0}' | sort) >&2 || fail "votes of $1"
}

check_replay() {
  qun replay "$1" >/dev/null || fail "replay (verify) of $1 differs"
  qun replay "$1" --mode rebuild --batch 1000 >/dev/null || fail "replay (rebuild) of $1 differs"
}

# From elsewhere: by address and token, a tenant's own and no other's.
check_token() { # TENANT OTHER
  local daemon address status=0
  "$QUN_BIN/qund" --data "$demo/.data" --keys "$demo/.keys" --listen 127.0.0.1:0 >"$work/qund.out" 2>>"$demo/qund.log" &
  daemon=$!
  until grep -q 'qund ready' "$work/qund.out"; do kill -0 $daemon || fail "qund ended"; sleep 0.1; done
  address=$(grep -oE 'http://[0-9.:]+' "$work/qund.out")
  jq -r .tokens.owner "$demo/$1/tokens.json" >"$work/token"
  "$QUN_BIN/qun" --url "$address" --token-file "$work/token" --json tenant show "$1" | jq -e '.events > 0' >/dev/null || fail "the owner's token does not open $1"
  "$QUN_BIN/qun" --url "$address" --token-file "$work/token" tenant show "$2" >/dev/null 2>&1 || status=$?
  [ $status = 3 ] || fail "a token of $1 opens $2"
  kill -TERM $daemon
  wait $daemon || fail "qund did not end well"
}

made_up() {
  local i
  for i in $(seq 1 60); do
    printf '{"id":"e%d","time":"2026-03-%02dT08:%02d:00.000Z","type":"%s","group":"茶友","member":"m%d"%s}\n' "$i" $((i / 4 + 1)) $((i % 60)) \
      "$([ $((i % 10)) = 1 ] && echo join || echo message)" $((i % 7)) "$([ $((i % 10)) = 1 ] || printf ',"text":"今天的龙井很香 %d <b>&"' "$i")"
  done >"$work/Tea & Friends.jsonl"
}

echo "a small file, twice"
made_up
run_demo small "$work/Tea & Friends.jsonl"
name=tea-friends
check_counts $name "$work/Tea & Friends.jsonl"
check_results $name
check_bundle $name
before=$(number $name .state_hash)
run_demo small "$work/Tea & Friends.jsonl"
[ "$(number $name .state_hash)" = "$before" ] || fail "importing twice changed the state"
[ "$(number $name .events)" = 60 ] || fail "importing twice changed the count"
check_replay $name

echo "two simulated tenants"
run_demo simulated
for name in tea-house book-club; do
  check_results $name
  check_bundle $name
  grep -q '模拟数据' "$demo/$name/growth.html" || fail "$name is not marked as simulated"
  check_replay $name
  jq -e '.sections.now.items | .open.value == 1 and .joins.value > 0' "$demo/$name/crosspromo.json" >/dev/null || fail "$name has no joins by its partner's code"
  jq -e '[.sections.overlaps.rows[] | select(.count > 0)] | length == 1' "$demo/$name/crosspromo.json" >/dev/null || fail "$name has no overlap count"
done

check_token tea-house book-club

if [ -z "${QUN_DEMO_REAL:-}" ]; then
  echo "real communities are for the released build"
elif ! ls "$QUN_SHARED_DATA"/communities/*.jsonl.zst >/dev/null 2>&1; then
  echo "skipped: no communities in QUN_SHARED_DATA ($QUN_SHARED_DATA)"
else
  echo "real communities"
  run_demo real "$QUN_SHARED_DATA"/communities/*.jsonl.zst
  for file in "$QUN_SHARED_DATA"/communities/*.jsonl.zst; do
    name=$(basename "$file" .jsonl.zst)
    check_counts "$name" "$file"
    check_results "$name"
    check_bundle "$name"
    oracle=${file%.jsonl.zst}.oracle.json
    [ ! -f "$oracle" ] || check_votes "$name" "$oracle"
    before=$(number "$name" .state_hash)
    qun event import "$name" "$file" >/dev/null
    [ "$(number "$name" .state_hash)" = "$before" ] || fail "importing $name twice changed the state"
    check_replay "$name"
  done
fi
echo "all well"
