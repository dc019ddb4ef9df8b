import { ValueError } from './error.js';

/** Exponents have as many digits as Python's `decimal` allows at most. */
const LARGEST_EXPONENT = 10n ** 18n - 1n;
const TEXT = /^([-+]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([-+]?\d{1,19}))?$/;

/**
 * A finite decimal number that keeps its scale: `1.10` is not `1.1`. Held as canonical text, which is what Python's
 * `str(Decimal)` and Java's `BigDecimal.toString` give; libwool does no arithmetic on it.
 *
 * ```ts
 * new Decimal('+01.50e3').toString(); // '1.50E+3'
 * ```
 */
export class Decimal {
  /** The canonical text. */
  readonly text: string;

  /**
   * @param text any decimal text
   * @throws {ValueError} reason `invalid_value` for text that is no finite decimal number
   */
  constructor(text: string) {
    const canonical = canonicalDecimal(text);
    if (canonical === undefined) {
      throw new ValueError('invalid_value', `${JSON.stringify(text)} is not a finite decimal number`);
    }
    this.text = canonical;
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Decimal(${this.text})`;
  }
}

/** The canonical form of decimal text, or `undefined` for what is no finite decimal number. */
export function canonicalDecimal(text: string): string | undefined {
  const match = TEXT.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, sign, whole = '', fraction = match[4] ?? ''] = match;
  const coefficient = (whole + fraction).replace(/^0+(?=\d)/, '');
  const exponent = BigInt(match[5]?.replace('+', '') ?? 0) - BigInt(fraction.length);
  const adjusted = exponent + BigInt(coefficient.length - 1);
  const minus = sign === '-' ? '-' : '';
  if (exponent <= 0n && adjusted >= -6n) {
    // Here the exponent is no longer than the coefficient and six zeros.
    const point = coefficient.length + Number(exponent);
    if (point <= 0) {
      return `${minus}0.${'0'.repeat(-point)}${coefficient}`;
    }
    const decimals = coefficient.slice(point);
    return minus + coefficient.slice(0, point) + (decimals === '' ? '' : `.${decimals}`);
  }
  const magnitude = adjusted < 0n ? -adjusted : adjusted;
  if (magnitude > LARGEST_EXPONENT) {
    return undefined;
  }
  const decimals = coefficient.length > 1 ? `.${coefficient.slice(1)}` : '';
  return `${minus}${coefficient[0]}${decimals}E${adjusted < 0n ? '-' : '+'}${magnitude}`;
}
