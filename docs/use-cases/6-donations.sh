#!/bin/sh
# The story of 6-donations.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Open Paw' Brighton
open_wallet 'Green Wallet'
GREEN=$WALLET
open_wallet 'Blue Wallet'
BLUE=$WALLET

say 'A shelter for animals hangs a billboard: any amount from 1.00 to 500.00, until 1,000.00 are together.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"roof-2026","type":"static","usage":"many","minAmount":100,"maxAmount":50000,"maxTotal":100000,"currency":"EUR","description":"A new roof for the cats"}' | field id)
till "$URL/v1/terminal/bills/$BILL/qr.png?size=1024&ecc=H" >"$DESK/billboard.png"

say 'Passers-by scan it from a tram. What they give is their choice, within the range.'
call $GREEN $URL/v1/paychannel/bills/$BILL | show description amount minAmount maxAmount payable
call $GREEN $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"gift-1","amount":2500,"currency":"EUR"}' | show payment.status bill.status bill.paid
call $BLUE $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"gift-1","amount":50,"currency":"EUR"}' | show status code minAmount maxAmount
call $BLUE $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"gift-2","amount":50000,"currency":"EUR"}' | show payment.status bill.paid

say 'The office hears of each gift.'
till "$URL/v1/terminal/events?wait=30" | rows events type data.payment.amount data.bill.paid

say 'The second one meant 50.00, and asks for the rest.'
GIFT=$(till $URL/v1/terminal/bills/$BILL | field payments.1.id)
till $URL/v1/terminal/bills/$BILL/payments/$GIFT/refund -H 'Idempotency-Key: too-much' -d '{"amount":45000,"reason":"One nought too many"}' | show payment.amount payment.credited bill.paid bill.refunded

say 'A firm tops up what is missing to 1,000.00: more than that the billboard does not take, and then nothing.'
call $GREEN $URL/v1/paychannel/bills/$BILL | show maxAmount
call $GREEN $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"gift-3","amount":47500,"currency":"EUR"}' | show payment.status bill.paid
call $BLUE $URL/v1/paychannel/bills/$BILL | show payable reason

say 'The roof is paid. The billboard comes down; a photo of it takes nothing any more.'
till $URL/v1/terminal/bills/$BILL/cancel -d '{}' | show status paid confirmed refunded paymentCount
call $GREEN $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"gift-4","amount":100,"currency":"EUR"}' | show status reason

say 'For its books the shelter lists all gifts.'
eventually '"gift-4"' till $URL/v1/terminal/bills/$BILL/payments | rows items amount credited status code
