/** Where a bucket stands among those of its provider, in this window and at this moment. Pure. */
import { crosses } from '../../auth/buckets/billing.ts';
import type { BucketSnapshot, Cooldown, ProviderSnapshot } from '../../auth/snapshot.ts';

export type BucketStanding = {
	readonly isInForce: boolean;
	/** The one whose cooldown has not ended yet. */
	readonly cooling?: Cooldown;
	/** It could stand in now, and the person has not said whether it may. */
	readonly needsDecision: boolean;
	/** It could stand in now, and the person said no. */
	readonly isDeclined: boolean;
	/** It has another owner or billing class than the first bucket of Automatic, so that it stands in only by a decision. */
	readonly crosses: boolean;
	/** This workspace is tied to it. */
	readonly isBound: boolean;
	readonly isFirst: boolean;
	readonly isLast: boolean;
};

export function standingOf(bucket: BucketSnapshot, provider: ProviderSnapshot, nowMs: number): BucketStanding {
	const { automatic, binding } = provider;
	const { place, count } = placeOf(bucket, provider);
	const cooling = coolingOf(bucket, nowMs);
	return {
		isInForce: provider.inForce === bucket.id,
		...(cooling === undefined ? {} : { cooling }),
		needsDecision: automatic.kind === 'decision' && automatic.toBucketId === bucket.id,
		isDeclined:
			automatic.kind === 'exhausted' &&
			automatic.buckets.some(({ bucketId, reason }) => bucketId === bucket.id && reason === 'decision'),
		crosses: crossesHome(bucket, provider),
		isBound: binding?.kind === 'bound' && binding.bucketName === bucket.name,
		isFirst: place === 0,
		isLast: place === count - 1,
	};
}

/** The cooldown of a bucket as long as it lasts. */
export function coolingOf({ cooldown }: BucketSnapshot, nowMs: number): Cooldown | undefined {
	return cooldown && (cooldown.untilMs === undefined || cooldown.untilMs > nowMs) ? cooldown : undefined;
}

/** The bucket that Automatic begins with: who pays for it may pay for what follows without being asked. */
export function homeOf({ buckets }: ProviderSnapshot): BucketSnapshot | undefined {
	return buckets.find(({ automatic, disabled }) => automatic && !disabled);
}

/**
 * The place that {@link AuthService.moveBucket} counts. Buckets of this window only are a list of their own, after those
 * of all windows.
 */
export function placeOf(
	bucket: BucketSnapshot,
	{ buckets }: ProviderSnapshot,
): { readonly place: number; readonly count: number } {
	const list = buckets.filter(({ sessionOnly }) => sessionOnly === bucket.sessionOnly);
	return { place: list.findIndex(({ id }) => id === bucket.id), count: list.length };
}

function crossesHome(bucket: BucketSnapshot, provider: ProviderSnapshot): boolean {
	const home = homeOf(provider);
	return home !== undefined && home.id !== bucket.id && bucket.automatic && !bucket.disabled && crosses(home, bucket);
}
