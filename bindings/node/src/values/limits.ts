/** Containers (list, map, tuple, set, named) that may enclose one another: a scalar needs 0, a list of scalars 1. */
export const MAX_DEPTH = 128;

/** The largest encoding of a value, bytes: as `maxPayload` is by default. What is accepted by a peer may be less. */
export const MAX_BYTES = 256 * 1024 * 1024;
