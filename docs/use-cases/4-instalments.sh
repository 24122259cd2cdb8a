#!/bin/sh
# The story of 4-instalments.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Bright Sofas' Bath
open_wallet 'Patient Wallet'
PATIENT=$WALLET
open_wallet 'Green Wallet'
GREEN=$WALLET

say 'Ida scans the code of a sofa at 1,200.00. Her wallet offers six instalments.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"sofa-5","amount":120000,"currency":"EUR","description":"Sofa, grey"}' | field id)
call $PATIENT $URL/v1/paychannel/bills/$BILL | show merchant.name due payable

say 'While the wallet looks whether it will lend her that much, the sofa is held for it.'
HELD=$(call $PATIENT $URL/v1/paychannel/bills/$BILL/reservations -d '{"reservationRef":"loan-5"}' | field id)
till $URL/v1/terminal/bills/$BILL | show status reserved
call $GREEN $URL/v1/paychannel/bills/$BILL | show due payable reason

say 'The loan is granted. The wallet pays the shop all of it, and says how.'
call $PATIENT $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"loan-5","amount":120000,"currency":"EUR","reservationId":"'$HELD'","method":"instalments:6"}' | show bill.status payment.method
till $URL/v1/terminal/bills/$BILL | rows payments amount method
till $URL/v1/terminal/bills/$BILL/confirm -d '{}' | show status confirmed

say 'Two cushions come back. The shop refunds 60.00; the wallet makes the instalments smaller and says so.'
till $URL/v1/terminal/bills/$BILL/refund -H 'Idempotency-Key: cushions-5' -d '{"amount":6000,"reason":"Two cushions"}' | show status refunded
CREDIT=$(call $PATIENT "$URL/v1/paychannel/events?wait=30" | field events.0.data.credit.id)
call $PATIENT $URL/v1/paychannel/credits/$CREDIT/settle -d '{"status":"settled","reference":"plan-5-rewritten"}' | show kind amount status
till $URL/v1/terminal/bills/$BILL | rows credits kind amount reason reference

say 'Another loan is not granted: the wallet lets go, and the next one may pay at once.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"sofa-6","amount":95000,"currency":"EUR"}' | field id)
HELD=$(call $PATIENT $URL/v1/paychannel/bills/$BILL/reservations -d '{"reservationRef":"loan-6"}' | field id)
call $PATIENT -X DELETE $URL/v1/paychannel/bills/$BILL/reservations/$HELD
call $GREEN $URL/v1/paychannel/bills/$BILL | show due payable
