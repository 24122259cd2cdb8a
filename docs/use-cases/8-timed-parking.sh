#!/bin/sh
# The story of 8-timed-parking.md, to run in the project's folder beside a switch that runs: all of it that is typed.
set -eu
. docs/use-cases/story.sh
open_shop 'Town Garage' Bonn
open_wallet 'Green Wallet'

say 'A quarter of an hour is free, then 2.00 for an hour, then 1.00 for each started half hour.'
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
          "name": "Always",
          "phases": [
            { "amount": 200, "forMinutes": 60 },
            { "amount": 100, "perMinutes": 30 }
          ]
        }
      ],
      "caps": [{ "max": 2000, "perMinutes": 1440 }]
    }
  ]
}
TARIFF

say 'What would it cost from 10:00 to 12:20, or to 12:55?'
qrswitch tariff explain "$DESK/tariff.json" --from 2026-05-04T10:00:00+02:00 --to 2026-05-04T12:20:00+02:00 --json | show amount nextChangeAt
qrswitch tariff explain "$DESK/tariff.json" --from 2026-05-04T10:00:00+02:00 --to 2026-05-04T12:55:00+02:00 --json | show amount nextChangeAt

say 'Lena has ticket 4711, and has been in for two hours and twenty minutes.'
ENTERED=$(node -p 'new Date(Date.now() - 140 * 60_000).toISOString()')
TICKET=$(till $URL/v1/terminal/bills -d '{"type":"timer","orderId":"ticket-4711","currency":"EUR","tariff":'"$(cat "$DESK/tariff.json")"',"startedAt":"'$ENTERED'","description":"Parking"}' | field id)
till $URL/v1/terminal/bills/$TICKET | show type amount due

say 'She scans the ticket, is quoted a price, and pays by it. The ticket is good to leave.'
wallet $URL/v1/paychannel/bills/$TICKET >"$DESK/view.json"
show merchant.name description due quote.amount <"$DESK/view.json"
QUOTE=$(field quote.id <"$DESK/view.json")
wallet $URL/v1/paychannel/bills/$TICKET/payments -d '{"paymentRef":"lena-1","amount":500,"currency":"EUR","quoteId":"'$QUOTE'"}' | show bill.status bill.due bill.clearUntil

say 'The garage hears it, and confirms when she has driven out.'
till "$URL/v1/terminal/events?wait=30" | rows events type data.bill.orderId data.bill.paid data.clearUntil
till $URL/v1/terminal/bills/$TICKET/confirm -d '{}' | show status confirmed

say 'Omar has been in for longer than he thinks: the barrier tells how much is missing.'
ENTERED=$(node -p 'new Date(Date.now() - 175 * 60_000).toISOString()')
LATE=$(till $URL/v1/terminal/bills -d '{"type":"timer","orderId":"ticket-4712","currency":"EUR","tariff":'"$(cat "$DESK/tariff.json")"',"startedAt":"'$ENTERED'"}' | field id)
wallet $URL/v1/paychannel/bills/$LATE/payments -d '{"paymentRef":"omar-1","amount":500,"currency":"EUR"}' | show bill.status bill.due
till $URL/v1/terminal/bills/$LATE/confirm -d '{}' | show code due
wallet $URL/v1/paychannel/bills/$LATE/payments -d '{"paymentRef":"omar-2","amount":100,"currency":"EUR"}' | show bill.status bill.due
till $URL/v1/terminal/bills/$LATE/confirm -d '{}' | show status confirmed

say 'Who only turned round owes nothing.'
TURNED=$(till $URL/v1/terminal/bills -d '{"type":"timer","orderId":"ticket-4713","currency":"EUR","tariff":'"$(cat "$DESK/tariff.json")"'}' | field id)
wallet $URL/v1/paychannel/bills/$TURNED | show due payable reason
till $URL/v1/terminal/bills/$TURNED/confirm -d '{}' | show status confirmed
