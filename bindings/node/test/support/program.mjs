// Programs, each run as a process of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Ends a program that hangs. */
const WATCHDOG_MS = 60_000;

/** Runs a program of test/fixtures to its end. */
export function run(name, ...args) {
  return runNode([fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)), ...args]);
}

/**
 * Runs node to its end, which is when everybody who writes to its output has ended.
 *
 * @param args options, script and arguments
 * @param options.env variables on top of this process's
 * @param options.input what it reads from its standard input; nothing by default
 * @param options.cwd where it runs
 */
export function runNode(args, { env, input, cwd } = {}) {
  const child = spawn(process.execPath, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
  });
  child.stdin?.end(input);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      output[stream] += text;
    });
  }
  const watchdog = setTimeout(() => child.kill('SIGKILL'), WATCHDOG_MS);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, ...output });
    });
  });
}
