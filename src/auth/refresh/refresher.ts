/**
 * Exactly one refresh, whatever happens. The order is the contract: valid, return it; join the flight in this window; take
 * the lease; read again and adopt; finish what a dead holder had stored; write the intent; send the token just read; store;
 * release. Whoever waits is done the moment another window's result appears in the vault.
 */
import type { StateFile } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import type { Credential } from '../credential.ts';
import { AuthError, isAuthError } from '../errors.ts';
import type { Disposable } from '../event.ts';
import type { Leases } from '../lease/lease.ts';
import type { Lifetimes } from '../lifetimes.ts';
import type { Logger } from '../log.ts';
import type { BucketRef } from '../vault/sealing.ts';
import type { RecordReading, Vault } from '../vault/vault.ts';
import type { Attempt } from './attempt.ts';
import { createBucketNotes } from './bucketNotes.ts';
import { PATIENCE_MS } from './deadlines.ts';
import { createDemands, type Present } from './demand.ts';
import { createFlights } from './flights.ts';
import type { Intents } from './intent.ts';
import type { Journal } from './journal.ts';
import type { RenewalOptions } from './renewal.ts';
import type { Send } from './sending.ts';
import { createStoring } from './storing.ts';
import { waitForOthers } from './waiting.ts';

export type RefreshRequest = {
	readonly ref: BucketRef;
	readonly minTtlMs?: number;
	/** This token was refused: only another one will do. */
	readonly refusedDigest?: string;
	/** The person asked: renew whatever life is left, and whatever back-off says. */
	readonly force?: boolean;
	readonly purpose: string;
	/** Ties the asker's log lines to the request at the server and to what came of it. */
	readonly correlationId: string;
	/** When it was asked, by the wall clock; set where it enters. */
	readonly askedAtMs?: number;
};

export type RefreshResult = {
	readonly generation: number;
	readonly credential: Credential;
	/** The disk refused it so far: it lives in this window's memory while storing is tried again under the lease. */
	readonly unsaved?: boolean;
};

export type Refresher = {
	/**
	 * A credential that satisfies the request. Rejects with `no_account`, `invalid_grant`, `unknown_outcome`, `unavailable`,
	 * `transient`, `locked`, `configuration`, `identity`, `protocol`, `storage` and the states of the vault.
	 */
	refresh(request: RefreshRequest): Promise<RefreshResult>;
};

export type RefresherOptions = {
	readonly vault: Vault;
	readonly intents: Intents;
	readonly leases: Leases;
	readonly state: StateFile;
	readonly clock: Clock;
	readonly log: Logger;
	/** Sends the refresh token of this credential, once. */
	readonly send: Send;
	/** What it is sent with, which may have to be loaded. */
	readonly loadRenewal: () => Promise<(options: RenewalOptions) => Attempt>;
	readonly journal: Journal;
	/** Calls back when a generation of this bucket appears in the vault, polling fast until disposed. */
	readonly watch: (ref: BucketRef, listener: (generation: number) => void) => Disposable;
	/** The newest generation of this bucket that the watch has heard of, so that nobody has to look for it. */
	readonly heard?: (ref: BucketRef) => number | undefined;
	/** The same for the state. */
	readonly heardOfState?: () => number | undefined;
	/**
	 * What this window has read of the newest generation that the watch has heard of. Enough to know what to wait for; what is
	 * sent is read again under the lease.
	 */
	readonly remembered?: (ref: BucketRef) => Present | undefined;
	/** The window ends: stops waiting and retrying. What was sent is never aborted by it. */
	readonly ending: AbortSignal;
	/** Shared with whoever else judges the same tokens. */
	readonly lifetimes: Lifetimes;
};

