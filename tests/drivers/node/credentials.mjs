// The credentials of tests/drivers/PROTOCOL.md, and what else the options say of who may call whom.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Credentials, WoolError } from '../../../bindings/node/dist/index.mjs';
import { allOf, fromText, toOptions, toText } from './tokens.mjs';

const POLL_MS = 50;

/** Those that this process was given first. */
let own;

/** The credentials that the options name, if they do. */
export async function credentialsOf(tokens) {
  const { credentials: folder = '-', certificate = 'own', one_way: oneWay, provided } = toOptions(tokens);
  if (folder === '-') {
    return undefined;
  }
  const pair = certificate === '-' ? {} : { certificate: `${certificate}.pem`, key: `${certificate}.key` };
  const paths = Object.entries({ ca: 'ca.pem', ...pair }).map(([part, file]) => [part, join(fromText(folder), file)]);
  const made = provided === '1' ? await readBy(paths, oneWay === '1') : lookedAt(paths, oneWay === '1');
  own ??= made;
  return made;
}

function lookedAt(paths, oneWay) {
  const files = paths.map(([part, path]) => [`${part}File`, path]);
  return new Credentials({ ...Object.fromEntries(files), oneWay, poll: POLL_MS });
}

function readBy(paths, oneWay) {
  const read = async ([part, path]) => [part, await readFile(path)];
  const provide = async () => ({ ...Object.fromEntries(await Promise.all(paths.map(read))), oneWay });
  return Credentials.provided(provide, { poll: POLL_MS });
}

/** The credentials of this process, if it has some. */
export function credentials() {
  return own;
}

/** Has them made anew: 1 if they have changed. @throws {WoolError} when there are none */
export async function reload() {
  return Number(await given().renew());
}

/** Why they cannot be used as they are now, as text. @throws {WoolError} when there are none */
export function problem() {
  return toText(given().problem?.message);
}

function given() {
  if (own === undefined) {
    throw new WoolError('INVALID_ARGUMENT', 'this process was given no credentials');
  }
  return own;
}

/** Who may call what at a worker, stop it, and how much a peer may have of it. */
export function callersOf(tokens) {
  const rules = {};
  for (const rule of allOf(tokens, 'allow') ?? []) {
    const [, routine, pattern] = /^([^:]*):(.*)$/.exec(rule);
    (rules[fromText(routine)] ??= []).push(fromText(pattern));
  }
  const { peer_limits: limits } = toOptions(tokens);
  return {
    callers: allOf(tokens, 'caller_name')?.map(fromText),
    routineCallers: rules,
    stoppers: allOf(tokens, 'stopper')?.map(fromText),
    peerLimits: limits && limitsOf(limits.split(':').map(Number)),
  };
}

function limitsOf([connections, sessions, calls, bytes]) {
  const given = Object.entries({ connections, sessions, calls, bytes }).filter(([, limit]) => limit > 0);
  return Object.fromEntries(given);
}

/** The pool's own check of identities. */
export function peerCheckOf(tokens) {
  const { peer_check: believed } = toOptions(tokens);
  return (
    believed &&
    (({ identity }) => {
      if (believed === 'throw') {
        throw new Error('the check throws');
      }
      return identity === fromText(believed);
    })
  );
}
