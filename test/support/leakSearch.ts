/**
 * Where a secret must not turn up while VS Code, its terminals and their programs run: arguments and environments of
 * processes (Linux), and what a window keeps in its browser. Files are in `secretSearch.ts`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

export type ArgumentWatch = {
	/** Looks at all processes right now; for a moment at which one is known to wait. */
	look(): void;
	/** Every different command line that was seen. */
	seen(): readonly string[];
	stop(): void;
};

/** A program in between may be missed; that is why tests also look while programs wait. */
const LOOK_EVERY_MS = 100;

/** Collects the command lines of all processes of this machine from now on. */
export function watchArguments(): ArgumentWatch {
	const lines = new Set<string>();
	const look = (): void => {
		for (const pid of processes()) {
			const line = readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim();
			if (line !== '') lines.add(line);
		}
	};
	look();
	const timer = setInterval(look, LOOK_EVERY_MS);
	return { look, seen: () => [...lines], stop: () => clearInterval(timer) };
}

export type ProcessEnvironment = {
	readonly pid: number;
	readonly environment: string;
	/** The process itself, its parent and so on, as command lines. */
	readonly lineage: readonly string[];
};

/** The environments with which the processes of this machine were started, and who started them. */
export function environments(): ProcessEnvironment[] {
	return processes().map((pid) => ({
		pid,
		environment: readProcess(pid, 'environ').replaceAll('\0', '\n'),
		lineage: lineageOf(pid),
	}));
}

function lineageOf(first: number): string[] {
	const lineage: string[] = [];
	for (let pid = first; pid > 1; ) {
		lineage.push(readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim());
		const stat = readProcess(pid, 'stat');
		// proc(5): the name in the second field may hold spaces and brackets; the parent comes two fields behind it.
		pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0) || 0;
	}
	return lineage;
}

function processes(): number[] {
	return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Blank if the process has gone. */
function readProcess(pid: number, part: 'cmdline' | 'environ' | 'stat'): string {
	try {
		return readFileSync(`/proc/${pid}/${part}`, 'latin1');
	} catch {
		return ''; // Between the listing and now it ended, or it is a thread of the kernel.
	}
}

/** Everything that the window's origin keeps in the browser: its databases and both storages, as one text. */
export function browserStorage(page: Page): Promise<string> {
	return page.evaluate<string>(STORAGE);
}

/** Runs in the window, whose types are not those of Node. Binary values are read as latin1. */
const STORAGE = `(async () => {
	const asked = (request) => new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
	const readable = (key, value) => {
		const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : ArrayBuffer.isView(value) ? value : undefined;
		return bytes === undefined ? value : new TextDecoder('latin1').decode(bytes);
	};
	const parts = [];
	for (const { name } of await indexedDB.databases()) {
		const database = await asked(indexedDB.open(name));
		for (const store of database.objectStoreNames) {
			const table = database.transaction(store, 'readonly').objectStore(store);
			const [keys, values] = [await asked(table.getAllKeys()), await asked(table.getAll())];
			for (const [index, key] of keys.entries()) {
				const value = readable('', values[index]);
				const text = typeof value === 'string' ? value : JSON.stringify(value, readable);
				parts.push(name + '/' + store + '/' + String(key) + ': ' + text);
			}
		}
		database.close();
	}
	for (const [name, storage] of [['localStorage', localStorage], ['sessionStorage', sessionStorage]])
		for (const key of Object.keys(storage)) parts.push(name + '/' + key + ': ' + storage.getItem(key));
	return parts.join('\\n');
})()`;
