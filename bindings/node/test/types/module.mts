// What the types promise to an ES module. Compiled, never run.
import {
  args,
  type Balancer,
  call,
  type Choice,
  type Context,
  context as current,
  Credentials,
  type CredentialsOptions,
  currentPool,
  currentTask,
  CustomDiscovery,
  type Discoverer,
  type Discovery,
  DnsDiscovery,
  type FanOut,
  float,
  LanDiscovery,
  type Listing,
  listWorkers,
  LocalDiscovery,
  main,
  type MapOutcome,
  type PeerCheck,
  type PoolStatus,
  type RemoteStream,
  retryable,
  Runtime,
  runWorker,
  serveIfSpawned,
  StackedDiscovery,
  StaticDiscovery,
  stream,
  type Subscriber,
  TaskError,
  type TaskEvent,
  type TaskEvents,
  threaded,
  tuple,
  WoolError,
  type Worker,
  WorkerPool,
  type WorkerRecord,
} from 'libwool';

class OutOfStock extends Error {
  constructor(readonly item: string) {
    super(item);
  }
}

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

  const context: Context = { shop: { customer: 7, basket: ['wool'] } };
  await pool.call('calc.add', [1, 2], { context });
  // @ts-expect-error: values have a namespace and a name
  pool.stream('flock.all', [], { context: { customer: 7 } });

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

  const total = pool.stream<number, bigint>('sum.up', [1], { stepTimeout: 100 });
  const first: IteratorResult<number, undefined> = await total.next();
  await total.next(5n);
  await total.next(undefined);
  await total.throw(new Error('enough'));
  const closed: IteratorResult<number, undefined> = await total.return();
  // @ts-expect-error: it is sent bigints
  await total.next('5');
  const generator: AsyncGenerator<number, undefined, bigint | undefined> = total;
  const summing = pool.generator<(n: number) => AsyncGenerator<string, void, boolean>>('sum.up', { prefetch: 10 });
  const sent: string | undefined = (await summing(1).next(true)).value;
  // @ts-expect-error: it is sent booleans
  await summing(1).next(1);
  // @ts-expect-error: calls have no steps
  await pool.call('calc.add', [], { stepTimeout: 100 });
  console.log(first.done, closed.value, generator, sent);

  runtime.registerError(OutOfStock, 'shop.OutOfStock');
  runtime.registerError(OutOfStock, 'shop.Another', {
    encode: ({ item }) => [item],
    decode: (data, { message }) => new OutOfStock(`${message} ${String(data)}`),
  });
  // @ts-expect-error: decode gives an instance of the class
  runtime.registerError(OutOfStock, 'shop.Wrong', { decode: () => new Error('x') });
  // @ts-expect-error: this is no class of errors
  runtime.registerError(Map, 'shop.Map');
  runtime.register('cpu.burn', threaded(new URL('file:///work.mjs'), { export: 'burn', threads: 2, stopWithin: 10 }));
  runtime.registerStream('cpu.primes', threaded('/work.mjs', { setup: 'errors', workerData: 1 }));
  await runtime.serve({
    admit: async ({ routine, tag, inFlight, context }) => {
      const customer: number | undefined = context<number>('shop', 'customer');
      if (routine === 'x' && tag === '' && inFlight > 5 && customer !== 7) {
        throw new WoolError('BUSY', 'later');
      }
    },
  });
  // @ts-expect-error: the hook throws, it does not answer
  await runtime.serve({ admit: () => false });

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
  const mapped: FanOut<MapOutcome<number>> = pool.map<number>('calc.square', [1, 2], { inFlight: 2, ordered: true });
  for await (const { index, value, error } of mapped) {
    if (error === undefined) {
      value.toFixed(index);
    } else {
      console.log(error.message, retryable(error), mapped.progress.total);
    }
  }
  for await (const outcome of pool.broadcast<string>('cache.clear')) {
    console.log(outcome.worker, outcome.error?.message ?? outcome.value?.toUpperCase());
  }
  // @ts-expect-error: a broadcast is for all workers
  pool.broadcast('cache.clear', [], { worker: worker.uid });
  pool.map('calc.add', [args(1, 2)], { worker: worker.uid });

  const nested: number = await pool.run(() => call<number>('calc.add', [1, 2]));
  const listed: RemoteStream<Sheep> = stream<Sheep>('flock.all', [3]);
  const ambient: WorkerPool | undefined = currentPool();
  await current.run(async () => {
    current.set('shop', 'customer', nested);
    current.unset('shop', 'customer');
    const exact: number | undefined = current.get<number>('shop', 'customer', { exactFloats: true });
    console.log(exact, listed, ambient, currentTask()?.tag.length);
  });
  await runtime.serve({ pool });
  using events: TaskEvents = runtime.onTaskEvent((event: TaskEvent) => {
    if (event.kind === 'task-completed') {
      console.log(event.status === 'OK', event.timestamp.toFixed());
    } else if (event.kind === 'task-iteration-started') {
      console.log(event.step === 'next');
    } else {
      // @ts-expect-error: it has no outcome
      console.log(event.status);
    }
  });
  console.log(events.missed);
  const signal: AbortSignal | undefined = currentTask()?.signal;
  const customer: unknown = currentTask()?.context('shop', 'customer');
  const basket = currentTask()?.context<string[]>('shop', 'basket')?.join();
  console.log(signal?.aborted, customer, basket);
  // @ts-expect-error: workers are made by a runtime
  new Worker();
}

