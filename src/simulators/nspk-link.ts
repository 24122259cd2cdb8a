// The link of one payment by SBP, as a bank gives it out. Written apart from the switch's own, so that one finds the
// other's mistakes. The CRC is CRC-16/CCITT-FALSE of all that stands before it; the samples in banks' papers have wrong
// ones, so it is always computed.

const ID_LENGTH = 32;

/** `tail` are up to 28 of `0-9A-Z`, which tell one link from another. */
export function dynamicLink(link: { tail: string; bank: string; sumKopecks: number }): string {
  const id = `AD10${link.tail}`.padEnd(ID_LENGTH, '0').slice(0, ID_LENGTH);
  const body = `https://qr.nspk.ru/${id}?type=02&bank=${link.bank}&sum=${link.sumKopecks}&cur=RUB`;
  return `${body}&crc=${crcOf(body)}`;
}

function crcOf(text: string): string {
  let crc = 0xffff;
  for (const byte of Buffer.from(text, 'utf8')) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = ((crc >> 15) & 1) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) & 0xffff) ^ (carry === 1 ? 0x1021 : 0);
    }
  }
  return crc.toString(16).toUpperCase().padStart(4, '0');
}
