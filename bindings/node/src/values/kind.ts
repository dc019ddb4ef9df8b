import { Decimal } from './decimal.js';
import { Duration, PlainDate, PlainTime } from './time.js';
import { Float, Named, Tuple } from './types.js';
import { Uuid } from './uuid.js';

/** The kinds of values, by their names in every language. */
export type ValueKind =
  | 'null'
  | 'bool'
  | 'int'
  | 'float'
  | 'string'
  | 'bytes'
  | 'list'
  | 'tuple'
  | 'map'
  | 'set'
  | 'timestamp'
  | 'date'
  | 'time'
  | 'duration'
  | 'decimal'
  | 'uuid'
  | 'named';

const PLAIN: Readonly<Record<string, ValueKind>> = { string: 'string', boolean: 'bool', bigint: 'int' };

const CLASSES: readonly (readonly [abstract new (...args: never[]) => object, ValueKind])[] = [
  [Tuple, 'tuple'],
  [Array, 'list'],
  [Uint8Array, 'bytes'],
  [Float, 'float'],
  [Set, 'set'],
  [Date, 'timestamp'],
  [PlainDate, 'date'],
  [PlainTime, 'time'],
  [Duration, 'duration'],
  [Decimal, 'decimal'],
  [Uuid, 'uuid'],
  [Named, 'named'],
];

/** The kind of a value as the codec gives and takes it. */
export function kindOf(value: unknown): ValueKind {
  if (value === null || value === undefined) {
    return 'null';
  }
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'int' : 'float';
  }
  return PLAIN[typeof value] ?? CLASSES.find(([type]) => value instanceof type)?.[1] ?? 'map';
}
