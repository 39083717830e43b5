#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh PROGRAM FOLDER: has PROGRAM write notes and proofs, and check.go read them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=/usr/share/gocode/src/golang.org/x/mod/sumdb
if ! command -v go >/dev/null || [ ! -d "$library" ]; then
  echo "skipped: needs the packages golang-go and golang-golang-x-mod-dev"
  exit 77
fi
"$1" >"$2/proofs.json"
GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE="$2/go-cache" go run "$here/check.go" "$2/proofs.json"
