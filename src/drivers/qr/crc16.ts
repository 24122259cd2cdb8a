// CRC-16/CCITT-FALSE, the checksum of EMVCo and SBP codes alike: polynomial 0x1021, begun with 0xFFFF, nothing reflected.

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 8;
  for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1;
  return sum & 0xffff;
});

/** Of the text's UTF-8 bytes, as four upper-case hexadecimal digits. */
export function crc16(text: string): string {
  let sum = 0xffff;
  for (const byte of Buffer.from(text)) {
    sum = ((sum << 8) & 0xffff) ^ (TABLE[(sum >> 8) ^ byte] ?? 0);
  }
  return sum.toString(16).toUpperCase().padStart(4, '0');
}
