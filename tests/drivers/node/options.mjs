// The options of tests/drivers/PROTOCOL.md as the binding takes them.
import { LocalDiscovery } from '../../../bindings/node/dist/index.mjs';
import { admit } from './admission.mjs';
import { allOf, toOptions } from './tokens.mjs';

/** A number, if there is one. */
export function number(text) {
  return text === undefined ? undefined : Number(text);
}

/** The local discovery of a namespace, if there is one. Without a directory, or with an empty one, in its own place. */
export function discovery(namespace, directory) {
  return namespace === undefined ? undefined : new LocalDiscovery(namespace, { directory: directory || undefined });
}

export function workerOptions(tokens) {
  const { concurrency, socket, secret, publish, directory, admit: hook } = toOptions(tokens);
  return {
    concurrency: number(concurrency),
    socketPath: socket,
    secret,
    tags: allOf(tokens, 'tag'),
    publish: discovery(publish, directory),
    admit: hook === 'tags' ? admit : undefined,
  };
}

export function poolOptions(tokens) {
  const options = toOptions(tokens);
  return {
    addresses: options.address?.split(','),
    secret: options.secret,
    discovery: discovery(options.discovery, options.directory),
    spawn: options.spawn === 'none' ? 0 : number(options.spawn),
    command: allOf(tokens, 'command'),
    concurrency: number(options.concurrency),
    grace: number(options.grace),
    tags: allOf(tokens, 'tag'),
    lease: number(options.lease),
    quorum: number(options.quorum),
    quorumTimeout: number(options.quorum_timeout),
    dispatchTimeout: number(options.dispatch_timeout),
  };
}
