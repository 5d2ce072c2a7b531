/**
 * What came of requests with our tokens, and what to do next. Consumers name a token by its digest and get advice, never a
 * token. A refused token is renewed once for all who report it; an exhausted bucket is parked for all windows.
 */
import { cool, type Exhaustion, endCooldown } from '../buckets/cooldowns.ts';
import { type Bucket, updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { classify } from '../failover/classify.ts';
import { rulesFor } from '../failover/rules.ts';
import type { Verdict } from '../failover/verdict.ts';
import { keepNewest } from '../keepNewest.ts';
import { describeError, digest, type Logger } from '../log.ts';
import type { Advice, UseReport } from '../service.ts';
import type { BucketSnapshot } from '../snapshot.ts';
import type { IssuedTokens } from './issuedTokens.ts';
import type { Shelves } from './shelves.ts';
import type { Tokens } from './tokens.ts';

/** A limit that ends sooner is waited for: another account's cold caches cost more than that. */
const LONG_WAIT_MS = 60_000;

/** A renewed token that is refused within this time of the one before was not what the service minded. */
const REFUSED_AGAIN_MS = 10 * 60_000;

/** A window that holds the lease is done in seconds, unless it sleeps. */
const BUSY_MS = 5_000;

/** Requests under way; each with the buckets that it has been through. */
const REMEMBERED_REQUESTS = 500;

export type Reports = {
	/** See {@link AuthService.report}. */
	report(report: UseReport): Promise<Advice>;
};

export function createReports(options: {
	readonly shelves: Shelves;
	readonly tokens: Pick<Tokens, 'get'>;
	readonly issued: IssuedTokens;
	readonly clock: Clock;
	readonly log: Logger;
}): Reports {
	const { shelves, tokens, issued, clock, log } = options;
	const requests = new Map<string, Set<string>>();

	async function report(use: UseReport): Promise<Advice> {
		const origin = issued.find(use.tokenDigest);
		if (origin?.providerId !== use.providerId) return { kind: 'ignored' };
		announceNewest(origin);
		const provider = shelves.provider(use.providerId);
		const bucket = provider?.buckets.find(({ id }) => id === origin.bucketId);
		if (!provider || !bucket) return { kind: 'signIn' };
		const verdict = classify(use.report, rulesFor(provider.provider.ruleOverrides).rules, clock.now(), {
			longWaitMs: LONG_WAIT_MS,
		});
		log.info(
			`report: ${use.providerId}, bucket ${bucket.id}: status ${use.report.status} is ${verdict.kind} by rule ${verdict.rule}`,
		);
		return adviceFor(verdict, use, bucket);
	}

	/** A token is handed out before it is announced. Its report must not be taken for one about the token before. */
	function announceNewest({ providerId, bucketId }: { readonly providerId: string; readonly bucketId: string }): void {
		const place = shelves.find(providerId, bucketId);
		const known = place && shelves.known(place.open, bucketId);
		if (known && known.generation > (shelves.bucket(providerId, bucketId)?.generation ?? 0)) shelves.publish();
	}

	async function adviceFor(verdict: Verdict, use: UseReport, bucket: BucketSnapshot): Promise<Advice> {
		switch (verdict.kind) {
			case 'fine':
				await recover(bucket);
				return { kind: 'ignored' };
			case 'wait':
				return {
					kind: 'wait',
					untilMs: verdict.untilMs,
					reason: verdict.reason === 'rate_limit' ? 'limit' : 'service',
				};
			case 'denied':
				return { kind: 'giveUp', code: 'denied', reason: verdict.reason };
			case 'exhausted': {
				const { reason, rule, untilMs } = verdict;
				// Money and rights do not come back by waiting.
				const parked = untilMs === undefined && (reason === 'credit' || reason === 'entitlement');
				await park(bucket, { reason, rule, parked, ...(untilMs === undefined ? {} : { untilMs }) });
				return moveOn(use, bucket.id);
			}
			case 'refused':
				return renewed(use, bucket, verdict.rule);
		}
	}

	/**
	 * It worked: a cooldown that is over is forgotten, so that the other windows come back as well, and so is the refusal of an
	 * earlier token.
	 */
	async function recover({ providerId, id, generation, cooldown }: BucketSnapshot): Promise<void> {
		const isOver = cooldown?.untilMs !== undefined && cooldown.untilMs <= clock.now();
		const { refused } = shelves.find(providerId, id)?.bucket ?? {};
		const isMended = refused !== undefined && refused.generation < generation;
		if (!isOver && !isMended) return;
		await note({ providerId, id }, (present) => {
			const { refused: _mended, ...rest } = isOver ? endCooldown(present) : present;
			return isMended ? rest : { ...rest, ...(present.refused ? { refused: present.refused } : {}) };
		});
	}

	async function park(bucket: BucketSnapshot, exhaustion: Exhaustion): Promise<void> {
		await note(bucket, (present) => cool(present, exhaustion, clock.now()));
	}

	async function note(
		{ providerId, id }: Pick<BucketSnapshot, 'providerId' | 'id'>,
		change: (bucket: Bucket) => Bucket,
	): Promise<void> {
		const place = shelves.find(providerId, id);
		if (!place) return;
		try {
			await place.open.shelf.state.update((state) => updateBucket(state, providerId, id, change));
		} catch (error) {
			log.warn(`report: the other windows could not be told (${describeError(error)})`);
		}
		await shelves.readNews(place.open, 'state');
	}

	/** One forced refresh for all who report this token; then the next bucket. */
	async function renewed(use: UseReport, bucket: BucketSnapshot, rule: string): Promise<Advice> {
		const { providerId, tokenDigest, deadlineMs } = use;
		if (bucket.kind === 'apiKey') {
			// A key is not renewed, and what a service says about it is no reason to throw it away.
			if (bucket.token && digest(bucket.token.value) !== tokenDigest) return { kind: 'retryWithNewToken' };
			await park(bucket, { reason: 'refused', rule, parked: true });
			return orSignIn(moveOn(use, bucket.id));
		}
		if (bucket.kind === 'oauth') {
			if (!bucket.token) return { kind: 'signIn' };
			if (digest(bucket.token.value) !== tokenDigest) return { kind: 'retryWithNewToken' };
			if (isSecondRefusal(bucket)) {
				await park(bucket, { reason: 'refused', rule });
				return orSignIn(moveOn(use, bucket.id));
			}
			const { generation } = bucket;
			const { status } = use.report;
			await note(bucket, (present) =>
				present.refused?.generation === generation
					? present
					: { ...present, refused: { generation, status, atMs: clock.now() } },
			);
		}
		try {
			await tokens.get({
				providerId,
				bucketId: bucket.id,
				refusedDigest: tokenDigest,
				deadlineMs,
				purpose: `refused with ${use.report.status}`,
			});
			return { kind: 'retryWithNewToken' };
		} catch (error) {
			return afterFailure(use, bucket, error);
		}
	}

	function isSecondRefusal({ providerId, id, generation }: BucketSnapshot): boolean {
		const refused = shelves.find(providerId, id)?.bucket.refused;
		return (
			refused?.generation === generation - 1 &&
			refused.atMs !== undefined &&
			Math.abs(clock.now() - refused.atMs) < REFUSED_AGAIN_MS
		);
	}

	async function afterFailure(use: UseReport, bucket: BucketSnapshot, error: unknown): Promise<Advice> {
		if (!isAuthError(error)) throw new AuthError('transient', 'the refresh failed', { cause: error });
		switch (error.code) {
			case 'no_account':
			case 'invalid_grant':
			case 'unknown_outcome':
			case 'unavailable':
			case 'service_changed':
				if (bucket.kind === 'reference') await park(bucket, { reason: 'refused', rule: 'refused' });
				return orSignIn(moveOn(use, bucket.id));
			case 'locked':
				return { kind: 'wait', reason: 'busy', untilMs: clock.now() + BUSY_MS };
			case 'transient':
			case 'timeout': {
				const { retryAtMs } = error.detail;
				return { kind: 'wait', reason: 'service', ...(retryAtMs === undefined ? {} : { untilMs: retryAtMs }) };
			}
			default:
				return { kind: 'giveUp', code: error.code, reason: error.code };
		}
	}

	/** What the asker does now that this bucket cannot serve it: take another one, if it may have another one's token at all. */
	function moveOn(use: UseReport, bucketId: string): Advice {
		const ownEnd = endOf(shelves.bucket(use.providerId, bucketId));
		if (use.named) return { kind: 'wait', reason: 'limit', ...ownEnd };
		const tried = triedBy(use.requestKey);
		tried.add(bucketId);
		const automatic = shelves.provider(use.providerId)?.automatic;
		switch (automatic?.kind) {
			case 'inForce':
				if (automatic.bucketId === bucketId) return { kind: 'wait', reason: 'limit', ...ownEnd };
				if (tried.has(automatic.bucketId)) return { kind: 'wait', reason: 'exhausted', ...ownEnd };
				return { kind: 'retryWithNewToken' };
			case 'exhausted':
			case 'decision': {
				const until = automatic.untilMs === undefined ? {} : { untilMs: automatic.untilMs };
				return { kind: 'wait', reason: automatic.kind, ...until };
			}
			case 'boundMissing':
			case 'boundUnusable':
			case 'bindingConflict':
				return { kind: 'giveUp', code: 'binding', reason: automatic.kind };
			case 'needsSignIn':
				return { kind: 'signIn' };
			case 'none':
			case undefined:
				return { kind: 'wait', reason: 'limit', ...ownEnd };
		}
	}

	function triedBy(requestKey: string | undefined): Set<string> {
		if (requestKey === undefined) return new Set();
		const tried = requests.get(requestKey) ?? new Set();
		requests.set(requestKey, tried);
		keepNewest(requests, REMEMBERED_REQUESTS);
		return tried;
	}

	return { report };
}

function endOf(bucket: BucketSnapshot | undefined): { readonly untilMs?: number } {
	const untilMs = bucket?.cooldown?.untilMs;
	return untilMs === undefined ? {} : { untilMs };
}

/** Where no other account can answer, a new sign-in or key is what helps against a refusal. */
function orSignIn(advice: Advice): Advice {
	return advice.kind === 'wait' && (advice.reason === 'exhausted' || advice.reason === 'limit')
		? { kind: 'signIn' }
		: advice;
}
