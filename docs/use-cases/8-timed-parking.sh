#!/bin/sh
# The story of 8-timed-parking.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Town Garage' Bonn
open_wallet 'Green Wallet'

say 'A quarter of an hour is free, then 2.00 for an hour, then 1.00 for each started half hour, and a flat night.'
cat >"$DESK/tariff.json" <<'TARIFF'
{
  "currency": "EUR",
  "timeZone": "Europe/Berlin",
  "versions": [
    {
      "effectiveFrom": "2026-01-01T00:00:00+01:00",
      "graceSeconds": 900,
      "quoteSeconds": 300,
      "first": [{ "amount": 0, "forMinutes": 15 }],
      "rules": [
        {
          "name": "Day",
          "from": "07:00",
          "to": "20:00",
          "phases": [
            { "amount": 200, "forMinutes": 60 },
            { "amount": 100, "perMinutes": 30 }
          ]
        },
        { "name": "Night", "phases": [{ "amount": 300 }] }
      ],
      "caps": [{ "max": 2000, "perMinutes": 1440 }]
    }
  ]
}
TARIFF

say 'Lena has come at 10:00. At 12:20 she puts ticket 4711 into the machine, which asks what that costs.'
qrswitch tariff explain "$DESK/tariff.json" --from 2026-05-04T10:00:00+02:00 --to 2026-05-04T12:20:00+02:00 --json >"$DESK/charge.json"
show amount nextChangeAt quoteSeconds graceSeconds <"$DESK/charge.json"
PRICE=$(field amount <"$DESK/charge.json")

say 'It shows a code for that amount, good for five minutes. She pays from her phone, and the ticket is good to leave.'
BILL=$(till $URL/v1/terminal/bills -d '{"orderId":"ticket-4711","amount":'$PRICE',"currency":"EUR","expiresIn":300,"capture":"auto","description":"Parking, 10:00 to 12:20","metadata":{"ticket":"4711"}}' | field id)
wallet $URL/v1/paychannel/bills/$BILL | show merchant.name description due
wallet $URL/v1/paychannel/bills/$BILL/payments -d '{"paymentRef":"lena-1","amount":'$PRICE',"currency":"EUR"}' | show bill.status bill.due
till "$URL/v1/terminal/bills?orderId=ticket-4711" | show status confirmed metadata.ticket

say 'She meets a friend, and is at the barrier at 12:55: longer than a quarter of an hour. The machine asks for what is missing.'
TOTAL=$(qrswitch tariff explain "$DESK/tariff.json" --from 2026-05-04T10:00:00+02:00 --to 2026-05-04T12:55:00+02:00 --json | field amount)
MORE=$(till $URL/v1/terminal/bills -d '{"orderId":"ticket-4711-b","amount":'$((TOTAL - PRICE))',"currency":"EUR","expiresIn":300,"capture":"auto","relatedBillId":"'$BILL'"}' | field id)
wallet $URL/v1/paychannel/bills/$MORE/payments -d '{"paymentRef":"lena-2","amount":100,"currency":"EUR"}' | show bill.status bill.paid
till "$URL/v1/terminal/events?wait=30" | rows events type data.bill.orderId data.bill.paid