export function createRefresher(options: RefresherOptions): Refresher {
	const { vault, leases, clock, log, journal } = options;
	const demands = createDemands(options.lifetimes, clock);
	const notes = createBucketNotes(options.state, clock, log, options.heardOfState);
	const storing = createStoring(options);
	let attempting: Promise<Attempt> | undefined;
	const flights = createFlights(demands, clock, (request, land) => fly(request, land));

	async function load(): Promise<Attempt> {
		try {
			const createRenewal = await options.loadRenewal();
			const readUnderLease = async (ref: BucketRef, hint?: number) => presentIn(await vault.readAgain(ref, hint));
			return createRenewal({ ...options, demands, notes, storing, read: readUnderLease });
		} catch (error) {
			attempting = undefined;
			// The files of the extension are gone: nothing was sent, and nothing is lost.
			throw new AuthError('transient', 'what renews a token could not be loaded', { cause: error });
		}
	}

	async function read(ref: BucketRef, hint?: number): Promise<Present> {
		return presentIn(await vault.read(ref, hint));
	}

	async function fly(
		request: RefreshRequest,
		land: (result: RefreshResult) => void,
		retry = true,
	): Promise<RefreshResult> {
		const { ref } = request;
		const first = options.remembered?.(ref) ?? (await read(ref, options.heard?.(ref)));
		if (demands.isMet(request, first)) return first;
		attempting ??= load();
		const renewal = attempting;
		renewal.catch(() => undefined); // Heard under the lease.
		const waiting = waitForOthers(options, demands, request, first, (generation) => read(ref, generation), land);
		try {
			const { result, renewed } = await leases.run(
				refreshLeaseName(ref),
				{ patienceMs: PATIENCE_MS, signal: waiting.signal, purpose: REFRESH_PURPOSE },
				async (lease) => {
					waiting.end();
					return (await renewal)(request, first, lease, land);
				},
			);
			// After the release: nobody needs to wait for a note.
			if (renewed) await notes.renewed(ref, result.generation, clock.now());
			return result;
		} catch (error) {
			return await afterFailure(request, first, error, waiting.adopted(), land, retry);
		} finally {
			waiting.end();
		}
	}

	/** What another window stored meanwhile outweighs every failure; so does life that is left, if trouble is passing. */
	async function afterFailure(
		request: RefreshRequest,
		first: Present,
		error: unknown,
		adopted: Promise<Present> | undefined,
		land: (result: RefreshResult) => void,
		retry: boolean,
	): Promise<RefreshResult> {
		const present = await (adopted ?? read(request.ref));
		if (present.generation > first.generation) {
			journal.note(request.ref, request.correlationId, `adopted generation ${present.generation} of another window`);
			if (demands.isAlive(request, present)) return present;
			// Asleep for longer than its life, or it is the one that was refused: once more, from where things stand now.
			if (retry) return fly(request, land, false);
			if (!demands.isRefused(request, present)) return present;
		}
		// Silent for so long that an owner who cannot be judged was given up: another window holds the lease now.
		const failure = isAuthError(error, 'conflict')
			? new AuthError('locked', 'the lease was taken over while this process was silent', { cause: error })
			: error;
		const passing = isAuthError(failure, 'transient') || isAuthError(failure, 'locked');
		const mayKeep = passing && request.force !== true && request.refusedDigest === undefined;
		if (mayKeep && demands.isAlive(request, present)) return present;
		throw failure;
	}

	return {
		async refresh(request) {
			const unsaved = storing.unsaved(request.ref);
			if (unsaved && demands.isOfUse(request, unsaved)) return unsaved;
			return flights.join({ ...request, askedAtMs: clock.now() });
		},
	};
}

/** What a lease that is taken for a refresh is for. */
export const REFRESH_PURPOSE = 'refresh';

/** The lease of a bucket: of the bucket, not of who asks, so that all consumers in all windows meet at it. */
export function refreshLeaseName(ref: BucketRef): string {
	return `refresh\0${ref.providerId}\0${ref.bucketId}`;
}

function presentIn(reading: RecordReading): Present {
	if (reading.kind === 'credential') return reading;
	throw unreadable(reading);
}

/** The error for a reading that holds no credential. */
export function unreadable(reading: Exclude<RecordReading, { kind: 'credential' }>): AuthError {
	switch (reading.kind) {
		case 'absent':
		case 'signedOut':
			return new AuthError('no_account', 'nobody is signed in');
		case 'keyMissing':
			return new AuthError('key_missing', 'the key of the record is gone');
		case 'keyUnreadable':
			return new AuthError('key_unreadable', 'the store of the key does not answer');
		case 'damaged':
			return new AuthError('damaged', 'the record cannot be opened');
		case 'newerSchema':
			return new AuthError('newer_schema', 'the record was written by a newer version');
	}
}
