/** Leases within one process, for what no other process can see: credentials of a session without vault. */
import type { Leases } from './lease.ts';

export function createLocalLeases(): Leases {
	const tails = new Map<string, Promise<unknown>>();
	return {
		run(name, _request, work) {
			const lease = { signal: new AbortController().signal, assertHeld: async () => undefined };
			const turn = (tails.get(name) ?? Promise.resolve()).then(() => work(lease));
			tails.set(
				name,
				turn.catch(() => undefined), // The next in turn does not care how this one ended.
			);
			return turn;
		},
		owner: async () => ({ kind: 'none' }),
	};
}
