/**
 * What the holder of the lease does: read again and adopt, finish what a dead holder had stored, write the intent, send the
 * token just read, and act on what is known afterwards. The lease is never skipped: nothing here may run without it.
 */
import { type Clock, delay } from '../clock.ts';
import type { OAuthCredential } from '../credential.ts';
import { AuthError, isAuthError } from '../errors.ts';
import type { Lease } from '../lease/lease.ts';
import { digest, type Logger } from '../log.ts';
import type { RefreshOutcome } from '../oauth/refreshGrant.ts';
import type { BucketRef } from '../vault/sealing.ts';
import type { Vault } from '../vault/vault.ts';
import type { BucketNotes } from './bucketNotes.ts';
import { LEASE_HOLD_MS } from './deadlines.ts';
import type { Demands, Present } from './demand.ts';
import { type Intents, MAX_DEATHS } from './intent.ts';
import type { Journal } from './journal.ts';
import { makeReady } from './readiness.ts';
import type { RefreshRequest, RefreshResult } from './refresher.ts';
import { codeOfNotSent, describeOutcome } from './sending.ts';
import { createSendingNote } from './sendingNote.ts';
import type { Storing } from './storing.ts';

/** How soon it is noticed what became of a sending of another process, which tells nobody. */
const UNDER_WAY_POLL_MS = 100;

export type Attempted = {
	readonly result: RefreshResult;
	/** It was renewed here and now, and not adopted. */
	readonly renewed: boolean;
};

/**
 * @param first what was there before the lease was asked for.
 * @param land see {@link Storing.store}.
 */
export type Attempt = (
	request: RefreshRequest,
	first: Present,
	lease: Lease,
	land: (result: RefreshResult) => void,
) => Promise<Attempted>;

export type AttemptOptions = {
	readonly vault: Vault;
	readonly intents: Intents;
	readonly notes: BucketNotes;
	readonly storing: Storing;
	readonly demands: Demands;
	readonly journal: Journal;
	readonly clock: Clock;
	readonly log: Logger;
	readonly ending: AbortSignal;
	/** Rejects where there is no credential. @param hint as `Vault.read`. */
	readonly read: (ref: BucketRef, hint?: number) => Promise<Present>;
	/** Sends the refresh token once and resolves when that has settled. */
	readonly send: (ref: BucketRef, credential: OAuthCredential, correlationId: string) => Promise<RefreshOutcome>;
};

