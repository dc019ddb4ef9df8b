import { ValueError } from './error.js';

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID: 16 bytes, in the order in which its text shows them. */
export class Uuid {
  /** The 16 bytes. Do not change them. */
  readonly bytes: Uint8Array;

  /**
   * @param value dashed text in either case, or 16 bytes (copied)
   * @throws {ValueError} reason `invalid_value` for anything else
   */
  constructor(value: string | Uint8Array) {
    if (typeof value === 'string' ? !TEXT.test(value) : value.length !== 16) {
      throw new ValueError('invalid_value', 'a UUID is 16 bytes, or text such as 0190163d-8694-739b-aea5-966c26f8ad91');
    }
    this.bytes = Uint8Array.from(typeof value === 'string' ? Buffer.from(value.replaceAll('-', ''), 'hex') : value);
  }

  /** Lower case and dashed. */
  toString(): string {
    return uuidText(this.bytes);
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Uuid(${this.toString()})`;
  }
}

/** The text of the UUID whose 16 bytes these are. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
