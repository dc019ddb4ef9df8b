// The ES module is a view of the CommonJS one: a process that loads both still has one default runtime and one set of
// classes, so that `instanceof` and `currentTask` work across them.
export * from './index.js';
