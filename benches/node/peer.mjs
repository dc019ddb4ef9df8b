// A worker or a caller for wool-bench; ../README.md has the protocol.
import { createInterface } from 'node:readline';
import { Runtime, WorkerPool } from 'libwool';

const SMALL = 64;
const LARGE = 1 << 20;

const runtime = new Runtime();

async function work() {
  runtime.register('bench.echo', async (data) => data);
  runtime.register('bench.length', async (data) => data.length);
  runtime.register('bench.pull', async function* () {
    for (;;) yield new Uint8Array(SMALL);
  });
  const worker = await runtime.serve();
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

const [mode, address] = process.argv.slice(2);
if (mode === 'worker') {
  await work();
} else if (mode === 'caller' && address !== undefined) {
  await answerJobs(new WorkerPool({ runtime, addresses: [address] }));
} else {
  console.error('node: worker, or caller ADDRESS');
  process.exitCode = 1;
}
await runtime.close();