export function createAttempt(options: AttemptOptions): Attempt {
	const { vault, intents, notes, storing, demands, journal, clock, read } = options;

	/**
	 * The newest credential as the disk has it, after finishing every complete record that dead holders left: an old token
	 * must not be sent.
	 */
	async function newest({ ref, correlationId }: RefreshRequest, first: Present): Promise<Present> {
		for (let { generation } = first; ; ) {
			const reading = inBackground(read(ref, generation));
			const outcome = await vault.promoteLeftover(ref, generation);
			const present = outcome === 'none' ? await reading : await read(ref);
			if (outcome === 'none' && present.generation === generation) return present;
			if (outcome === 'finished')
				journal.note(ref, correlationId, `finished generation ${generation + 1}, which a dead holder had stored`);
			generation = present.generation;
		}
	}

	/** Sends until the outcome is known or nothing may be sent any more. Rejects with what the callers must hear. */
	async function renew(
		{ ref, force, purpose, correlationId }: RefreshRequest,
		{ generation }: Present,
		credential: OAuthCredential & { readonly refreshToken: string },
		lease: Lease,
		deaths: number,
		land: (result: RefreshResult) => void,
	): Promise<Attempted> {
		const sending = { generation, refreshTokenDigest: digest(credential.refreshToken), correlationId };
		const note = createSendingNote(options, ref, sending, deaths);

		/** Noted before the count is taken back: who dies in between must not leave a token behind that seems never to have been sent. */
		async function lost(serverError: string | undefined): Promise<AuthError> {
			const error = await notes.lost(ref, generation, 'invalid_grant', serverError);
			await note.clear();
			return error;
		}

		if (deaths >= MAX_DEATHS && force !== true) throw await notes.lost(ref, generation, 'unknown_outcome');
		const room = await makeReady(note, lease, () => vault.reserve(ref, generation, credential));
		let isAnswered = false;
		try {
			return await sendUntilKnown();
		} finally {
			// Where an outcome became known this ends nothing any more.
			await note.leave();
			if (!isAnswered) await room.release();
		}

		async function sendUntilKnown(): Promise<Attempted> {
			for (let isResend = deaths > 0; ; isResend = true) {
				journal.note(
					ref,
					correlationId,
					`${isResend ? 'sending again' : 'sending'} (${purpose}), generation ${generation}`,
				);
				const outcome = await options.send(ref, credential, correlationId);
				journal.note(ref, correlationId, describeOutcome(outcome));
				switch (outcome.kind) {
					case 'answered': {
						isAnswered = true;
						const stored = await storing.store(ref, generation, outcome.credential, room, correlationId, land);
						await note.clear();
						if (stored) return { result: stored, renewed: true };
						journal.note(ref, correlationId, `somebody else wrote after generation ${generation}; theirs holds`);
						return { result: await read(ref), renewed: false };
					}
					case 'rejected': {
						const now = await read(ref);
						if (now.generation > generation) return { result: now, renewed: false };
						throw await lost(outcome.serverError);
					}
					case 'failed':
						// It was answered with somebody else's token: what was sent is spent, and the answer is of no use.
						if (outcome.code === 'identity') throw await lost(outcome.serverError);
						await note.clear();
						throw await notes.failed(ref, generation, outcome);
					case 'notSent':
						await note.takeBack();
						if (isAuthError(outcome.cause, 'service_changed'))
							throw await notes.lost(ref, generation, 'service_changed');
						throw await notes.failed(ref, generation, { code: codeOfNotSent(outcome.cause), cause: outcome.cause });
					case 'unknown':
						if (outcome.status !== undefined || isResend) {
							// A gateway answered for the server, or nobody did twice in a row. Who hears of it lives, so it counts nothing:
							// at a strict server the second sending was already the reuse, and a later one loses nothing, while giving up
							// would sign everybody out in every short outage, and so would one connection that is lost as it ends.
							await note.clear();
							throw await notes.failed(ref, generation, { ...outcome, code: 'transient' });
						}
						journal.note(ref, correlationId, `the answer was lost; the same token is sent once more`);
						// The intent stays as it is: who dies now is the first.
						await lease.assertHeld();
				}
			}
		}
	}

	return async (request, first, lease, land) => {
		const { ref, correlationId } = request;
		// All that is read under the lease is read at once: it stands between everybody who waits and the request.
		const noted = request.force === true ? undefined : inBackground(notes.read(ref));
		let counted = inBackground(intents.read(ref));
		const endsAtMs = clock.monotonic() + LEASE_HOLD_MS;
		for (let isWaiting = false; ; isWaiting = true) {
			const present = await newest(request, first);
			// A force drops when the credential changed while this caller waited: it was about the one before.
			const changed = present.generation > first.generation && demands.isOfUse(request, present);
			if (changed || demands.isMet(request, present)) return { result: present, renewed: false };
			const { credential, generation } = present;
			if (credential.kind === 'apiKey' || credential.refreshToken === undefined)
				throw new AuthError('unavailable', 'there is no refresh token');
			(await noted)?.(generation);
			const deaths = (await counted)(generation, digest(credential.refreshToken));
			const sendable = { ...credential, refreshToken: credential.refreshToken };
			if (deaths !== 'underWay') return renew(request, present, sendable, lease, deaths, land);
			// The lease was lost to us, as where its folder was deleted, and its holder lives: what it does is all that may be done.
			if (!isWaiting)
				journal.note(ref, correlationId, 'another window that lives has sent it: waiting for what comes of it');
			if (clock.monotonic() >= endsAtMs)
				throw new AuthError('locked', 'a live process has sent the refresh token and is not done with it');
			await delay(clock, UNDER_WAY_POLL_MS, options.ending);
			counted = inBackground(intents.read(ref));
		}
	};
}

/** A failure is heard by who awaits it, and if nobody does any more it does not matter. */
function inBackground<T>(work: Promise<T>): Promise<T> {
	work.catch(() => undefined);
	return work;
}