class Registry implements Discoverer {
  readonly records = new Map<string, WorkerRecord>();

  async subscribe(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
    for (const record of this.records.values()) {
      subscriber.found(record);
    }
    subscriber.found({ addresses: ['127.0.0.1:1'], tags: ['gpu'] });
    // @ts-expect-error: it has no address
    subscriber.found({ tags: ['gpu'] });
    subscriber.gone('127.0.0.1:1');
    subscriber.scanned();
    signal.addEventListener('abort', () => subscriber.failed(signal.reason));
  }

  publish(record: WorkerRecord): void {
    const [major, minor]: [number, number] = record.protocol;
    this.records.set(record.uid, { ...record, extra: { ...record.extra, version: `${major}.${minor}` } });
  }
}

export async function find(runtime: Runtime): Promise<Listing> {
  const lan = new LanDiscovery({ namespace: 'farm', interfaces: ['eth0'] });
  const dns = new DnsDiscovery('farm.example:7000', { servers: ['192.0.2.53:53'] });
  const own: CustomDiscovery = new CustomDiscovery(new Registry());
  const stack: Discovery = new StackedDiscovery([new LocalDiscovery('farm'), lan, new StaticDiscovery(['a:1']), dns, own]);
  // @ts-expect-error: it is made by `new CustomDiscovery`
  const wrong: Discovery = new Registry();

  const byTag: Balancer = ({ tag, workers }: Choice) => workers.findIndex(({ tags }) => tags.includes(tag));
  await using pool = new WorkerPool({ discovery: stack, balancer: byTag });
  await using later = new WorkerPool({ discovery: stack, balancer: async () => undefined });
  await using least = new WorkerPool({ spawn: 2, bind: '0.0.0.0:0', advertise: ['a'], balancer: 'least-loaded' });
  // @ts-expect-error: there is no such balancer
  new WorkerPool({ balancer: 'fair' });
  // @ts-expect-error: it chooses by index
  new WorkerPool({ balancer: ({ workers }: Choice) => workers[0]?.uid });

  await runtime.serve({ publish: stack, advertise: ['farm.example'], extra: { zone: 'hill' } });
  await runWorker({ runtime, publish: lan, grace: 30_000, started: ({ address }) => console.log(address) });
  console.log(pool, later, least, wrong);
  const listing = await listWorkers(stack, { timeout: 1000, runtime });
  console.log(listing.turnedAway.map(({ reason }) => reason === 'namespace'), listing.problem?.kind === 'DISCOVERY');
  return listing;
}

export async function secure(runtime: Runtime, discovery: Discovery): Promise<readonly string[]> {
  const options: CredentialsOptions = { caFile: 'ca.pem', certificate: 'PEM', key: new Uint8Array(), oneWay: false };
  using files = new Credentials(options);
  files.update({ ...options, poll: 1000 });
  const renewed: boolean = files.reload() || (await files.renew());
  const kind: string | undefined = files.problem?.kind;
  const credentials: Credentials = await Credentials.provided(async () => options, { poll: 1000 });
  // @ts-expect-error: it gives credentials
  await Credentials.provided(() => 'PEM');
  console.log(renewed, kind);

  const peerCheck: PeerCheck = async ({ identity, uid }) => identity.endsWith('.example') && uid !== '';
  await using pool = new WorkerPool({ discovery, credentials, identity: 'farm.example', peerCheck });
  // @ts-expect-error: it says whether
  new WorkerPool({ peerCheck: ({ identity }) => identity });
  await runtime.serve({
    pool,
    credentials,
    callers: ['*.example'],
    routineCallers: { 'admin.*': ['admin.example'] },
    peers: ['farm.example'],
    stoppers: ['admin.example'],
    peerLimits: { connections: 4, bytes: 2 ** 30 },
    admit: ({ peer }) => console.log(peer.join()),
  });
  // @ts-expect-error: several patterns
  await runtime.serve({ routineCallers: { 'admin.*': 'admin.example' } });
  return currentTask()?.peer ?? [];
}
