# What the stories of this folder have in common. To be sourced in the project's folder, by a script or by hand, while a
# switch runs there (`./start`). It finds the switch by the demo's file, gives a story a shop and wallets of its own, and
# takes answers apart. Everything else in a story is plain curl.

DEMO="${QRSWITCH_DATA_DIR:-.data}/demo.json"
# For files that a story writes.
DESK=$(mktemp -d)

# A field of the JSON on standard input: `field qr.payload`, `field payments.0.id`.
field() {
  node -e '
    const whole = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const value = process.argv[1].split(".").reduce((of, name) => of?.[name], whole);
    if (value === undefined) {
      console.error(`no ${process.argv[1]} in ${JSON.stringify(whole)}`);
      process.exit(1);
    }
    console.log(value);
  ' "$1"
}

# Some fields of it, on one line: `show status merchant.name`.
show() {
  rows '' "$@"
}

# Some fields of each item of a list in it, a line an item: `rows payments amount status`.
rows() {
  node -e '
    const [list, ...fields] = process.argv.slice(1);
    const at = (of, place) => place.split(".").reduce((inner, name) => inner?.[name], of);
    const whole = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const written = (value) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return /\s/.test(text) ? JSON.stringify(value) : text;
    };
    for (const item of list === "" ? [whole] : at(whole, list)) {
      const shown = fields.map((name) => [name, at(item, name)]);
      if (shown.some(([, value]) => value === undefined)) {
        console.error(`not all of ${fields.join(", ")} in ${JSON.stringify(item)}`);
        process.exit(1);
      }
      console.log(shown.map(([name, value]) => `${name}=${written(value)}`).join("  "));
    }
  ' "$@"
}

# Where the switch is, whose demo it has, and the key of who may add to it.
eval "$(node -p '
  const demo = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  `URL=${demo.baseUrl} INSTITUTION=${demo.institution.id} OPERATOR=${demo.operator.key}`;
' "$DEMO")"

# curl with somebody's key: `call "$TILL" $URL/v1/terminal/bills -d '{…}'`. What was not done, or may have been, is sent
# again as it was: no call does its work twice.
call() {
  CALLER=$1
  shift
  ANSWER=$(mktemp)
  curl -sS --retry 8 --retry-connrefused -o "$ANSWER" \
    -H "Authorization: Bearer $CALLER" -H 'Content-Type: application/json' "$@" || return 1
  cat "$ANSWER"
  rm -f "$ANSWER"
}

till() { call "$TILL" "$@"; }
wallet() { call "$WALLET" "$@"; }
operator() { call "$OPERATOR" "$@"; }
qrswitch() { node "${QRSWITCH_DIST:-dist}/cli/main.js" "$@"; }

# A merchant with a terminal, whose key is TILL: `open_shop 'Hill Farm' Ashford`.
open_shop() {
  MERCHANT=$(operator "$URL/v1/operator/merchants" \
    -d '{"institutionId":"'"$INSTITUTION"'","name":"'"$1"'","city":"'"$2"'"}' | field id)
  TILL=$(operator "$URL/v1/operator/terminals" \
    -d '{"merchantId":"'"$MERCHANT"'","name":"Till","withKey":true}' | field key)
}

# A wallet, whose key is WALLET: `open_wallet 'Green Wallet'`.
open_wallet() {
  WALLET=$(operator "$URL/v1/operator/paychannels" \
    -d '{"institutionId":"'"$INSTITUTION"'","name":"'"$1"'","withKey":true}' | field key)
}

# Asks again until the answer holds a text, for a minute, and prints that answer. For what follows a change by some
# milliseconds, as lists do: `eventually '"donor-3"' till $URL/v1/terminal/bills/$BILL/payments`.
eventually() {
  WANTED=$1
  TRIES=0
  shift
  until FOUND=$("$@") && case "$FOUND" in *"$WANTED"*) true ;; *) false ;; esac; do
    TRIES=$((TRIES + 1))
    if [ "$TRIES" -ge 300 ]; then
      printf 'no %s in %s\n' "$WANTED" "$FOUND" >&2
      return 1
    fi
    sleep 0.2
  done
  printf '%s\n' "$FOUND"
}

# What a script tells beside what the commands print.
say() { printf '# %s\n' "$*"; }
