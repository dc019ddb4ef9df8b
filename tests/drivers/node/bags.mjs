// Contexts that the runner makes outside of tasks.
import { AsyncLocalStorage } from 'node:async_hooks';

import { context } from '../../../bindings/node/dist/index.mjs';
import { fromText, fromValue, toOptions, toValue } from './tokens.mjs';

export class Bags {
  /** By id: what runs something in the context. */
  #bags = new Map();

  /** Runs `body` in the context that the tokens name, if they do. */
  runIn(tokens, body) {
    const { bag } = toOptions(tokens);
    return bag === undefined ? body() : this.#in(bag, body);
  }

  make(id, values) {
    const enter = context.run(() => AsyncLocalStorage.snapshot());
    enter(() => {
      for (const [namespace, name, value] of values.map((token) => token.split(/:(.*?):(.*)/, 3))) {
        context.set(fromText(namespace), fromText(name), toValue(value));
      }
    });
    this.#bags.set(id, enter);
    return ['bag'];
  }

  set(_id, [bag, namespace, name, value]) {
    this.#in(bag, () => {
      if (value === '-') {
        context.unset(fromText(namespace), fromText(name));
      } else {
        context.set(fromText(namespace), fromText(name), toValue(value));
      }
    });
    return ['bagset'];
  }

  get(_id, [bag, namespace, name]) {
    const value = this.#in(bag, () => context.get(fromText(namespace), fromText(name), { exactFloats: true }));
    return ['result', fromValue(value ?? null)];
  }

  #in(bag, body) {
    const enter = this.#bags.get(bag);
    if (enter === undefined) {
      throw new Error(`there is no context ${bag}`);
    }
    return enter(body);
  }
}
