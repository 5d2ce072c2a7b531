/** Failures below the protocol as the `AuthError` a sign-in ends with. */
import type { Clock } from '../clock.ts';
import { cancelled } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { ConnectionFailure } from './connectionFailure.ts';
import { safeCause } from './safeCause.ts';

/** Longer than any healthy server takes and shorter than a person's patience. */
export const REQUEST_DEADLINE_MS = 30_000;

/**
 * `transient` for a lost connection, the signal's own reason for an abort, `protocol` for what `oauth4webapi` refuses.
 * Causes are stripped.
 */
export function toOAuthError(error: unknown, providerId: string): AuthError {
	if (isAuthError(error)) return error;
	const detail = { provider: providerId };
	if (error instanceof ConnectionFailure) {
		if (isAuthError(error.cause)) return error.cause;
		return new AuthError('transient', 'the server did not answer', { cause: error, detail });
	}
	return new AuthError('protocol', 'the answer broke the protocol', { cause: safeCause(error), detail });
}

/**
 * Runs one request of a sign-in under its own deadline, which aborts it.
 * @throws AuthError as of {@link toOAuthError}; the parent's reason if that aborted, `transient` at the deadline.
 */
export async function withinRequest<T>(
	clock: Clock,
	parent: AbortSignal,
	providerId: string,
	work: (signal: AbortSignal) => Promise<T>,
	deadlineMs = REQUEST_DEADLINE_MS,
): Promise<T> {
	if (parent.aborted) throw cancelled(parent);
	const own = new AbortController();
	const timer = clock.schedule(deadlineMs, () =>
		own.abort(new AuthError('transient', `no answer within ${deadlineMs} ms`, { detail: { provider: providerId } })),
	);
	try {
		return await work(AbortSignal.any([parent, own.signal]));
	} catch (error) {
		throw parent.aborted ? cancelled(parent) : toOAuthError(error, providerId);
	} finally {
		timer.dispose();
	}
}
