/**
 * Digests of the tokens that each terminal got last, so that `agent-auth report` need not be told which token failed.
 * In memory only, and no values.
 */
import { createHash } from 'node:crypto';
import type { Consumer } from './consumer.ts';

/** More terminals and providers than anybody has; the oldest goes. */
const MAX_REMEMBERED = 500;

export type GivenToken = { readonly digest: string; readonly bucketId: string; readonly named: boolean };

export type LastTokens = {
	remember(consumer: Consumer, providerId: string, token: string, bucket: Omit<GivenToken, 'digest'>): void;
	find(consumer: Consumer, providerId: string): GivenToken | undefined;
};

export function createLastTokens(): LastTokens {
	const given = new Map<string, GivenToken>();
	return {
		remember(consumer, providerId, token, bucket) {
			const key = keyOf(consumer, providerId);
			given.delete(key);
			given.set(key, { digest: createHash('sha256').update(token).digest('hex'), ...bucket });
			for (const oldest of given.keys()) {
				if (given.size <= MAX_REMEMBERED) break;
				given.delete(oldest);
			}
		},
		find: (consumer, providerId) => given.get(keyOf(consumer, providerId)),
	};
}

function keyOf(consumer: Consumer, providerId: string): string {
	const who = consumer.kind === 'terminal' ? `${consumer.pid} ${consumer.startTime ?? ''}` : 'outside';
	return `${who} ${providerId}`;
}
