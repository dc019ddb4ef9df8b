import { count, invalid } from './options.js';

/**
 * The most that one peer may have of a worker. A peer is the names of a certificate; without one it is the IP address. The
 * Unix socket, which is this user's, has no such limits. What is left out is the default.
 */
export interface PeerLimits {
  /** Connections; further ones are closed. Default 1,024. */
  connections?: number | undefined;
  /** Sessions, of which a pool has one; further ones are refused as `BUSY`. Default 1,024. */
  sessions?: number | undefined;
  /** Tasks at once, over all sessions; further ones are answered as by a busy worker. Default 65,536. */
  calls?: number | undefined;
  /**
   * Bytes of large payloads that may be on their way to the worker, or held by its tasks, over all sessions. Each session
   * sets aside what it lets its caller send ahead: 64 MiB, or half of what is left; a payload that is larger than that,
   * its size. What does not fit is refused. Default 64 GiB.
   */
  bytes?: number | undefined;
}

/** @throws {WoolError} `INVALID_ARGUMENT` */
export function peerLimits(limits: PeerLimits | undefined): PeerLimits {
  if (limits === undefined) {
    return {};
  }
  if (typeof limits !== 'object' || limits === null) {
    throw invalid(`peerLimits is an object with connections, sessions, calls and bytes, not ${String(limits)}`);
  }
  const { connections, sessions, calls, bytes } = limits;
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes > 0)) {
    throw invalid(`peerLimits.bytes is an integer from 1, not ${String(bytes)}`);
  }
  return {
    connections: count('peerLimits.connections', connections, 1),
    sessions: count('peerLimits.sessions', sessions, 1),
    calls: count('peerLimits.calls', calls, 1),
    bytes,
  };
}
