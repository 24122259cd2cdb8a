// What a person sees when the switch serves for the first time: a session to paste.

interface Demo {
  readonly terminal: { readonly key: string };
  readonly paychannel: { readonly key: string };
}

/** The first session, as shell lines that end in a paid and confirmed bill. */
export function welcome(of: { baseUrl: string; demo: Demo | null; demoFile: string }): string {
  const { baseUrl, demo, demoFile } = of;
  if (demo === null) return `\nqrswitch serves at ${baseUrl}\n\n`;
  return `
qrswitch serves at ${baseUrl}   (documents: ${baseUrl}/docs)
The demo's keys stand in ${demoFile}. A first session, to paste into another shell:

BASE=${baseUrl}
TERMINAL=${demo.terminal.key}
WALLET=${demo.paychannel.key}
call() { curl -sS -X "$2" "$BASE$3" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \${4:+-d "$4"}; echo; }

# The terminal creates a bill of 12.50 and shows its code,
BILL=$(call $TERMINAL POST /v1/terminal/bills '{"orderId":"'order-$(date +%s)'","amount":1250,"currency":"EUR"}' | sed -E 's/^\\{"id":"([^"]+)".*/\\1/')
call $TERMINAL GET /v1/terminal/bills/$BILL/qr.txt
# a wallet looks at it and pays it,
call $WALLET GET /v1/paychannel/bills/$BILL
call $WALLET POST /v1/paychannel/bills/$BILL/payments '{"paymentRef":"pay-1","amount":1250,"currency":"EUR"}'
# the terminal hears of it and confirms.
call $TERMINAL GET "/v1/terminal/events?wait=5"
call $TERMINAL POST /v1/terminal/bills/$BILL/confirm '{}'

Or a whole market, with all that goes wrong in one:

node dist/cli/main.js simulate shop --demo ${demoFile} --rate 50

`;
}
