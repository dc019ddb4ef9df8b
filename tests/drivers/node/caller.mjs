// `driver caller`: makes calls through pools.
import { isDeepStrictEqual } from 'node:util';

import { listWorkers, main, retryable, Runtime, WoolError, WorkerPool } from '../../../bindings/node/dist/index.mjs';
import { Bags } from './bags.mjs';
import { problem, reload } from './credentials.mjs';
import { discoveryOf } from './discoveries.mjs';
import { errorOfType, OutOfStock } from './errors.mjs';
import { listen } from './events.mjs';
import { broadcast, leave, map } from './fan-out.mjs';
import { number, poolOptions, workerOptions } from './options.mjs';
import { registerRoutines } from './routines.mjs';
import { commands, fromText, fromValue, say, toOptions, toText, toValue } from './tokens.mjs';

export async function runCaller(tokens) {
  const runtime = new Runtime({ exactFloats: true });
  registerRoutines(runtime);
  await main(runtime, async () => {
    try {
      await runCommands(runtime, tokens);
    } finally {
      await runtime.close();
    }
  });
}

async function runCommands(runtime, tokens) {
  const caller = new Caller(runtime, listen(runtime, tokens));
  try {
    await caller.openPool(FIRST, tokens);
  } catch (error) {
    say('error', error.kind, toText(error.message));
    return;
  }
  say('ready');
  for await (const [command, id, ...rest] of commands()) {
    caller.serve(command, id, rest);
  }
}

/** The name of the pool that the driver was started with; the others have ids. */
const FIRST = '';

/** The pool that a command's tokens name. */
function poolNameOf(tokens) {
  return toOptions(tokens).pool ?? FIRST;
}

/** `N VALUE*N [key=value ...]`, as a call takes them. */
function parse([count, ...rest]) {
  const args = rest.slice(0, Number(count)).map(toValue);
  const options = rest.slice(Number(count));
  const { timeout, step_timeout: stepTimeout, prefetch, tag, worker } = toOptions(options);
  const named = Object.fromEntries(
    options
      .filter((option) => option.startsWith('named='))
      .map((option) => /^named=([^:]*):(.*)$/.exec(option))
      .map(([, name, value]) => [decodeURIComponent(name), toValue(value)]),
  );
  return {
    args,
    options: {
      named,
      tag: tag && fromText(tag),
      worker,
      context: contextOf(options),
      timeout: number(timeout),
      stepTimeout: number(stepTimeout),
      prefetch: number(prefetch),
    },
  };
}

/** What rides along, by the options `context=NAMESPACE:NAME:VALUE`. */
function contextOf(options) {
  const context = {};
  for (const option of options) {
    const [, namespace, name, value] = /^context=([^:]*):([^:]*):(.*)$/.exec(option) ?? [];
    if (value !== undefined) {
      const values = (context[fromText(namespace)] ??= {});
      values[fromText(name)] = toValue(value);
    }
  }
  return context;
}

class Caller {
  #aborts = new Map();
  #streams = new Map();
  #workers = new Map();
  /** By name: each pool, and what is to be answered before it may be said to be closed. */
  #pools = new Map();
  #bags = new Bags();
  #runtime;
  #events;

  constructor(runtime, events) {
    this.#runtime = runtime;
    this.#events = events;
  }

