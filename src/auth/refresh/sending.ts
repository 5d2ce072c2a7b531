/** One sending of a refresh token with its hard deadline, which is the only thing that ever aborts a request. */
import type { Clock } from '../clock.ts';
import type { OAuthCredential } from '../credential.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { RefreshOutcome } from '../oauth/refreshGrant.ts';
import type { BucketRef } from '../vault/sealing.ts';
import { REQUEST_DEADLINE_MS } from './deadlines.ts';

/** A timer this late means that the process did not run. */
const STALL_MS = 1_000;
/** Time to read, after that, an answer that has come meanwhile. */
const AFTER_STALL_MS = 5_000;

export type Send = (
	ref: BucketRef,
	credential: OAuthCredential,
	signal: AbortSignal,
	correlationId: string,
) => Promise<RefreshOutcome>;

/** Resolves when the request has settled, so that the lease can be held until then. Never rejects. */
export async function sendOnce(
	clock: Clock,
	send: Send,
	ref: BucketRef,
	credential: OAuthCredential,
	correlationId: string,
): Promise<RefreshOutcome> {
	const sentAtMs = clock.now();
	const deadline = new AbortController();
	const endsAtMs = clock.monotonic() + REQUEST_DEADLINE_MS;
	const end = (): void => deadline.abort(new AuthError('timeout', `no answer within ${REQUEST_DEADLINE_MS} ms`));
	let timer = clock.schedule(REQUEST_DEADLINE_MS, () => {
		if (clock.monotonic() - endsAtMs < STALL_MS) return end();
		// Stopped or asleep: timers run before sockets are read, and the answer may lie there.
		timer = clock.schedule(AFTER_STALL_MS, end);
	});
	try {
		const outcome = await send(ref, credential, deadline.signal, correlationId);
		if (outcome.kind !== 'answered') return outcome;
		const { grantId } = credential;
		const renewed = countedFrom(sentAtMs, clock.now(), outcome.credential);
		return { ...outcome, credential: grantId === undefined ? renewed : { ...renewed, grantId } };
	} catch (error) {
		return { kind: 'unknown', cause: error };
	} finally {
		timer.dispose();
	}
}

/**
 * `expires_in` counts from when the answer was made (RFC 6749 section 5.1), which is not known: an answer can lie unread while
 * the machine sleeps. Counted from the sending no token ever seems to live longer than it does.
 */
function countedFrom(sentAtMs: number, nowMs: number, credential: OAuthCredential): OAuthCredential {
	const elapsedMs = Math.max(0, nowMs - sentAtMs);
	const { expiresAtMs } = credential;
	return {
		...credential,
		obtainedAtMs: credential.obtainedAtMs - elapsedMs,
		...(expiresAtMs === undefined ? {} : { expiresAtMs: expiresAtMs - elapsedMs }),
	};
}

/** What kept a request from leaving: a network that may return, or settings that must be changed. */
export function codeOfNotSent(cause: unknown): 'transient' | 'configuration' | 'protocol' {
	if (isAuthError(cause, 'configuration') || isAuthError(cause, 'unknown_provider')) return 'configuration';
	return isAuthError(cause, 'protocol') ? 'protocol' : 'transient';
}

/** For the journal: safe to paste. */
export function describeOutcome(outcome: RefreshOutcome): string {
	switch (outcome.kind) {
		case 'answered':
			return 'answered';
		case 'rejected':
			return `rejected (${outcome.serverError}, HTTP ${outcome.status})`;
		case 'failed':
			return `failed (${outcome.code}${outcome.status === undefined ? '' : `, HTTP ${outcome.status}`})`;
		case 'notSent':
			return `notSent (${describeError(outcome.cause)})`;
		case 'unknown':
			return `unknown (${outcome.status === undefined ? describeError(outcome.cause) : `HTTP ${outcome.status}`})`;
	}
}
