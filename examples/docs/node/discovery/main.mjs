// Workers are found in a folder, by a discovery of the program's own, and on the local network.
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { CustomDiscovery, LanDiscovery, listWorkers, Runtime, StackedDiscovery, WorkerPool } from 'libwool';

/** A discovery: a file for each worker, as JSON, under its uid. */
class Folder {
  constructor(path) {
    this.path = path;
  }

  async publish(record) {
    // Nobody is to read half a record.
    const draft = join(this.path, `${record.uid}.new`);
    await writeFile(draft, JSON.stringify(record));
    await rename(draft, join(this.path, `${record.uid}.json`));
  }

  async withdraw(uid) {
    await rm(join(this.path, `${uid}.json`), { force: true });
  }

  /** Tells a pool what has changed, until that is closed. */
  async subscribe(subscriber, signal) {
    let known = new Map();
    while (!signal.aborted) {
      const there = await this.records();
      for (const [uid, record] of there) {
        if (!isDeepStrictEqual(known.get(uid), record)) subscriber.found(record);
      }
      for (const uid of known.keys()) {
        if (!there.has(uid)) subscriber.gone(uid);
      }
      known = there;
      subscriber.scanned();
      await pause(20, undefined, { signal, ref: false });
    }
  }

  async records() {
    const records = new Map();
    for (const name of await readdir(this.path)) {
      if (!name.endsWith('.json')) continue;
      const text = await readFile(join(this.path, name), 'utf8').catch(() => undefined);
      // Else it has just gone.
      if (text !== undefined) records.set(name.slice(0, -'.json'.length), JSON.parse(text));
    }
    return records;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'wool-discovery-'));
const runtime = new Runtime();
runtime.register('wool.card', (n) => n);

const own = new CustomDiscovery(new Folder(directory));
// This machine is all of its network; without `interfaces` it is every network but that.
const lan = new LanDiscovery({ namespace: `shearing-${process.pid}`, interfaces: ['lo'] });
await runtime.serve({ publish: new StackedDiscovery([own, lan]), extra: { zone: 'hill' } });

for (const discovery of [own, lan]) {
  const pool = new WorkerPool({ runtime, discovery });
  const carded = await pool.call('wool.card', [3]);
  const { workers } = await listWorkers(discovery, { runtime });
  for (const { extra } of workers) {
    console.log(`carded ${carded} in the zone ${extra.zone}`);
  }
  await pool.close();
}
await runtime.close();
rmSync(directory, { recursive: true });