  async openPool(name, tokens) {
    const pool = new WorkerPool({ runtime: this.#runtime, ...(await poolOptions(tokens)) });
    this.#pools.set(name, { pool, answering: new Set() });
  }

  /** Starts to serve one command; its answer comes when it comes. */
  serve(command, id, tokens) {
    const method = COMMANDS[command];
    if (method === undefined) {
      say('error', id, 'UNSUPPORTED', '-', toText(`the node driver knows no command ${command}`), ...[0, '-', 0, '-', 0]);
      return;
    }
    const answering = this.#answer(id, () => method.call(this, id, tokens));
    const pending = this.#pools.get(this.#streams.get(id)?.poolName ?? poolNameOf(tokens))?.answering;
    if (pending !== undefined && CALLS.has(command)) {
      pending.add(answering);
      answering.finally(() => pending.delete(answering));
    }
  }

  async #answer(id, run) {
    try {
      const answer = await run();
      if (answer !== undefined) {
        const [kind, ...rest] = answer;
        say(kind, id, ...rest);
      }
    } catch (error) {
      say('error', id, ...describe(error));
    }
  }

  async call(id, [routine, ...tokens]) {
    const { args, options } = parse(tokens);
    const { pool } = this.#poolOf(tokens);
    const signal = this.#signalFor(id);
    return ['result', fromValue(await this.#bags.runIn(tokens, () => pool.call(routine, args, { ...options, signal })))];
  }

  cancel(id) {
    this.#aborts.get(id)?.abort();
    leave(id);
  }

  open(id, [routine, ...tokens]) {
    const { args, options } = parse(tokens);
    const { pool } = this.#poolOf(tokens);
    const signal = this.#signalFor(id);
    const stream = this.#bags.runIn(tokens, () => pool.stream(routine, args, { ...options, signal }));
    this.#streams.set(id, { stream, poolName: poolNameOf(tokens) });
  }

  async next(id) {
    return fromResult(await this.#streams.get(id).stream.next());
  }

  async send(id, [value]) {
    return fromResult(await this.#streams.get(id).stream.next(toValue(value)));
  }

  async throw(id, [type, message]) {
    return fromResult(await this.#streams.get(id).stream.throw(errorOfType(fromText(type), fromText(message))));
  }

  async closestream(id) {
    await this.#streams.get(id).stream.return();
    return ['end'];
  }

  async iterate(_id, [routine, limit, ...tokens]) {
    const { args, options } = parse(tokens);
    let count = 0;
    let last = '-';
    let outcome = 'end';
    try {
      for await (const item of this.#poolOf(tokens).pool.stream(routine, args, options)) {
        count++;
        last = fromValue(item);
        if (count === Number(limit)) {
          outcome = 'break';
          break;
        }
      }
    } catch (error) {
      outcome = `error:${error.kind}`;
    }
    return ['items', count, last, outcome];
  }

  async burst(_id, [routine, count, ...tokens]) {
    const { args, options } = parse(tokens);
    const { pool } = this.#poolOf(tokens);
    const calls = Array.from({ length: Number(count) }, () => pool.call(routine, args, options));
    const outcomes = await Promise.allSettled(calls);
    const fulfilled = outcomes.filter(({ status }) => status === 'fulfilled');
    const same = fulfilled.filter(({ value }) => isDeepStrictEqual(value, args[0]));
    return ['burst', `ok=${fulfilled.length}`, `errors=${outcomes.length - fulfilled.length}`, `same=${same.length}`];
  }

  bag(id, values) {
    return this.#bags.make(id, values);
  }

  bagset(id, tokens) {
    return this.#bags.set(id, tokens);
  }

  bagget(id, tokens) {
    return this.#bags.get(id, tokens);
  }

  map(id, [routine, inFlight, order, limit, ...tokens]) {
    const { args, options } = parse(tokens);
    return map(id, this.#poolOf(tokens).pool, [routine, inFlight, order, limit, args, options]);
  }

  broadcast(_id, [routine, ...tokens]) {
    const { args, options } = parse(tokens);
    return broadcast(this.#poolOf(tokens).pool, routine, args, options);
  }

  events() {
    return ['events', ...this.#events()];
  }

  async bad(_id, [what, ...tokens]) {
    const argument = { unsupported: Symbol('no value'), afterclose: 1 }[what];
    return ['result', fromValue(await this.#poolOf(tokens).pool.call('conf.echo', [argument]))];
  }

  async status(_id, tokens) {
    return ['status', fromValue(inSnakeCase(this.#poolOf(tokens).pool.status()))];
  }

  async list(_id, tokens) {
    const { timeout } = toOptions(tokens);
    const options = { timeout: number(timeout), runtime: this.#runtime };
    const { workers, turnedAway, problem } = await listWorkers(discoveryOf(tokens, 'discovery'), options);
    return ['listing', fromValue({ workers, turned_away: turnedAway, problem: problem ?? null })];
  }

  async pool(id, tokens) {
    await this.openPool(id, tokens);
    return ['opened'];
  }

  async worker(id, tokens) {
    const worker = await this.#runtime.serve(await workerOptions(tokens));
    this.#workers.set(id, worker);
    return ['serving', worker.address, worker.uid];
  }

  async stopworker(_id, [worker, grace]) {
    await this.#workers.get(worker).stop(Number(grace));
    return ['stopped'];
  }

  async reload() {
    return ['reloaded', await reload()];
  }

  problem() {
    return ['problem', problem()];
  }

  async closepool(_id, tokens) {
    const { pool, answering } = this.#poolOf(tokens);
    const pending = [...answering];
    await pool.close();
    await Promise.all(pending);
    return ['closed'];
  }

  #poolOf(tokens) {
    return this.#pools.get(poolNameOf(tokens));
  }

  #signalFor(id) {
    const controller = new AbortController();
    this.#aborts.set(id, controller);
    return controller.signal;
  }
}

function fromResult({ done, value }) {
  return done ? ['end'] : ['item', fromValue(value)];
}

/** The tokens of an error line. An error that is none of libwool's is what was thrown in, before anything ran. */
function describe(error) {
  const own = error instanceof OutOfStock ? fromValue({ item: error.item, left: error.left }) : '-';
  const localType = error instanceof WoolError ? '' : error instanceof OutOfStock ? OutOfStock.wireName : error.name;
  let causes = 0;
  for (let { cause } = error; cause?.remoteType !== undefined; cause = cause.cause) {
    causes++;
  }
  return [
    error.kind ?? 'TASK_FAILED',
    toText(error.remoteType ?? localType),
    toText(error.message),
    error.remoteTraceback?.length ?? 0,
    toText(error.language),
    causes,
    own,
    retryable(error) ? 1 : 0,
  ];
}

/** The parts of a status by the names of docs/pool-status.md. */
function inSnakeCase(part) {
  if (Array.isArray(part)) {
    return part.map(inSnakeCase);
  }
  if (typeof part !== 'object') {
    return part;
  }
  const name = (camelCase) => camelCase.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [name(key), inSnakeCase(value)]));
}

/** The commands that closing their pool ends. */
const CALLS = new Set(['call', 'next', 'send', 'throw', 'closestream', 'iterate', 'burst', 'map', 'broadcast', 'bad']);
const COMMANDS = Object.fromEntries(
  [
    ...['call', 'cancel', 'open', 'next', 'send', 'throw', 'closestream', 'iterate', 'burst', 'bad'],
    ...['bag', 'bagset', 'bagget', 'map', 'broadcast', 'events'],
    ...['status', 'list', 'pool', 'worker', 'stopworker', 'closepool', 'reload', 'problem'],
  ].map((name) => [name, Caller.prototype[name]]),
);
