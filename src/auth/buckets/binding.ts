/**
 * Ties a workspace to a bucket, by name. What a workspace's own file says counts after the person confirmed it for that
 * workspace; what the person set for themselves counts at once.
 */

export type Binding = {
	readonly providerId: string;
	readonly bucketName: string;
	/** Digest that stands for the workspace, so that no path is kept. */
	readonly workspace: string;
	/** It comes from a file that belongs to the workspace. */
	readonly fromWorkspace: boolean;
};

/** The word of the settings about one provider in this window. */
export type BindingSetting =
	| { readonly kind: 'none' }
	| { readonly kind: 'bound'; readonly binding: Binding }
	/** Folders of this window name different buckets, and a request does not say which folder it is about. */
	| { readonly kind: 'conflict'; readonly names: readonly string[] };

/** A binding as far as this window follows it. */
export type BindingInForce =
	| { readonly kind: 'bound'; readonly bucketName: string }
	/** Waits for the person's yes; not followed. */
	| { readonly kind: 'unconfirmed'; readonly binding: Binding }
	| { readonly kind: 'conflict'; readonly names: readonly string[] };
