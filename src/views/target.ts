/** What a command was called on. */
export type Target = { readonly providerId?: string; readonly bucketId?: string };

/** Commands can be called by anybody with anything, so the argument is looked at, not trusted. */
export function targetOf([node]: readonly unknown[]): Target {
	if (typeof node !== 'object' || node === null) return {};
	return {
		...('providerId' in node && typeof node.providerId === 'string' ? { providerId: node.providerId } : {}),
		...('bucketId' in node && typeof node.bucketId === 'string' ? { bucketId: node.bucketId } : {}),
	};
}
