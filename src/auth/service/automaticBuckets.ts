/** Taking a bucket for somebody who named none: the one in force, the one their session began with, or a probe. */

import { claimProbe } from '../buckets/cooldowns.ts';
import { updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { keepNewest } from '../keepNewest.ts';
import { describeError, type Logger } from '../log.ts';
import type { AutomaticState } from '../snapshot.ts';
import type { Choice } from './choice.ts';
import type { Shelves } from './shelves.ts';

export type AutomaticBuckets = {
	/**
	 * The bucket to answer with. Rejects with `unknown_provider`, `no_account`, `exhausted`, `binding`. May be one that needs
	 * a sign-in, if that is what it takes: then its own failure says so.
	 */
	take(providerId: string, sessionKey: string | undefined): Promise<string>;
};

/** Sessions that asked to stay, newest last; who comes back after that many others begins anew. */
const REMEMBERED = 1_000;

export function createAutomaticBuckets(options: {
	readonly shelves: Shelves;
	readonly choice: Choice;
	readonly clock: Clock;
	readonly log: Logger;
	/** Names this window in probes. */
	readonly window: string;
}): AutomaticBuckets {
	const { shelves, choice, clock, log } = options;
	const sessions = new Map<string, string>();

	/** Several windows may see that a bucket could be tried; the one whose claim is written first does. */
	async function probe(providerId: string, bucketId: string): Promise<boolean> {
		const place = shelves.find(providerId, bucketId);
		if (!place) return false;
		let isOurs = false;
		try {
			await place.open.shelf.state.update((state) =>
				updateBucket(state, providerId, bucketId, (bucket) => {
					const next = claimProbe(bucket, options.window, clock.now());
					isOurs = next !== bucket;
					return next;
				}),
			);
		} catch (error) {
			log.warn(`automatic: a bucket that may be back could not be claimed (${describeError(error)})`);
			return false;
		}
		await shelves.readNews(place.open, 'state');
		if (isOurs) log.info(`automatic: ${providerId} is tried with bucket ${bucketId} again`);
		return isOurs;
	}

	function remember(key: string, bucketId: string): void {
		sessions.delete(key);
		sessions.set(key, bucketId);
		keepNewest(sessions, REMEMBERED);
	}

	return {
		async take(providerId, sessionKey) {
			// A timer may be late, after a sleep by hours: what has ended by now has ended.
			if ((choice.nextEdgeMs() ?? Number.POSITIVE_INFINITY) <= clock.now()) shelves.publish();
			const provider = shelves.provider(providerId);
			if (!provider)
				throw new AuthError('unknown_provider', 'no such provider is configured', { detail: { provider: providerId } });
			const key = sessionKey === undefined ? undefined : JSON.stringify([providerId, sessionKey]);
			const before = key === undefined ? undefined : sessions.get(key);
			const { automatic } = provider;
			let bucketId = before !== undefined && choice.canStay(providerId, before) ? before : undefined;
			if (bucketId === undefined) {
				const probed = choice.probeOf(providerId);
				bucketId = probed !== undefined && (await probe(providerId, probed)) ? probed : bucketOf(providerId, automatic);
			}
			if (key !== undefined) remember(key, bucketId);
			return bucketId;
		},
	};
}

function bucketOf(provider: string, automatic: AutomaticState): string {
	switch (automatic.kind) {
		case 'inForce':
		case 'needsSignIn':
			return automatic.bucketId;
		case 'none':
			throw new AuthError('no_account', 'nobody is signed in', { detail: { provider } });
		case 'exhausted':
		case 'decision':
			throw new AuthError('exhausted', 'no bucket can answer now', {
				detail: {
					provider,
					buckets: automatic.buckets,
					...(automatic.untilMs === undefined ? {} : { retryAtMs: automatic.untilMs }),
				},
			});
		case 'boundMissing':
		case 'boundUnusable':
			throw new AuthError('binding', 'the bucket of this workspace cannot be used', {
				detail: { provider, bucketName: automatic.bucketName },
			});
		case 'bindingConflict':
			throw new AuthError('binding', 'the folders of this window are tied to different buckets', {
				detail: { provider, bucketName: automatic.names.join(', ') },
			});
	}
}
