/** What a request demands of a credential: whether one that is there will do, and whether a renewal that runs answers it too. */
import { type Credential, EXPIRY_SKEW_MS } from '../credential.ts';
import type { Lifetimes } from '../lifetimes.ts';
import { digest } from '../log.ts';
import type { RefreshRequest } from './refresher.ts';

/** A credential as the vault holds it. */
export type Present = { readonly generation: number; readonly credential: Credential };

export type Demands = {
	/** Nothing needs to be renewed for this request. */
	isMet(request: RefreshRequest, present: Present): boolean;
	/** It has enough life left, and nobody has refused it. */
	isOfUse(request: RefreshRequest, present: Present): boolean;
	/** It has any life left, and is not the one that was refused. */
	isAlive(request: RefreshRequest, present: Present): boolean;
	/** It is the one that was refused. */
	isRefused(request: RefreshRequest, present: Present): boolean;
};

export function createDemands(lifetimes: Lifetimes): Demands {
	function lives({ ref }: RefreshRequest, { generation, credential }: Present, minTtlMs: number | undefined): boolean {
		return lifetimes.isFresh(ref.bucketId, generation, credential, minTtlMs);
	}

	function isRefused({ refusedDigest }: RefreshRequest, { credential }: Present): boolean {
		return refusedDigest !== undefined && digest(credential.accessToken) === refusedDigest;
	}

	function isOfUse(request: RefreshRequest, present: Present): boolean {
		return !isRefused(request, present) && lives(request, present, request.minTtlMs);
	}

	return {
		isMet: (request, present) => request.force !== true && isOfUse(request, present),
		isOfUse,
		isAlive: (request, present) => !isRefused(request, present) && lives(request, present, 0),
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
