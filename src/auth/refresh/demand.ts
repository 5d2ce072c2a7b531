/** What a request demands of a credential: whether one that is there will do, and whether a renewal that runs answers it too. */
import type { Clock } from '../clock.ts';
import { type Credential, EXPIRY_SKEW_MS } from '../credential.ts';
import type { Lifetimes } from '../lifetimes.ts';
import { digest } from '../log.ts';
import { STORE_MARGIN_MS } from './deadlines.ts';
import type { RefreshRequest } from './refresher.ts';

/** A credential as the vault holds it. */
export type Present = { readonly generation: number; readonly credential: Credential };

export type Demands = {
	/** Nothing needs to be renewed for this request. */
	isMet(request: RefreshRequest, present: Present): boolean;
	/** It has enough life left, or came in while the request waited, and nobody has refused it. */
	isOfUse(request: RefreshRequest, present: Present): boolean;
	/** The same with any life left. */
	isAlive(request: RefreshRequest, present: Present): boolean;
	/** This happened so short a time ago that nobody can have slept since. */
	isJustNow(atMs: number): boolean;
	/** It is the one that was refused. */
	isRefused(request: RefreshRequest, present: Present): boolean;
};

export function createDemands(lifetimes: Lifetimes, clock: Clock): Demands {
	function lives({ ref }: RefreshRequest, { generation, credential }: Present, minTtlMs: number | undefined): boolean {
		return lifetimes.isFresh(ref.bucketId, generation, credential, minTtlMs);
	}

	function isRefused({ refusedDigest }: RefreshRequest, { credential }: Present): boolean {
		return refusedDigest !== undefined && digest(credential.accessToken) === refusedDigest;
	}

	function lasts(request: RefreshRequest, present: Present, minTtlMs: number | undefined): boolean {
		if (isRefused(request, present)) return false;
		return lives(request, present, minTtlMs) || cameMeanwhile(request, present);
	}

	function isOfUse(request: RefreshRequest, present: Present): boolean {
		return lasts(request, present, request.minTtlMs);
	}

	/** What is on its way from the server to the last who waits is at most being stored. */
	function isJustNow(atMs: number): boolean {
		const ageMs = clock.now() - atMs;
		return ageMs >= 0 && ageMs <= STORE_MARGIN_MS;
	}

	/**
	 * Who asked before it came in takes it, however little life it was given: it is all there is, and with a life shorter than
	 * the way of an answer each caller would send a request of its own, one after the other.
	 */
	function cameMeanwhile({ askedAtMs }: RefreshRequest, { credential }: Present): boolean {
		return askedAtMs !== undefined && credential.obtainedAtMs >= askedAtMs && isJustNow(credential.obtainedAtMs);
	}

	return {
		isMet: (request, present) => request.force !== true && isOfUse(request, present),
		isOfUse,
		isAlive: (request, present) => lasts(request, present, 0),
		isJustNow,
		isRefused,
	};
}

/** Whether a renewal that was started for `started` answers `request` too, whatever comes out of it. */
export function covers(started: RefreshRequest, request: RefreshRequest): boolean {
	return (
		(started.force === true || request.force !== true) &&
		started.refusedDigest === request.refusedDigest &&
		(started.minTtlMs ?? EXPIRY_SKEW_MS) >= (request.minTtlMs ?? EXPIRY_SKEW_MS)
	);
}
