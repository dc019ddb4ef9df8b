// The discoveries and the balancer of tests/drivers/PROTOCOL.md.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import {
  CustomDiscovery,
  decode,
  DnsDiscovery,
  encode,
  LanDiscovery,
  LocalDiscovery,
  StackedDiscovery,
  StaticDiscovery,
} from '../../../bindings/node/dist/index.mjs';
import { allOf, fromText, toOptions } from './tokens.mjs';

const BETWEEN_LOOKS_MS = 20;

/** The local discovery of a namespace. Without a directory, or with an empty one, in its own place. */
export function localDiscovery(namespace, directory) {
  return new LocalDiscovery(namespace, { directory: directory || undefined });
}

/** The discovery that the options describe, if they do; `local` is the name of the one that is the local namespace. */
export function discoveryOf(tokens, local) {
  const { [local]: namespace, directory, lan, static: addresses, dns, custom } = toOptions(tokens);
  const interfaces = allOf(tokens, 'interface');
  const discoveries = [
    namespace !== undefined && localDiscovery(namespace, directory),
    lan !== undefined && new LanDiscovery({ namespace: fromText(lan) || undefined, interfaces }),
    addresses !== undefined && new StaticDiscovery(addresses.split(',')),
    dns !== undefined && new DnsDiscovery(dns, { servers: allOf(tokens, 'dns_server') }),
    custom !== undefined && new CustomDiscovery(new Directory(custom)),
  ].filter(Boolean);
  return discoveries.length > 1 ? new StackedDiscovery(discoveries) : discoveries[0];
}

/** The driver's own: a directory with a file for each worker. */
class Directory {
  #path;

  constructor(path) {
    this.#path = path;
  }

  async publish(record) {
    await mkdir(this.#path, { recursive: true });
    const unfinished = join(this.#path, `.${record.uid}`);
    await writeFile(unfinished, Buffer.from(encode(record)).toString('hex'));
    await rename(unfinished, join(this.#path, record.uid));
  }

  async withdraw(uid) {
    await rm(join(this.#path, uid), { force: true });
  }

  async subscribe(subscriber, signal) {
    /** By name: what each file said. */
    let known = new Map();
    for (let looks = 0; !signal.aborted; looks++) {
      const there = await this.#look();
      for (const [name, text] of there) {
        if (known.get(name) !== text && !tell(subscriber, text)) {
          there.delete(name);
        }
      }
      for (const name of known.keys()) {
        if (!there.has(name)) {
          subscriber.gone(name);
        }
      }
      known = there;
      if (looks === 0) {
        subscriber.scanned();
      }
      await pause(BETWEEN_LOOKS_MS, undefined, { signal });
    }
  }

  async #look() {
    const there = new Map();
    for (const name of await readdir(this.#path).catch(() => [])) {
      if (!name.startsWith('.')) {
        const text = await readFile(join(this.#path, name), 'utf8').catch(() => undefined);
        if (text !== undefined) {
          there.set(name, text);
        }
      }
    }
    return there;
  }
}

/** Whether the text of a file is a record. */
function tell(subscriber, text) {
  try {
    subscriber.found(decode(Buffer.from(text.trim(), 'hex')));
    return true;
  } catch {
    return false;
  }
}

/** The driver's own balancer. */
export function balance({ tag, workers }) {
  if (tag.startsWith('to:')) {
    return workers.findIndex(({ uid }) => uid === tag.slice('to:'.length));
  }
  if (tag === 'none') {
    return undefined;
  }
  if (tag === 'broken') {
    throw new Error('the balancer throws');
  }
  const best = [...workers].sort((one, other) => one.inFlight - other.inFlight || (one.uid < other.uid ? -1 : 1))[0];
  return workers.indexOf(best);
}
