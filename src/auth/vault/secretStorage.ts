/**
 * Keys in VS Code's SecretStorage. It is slow to reach other windows, can hang behind a dialog or in a host whose window
 * is gone, and can forget: so each call has a deadline, and nothing is believed that was not read back.
 */
import type { SecretStorage } from 'vscode';
import { type Clock, withDeadline } from '../clock.ts';
import { createEmitter } from '../event.ts';
import type { KeyReading, KeyStore } from './keyStore.ts';
import { KEY_BYTES, keyIdOf } from './sealing.ts';

/** Persisted beginning of the names of keys; changing it loses every vault. */
const PREFIX = 'agentAuth.vaultKey.';

export function secretName(keyId: string): string {
	return PREFIX + keyId;
}

/** VS Code lists the names of secrets from 1.104 on. */
type Listing = { keys?(): Thenable<string[]> };

/** On Linux the first `store` may wait behind a modal dialog for the person's choice of weaker encryption. */
export const STORE_DEADLINE_MS = 60_000;
/** A host whose window is gone never answers; a healthy one answers within milliseconds. */
export const READ_DEADLINE_MS = 8_000;

export function createSecretStorageKeys(
	secrets: Pick<SecretStorage, 'get' | 'store' | 'delete' | 'onDidChange'> & Listing,
	clock: Clock,
): KeyStore & { dispose(): void } {
	const emitter = createEmitter<void>(() => undefined);
	const subscription = secrets.onDidChange(() => emitter.fire());

	async function read(keyId: string): Promise<KeyReading> {
		let text: string | undefined;
		try {
			text = await withDeadline(clock, Promise.resolve(secrets.get(secretName(keyId))), READ_DEADLINE_MS);
		} catch (error) {
			return { kind: 'unreadable', cause: error };
		}
		if (text === undefined) return { kind: 'absent' };
		const key = Buffer.from(text, 'base64');
		if (key.length !== KEY_BYTES || keyIdOf(key) !== keyId)
			return { kind: 'unreadable', cause: new Error('SecretStorage does not hold the key of this name') };
		return { kind: 'key', key };
	}

	return {
		name: 'secretStorage',
		read,
		write: (keyId, key) =>
			withDeadline(clock, Promise.resolve(secrets.store(secretName(keyId), key.toString('base64'))), STORE_DEADLINE_MS),
		async removeAll(keyIds) {
			const within = <T>(work: Thenable<T>): Promise<T> => withDeadline(clock, Promise.resolve(work), READ_DEADLINE_MS);
			const listed = secrets.keys === undefined ? [] : await within(secrets.keys());
			const names = new Set([...keyIds.map(secretName), ...listed.filter((name) => name.startsWith(PREFIX))]);
			const failures: unknown[] = [];
			for (const name of names) await within(secrets.delete(name)).catch((error: unknown) => failures.push(error));
			if (failures.length > 0) throw failures[0];
			for (const name of names)
				if ((await within(secrets.get(name))) !== undefined) throw new Error('SecretStorage still has a key');
		},
		onDidChange: emitter.event,
		dispose() {
			subscription.dispose();
			emitter.dispose();
		},
	};
}
