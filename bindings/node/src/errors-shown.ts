// What people see of errors that come from another process.
import { inspect, type InspectOptions } from 'node:util';

/** Sets a property that neither loops nor `console.log` show. */
export function hide(object: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
}

/** The name an error goes by: its `name`, unless that says no more than `Error`. */
export function nameOf(error: Error): string {
  const name = String(error.name);
  return name === 'Error' || name === '' ? error.constructor?.name || 'Error' : name;
}

/**
 * A stack as Node's loggers print it: the frames are those of the worker, since those of this process tell only how
 * answers are taken. JavaScript's own come innermost first, as always; those of other languages as these print them.
 */
export function stackOf(
  name: string,
  fault: { message: string; remoteType: string; remoteTraceback: readonly string[]; language: string },
): string {
  const { message, remoteType, remoteTraceback, language } = fault;
  const title = `${remoteType === '' || remoteType === name ? name : `${name} [${remoteType}]`}: ${message}`;
  if (remoteTraceback.length === 0) {
    return title;
  }
  const lines = language === 'node' ? [...remoteTraceback].reverse() : remoteTraceback;
  return [title, `    in a worker (${language}):`, ...lines.map((line) => `    ${line}`)].join('\n');
}

/** As `util.inspect` shows errors: the stack, then what belongs to it. */
export function show(
  error: Error,
  depth: number,
  options: InspectOptions,
  properties: Readonly<Record<string, unknown>>,
): string {
  if (depth < 0) {
    return `[${nameOf(error)}]`;
  }
  const inner = { ...options, depth: typeof options.depth === 'number' ? options.depth - 1 : options.depth };
  const entries = Object.entries(properties).map(([name, value]) => `${name}: ${inspect(value, inner)}`);
  if (error.cause !== undefined && error.cause !== null) {
    entries.push(`[cause]: ${inspect(error.cause, inner)}`);
  }
  const details = entries.map((entry) => `  ${entry.replaceAll('\n', '\n  ')}`).join(',\n');
  return details === '' ? String(error.stack) : `${String(error.stack)} {\n${details}\n}`;
}

/** Names of errors that say nothing. */
const PLAIN = new Set(['Error', 'WoolError']);

/** What is said of something that was thrown, which may be anything. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) {
      return typeof thrown === 'string' ? thrown : inspect(thrown);
    }
    const name = nameOf(thrown);
    return PLAIN.has(name) ? thrown.message : `${name}: ${thrown.message}`;
  } catch {
    return 'something was thrown that cannot be looked at';
  }
}
