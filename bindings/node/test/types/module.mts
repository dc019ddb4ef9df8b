// What the types promise to an ES module. Compiled, never run.
import {
  currentTask,
  type Discovery,
  float,
  LocalDiscovery,
  main,
  type PoolStatus,
  type RemoteStream,
  Runtime,
  serveIfSpawned,
  TaskError,
  tuple,
  WoolError,
  WorkerPool,
  type Worker,
} from 'libwool';

interface Sheep {
  name: string;
}

export async function use(controller: AbortController): Promise<void> {
  await using runtime = new Runtime({ log: ({ level, message }) => console.log(level, message), logLevel: 'info' });
  runtime.register('calc.add', async (a: number, b: number) => a + b, { parameters: ['a', 'b'] });
  runtime.register('calc.scaled', (a: number, b: number, scale = 1) => (a + b) * scale, {
    parameters: [{ name: 'a', kind: 'int' }, 'b', { name: 'scale', kind: 'float', optional: true }],
  });
  // @ts-expect-error: there is no such kind
  runtime.register('calc.wrong', () => 1, { parameters: [{ name: 'a', kind: 'number' }] });
  runtime.register('flock.all', async function* (n: number) {
    yield { name: `sheep ${n}` };
  });
  runtime.registerStream('flock.names', () => ['a', 'b']);
  // @ts-expect-error: a number is no iterable
  runtime.registerStream('no.stream', () => 5);

  const worker: Worker = await runtime.serve({ bind: '127.0.0.1:0', concurrency: 10, tags: ['gpu'] });
  const { address, uid }: { address: string; uid: string } = worker;
  await using pool = new WorkerPool({ runtime, addresses: [address, uid] });

  const farm: Discovery = new LocalDiscovery('farm', { directory: '/tmp' });
  await runtime.serve({ publish: farm });
  new WorkerPool();
  new WorkerPool({ spawn: 2, command: ['node', 'worker.js'], concurrency: 4, grace: Infinity, lease: 3, tags: ['gpu'] });
  new WorkerPool({ discovery: farm, quorum: 2, quorumTimeout: 100, dispatchTimeout: 100 });
  // @ts-expect-error: a discovery is an object
  new WorkerPool({ discovery: 'farm' });
  // @ts-expect-error: handles are not public
  LocalDiscovery.handleOf('discovery', farm);
  const { workers, turnedAwayCounts, processes, quorumReached }: PoolStatus = pool.status();
  const counts: [number | undefined, number | undefined] = [workers[0]?.inFlight, turnedAwayCounts.no_door];
  // @ts-expect-error: there is no such state
  console.log(counts, processes[0]?.state === 'sleeping', quorumReached);
  const five: number | undefined = await main(runtime, async () => 5);
  const spawned: boolean = await serveIfSpawned(runtime);
  console.log(five, spawned);

  const sum: number = await pool.call<number>('calc.add', [1, float(2)], { signal: controller.signal, timeout: 100 });
  const unknown: unknown = await pool.call('calc.add', [tuple(1, 'x')], { named: { scale: sum } });
  // @ts-expect-error: the result is unknown until its type is given
  (await pool.call('calc.add', [unknown])).toFixed();

  const add = pool.routine<(a: number, b: number) => Promise<number>>('calc.add');
  const three: number = await add(1, 2);
  // @ts-expect-error: the routine takes numbers
  await add('1', three);

  const all: RemoteStream<Sheep> = pool.stream<Sheep>('flock.all', [3]);
  for await (const { name } of all) {
    name.toUpperCase();
  }
  const flock = pool.generator<(n: number) => AsyncGenerator<Sheep>>('flock.all', { timeout: 1000 });
  for await (const { name } of flock(3)) {
    name.toUpperCase();
  }

  try {
    await worker.stop(1000);
  } catch (error) {
    if (error instanceof TaskError) {
      const lines: readonly string[] = error.remoteTraceback;
      console.log(error.remoteType, lines);
    } else if (error instanceof WoolError && error.kind === 'BUSY') {
      console.log(error.retryable);
    }
    // @ts-expect-error: there is no such kind
    console.log(error instanceof WoolError && error.kind === 'BUZY');
  }
  const signal: AbortSignal | undefined = currentTask()?.signal;
  console.log(signal?.aborted);
  // @ts-expect-error: workers are made by a runtime
  new Worker();
}
