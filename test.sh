#!/bin/sh
# Runs every test, and brings up what they need: Node.js 20, packages, a redis-server and Chromium from Debian; Postgres
# comes with the packages. The last line on standard output is `N passed, N failed`, and the exit code is 0 only if some test ran
# and nothing failed. A failed check (install, build, types, lint) counts as one failure.
set -u
cd "$(dirname "$0")" || exit 1
. scripts/prepare.sh

failed=0

main() {
  use_node
  install_packages || give_up 'npm could not install the packages'
  need redis-server || give_up 'redis-server is missing'
  need chromium || give_up 'chromium is missing'
  build || give_up 'the build failed'
  check types
  check lint
  run_tests
}

check() {
  say "checking $1"
  npm run --silent "$1" </dev/null || {
    say "$1: failed"
    failed=$((failed + 1))
  }
}

run_tests() {
  report=$(mktemp)
  trap 'rm -f "$report"' EXIT
  say 'testing'
  node node_modules/vitest/vitest.mjs run \
    --reporter=default --reporter=json --outputFile.json="$report" </dev/null
  node scripts/count-tests.mjs "$report" "$?" "$failed"
}

# A program of Debian's package of that name, for the tests to start as they need it. Installing it must leave no
# service running.
need() {
  command -v "$1" >/dev/null 2>&1 && return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    say "install $1: there is no apt-get here to do it"
    return 1
  elif [ "$(id -u)" = 0 ]; then
    as_root=''
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
  else
    say "install it as root: apt-get install $1"
    return 1
  fi
  say "installing $1"
  install "$1" >&2 || {
    $as_root apt-get update -qq </dev/null >&2
    install "$1" >&2 || return 1
  }
  command -v "$1" >/dev/null 2>&1
}

install() {
  # While this file answers 101, no package starts its service.
  policy=/usr/sbin/policy-rc.d
  own_policy=no
  if [ ! -e "$policy" ]; then
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
  fi
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" </dev/null
  installed=$?
  [ "$own_policy" = no ] || $as_root rm -f "$policy"
  # Where another policy let it start all the same.
  if [ -d /run/systemd/system ]; then
    $as_root systemctl disable --now "$1" >/dev/null 2>&1
  else
    $as_root service "$1" stop >/dev/null 2>&1
  fi
  return "$installed"
}

give_up() {
  say "$1"
  echo '0 passed, 1 failed'
  exit 1
}

main
