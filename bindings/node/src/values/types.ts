/**
 * A number that is a float for other languages even where it is integral: `wool.float(1)` is sent as `1.0`, while `1`
 * is sent as an int. It calculates and prints like the number it is.
 *
 * Floats arrive as plain numbers, unless the runtime was made with `exactFloats`: then those that would otherwise be
 * sent back as ints arrive as this class.
 */
export class Float extends Number {}

/** Marks `value` as a float, see {@link Float}. */
export function float(value: number): Float {
  return new Float(value);
}

/** An array that is a tuple for languages that have both, such as Python. Arrays derived from it are plain. */
export class Tuple<T = unknown> extends Array<T> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** Makes a {@link Tuple}: `tuple(1, 2)` is `(1, 2)` in Python. */
export function tuple<T extends readonly unknown[]>(...elements: T): Tuple<T[number]> {
  return Tuple.from(elements) as Tuple<T[number]>;
}

/** A value of a type that one language has and another has not: the type's name, and what it is made of. */
export class Named<T = unknown> {
  /**
   * @param type the name all sides agree on, such as `geometry.Point`; not empty
   * @param value any value
   */
  constructor(
    readonly type: string,
    readonly value: T,
  ) {}
}

/** Bytes that skip the value codec, see {@link raw}. */
export class Raw {
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * Bytes in, bytes out: as the arguments of a call the routine is given these bytes as its only argument, and as the
 * result of a routine the caller gets them, as a `Buffer`, without any encoding on the way.
 */
export function raw(bytes: Uint8Array): Raw {
  return new Raw(bytes);
}
