// The options of tests/drivers/PROTOCOL.md as the binding takes them.
import { admit } from './admission.mjs';
import { callersOf, credentialsOf, peerCheckOf } from './credentials.mjs';
import { balance, discoveryOf } from './discoveries.mjs';
import { allOf, fromText, toOptions } from './tokens.mjs';

/** A number, if there is one. */
export function number(text) {
  return text === undefined ? undefined : Number(text);
}

export async function workerOptions(tokens) {
  const { concurrency, socket, secret, admit: hook, ...rest } = toOptions(tokens);
  return {
    ...(await commonOptions(tokens, rest)),
    ...callersOf(tokens),
    concurrency: number(concurrency),
    socketPath: socket,
    secret,
    tags: allOf(tokens, 'tag')?.map(fromText),
    extra: extraOf(tokens),
    publish: discoveryOf(tokens, 'publish'),
    admit: hook === 'tags' ? admit : undefined,
  };
}

export async function poolOptions(tokens) {
  const options = toOptions(tokens);
  return {
    ...(await commonOptions(tokens, options)),
    peerCheck: peerCheckOf(tokens),
    addresses: options.address?.split(','),
    secret: options.secret,
    discovery: discoveryOf(tokens, 'discovery'),
    spawn: options.spawn === 'none' ? 0 : number(options.spawn),
    command: allOf(tokens, 'command'),
    concurrency: number(options.concurrency),
    grace: number(options.grace),
    tags: allOf(tokens, 'tag')?.map(fromText),
    lease: number(options.lease),
    quorum: number(options.quorum),
    quorumTimeout: number(options.quorum_timeout),
    dispatchTimeout: number(options.dispatch_timeout),
    balancer: options.balancer === 'custom' ? balance : options.balancer?.replace('_', '-'),
  };
}

/** What workers and pools have both. */
async function commonOptions(tokens, { bind, allow_plaintext: allowPlaintext, max_payload: maxPayload, identity }) {
  return {
    bind,
    advertise: allOf(tokens, 'advertise')?.map(fromText),
    allowPlaintext: allowPlaintext === '1',
    maxPayload: number(maxPayload),
    credentials: await credentialsOf(tokens),
    identity: identity && fromText(identity),
    peers: allOf(tokens, 'peer')?.map(fromText),
  };
}

/** What a worker says of itself, by the options `extra=NAME:VALUE`. */
function extraOf(tokens) {
  const pairs = allOf(tokens, 'extra')?.map((pair) => pair.split(':').map(fromText));
  return pairs && Object.fromEntries(pairs);
}
