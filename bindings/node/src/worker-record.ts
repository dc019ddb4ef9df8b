import { invalid } from './options.js';
import { encode } from './values/codec.js';

/** How a worker is found: what a discovery knows of it. */
export interface WorkerRecord {
  /** Its UUID, lower case, with dashes; a restarted worker has another. Empty: not known, whoever answers is taken. */
  uid: string;
  /** `host:port`, IPv6 hosts in brackets; at least one. */
  addresses: string[];
  /** Labels by which pools choose. */
  tags: string[];
  /** What its host says of it, for others ({@link WorkerOptions.extra}). */
  extra: Record<string, string>;
  /** It serves with TLS. */
  secure: boolean;
  /** The name that its certificate holds; empty: that of its address. */
  identity: string;
  /** Its process; 0: not known. */
  pid: number;
  /** Of its host; empty: not known. */
  language: string;
  /** Of the library that it serves with; empty: not known. */
  version: string;
  /** The protocol's major and minor version. */
  protocol: [major: number, minor: number];
  /** What it can be called through: `session` is libwool's own, `dispatch` that of Python. */
  doors: ('session' | 'dispatch')[];
}

/** A record that was made elsewhere: an address is enough. What is left out is not known. */
export type WorkerRecordInit = Partial<Omit<WorkerRecord, 'addresses'>> & Pick<WorkerRecord, 'addresses'>;

/** In the order in which libwool tells them. */
const PARTS = [
  'uid',
  'addresses',
  'tags',
  'extra',
  'secure',
  'identity',
  'pid',
  'language',
  'version',
  'protocol',
  'doors',
] as const satisfies readonly (keyof WorkerRecord)[];

/** A record as libwool takes it. @throws {WoolError} `INVALID_ARGUMENT`; `ValueError` for parts that are no values */
export function encodeRecord(record: WorkerRecordInit): Uint8Array {
  if (typeof record !== 'object' || record === null) {
    throw invalid(`this is no worker's record: ${String(record)}`);
  }
  const parts = PARTS.filter((part) => record[part] !== undefined).map((part) => [part, record[part]]);
  return encode(Object.fromEntries(parts));
}
