/** Pure: of which accounts of a provider it is not known whose they are or how they are paid for. */
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';

export type Unsaid = {
	readonly bucket: BucketSnapshot;
	readonly owner: boolean;
	readonly billing: boolean;
};

/** The new one first. Nothing while it is the only one: there is no other to move to. */
export function unsaidOf({ buckets }: ProviderSnapshot, newBucketId: string): readonly Unsaid[] {
	if (buckets.length < 2) return [];
	const inOrder = [
		...buckets.filter(({ id }) => id === newBucketId),
		...buckets.filter(({ id }) => id !== newBucketId),
	];
	return inOrder
		.map((bucket) => ({ bucket, owner: bucket.owner === undefined, billing: bucket.billing === undefined }))
		.filter(({ owner, billing }) => owner || billing);
}
