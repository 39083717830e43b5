# SPDX-License-Identifier: Apache-2.0
# Shared by tools/run and tools/test: what a fresh Debian 12 needs before anything can be built.

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 3; }

# Names of tools/packages: all lines, or only those before the word "tests:".
package_names() {
  local part=$1 line
  while read -r line; do
    case "$line" in
      tests:) [ "$part" = all ] || return 0 ;;
      '' | '#'*) ;;
      *) printf '%s\n' "${line%% *}" ;;
    esac
  done <"$top/tools/packages"
}

# The multi-pattern matcher that this processor has.
for_this_machine() {
  if [ "$(dpkg --print-architecture)" = amd64 ]; then cat; else sed 's/^libhyperscan-dev$/libvectorscan-dev/'; fi
}

# install_packages run|all: installs what is missing, and says which.
install_packages() {
  local missing=() name
  command -v dpkg-query >/dev/null || die "this is no Debian machine: install what tools/packages lists by hand"
  while read -r name; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done < <(package_names "$1" | for_this_machine)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "needs root to install packages; or install them yourself: apt-get install ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null || die "apt-get update failed"
  apt-get install -y -q --no-install-recommends "${missing[@]}" >"${TMPDIR:-/tmp}/qun-apt.log" 2>&1 ||
    { tail -n 20 "${TMPDIR:-/tmp}/qun-apt.log" >&2; die "apt-get install failed"; }
}

# build PRESET [TARGET]: configures and builds; quiet when all is well.
build() {
  local log="$top/.cache/build-$1.log" jobs
  jobs=$(nproc)
  mkdir -p "$top/.cache"
  say "building ($1, $jobs jobs)"
  { cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" --target "${2:-all}"; } >"$log" 2>&1 ||
    { tail -n 60 "$log" >&2; die "the build failed; all of it is in $log"; }
}
