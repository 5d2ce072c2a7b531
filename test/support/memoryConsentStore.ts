/** Remembered decisions without a disk. */
import type { ConsentKey, ConsentStore, StoredConsent } from '../../src/auth/terminal/consentStore.ts';

export function memoryConsentStore(): ConsentStore {
	const stored = new Map<string, StoredConsent>();
	const idOf = ({ workspaceId, providerId, side }: ConsentKey): string => `${side} ${providerId} ${workspaceId}`;
	return {
		find: (key) => Promise.resolve(stored.get(idOf(key))),
		has: (id) => stored.has(id),
		save(key, consent) {
			const { providerId, side } = key;
			stored.set(idOf(key), { ...consent, id: idOf(key), providerId, side });
			return Promise.resolve();
		},
		remove: (id) => void stored.delete(id),
		list: () => Promise.resolve([...stored.values()]),
	};
}
