// The shapes of records in an entry of version 1, known to writer and reader alike, so that an entry does not have to
// define them: with a few transitions an entry, definitions were half of its bytes and of the work. What has another
// shape (or another order of keys) defines itself inline, so this table is about speed alone, but for one thing: it is
// part of version 1, and stays as it is for as long as entries of that version are read. Up to 32 shapes have names of
// one byte.

export const SHAPES_V1: readonly (readonly string[])[] = [
  shape('kind transitions'),
  shape('kind billId at command actor requestId facts'),
  shape('kind terminalId orderId at actor requestId'),
  shape('kind nonce holder at follows'),
  shape('type terms'),
  shape(
    'id type institutionId merchantId terminalId merchant orderId digest purpose amount currency description lines ' +
      'metadata capture confirmWithinMs unconfirmed qrFormat returnUrl relatedBillId createdAt expiresAt',
  ),
  shape('name city'),
  shape('name quantity price amount'),
  shape('type reservation digest'),
  shape('no paychannelId reservationRef amount expiresAt'),
  shape('type no how'),
  shape('type payment'),
  shape(
    'no paychannelId paymentRef amount credited method payer paidAt status receivedAt notifiedAt subscribed',
  ),
  shape('type no digest'),
  shape('type payment digest'),
  shape('no paychannelId paymentRef amount method receivedAt rejection'),
  shape('rejected'),
  shape('rejected reason'),
  shape('rejected status'),
  shape('rejected due'),
  shape('type paychannelId paymentRef'),
  shape('type amount cause receipt'),
  shape('type cause'),
  shape('type credit'),
  shape(
    'no kind paymentNo paychannelId paymentRef amount status reason settledReason reference requestedAt settledAt repeats',
  ),
  shape('type no'),
  shape('type no status reference reason'),
  shape('type receipt'),
  shape('type scope key digest rejection'),
  shape('type to event cause paymentNo creditNo'),
  shape('type nos'),
  shape('type'),
];

function shape(keys: string): readonly string[] {
  return keys.split(' ');
}
