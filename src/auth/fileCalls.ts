/**
 * Calls of `node:fs` as promises. Not from `node:fs/promises`, which loads a dozen modules more: for the program that a
 * terminal starts at every call, that and `node:child_process` are 2 of the 10 ms that it computes beside an empty Node. The
 * calls are marked as pure so that its bundle has only those that it uses.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { FileReads } from './fileReads.ts';

export const chmod = /* @__PURE__ */ promisify(fs.chmod);
export const lstat = /* @__PURE__ */ promisify(fs.lstat);
export const mkdir = /* @__PURE__ */ promisify(fs.mkdir);
export const readdir = /* @__PURE__ */ promisify(fs.readdir);
export const readFile = /* @__PURE__ */ promisify(fs.readFile);
export const rename = /* @__PURE__ */ promisify(fs.rename);
export const rm = /* @__PURE__ */ promisify(fs.rm);
export const utimes = /* @__PURE__ */ promisify(fs.utimes);
export const writeFile = /* @__PURE__ */ promisify(fs.writeFile);

/** For a host that has other things to do meanwhile. */
export const readsLater: FileReads = { lstat, readdir, readFile: (path) => readFile(path, 'utf8') };
