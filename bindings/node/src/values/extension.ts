/** The MessagePack extension numbers of the wire contract (`proto/values.md`). They never change meaning. */
export const TIMESTAMP = -1;
/** A sign byte (0, or 1 for negative) and a big-endian magnitude. */
export const BIG_INT = 1;
/** One MessagePack array. */
export const TUPLE = 2;
/** One MessagePack array of distinct elements. */
export const SET = 3;
/** Days since 1970-01-01, int32. */
export const DATE = 4;
/** Nanoseconds since midnight, uint64. */
export const TIME = 5;
/** Seconds, int64, and nanoseconds, uint32. */
export const DURATION = 6;
/** Canonical text. */
export const DECIMAL = 7;
/** 16 bytes. */
export const UUID = 8;
/** A MessagePack string and one value. */
export const NAMED = 9;
