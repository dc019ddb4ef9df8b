// How this program is started again, to be a worker.
import { isMainThread } from 'node:worker_threads';

import { WoolError } from './errors.js';

/** Options of Node about a port that only one process can have, and of these, the ones whose value may be a word apart. */
const INSPECTOR = /^--(inspect(-brk|-wait|-port|-publish-uid)?|debug-port)$/;
const INSPECTOR_WITH_VALUE = /^--(inspect-(port|publish-uid)|debug-port)$/;

/** Options by which Node is given a program instead of a file. */
const TEXT = /^(-e|-p|-pe|--eval|--print)$/;

/**
 * The command that starts this program again: the same Node, its options but for the inspector's, the same script and
 * arguments.
 *
 * @throws {WoolError} `SPAWN_FAILED` where that is not the same program
 */
export function ownCommand(): string[] {
  if (!isMainThread) {
    throw refused('only the main thread can start this program again as a worker: make the pool there');
  }
  const [, script, ...args] = process.argv;
  if (process.execArgv.some((option) => TEXT.test(nameOf(option)))) {
    throw refused('a program given to node as text cannot be started again as a worker: put it into a file');
  }
  if (script === undefined || script === '-') {
    throw refused('a program that node reads from its standard input cannot be started again: put it into a file');
  }
  return [process.execPath, ...withoutInspector(process.execArgv), script, ...args];
}

function withoutInspector(options: readonly string[]): string[] {
  return options.filter((option, index) => {
    const before = options[index - 1];
    const isValue = before !== undefined && INSPECTOR_WITH_VALUE.test(before.replaceAll('_', '-'));
    return !INSPECTOR.test(nameOf(option)) && !isValue;
  });
}

/** Node takes underscores for dashes. */
function nameOf(option: string): string {
  return option.split('=', 1).join().replaceAll('_', '-');
}

function refused(message: string): WoolError {
  return new WoolError('SPAWN_FAILED', `${message}, or give the pool a command that starts another program`);
}
