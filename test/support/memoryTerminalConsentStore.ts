/** What was decided for terminals, without a disk; windows that share it are those of one machine. */
import { consumerKey } from '../../src/auth/terminal/consumer.ts';
import type { Grant } from '../../src/auth/terminal/grant.ts';
import type { TerminalConsentStore } from '../../src/auth/terminal/terminalConsentStore.ts';

export function memoryTerminalConsentStore(): TerminalConsentStore {
	const kept = new Map<string, Grant>();
	const idOf = consumerKey;
	return {
		async find(consumer, providerId) {
			const grant = kept.get(idOf(consumer, providerId));
			return grant && { ...grant, consumer };
		},
		async save(consumer, providerId, consent) {
			if (consumer.kind !== 'terminal' || consumer.startTime === undefined) return undefined;
			const grant = { id: idOf(consumer, providerId), consumer, providerId, ...consent };
			kept.set(grant.id, grant);
			return grant;
		},
		has: (id) => kept.has(id),
		remove: (id) => void kept.delete(id),
		list: async () => [...kept.values()],
		sweep: async () => 0,
	};
}
