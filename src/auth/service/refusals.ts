/**
 * A service refused a token of ours. Consumers name the token by its digest and get advice, never a token. If the vault
 * holds another one already that is the answer at once; else all who report the same token share one forced refresh, and the
 * refused token is not handed out again, in any window, whatever becomes of it.
 */
import * as v from 'valibot';
import { updateBucket } from '../buckets/state.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { describeError, digest, type Logger } from '../log.ts';
import { authenticationProviderId } from '../provider.ts';
import type { RefusalAdvice, RefusalReport } from '../service.ts';
import type { OpenShelf, Shelves } from './shelves.ts';
import type { Tokens } from './tokens.ts';

/** Two requests of 15 s and the wait for a lease fit in; a reporter waits in the middle of its own work. */
const REPORT_DEADLINE_MS = 45_000;

const reportSchema = v.object({
	provider: v.pipe(v.string(), v.maxLength(100)),
	tokenDigest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
	status: v.picklist([401, 403]),
});

/**
 * What another extension reports: `{ provider, tokenDigest, status }`, the provider by its id in the settings or in VS Code.
 * Rejects anything else with `configuration`, which names no value.
 */
export function parseRefusalReport(value: unknown): RefusalReport {
	const parsed = v.safeParse(reportSchema, value);
	if (!parsed.success)
		throw new AuthError('configuration', 'a report is { provider, tokenDigest (SHA-256 in hex), status (401 or 403) }');
	const { provider, tokenDigest, status } = parsed.output;
	const providerId = provider.startsWith(PREFIX) ? provider.slice(PREFIX.length) : provider;
	return { providerId, tokenDigest, status, deadlineMs: REPORT_DEADLINE_MS };
}

const PREFIX = authenticationProviderId('');

/** Digests of the tokens this window has known, newest last: reports about any other are ignored. */
const REMEMBERED = 200;

export type Refusals = {
	/** Notes which tokens were ours. Call after each change of the snapshot. */
	observe(): void;
	/** See {@link AuthService.reportRefused}. Never rejects for a report that is merely wrong. */
	report(report: RefusalReport): Promise<RefusalAdvice>;
};

export function createRefusals(shelves: Shelves, tokens: Tokens, log: Logger): Refusals {
	const ours = new Map<string, { readonly providerId: string; readonly bucketId: string }>();

	/** Generations that were hashed already: a snapshot comes often, a new token rarely. */
	const seen = new Map<string, number>();

	function observe(): void {
		for (const { buckets } of shelves.snapshot().providers)
			for (const bucket of buckets) {
				if (!bucket.token || seen.get(bucket.id) === bucket.generation) continue;
				seen.set(bucket.id, bucket.generation);
				ours.set(digest(bucket.token.value), { providerId: bucket.providerId, bucketId: bucket.id });
				const oldest = ours.size > REMEMBERED ? ours.keys().next().value : undefined;
				if (oldest !== undefined) ours.delete(oldest);
			}
	}

	async function report({ providerId, tokenDigest, status, deadlineMs }: RefusalReport): Promise<RefusalAdvice> {
		const owner = ours.get(tokenDigest);
		if (owner?.providerId !== providerId) return { kind: 'ignored' };
		const { bucketId } = owner;
		const place = shelves.find(providerId, bucketId);
		const bucket = shelves.bucket(providerId, bucketId);
		if (!place || !bucket?.token) return { kind: 'signIn' };
		if (digest(bucket.token.value) !== tokenDigest) return { kind: 'retryWithNewToken' };
		// A key is not renewed, and what a service says about it is no reason to throw it away.
		if (bucket.kind === 'apiKey') return { kind: 'signIn' };
		await refuse(place.open, providerId, bucketId, bucket.generation, status);
		try {
			await tokens.get({
				providerId,
				bucketId,
				refusedDigest: tokenDigest,
				deadlineMs,
				purpose: `refused with ${status}`,
			});
			return { kind: 'retryWithNewToken' };
		} catch (error) {
			return adviceFor(error);
		}
	}

	async function refuse(
		open: OpenShelf,
		providerId: string,
		bucketId: string,
		generation: number,
		status: number,
	): Promise<void> {
		try {
			await open.shelf.state.update((state) =>
				updateBucket(state, providerId, bucketId, (bucket) =>
					bucket.refused?.generation === generation ? bucket : { ...bucket, refused: { generation, status } },
				),
			);
		} catch (error) {
			// The refresh that follows replaces the token all the same.
			log.warn(`refusal: the other windows could not be told (${describeError(error)})`);
		}
	}

	return { observe, report };
}

function adviceFor(error: unknown): RefusalAdvice {
	if (!isAuthError(error)) throw new AuthError('transient', 'the refresh failed', { cause: error });
	switch (error.code) {
		case 'no_account':
		case 'invalid_grant':
		case 'unknown_outcome':
		case 'unavailable':
			return { kind: 'signIn' };
		case 'transient':
		case 'locked':
		case 'timeout':
			return { kind: 'wait', ...(error.detail.retryAtMs === undefined ? {} : { untilMs: error.detail.retryAtMs }) };
		default:
			return { kind: 'giveUp', code: error.code };
	}
}
