/**
 * SecretStorage as it was measured, for several windows at once. Desktop: `store` changes the writer's own cache and reaches
 * the others by a broadcast about 200 ms later, which overwrites whatever cache it meets, the writer's own included. Web: each
 * tab reads one snapshot at its start; every write saves the tab's whole map over everybody else's. Memory: every window
 * its own, gone at reload.
 */
import type { SecretStorage } from 'vscode';
import type { Clock } from '../../src/auth/clock.ts';
import { createEmitter, type Disposable } from '../../src/auth/event.ts';

type Secrets = Pick<SecretStorage, 'get' | 'store' | 'delete' | 'onDidChange'>;

export type Trouble =
	/** Nothing ever settles: a host whose window is gone, or a dialog nobody answers. */
	| { readonly kind: 'hangs' }
	| { readonly kind: 'throws' }
	/** `store` resolves and keeps nothing. */
	| { readonly kind: 'drops' }
	/** `store` waits behind a modal dialog, and everything after it in this window as well. */
	| { readonly kind: 'dialog'; readonly ms: number };

export type WindowSecrets = Secrets & {
	trouble: Trouble | undefined;
	/** The window's next life: what it kept in memory only is gone. */
	reload(): void;
};

export type SecretWorld = {
	open(): WindowSecrets;
	/** What a window opened now would find. */
	persisted(): ReadonlyMap<string, string>;
	/** The keyring was locked or changed: everything is lost, in every window that reloads. */
	wipe(): void;
};

/** Renderer's flush, then main's debounced broadcast. */
const FLUSH_MS = 100;
const BROADCAST_MS = 100;

export function createSecretWorld(kind: 'desktop' | 'web' | 'memory', clock: Clock): SecretWorld {
	let kept = new Map<string, string>();
	const receivers = new Set<(key: string, value: string | undefined) => void>();

	function open(): WindowSecrets {
		let cache = new Map(kept);
		let queue: Promise<unknown> = Promise.resolve();
		const changes = createEmitter<{ key: string }>((error) => {
			throw error;
		});
		const receive = (key: string, value: string | undefined): void => {
			const differs = cache.get(key) !== value;
			put(cache, key, value);
			if (differs) changes.fire({ key });
		};
		if (kind === 'desktop') receivers.add(receive);

		function save(key: string, value: string | undefined): void {
			put(cache, key, value);
			changes.fire({ key });
			if (kind === 'web') kept = new Map(cache);
			if (kind === 'desktop')
				clock.schedule(FLUSH_MS, () => {
					put(kept, key, value);
					clock.schedule(BROADCAST_MS, () => {
						for (const other of receivers) other(key, value);
					});
				});
		}

		/** VS Code runs all calls of one extension in one window one after another. */
		function inTurn<T>(work: () => Promise<T>): Promise<T> {
			const result = queue.then(work);
			queue = result.catch(() => undefined);
			return result;
		}

		const forever = new Promise<never>(() => undefined);
		const secrets: WindowSecrets = {
			trouble: undefined,
			get: (key) =>
				inTurn(async () => {
					if (secrets.trouble?.kind === 'hangs') return forever;
					if (secrets.trouble?.kind === 'throws') throw new Error('the keyring says no');
					return cache.get(key);
				}),
			store: (key, value) =>
				inTurn(async () => {
					const { trouble } = secrets;
					if (trouble?.kind === 'hangs') return forever;
					if (trouble?.kind === 'throws') throw new Error('the keyring says no');
					if (trouble?.kind === 'drops') return;
					if (trouble?.kind === 'dialog') await new Promise<void>((done) => clock.schedule(trouble.ms, done));
					save(key, value);
				}),
			delete: (key) =>
				inTurn(async () => {
					const { trouble } = secrets;
					if (trouble?.kind === 'hangs') return forever;
					if (trouble?.kind === 'throws') throw new Error('the keyring says no');
					if (trouble?.kind !== 'drops') save(key, undefined);
				}),
			onDidChange: (listener, thisArgs?: unknown, disposables?: Disposable[]) =>
				changes.event(listener, thisArgs, disposables),
			reload() {
				cache = new Map(kept);
				queue = Promise.resolve();
			},
		};
		return secrets;
	}

	return {
		open,
		persisted: () => kept,
		wipe() {
			kept = new Map();
		},
	};
}

function put(map: Map<string, string>, key: string, value: string | undefined): void {
	if (value === undefined) map.delete(key);
	else map.set(key, value);
}
