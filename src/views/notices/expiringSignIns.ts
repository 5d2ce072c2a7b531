/** Which sign-ins are about to end, so that a person has to come back in any case. Pure. */
import type { BucketSnapshot, SignInEnd, Snapshot } from '../../auth/snapshot.ts';

const TWO_DAYS_MS = 2 * 24 * 60 * 60_000;

/** Of a sign-in that lasts for hours, two days would be always. */
const LAST_SHARE = 0.25;

export type ExpiringSignIn = { readonly bucket: BucketSnapshot; readonly end: SignInEnd };

/**
 * Not those whose end moves with every renewal, because they last as long as they are used: what is left of them is never
 * a small share while they are renewed.
 */
export function expiringSignIns({ providers }: Snapshot, nowMs: number): readonly ExpiringSignIn[] {
	return providers
		.flatMap(({ buckets }) => buckets)
		.flatMap((bucket) => {
			const { signInEnd: end, renewable, disabled, state } = bucket;
			const works = state.kind === 'ready' || state.kind === 'failing';
			return end && renewable && works && !disabled && isNear(end, nowMs) ? [{ bucket, end }] : [];
		});
}

function isNear({ atMs, sinceMs }: SignInEnd, nowMs: number): boolean {
	const leftMs = atMs - nowMs;
	return leftMs > 0 && leftMs <= Math.min(TWO_DAYS_MS, (atMs - sinceMs) * LAST_SHARE);
}
