/**
 * A process as a window's extension host is one: the shipped vault, leases and refresher over real files, driven by
 * messages. Named points can be made barriers: the process reports that it arrived and stands still until it is told to
 * go on, or is killed. An error that reaches the top ends it with code 70, which fails the test.
 */

import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, systemClock } from '../../src/auth/clock.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { createDisposables } from '../../src/auth/event.ts';
import { createLeases, type Leases } from '../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../src/auth/lease/processes.ts';
import { selfIdentity } from '../../src/auth/lease/processIdentity.ts';
import { createLifetimes } from '../../src/auth/lifetimes.ts';
import { digest, type Logger } from '../../src/auth/log.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import { refresh as sendRefresh } from '../../src/auth/oauth/refreshGrant.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { createJournal } from '../../src/auth/refresh/journal.ts';
import { createRefresher, type Refresher } from '../../src/auth/refresh/refresher.ts';
import { createRenewal } from '../../src/auth/refresh/renewal.ts';
import { createDiskShelf, type DiskShelf, type ShelfSystem } from '../../src/auth/shelf.ts';
import { type Disk, nodeDisk } from '../../src/auth/vault/disk.ts';
import { nodeFolderWatch } from '../../src/auth/vault/folderWatch.ts';
import { keyIdOf, recordName } from '../../src/auth/vault/sealing.ts';
import { createFaultyDisk, type FaultyDisk } from '../support/faultyDisk.ts';
import type { Command, Report, VaultSetup } from './protocol.ts';

type Opened = { readonly shelf: DiskShelf; readonly refresher: Refresher; readonly disk: FaultyDisk };

const lines: string[] = [];
const logOf = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
const log: Logger = {
	trace: logOf('trace'),
	debug: logOf('debug'),
	info: logOf('info'),
	warn: logOf('warn'),
	error: logOf('error'),
};

const realNow = Date.now;
let leases: Leases | undefined;
let opened: Opened | undefined;
let barriers = new Set<string>();
let goOn: (() => void) | undefined;
let letGo: (() => void) | undefined;

function report(message: Report): void {
	process.send?.(message);
}

async function reach(point: string): Promise<void> {
	if (!barriers.has(point)) return;
	barriers.delete(point);
	const going = new Promise<void>((resolve) => {
		goOn = resolve;
	});
	report({ kind: 'reached', point });
	await going;
}

/** `record.link:before` and the like: which file an operation is about, and on which side of it one stands. */
function barrierDisk(disk: Disk): Disk {
	const kindOf = (path: string): string => {
		if (path.includes('.intent')) return 'intent';
		if (/[0-9a-f]{64}\.\d+\./.test(path)) return 'record';
		return 'other';
	};
	async function at<T>(operation: string, path: string, work: () => Promise<T>): Promise<T> {
		await reach(`${kindOf(path)}.${operation}:before`);
		const result = await work();
		await reach(`${kindOf(path)}.${operation}:after`);
		return result;
	}
	return {
		...disk,
		writeNew: (path, bytes) => at('writeNew', path, () => disk.writeNew(path, bytes)),
		overwrite: (path, bytes) => at('overwrite', path, () => disk.overwrite(path, bytes)),
		writeInto: (path, bytes) => at('writeInto', path, () => disk.writeInto(path, bytes)),
		link: (existing, created) => at('link', created, () => disk.link(existing, created)),
		rename: (from, to) => at('rename', to, () => disk.rename(from, to)),
		unlink: (path) => at('unlink', path, () => disk.unlink(path)),
	};
}

/** Scales what waits, so that a test does not take as long as a person's patience. */
function clockOf(speed: number): Clock {
	if (speed === 1) return systemClock;
	return {
		now: systemClock.now,
		monotonic: () => systemClock.monotonic() * speed,
		schedule: (delayMs, callback) => systemClock.schedule(delayMs / speed, callback),
	};
}

/** A watch that opens and never tells. */
const deafSystem: ShelfSystem = {
	lockDisk: nodeLockDisk,
	processes: nodeProcesses,
	folderWatch: { ...nodeFolderWatch, open: () => ({ dispose() {} }) },
};

function openVault(setup: VaultSetup): Opened {
	const clock = clockOf(setup.speed ?? 1);
	const key = Buffer.from(setup.key, 'base64');
	const disk = createFaultyDisk(barrierDisk(nodeDisk));
	const shelf = createDiskShelf({
		storagePath: setup.storagePath,
		...(setup.deaf === true && { system: deafSystem }),
		disk,
		clock,
		log,
		keepKeyCopy: false,
		secrets: {
			name: 'secretStorage',
			read: async (keyId) => (keyId === keyIdOf(key) ? { kind: 'key', key } : { kind: 'absent' }),
			write: async () => undefined,
			onDidChange: () => ({ dispose() {} }),
		},
	});
	shelf.watch.start();
	void shelf.expectRefresh();
	const provider: Provider = {
		id: setup.ref.providerId,
		label: 'Demo',
		kind: 'oauth2',
		endpoints: { issuer: setup.issuer, tokenEndpoint: setup.tokenUrl },
		client: { clientId: setup.clientId, scopes: ['api'] },
	};
	const deps = createOAuthDeps({ fetch, clock: systemClock, log });
	const refresher = createRefresher({
		loadRenewal: async () => createRenewal,
		...shelf,
		clock,
		log,
		lifetimes: createLifetimes(clock),
		journal: createJournal(clock, log),
		ending: new AbortController().signal,
		async send(_ref, credential, signal, correlationId) {
			await reach('send:before');
			const outcome = await sendRefresh(provider, credential, deps, signal, correlationId);
			await reach('send:after');
			return outcome;
		},
		watch(ref, listener) {
			const name = recordName(ref);
			const subscriptions = createDisposables();
			subscriptions.add(shelf.watch.urgent());
			subscriptions.add(shelf.watch.onDidChange((change) => change.name === name && listener(change.generation)));
			return subscriptions;
		},
	});
	return { shelf, refresher, disk };
}

