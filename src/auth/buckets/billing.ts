/**
 * Who pays for a bucket, and from which pot. Automatic never moves from one class to another by itself: a surprise on a bill
 * is worse than a wait.
 */

export const BUCKET_OWNERS = ['work', 'personal'] as const;
export type BucketOwner = (typeof BUCKET_OWNERS)[number];

export const BILLING_CLASSES = ['subscription', 'metered', 'organisation'] as const;
export type BillingClass = (typeof BILLING_CLASSES)[number];

type Billed = {
	readonly kind: 'oauth' | 'apiKey' | 'reference';
	readonly owner?: BucketOwner | undefined;
	readonly billing?: BillingClass | undefined;
};

/** True if using `to` in place of `from` changes who pays or how. What was not said counts as a class of its own. */
export function crosses(from: Billed, to: Billed): boolean {
	return from.owner !== to.owner || billingOf(from) !== billingOf(to);
}

/** Keys are billed by use almost everywhere, so one of which nothing was said never stands in for a sign-in unasked. */
function billingOf({ kind, billing }: Billed): BillingClass | 'unsaid' {
	return billing ?? (kind === 'apiKey' ? 'metered' : 'unsaid');
}
