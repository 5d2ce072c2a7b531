/**
 * Calls of `node:fs` as promises. Not from `node:fs/promises`, which loads a dozen modules more: for the program that a
 * terminal starts at every call, that and `node:child_process` are 2 of the 10 ms that it computes beside an empty Node.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';

export const chmod = promisify(fs.chmod);
export const lstat = promisify(fs.lstat);
export const mkdir = promisify(fs.mkdir);
export const readdir = promisify(fs.readdir);
export const readFile = promisify(fs.readFile);
export const rename = promisify(fs.rename);
export const rm = promisify(fs.rm);
export const utimes = promisify(fs.utimes);
export const writeFile = promisify(fs.writeFile);
