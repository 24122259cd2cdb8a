#!/bin/sh
# The story of 7-parking-sign.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Harbour Parking' Dover
open_wallet 'Green Wallet'

say 'A day costs 6.00. There is no machine: there is a sign, with a code on it.'
SIGN=$(till $URL/v1/terminal/bills -d '{"orderId":"sign-2026","type":"static","usage":"many","amount":600,"currency":"EUR","description":"One day at the harbour"}' | field id)
till "$URL/v1/terminal/bills/$SIGN/qr.svg?size=1024" >"$DESK/sign.svg"

say 'Omar parks, scans and pays. He drives into a tunnel before the answer comes; his wallet asks again.'
wallet $URL/v1/paychannel/bills/$SIGN | show merchant.name description amount due
wallet $URL/v1/paychannel/bills/$SIGN/payments -d '{"paymentRef":"omar-1","amount":600,"currency":"EUR","payer":"O***r"}' >/dev/null
wallet $URL/v1/paychannel/bills/$SIGN/payments -d '{"paymentRef":"omar-1","amount":600,"currency":"EUR","payer":"O***r"}' | show payment.status payment.amount bill.paid
TICKET=$(wallet $URL/v1/paychannel/bills/$SIGN/payments/omar-1 | field id)

say 'Eva pays for the next car, and by mistake once more.'
wallet $URL/v1/paychannel/bills/$SIGN/payments -d '{"paymentRef":"eva-1","amount":600,"currency":"EUR"}' | show payment.status bill.paid
wallet $URL/v1/paychannel/bills/$SIGN/payments -d '{"paymentRef":"eva-2","amount":600,"currency":"EUR"}' | show payment.status bill.paid
AGAIN=$(wallet $URL/v1/paychannel/bills/$SIGN/payments/eva-2 | field id)
till $URL/v1/terminal/bills/$SIGN/payments/$AGAIN/refund -H 'Idempotency-Key: eva-twice' -d '{"reason":"Paid twice"}' | show payment.status bill.refunded

say 'The warden asks Omar for his ticket, and looks it up.'
eventually $TICKET till $URL/v1/terminal/bills/$SIGN/payments >"$DESK/tickets.json"
grep -oF $TICKET "$DESK/tickets.json" | wc -l | tr -d ' '

say 'From March of next year a day costs 7.00. The new sign is up early, and takes nothing before its day.'
MARCH=$(node -p 'new Date().getUTCFullYear() + 1 + "-03-01T00:00:00Z"')
NEXT=$(till $URL/v1/terminal/bills -d '{"orderId":"sign-next","type":"static","usage":"many","amount":700,"currency":"EUR","validFrom":"'$MARCH'"}' | field id)
wallet $URL/v1/paychannel/bills/$NEXT | show amount payable reason

say 'Then the old one is withdrawn. Whoever still has a photo of it is told so.'
till $URL/v1/terminal/bills/$SIGN/cancel -d '{}' | show status paymentCount paid refunded
wallet $URL/v1/paychannel/bills/$SIGN | show payable reason
