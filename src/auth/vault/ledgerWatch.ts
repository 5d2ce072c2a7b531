/**
 * Tells when another process wrote a new generation: by the file system's events where they arrive, which is tested at the
 * start with a file of our own, and by polling where they do not. Even a watch that works is backed by a slow poll, because
 * events can be lost.
 */
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { createEmitter, type Disposable, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import { type FolderWatch, nodeFolderWatch } from './folderWatch.ts';
import type { Ledger } from './ledger.ts';
import { parseFileName } from './ledgerFiles.ts';

/** Poll intervals: with a watch that works only events lost by the system are left to find. */
export const IDLE_POLL_MS = 60_000;
export const URGENT_POLL_MS = 500;
/** Without one, polling is all there is; urgent means that somebody waits for a token. */
export const DEAF_IDLE_POLL_MS = 2_000;
export const DEAF_URGENT_POLL_MS = 50;

/** An event for our own file that takes longer than this is as good as none. */
const SELF_TEST_MS = 1_000;

export type LedgerChange = { readonly name: string; readonly generation: number };

export type LedgerWatch = Disposable & {
	/** Begins, once: the folder should exist by now, else it is looked for again with each poll. */
	start(): void;
	readonly onDidChange: Event<LedgerChange>;
	/** After each look at the folder: at least once a minute, whatever the file system tells. */
	readonly onDidPoll: Event<void>;
	/** Somebody waits: polls faster until disposed. */
	urgent(): Disposable;
	/** The newest generation of a name that was heard of; undefined before the first look. */
	latest(name: string): number | undefined;
	/** Looks now. Resolves when the changes found were announced. */
	poll(): Promise<void>;
	/** `deaf`: this file system tells nothing and polling does the work; `absent`: there is no folder to watch yet. */
	state(): 'idle' | 'watching' | 'absent' | 'deaf' | 'closed';
};

export function createLedgerWatch(
	ledger: Ledger,
	clock: Clock,
	log: Logger,
	folders: FolderWatch = nodeFolderWatch,
): LedgerWatch {
	const emitter = createEmitter<LedgerChange>((error) =>
		log.error(`watch: a listener failed (${describeError(error)})`),
	);
	const polled = createEmitter<void>((error) => log.error(`watch: a listener failed (${describeError(error)})`));
	const seen = new Map<string, number>();
	let state: ReturnType<LedgerWatch['state']> = 'idle';
	let started = false;
	let watcher: Disposable | undefined;
	/** Which folder is watched: one that was deleted and made anew has the same name and is another one. */
	let watched: string | undefined;
	let endSelfTest: () => void = () => undefined;
	let timer: Disposable | undefined;
	let urgency = 0;

	function announce(name: string, generation: number): void {
		if (generation <= (seen.get(name) ?? 0)) return;
		seen.set(name, generation);
		emitter.fire({ name, generation });
	}

	async function poll(): Promise<void> {
		try {
			const present = await ledger.list();
			// Generations of a folder made anew begin again.
			for (const name of seen.keys()) if (!present.has(name)) seen.delete(name);
			for (const [name, generation] of present) announce(name, generation);
			if (watched !== undefined && (await folders.identify(ledger.folder)) !== watched) {
				watched = undefined;
				becomes('absent');
			}
		} catch (error) {
			log.warn(`watch: the vault folder cannot be listed (${describeError(error)})`);
		}
		polled.fire();
	}

	function intervalMs(): number {
		if (state === 'watching') return urgency > 0 ? URGENT_POLL_MS : IDLE_POLL_MS;
		return urgency > 0 ? DEAF_URGENT_POLL_MS : DEAF_IDLE_POLL_MS;
	}

	function arm(): void {
		timer?.dispose();
		if (state === 'closed') return;
		timer = clock.schedule(intervalMs(), () => {
			void poll().then(() => {
				if (state === 'absent') void open();
				arm();
			});
		});
	}

	/** Opens the watch and proves that it hears; stays deaf if it does not (or the folder is not there yet). */
	async function open(): Promise<void> {
		watcher?.dispose();
		const probe = `watch.${randomBytes(8).toString('hex')}.probe`;
		let heard: (hears: boolean) => void = () => undefined;
		const answer = new Promise<boolean>((resolve) => {
			heard = resolve;
		});
		endSelfTest = () => heard(false);
		const timeout = clock.schedule(SELF_TEST_MS, endSelfTest);
		try {
			const opened = folders.open(
				ledger.folder,
				(name) => {
					if (name === probe) return heard(true);
					// The name of the folder itself: it was deleted or moved.
					if (name === null || name === basename(ledger.folder)) return void poll();
					const entry = parseFileName(name);
					if (entry) announce(entry.name, entry.generation);
				},
				(error) => {
					log.warn(`watch: closed by the system (${describeError(error)})`);
					opened.dispose();
					if (watcher === opened) becomes('absent');
				},
			);
			watcher = opened;
			await folders.touch(join(ledger.folder, probe));
			const hears = await answer;
			watched = await folders.identify(ledger.folder);
			becomes(hears ? 'watching' : 'deaf');
		} catch (error) {
			log.debug(`watch: not possible now (${describeError(error)})`);
			becomes('absent');
		} finally {
			timeout.dispose();
			await folders.remove(join(ledger.folder, probe)).catch(() => undefined); // The folder may be gone.
		}
		await poll();
	}

	function becomes(next: 'watching' | 'deaf' | 'absent'): void {
		if (state === 'closed') {
			watcher?.dispose();
			return;
		}
		if (state !== next) log.debug(`watch: ${next}`);
		state = next;
		arm();
	}

	return {
		start() {
			if (started || state === 'closed') return;
			started = true;
			void open();
		},
		onDidChange: emitter.event,
		onDidPoll: polled.event,
		urgent() {
			urgency++;
			if (urgency === 1) arm();
			let active = true;
			return {
				dispose() {
					if (!active) return;
					active = false;
					urgency--;
					if (urgency === 0) arm();
				},
			};
		},
		latest: (name) => seen.get(name),
		poll,
		state: () => state,
		dispose() {
			state = 'closed';
			endSelfTest();
			timer?.dispose();
			watcher?.dispose();
			emitter.dispose();
			polled.dispose();
		},
	};
}
