// `driver caller`: makes calls through one pool.
import { isDeepStrictEqual } from 'node:util';

import { Runtime, WorkerPool } from '../../../bindings/node/dist/index.mjs';
import { commands, fromValue, say, toOptions, toText, toValue } from './tokens.mjs';

export async function runCaller(tokens) {
  const { address, secret, dispatch_timeout } = toOptions(tokens);
  const runtime = new Runtime({ exactFloats: true });
  try {
    const pool = new WorkerPool({
      runtime,
      addresses: address.split(','),
      secret,
      dispatchTimeout: dispatch_timeout === undefined ? undefined : Number(dispatch_timeout),
    });
    const caller = new Caller(pool);
    say('ready');
    for await (const [command, id, ...rest] of commands()) {
      caller.serve(command, id, rest);
    }
  } finally {
    await runtime.close();
  }
}

/** `N VALUE*N [key=value ...]`, as a call takes them. */
function parse([count, ...rest]) {
  const args = rest.slice(0, Number(count)).map(toValue);
  const options = rest.slice(Number(count));
  const { timeout } = toOptions(options);
  const named = Object.fromEntries(
    options
      .filter((option) => option.startsWith('named='))
      .map((option) => /^named=([^:]*):(.*)$/.exec(option))
      .map(([, name, value]) => [decodeURIComponent(name), toValue(value)]),
  );
  return { args, named, timeout: timeout === undefined ? undefined : Number(timeout) };
}

class Caller {
  #aborts = new Map();
  #streams = new Map();
  /** What is to be answered before `closed` may be said. */
  #answering = new Set();

  constructor(pool) {
    this.pool = pool;
  }

  /** Starts to serve one command; its answer comes when it comes. */
  serve(command, id, tokens) {
    const method = COMMANDS[command];
    if (method === undefined) {
      say('error', id, 'UNSUPPORTED', '-', toText(`the node driver knows no command ${command}`), 0, '-');
      return;
    }
    const answering = this.#answer(id, () => method.call(this, id, tokens));
    if (command !== 'closepool') {
      this.#answering.add(answering);
      answering.finally(() => this.#answering.delete(answering));
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
      const lines = error.remoteTraceback?.length ?? 0;
      say('error', id, error.kind, toText(error.remoteType), toText(error.message), lines, toText(error.language));
    }
  }

  async call(id, [routine, ...tokens]) {
    const { args, named, timeout } = parse(tokens);
    const options = { timeout, named, signal: this.#signalFor(id) };
    return ['result', fromValue(await this.pool.call(routine, args, options))];
  }

  cancel(id) {
    this.#aborts.get(id)?.abort();
  }

  open(id, [routine, ...tokens]) {
    const { args, timeout } = parse(tokens);
    this.#streams.set(id, this.pool.stream(routine, args, { timeout, signal: this.#signalFor(id) }));
  }

  async next(id) {
    const { done, value } = await this.#streams.get(id).next();
    return done ? ['end'] : ['item', fromValue(value)];
  }

  async closestream(id) {
    await this.#streams.get(id).return();
    return ['end'];
  }

  async iterate(_id, [routine, limit, ...tokens]) {
    const { args, timeout } = parse(tokens);
    let count = 0;
    let last = '-';
    let outcome = 'end';
    try {
      for await (const item of this.pool.stream(routine, args, { timeout })) {
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
    const { args, timeout } = parse(tokens);
    const calls = Array.from({ length: Number(count) }, () => this.pool.call(routine, args, { timeout }));
    const outcomes = await Promise.allSettled(calls);
    const fulfilled = outcomes.filter(({ status }) => status === 'fulfilled');
    const same = fulfilled.filter(({ value }) => isDeepStrictEqual(value, args[0]));
    return ['burst', `ok=${fulfilled.length}`, `errors=${outcomes.length - fulfilled.length}`, `same=${same.length}`];
  }

  async bad(_id, [what]) {
    const argument = { unsupported: Symbol('no value'), afterclose: 1 }[what];
    return ['result', fromValue(await this.pool.call('conf.echo', [argument]))];
  }

  async closepool() {
    const pending = [...this.#answering];
    await this.pool.close();
    await Promise.all(pending);
    return ['closed'];
  }

  #signalFor(id) {
    const controller = new AbortController();
    this.#aborts.set(id, controller);
    return controller.signal;
  }
}

const { call, cancel, open, next, closestream, iterate, burst, bad, closepool } = Caller.prototype;
const COMMANDS = { call, cancel, open, next, closestream, iterate, burst, bad, closepool };
