# What ./start and ./test have in common: the right Node.js, the packages of the lock file, a build that is not older
# than its sources. To be sourced, from the project's folder. Each step does nothing where there is nothing to do.

# Node 20, because uWebSockets.js from npm has native code for it and not for later ones. Another version is taken as it
# is where the operator has put an official uWebSockets.js build for it in node_modules; else npm's `node` package gives
# us a Node 20, and it goes before the other in PATH.
use_node() {
  if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    say 'Node.js with npm is needed (version 20): see https://nodejs.org/en/download'
    exit 1
  fi
  if is_node_20 node || has_official_uws; then
    return 0
  fi
  say "Node.js $(node -p process.versions.node) is not 20: taking Node.js 20 from npm"
  # The package fetches its binary in an install script, which npm 12 runs only where it is allowed; without it, npx
  # would give us the other Node.js back.
  node20=$(npx --yes --allow-scripts=node --package=node@20 -- node -p process.execPath </dev/null)
  is_node_20 "$node20" || {
    say 'Node.js 20 could not be had from npm; install it, or an official uWebSockets.js build'
    exit 1
  }
  PATH="$(dirname "$node20"):$PATH"
  export PATH
}

is_node_20() {
  [ -n "$1" ] && "$1" -e 'process.exit(process.versions.node.startsWith("20.") ? 0 : 1)'
}

has_official_uws() {
  node -e '
    const { arch, platform, versions } = process;
    const folder = "node_modules/uWebSockets.js";
    const { existsSync, readFileSync } = require("node:fs");
    const name = existsSync(`${folder}/package.json`) && JSON.parse(readFileSync(`${folder}/package.json`)).name;
    const binary = `${folder}/uws_${platform}_${arch}_${versions.modules}.node`;
    process.exit(name === "uWebSockets.js" && existsSync(binary) ? 0 : 1);
  '
}

# Installs what the lock file says, unless the stamp tells that this lock file was installed for this ABI. A folder
# without a stamp, but newer than the lock file, was installed by hand and is taken as it is. Not `npm ci`: it demands
# that the lock names every platform's binaries, and some registries lag behind with those of others. `--no-save` leaves
# the lock file as it is; what it names is checked against its hashes all the same.
install_packages() {
  stamp=node_modules/.qrswitch-installed
  wanted=$(node -e '
    const lock = require("node:fs").readFileSync("package-lock.json");
    const hash = require("node:crypto").createHash("sha256").update(lock).digest("hex");
    console.log(`${hash} abi ${process.versions.modules}`);
  ')
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    return 0
  fi
  if [ ! -f "$stamp" ] && [ node_modules/.package-lock.json -nt package-lock.json ]; then
    echo "$wanted" >"$stamp"
    return 0
  fi
  say 'installing packages'
  npm install --no-save --include=dev --no-audit --no-fund --loglevel=error </dev/null >&2 || return 1
  echo "$wanted" >"$stamp"
}

# Builds into dist, unless nothing is newer than the last build. Folders count too, so that a removed file is noticed.
build() {
  if [ -f dist/.built ] && [ -z "$(find src scripts tsconfig.json tsconfig.build.json package-lock.json \
    -newer dist/.built -print 2>/dev/null | head -n 1)" ]; then
    return 0
  fi
  say 'building'
  npm run --silent build </dev/null >&2 || return 1
  touch dist/.built
}

say() {
  echo "qrswitch: $*" >&2
}
