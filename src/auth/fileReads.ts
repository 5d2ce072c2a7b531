/** The reads by which the program of terminals finds windows, apart from how they are done. */
import fs, { type Stats } from 'node:fs';

export type FileReads = {
	lstat(path: string): Stats | Promise<Stats>;
	readdir(path: string): string[] | Promise<string[]>;
	readFile(path: string): string | Promise<string>;
};

/** For a program that has nothing else to do meanwhile: threads to wait in cost it more than the reads. */
export const readsAtOnce: FileReads = {
	lstat: (path) => fs.lstatSync(path),
	readdir: (path) => fs.readdirSync(path),
	readFile: (path) => fs.readFileSync(path, 'utf8'),
};
