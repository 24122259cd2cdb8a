#!/bin/sh
# The story of 3-web-checkout.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Paper & Ink' Oxford
open_wallet 'Green Wallet'

say 'The shop asks for no card: its server makes a bill of the basket, and its page shows the code.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"basket-31","amount":2890,"currency":"EUR","capture":"auto","expiresIn":600,"returnUrl":"https://paper-and-ink.example/baskets/31","lines":[{"name":"Notebook","quantity":2,"price":1200,"amount":2400},{"name":"Pencil","quantity":7,"price":70,"amount":490}]}' | field id)
till "$URL/v1/terminal/bills/$BILL/qr.svg?size=240" >"$DESK/code.svg"
head -c 4 "$DESK/code.svg" && echo

say 'Who shops on a phone follows the link in place of scanning: a page that says what is to be paid.'
curl -sS $URL/q/$BILL | grep -oE '(<h1>|class="amount">)[^<]*'

say 'The wallet knows where the shopper may be led back to.'
wallet $URL/v1/paychannel/bills/$BILL | show due returnUrl

say 'The page waits beside the shopper, who pays; it is told in the same moment, and the sale is closed.'
(sleep 0.3 && wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"debit-31","amount":2890,"currency":"EUR"}' >/dev/null) &
till "$URL/v1/terminal/bills/$BILL?wait=30&afterVersion=1" | show status confirmed
wait

say 'The shop sends the receipt after it, and it stands in the bill.'
till -X PUT $URL/v1/terminal/bills/$BILL/receipt -d '{"number":"2026-000031","url":"https://paper-and-ink.example/receipts/31"}' | show receipt.number

say 'Another shopper closes the page. The shop asks what became of the order, and gives it up if nobody has paid.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"basket-32","amount":1200,"currency":"EUR","capture":"auto"}' | field id)
till $URL/v1/terminal/orders/basket-32/resolve -d '{"cancelIfUnpaid":true}' | show orderId status

say 'A payment that comes after it is refused for good, and the wallet keeps its money, whenever it asks.'
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"debit-32","amount":1200,"currency":"EUR"}' | show status code reason
wallet $URL/v1/paychannel/bills/$BILL/payments/debit-32 | show status code

say 'A third order never reached the switch. It is void: should it arrive after all, there will be no bill.'
till $URL/v1/terminal/orders/basket-33/resolve -d '{}' | show orderId status
till $URL/v1/terminal/bills -d '{"orderId":"basket-33","amount":900,"currency":"EUR"}' | show status code
