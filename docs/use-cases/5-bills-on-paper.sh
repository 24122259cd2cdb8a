#!/bin/sh
# The story of 5-bills-on-paper.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'City Water' Springfield
open_wallet 'Green Wallet'

say 'The waterworks has a list of what each flat owes for June.'
cat >"$DESK/june.csv" <<'ROWS'
orderId,type,amount,minAmount,maxAmount,currency,description,validUntil,policies.late,metadata.flat
june-17,static,4380,,,EUR,"Water, June, flat 17",,,17
june-18,static,2915,,,EUR,"Water, June, flat 18",2025-07-31T22:00:00Z,accept,18
june-19,static,,500,20000,EUR,"Water, flat 19: pay what you like of what is open",,,19
june-20,static,3105,,,EUR,"Water, June, flat 20",,,20
ROWS

say 'One command makes a bill of each row, and a sheet to print. Run twice, it makes nothing twice.'
export QRSWITCH_KEY=$TILL
qrswitch bills import "$DESK/june.csv" --pdf "$DESK/june.pdf" --url $URL
qrswitch bills import "$DESK/june.csv" --pdf "$DESK/june.pdf" --url $URL

say 'Weeks later, in flat 17, Mrs. Lind holds her phone over the letter.'
BILL=$(till "$URL/v1/terminal/bills?orderId=june-17" | field id)
CODE=$(till $URL/v1/terminal/bills/$BILL | field qr.payload)
wallet $URL/v1/paychannel/resolve -d '{"qr":"'$CODE'"}' | show merchant.name description amount expiresAt payable
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"lind-1","amount":4000,"currency":"EUR"}' | show status code minAmount
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"lind-2","amount":4380,"currency":"EUR"}' | show bill.status bill.due

say 'Her son finds the same letter, and wants to help.'
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"son-1","amount":4380,"currency":"EUR"}' | show status reason

say 'Flat 19 pays 150.00 of what is open there.'
BILL=$(till "$URL/v1/terminal/bills?orderId=june-19" | field id)
wallet $URL/v1/paychannel/bills/$BILL | show amount minAmount maxAmount
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"flat-19","amount":15000,"currency":"EUR"}' | show bill.status bill.paid

say 'In flat 18 the letter turns up behind a cupboard, long after its last day. The waterworks takes it all the same.'
BILL=$(till "$URL/v1/terminal/bills?orderId=june-18" | field id)
wallet $URL/v1/paychannel/bills/$BILL | show amount expiresAt payable
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"flat-18","amount":2915,"currency":"EUR"}' | show bill.status bill.due

say 'The clerk lists what has come in, and what has not.'
for ORDER in june-17 june-18; do eventually "\"$ORDER\"" till "$URL/v1/terminal/bills?status=confirmed" >/dev/null; done
eventually '"june-19"' till "$URL/v1/terminal/bills?status=confirmed" | rows items orderId confirmed metadata.flat | sort
till "$URL/v1/terminal/bills?status=open" | rows items orderId amount metadata.flat
