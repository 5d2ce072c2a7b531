/**
 * One sign-in at a time per provider over all windows: who asks while one runs waits for it and has its outcome, so that
 * ten windows that need a sign-in open one browser tab.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { AuthError, type AuthErrorCode, isAuthError } from '../errors.ts';
import type { Leases } from '../lease/lease.ts';
import type { Ledger } from '../vault/ledger.ts';

/** A flow ends by its own limits (device codes live up to 15 minutes as a rule); this only ends the waiting. */
export const WAIT_FOR_FLOW_MS = 20 * 60_000;

/** What the others are told. */
const outcomeSchema = v.variant('kind', [
	v.object({ kind: v.literal('signedIn'), bucketId: v.string() }),
	v.object({ kind: v.literal('failed'), code: v.string() }),
]);

export type SignInOnceRequest = {
	readonly providerId: string;
	readonly signal: AbortSignal;
	/** Called if another flow runs already. */
	readonly onWait: () => void;
	/** Runs the flow and stores what it brought; resolves to the bucket. */
	readonly flow: () => Promise<string>;
};

/** The ends of a flow that are also the end for those who waited; after any other their own flow runs. */
const SHARED_CODES: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
	'cancelled',
	'denied',
	'timeout',
	'transient',
	'protocol',
	'identity',
	'configuration',
	'storage',
	'key_missing',
	'key_unreadable',
]);

/** Resolves to the bucket that was signed in, by this call's flow or by the one that ran when it was made. */
export async function signInOnce(leases: Leases, ledger: Ledger, request: SignInOnceRequest): Promise<string> {
	const name = `flow-${createHash('sha256').update(request.providerId).digest('hex').slice(0, 32)}`;
	const asked = (await ledger.read(name))?.generation ?? 0;
	return leases.run(
		`sign-in\0${request.providerId}`,
		{ patienceMs: WAIT_FOR_FLOW_MS, signal: request.signal, purpose: 'sign-in', onWait: request.onWait },
		async () => {
			const entry = await ledger.read(name);
			const generation = entry?.generation ?? 0;
			if (entry && generation > asked) {
				const outcome = parseOutcome(entry.bytes);
				if (outcome?.kind === 'signedIn') return outcome.bucketId;
				const code = [...SHARED_CODES].find((shared) => shared === outcome?.code);
				if (code) throw new AuthError(code, 'the sign-in in another window ended without an account');
			}
			try {
				const bucketId = await request.flow();
				await record({ kind: 'signedIn', bucketId });
				return bucketId;
			} catch (error) {
				// What went wrong is what this caller must hear of, whether the others can be told or not.
				await record({ kind: 'failed', code: isAuthError(error) ? error.code : 'protocol' }).catch(() => undefined);
				throw error;
			}

			async function record(outcome: v.InferOutput<typeof outcomeSchema>): Promise<void> {
				await ledger.append(name, generation, Buffer.from(JSON.stringify(outcome)));
			}
		},
	);
}

function parseOutcome(bytes: Buffer): v.InferOutput<typeof outcomeSchema> | undefined {
	try {
		const parsed = v.safeParse(outcomeSchema, JSON.parse(bytes.toString('utf8')));
		return parsed.success ? parsed.output : undefined;
	} catch {
		// Damaged: then nobody knows how that flow ended, and this one runs.
		return undefined;
	}
}
