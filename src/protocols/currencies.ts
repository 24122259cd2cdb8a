// Active currencies of ISO 4217 with their number of decimals. Funds codes, metals and test codes are left out: nobody
// pays a bill in them.

const DECIMALS: ReadonlyMap<string, number> = new Map([
  ...rows(
    2,
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
     CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
     KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
     NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
     TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  ),
  ...rows(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'),
  ...rows(3, 'BHD IQD JOD KWD LYD OMR TND'),
]);

export function isCurrency(text: string): boolean {
  return DECIMALS.has(text);
}

/** An amount of minor units as a person reads it: `12.34 EUR`. */
export function formatAmount(amount: number, currency: string): string {
  const decimals = DECIMALS.get(currency) ?? 2;
  const digits = String(amount).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0');
  const rest = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`;
  return `${grouped}${rest}\u00a0${currency}`;
}

function rows(decimals: number, codes: string): [string, number][] {
  return codes.split(/\s+/).map((code) => [code, decimals]);
}
