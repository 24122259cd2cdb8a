#!/bin/sh
# The story of 1-phone-as-till.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Hill Farm' Ashford
open_wallet 'Green Wallet'

say 'Rosa sells cheese at her gate. Her phone asks for 18.40; the answer never reaches it.'
till $URL/v1/terminal/bills -d '{"orderId":"cheese-1","amount":1840,"currency":"EUR","description":"Goat cheese, 2 kg"}' >/dev/null

say 'It asks again with the same order, and gets the same bill.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"cheese-1","amount":1840,"currency":"EUR","description":"Goat cheese, 2 kg"}' | field id)
till $URL/v1/terminal/bills/$BILL | show status version amount currency
till $URL/v1/terminal/bills/$BILL/qr.txt

say 'Tom scans the code. His wallet shows him what it is for.'
CODE=$(till $URL/v1/terminal/bills/$BILL | field qr.payload)
wallet $URL/v1/paychannel/resolve -d '{"qr":"'$CODE'"}' | show merchant.name merchant.city description due currency payable

say 'He agrees; the wallet debits him and tells the switch.'
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"debit-1","amount":1840,"currency":"EUR"}' | show bill.status bill.paid bill.due

say 'The phone was without a network. What it missed waits for it, until it says that it has it.'
till "$URL/v1/terminal/events?wait=30" | rows events type data.bill.orderId data.payment.amount
EVENT=$(till $URL/v1/terminal/events | field events.0.id)
till $URL/v1/terminal/events/ack -d '{"ids":["'$EVENT'"]}' | show acknowledged

say 'On the scales it is 1.8 kg. Rosa confirms 16.56; the rest goes back to Tom.'
till $URL/v1/terminal/bills/$BILL/confirm -d '{"amount":1656}' | show status paid confirmed reversed

say 'The wallet hears what to give back, does so, and says that Tom has it.'
wallet "$URL/v1/paychannel/events?wait=30" | rows events type data.credit.kind data.credit.amount
CREDIT=$(wallet $URL/v1/paychannel/events | field events.0.data.credit.id)
wallet $URL/v1/paychannel/credits/$CREDIT/settle -d '{"status":"settled","reference":"back-to-tom"}' | show status reference

say 'Rosa sees on her phone that it has arrived.'
till "$URL/v1/terminal/events?wait=30" | rows events type data.credit.amount

say 'The next customer likes to round up: a tip, beside the amount.'
MILK=$(till $URL/v1/terminal/bills -d '{"orderId":"milk-1","amount":250,"currency":"EUR","tip":{"allowed":true,"max":100}}' | field id)
wallet $URL/v1/paychannel/bills/$MILK | show due tip.max
wallet $URL/v1/paychannel/bills/$MILK/payments -d '{"paymentRef":"debit-2","amount":250,"tip":50,"currency":"EUR"}' | show payment.amount payment.tip bill.paid
till $URL/v1/terminal/bills/$MILK/confirm -d '{}' | show confirmed tips.paid tips.returned

say 'A printed code hangs at the gate. Rosa arms it for a sale, and who scans it sees that sale.'
STICKER=$(till $URL/v1/terminal/bills -d '{"orderId":"gate","type":"static","usage":"many","minAmount":1,"maxAmount":100000,"currency":"EUR"}' | field id)
till $URL/v1/terminal/bills/$STICKER/arm -d '{"orderId":"eggs-1","amount":450,"ttl":300}' | show status amount
SALE=$(wallet $URL/v1/paychannel/bills/$STICKER | field id)
wallet $URL/v1/paychannel/bills/$SALE | show merchant.name due
wallet $URL/v1/paychannel/bills/$SALE/payments -d '{"paymentRef":"debit-3","amount":450,"currency":"EUR"}' | show bill.status
till $URL/v1/terminal/bills/$SALE/confirm -d '{}' | show orderId status

say 'Somebody walks away without paying. Armed for the next one, the code has voided that sale.'
LEFT=$(till $URL/v1/terminal/bills/$STICKER/arm -d '{"orderId":"eggs-2","amount":900,"ttl":300}' | field id)
till $URL/v1/terminal/bills/$STICKER/arm -d '{"orderId":"eggs-3","amount":300,"ttl":300}' | show orderId status
wallet $URL/v1/paychannel/bills/$LEFT/payments -d '{"paymentRef":"debit-4","amount":900,"currency":"EUR"}' | show code reason
wallet $URL/v1/paychannel/bills/$STICKER | show due
