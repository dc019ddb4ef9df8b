// A worker or a caller for wool-bench; ../README.md has the protocol.
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Credentials, Runtime, WorkerPool } from 'libwool';

const SMALL = 64;
const LARGE = 1 << 20;

const runtime = new Runtime();

async function work(credentials) {
  runtime.register('bench.echo', async (data) => data);
  runtime.register('bench.length', async (data) => data.length);
  runtime.register('bench.pull', async function* () {
    for (;;) yield new Uint8Array(SMALL);
  });
  const worker = await runtime.serve({ credentials });
  console.log(worker.address);
  for await (const _ of process.stdin);
}

async function answerJobs(pool) {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      console.log(await measure(pool, line));
    } catch (error) {
      console.log(`error ${String(error).replaceAll('\n', ' ')}`);
    }
  }
}

/** Does one job. */
async function measure(pool, line) {
  const [shape, inFlight, milliseconds] = line.split(' ');
  const loop = loops[shape];
  if (!loop) throw new Error(`"${line}" is not a job`);
  const began = performance.now();
  const laps = [];
  const running = [];
  for (let i = 0; i < Number(inFlight); i++) {
    laps.push(new Laps(began + Number(milliseconds)));
    running.push(loop(pool, laps[i]));
  }
  await Promise.all(running);
  const elapsed = performance.now() - began;
  const all = Float64Array.from(laps.flatMap((lap) => lap.latencies)).sort();
  const nanoseconds = (milliseconds) => Math.round(milliseconds * 1e6);
  const percentile = (percent) => nanoseconds(all[Math.floor(((all.length - 1) * percent) / 100)] ?? 0);
  return `${all.length} ${nanoseconds(elapsed)} ${percentile(50)} ${percentile(99)}`;
}

/** Takes the time of the calls of one loop. */
class Laps {
  latencies = [];
  #from = performance.now();
  #until;

  constructor(until) {
    this.#until = until;
  }

  /** A call came back. True: make another. */
  lap() {
    const now = performance.now();
    this.latencies.push(now - this.#from);
    this.#from = now;
    return now < this.#until;
  }
}

/** The shapes of jobs; as many of a loop run as are in flight. */
const loops = {
  async echo(pool, laps) {
    const data = new Uint8Array(SMALL);
    do await pool.call('bench.echo', [data]);
    while (laps.lap());
  },
  async length(pool, laps) {
    const data = new Uint8Array(LARGE);
    do await pool.call('bench.length', [data]);
    while (laps.lap());
  },
  async pull(pool, laps) {
    for await (const _ of pool.stream('bench.pull')) if (!laps.lap()) break;
  },
};

/** Those of a folder, where a word of the command line names one. */
function credentialsOf(word) {
  const folder = word?.startsWith('credentials=') ? word.slice('credentials='.length) : undefined;
  if (folder === undefined) return undefined;
  const [caFile, certificateFile, keyFile] = ['ca.pem', 'own.pem', 'own.key'].map((name) => join(folder, name));
  return new Credentials({ caFile, certificateFile, keyFile });
}

const [mode, ...words] = process.argv.slice(2);
const credentials = credentialsOf(words[0]);
const [address] = credentials ? words.slice(1) : words;
if (mode === 'worker') {
  await work(credentials);
} else if (mode === 'caller' && address !== undefined) {
  await answerJobs(new WorkerPool({ runtime, addresses: [address], credentials }));
} else {
  console.error('node: worker, or caller, perhaps credentials=FOLDER, and the caller\'s ADDRESS');
  process.exitCode = 1;
}
await runtime.close();
