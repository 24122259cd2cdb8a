#!/bin/sh
# The story of 2-agents-on-the-road.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Swift Parcels' Leeds
OFFICE=$TILL
open_wallet 'Green Wallet'
GREEN=$WALLET
open_wallet 'Blue Wallet'
BLUE=$WALLET

say 'The office makes Ann and Ben tills of their phones. Each sees its own bills only.'
operator $URL/v1/operator/terminals -d '{"merchantId":"'$MERCHANT'","name":"Phone of Ann","restricted":true,"withKey":true}' >"$DESK/ann.json"
operator $URL/v1/operator/terminals -d '{"merchantId":"'$MERCHANT'","name":"Phone of Ben","restricted":true,"withKey":true}' >"$DESK/ben.json"
ANN=$(field key <"$DESK/ann.json")
BEN=$(field key <"$DESK/ben.json")

say 'At a door, Ann asks for 64.00. Two people share it, each from a wallet of their own.'
BILL=$(call $ANN $URL/v1/terminal/bills -d '{"orderId":"parcel-7","amount":6400,"currency":"EUR","description":"Parcel, cash on delivery"}' | field id)
call $GREEN $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"green-1","amount":4000,"currency":"EUR"}' | show bill.status bill.due
call $BLUE $URL/v1/paychannel/bills/$BILL | show amount due
call $BLUE $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"blue-1","amount":2400,"currency":"EUR"}' | show bill.status bill.due

say 'Her phone hears of both, and she confirms on the doorstep.'
call $ANN "$URL/v1/terminal/bills/$BILL?wait=30&afterVersion=2" | rows payments amount status
call $ANN $URL/v1/terminal/bills/$BILL/confirm -d '{}' | show status confirmed

say 'To Ben the bill is none. The office sees it, and gives back 10.00 for a box that was damaged.'
call $BEN $URL/v1/terminal/bills/$BILL | show status code
call $OFFICE $URL/v1/terminal/bills/$BILL/refund -H 'Idempotency-Key: damaged-7' -d '{"amount":1000,"reason":"Damaged box"}' | show status confirmed refunded
call $OFFICE $URL/v1/terminal/bills/$BILL | rows credits kind amount reason

say 'Ann leaves her phone in a tram. A second after the office has heard of it, its key opens nothing.'
HOLDER=$(field id <"$DESK/ann.json")
KEY=$(operator "$URL/v1/operator/keys?holderId=$HOLDER" | field items.0.id)
operator $URL/v1/operator/keys/$KEY/revoke -d '{}' | show holder.kind
eventually '"status":401' call $ANN $URL/v1/terminal/bills/$BILL | show status code
