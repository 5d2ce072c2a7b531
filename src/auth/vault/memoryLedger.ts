/**
 * A ledger in the memory of one window, for credentials of a session without vault: where no place keeps a key, the person
 * may still sign in until the window closes.
 */
import type { Ledger } from './ledger.ts';
import { NO_ROOM } from './room.ts';

export function createMemoryLedger(): Ledger {
	const entries = new Map<string, { generation: number; bytes: Buffer }>();
	return {
		folder: '',
		async read(name) {
			return entries.get(name);
		},
		async list() {
			return new Map([...entries].map(([name, entry]) => [name, entry.generation]));
		},
		async append(name, expected, bytes, { onDurable } = {}) {
			if ((entries.get(name)?.generation ?? 0) !== expected) return 'conflict';
			entries.set(name, { generation: expected + 1, bytes: Buffer.from(bytes) });
			onDurable?.();
			return 'written';
		},
		reserve: async () => NO_ROOM,
		leftovers: async (name, expected) => ((entries.get(name)?.generation ?? 0) === expected ? [] : 'superseded'),
		promote: async () => 'conflict',
	};
}