/** Enters a region that only one process may be in, and proves it with an exclusive file and a log of appends. */
async function inside(journal: string, holdMs: number): Promise<void> {
	const exclusive = `${journal}.inside`;
	try {
		closeSync(openSync(exclusive, 'wx'));
	} catch {
		// Somebody else is inside: the one thing that must never happen.
		append(journal, 'TWO');
		return;
	}
	append(journal, 'enter');
	await wait(holdMs);
	append(journal, 'leave');
	unlinkSync(exclusive);
}

function append(journal: string, word: string): void {
	const file = openSync(journal, 'a');
	writeSync(file, `${word} ${process.pid}\n`);
	closeSync(file);
}

async function handle(command: Command): Promise<Report> {
	switch (command.kind) {
		case 'leases':
			leases = createLeases({
				folder: command.folder,
				clock: clockOf(command.speed ?? 1),
				log,
				disk: nodeLockDisk,
				processes: nodeProcesses,
			});
			return { kind: 'done', id: command.id };
		case 'hold': {
			const askedAtMs = Date.now();
			await needed(leases).run(command.name, { patienceMs: command.patienceMs, purpose: 'test' }, async (lease) => {
				report({ kind: 'held', id: command.id, afterMs: Date.now() - askedAtMs });
				if (command.journal) await inside(command.journal, command.holdMs ?? 0);
				else
					await new Promise<void>((resolve) => {
						letGo = resolve;
					});
				if (command.assertHeld) await lease.assertHeld();
			});
			return { kind: 'done', id: command.id };
		}
		case 'open':
			opened?.shelf.watch.dispose();
			opened = openVault(command.setup);
			barriers = new Set(command.barriers ?? []);
			// What a window has done long before its token expires: loaded `fetch`, found its key and proved its watch.
			await fetch('data:,');
			await opened.shelf.vault.read(command.setup.ref);
			for (let count = 0; opened.shelf.watch.state() === 'idle' && count < 200; count++) await wait(10);
			return { kind: 'done', id: command.id };
		case 'fault':
			needed(opened).disk.set(command.fault);
			return { kind: 'done', id: command.id };
		case 'token': {
			const { refresher } = needed(opened);
			const results = await Promise.all(
				Array.from({ length: command.callers ?? 1 }, () =>
					refresher.refresh({ ...command.request, purpose: 'test', correlationId: `pid${process.pid}` }),
				),
			);
			const digests = new Set(results.map(({ credential }) => digest(credential.accessToken)));
			const [result] = results;
			return {
				kind: 'token',
				id: command.id,
				digests: [...digests],
				generation: result?.generation ?? 0,
				unsaved: result?.unsaved === true,
				atMs: Date.now(),
			};
		}
		case 'shown':
			throw new Error('no whole window');
		case 'signOut': {
			const { shelf } = needed(opened);
			for (;;) {
				const reading = await shelf.vault.read(command.ref);
				try {
					await shelf.vault.writeSignedOut(command.ref, reading.generation);
					return { kind: 'done', id: command.id };
				} catch (error) {
					if (!isAuthError(error, 'conflict')) throw error;
				}
			}
		}
		case 'clock': {
			Date.now = () => realNow() + command.offsetMs;
			return { kind: 'done', id: command.id };
		}
		case 'become':
			process.setgid?.(command.uid);
			process.setuid?.(command.uid);
			return { kind: 'done', id: command.id };
		case 'identity':
			return { kind: 'identity', id: command.id, identity: await selfIdentity() };
		case 'lines':
			return { kind: 'lines', id: command.id, lines: lines.splice(0) };
	}
}

function needed<T>(value: T | undefined): T {
	if (value === undefined) throw new Error('not opened');
	return value;
}

process.on('uncaughtException', (error) => {
	console.error(error);
	process.exit(70);
});

process.on('message', (message: Command | { kind: 'goOn' } | { kind: 'letGo' }) => {
	if (message.kind === 'goOn') return goOn?.();
	if (message.kind === 'letGo') return letGo?.();
	handle(message).then(report, (error: unknown) => {
		const code = isAuthError(error) ? error.code : `not an AuthError: ${String(error)}`;
		report({ kind: 'failed', id: message.id, code, atMs: Date.now() });
	});
});
// The parent is gone: nobody is left to work for.
process.on('disconnect', () => process.exit(0));
report({ kind: 'ready' });
