/** Pure: what is shown and handed out, from the state of all windows and what the vault's records turned out to be. */
import type { Provider } from '../provider.ts';
import type { AccessToken, BucketSnapshot, BucketState, ProviderSnapshot } from '../snapshot.ts';
import type { RecordReading } from '../vault/vault.ts';
import type { Bucket, State } from './state.ts';

/** A record as last read, or the failure to read it. */
export type Known = RecordReading | { readonly kind: 'storageFailed'; readonly generation: 0 };

export type Layer = {
	readonly state: State;
	readonly known: (bucketId: string) => Known | undefined;
	readonly sessionOnly: boolean;
};

export function providerSnapshot(
	provider: Provider,
	layers: readonly Layer[],
	options: { readonly signingIn: boolean },
): ProviderSnapshot {
	const buckets = layers.flatMap((layer) =>
		(layer.state.providers[provider.id]?.buckets ?? []).map((bucket) =>
			bucketSnapshot(provider.id, bucket, layer.known(bucket.id), layer.sessionOnly),
		),
	);
	const inForce = buckets.find(isUsable)?.id;
	return { provider, buckets, signingIn: options.signingIn, ...(inForce === undefined ? {} : { inForce }) };
}

function isUsable(bucket: BucketSnapshot): boolean {
	return bucket.token !== undefined && (bucket.state.kind === 'ready' || bucket.state.kind === 'failing');
}

function bucketSnapshot(
	providerId: string,
	bucket: Bucket,
	known: Known | undefined,
	sessionOnly: boolean,
): BucketSnapshot {
	const credential = known?.kind === 'credential' ? known.credential : undefined;
	return {
		id: bucket.id,
		providerId,
		name: bucket.name,
		account: bucket.account,
		kind: bucket.kind,
		state: stateOf(bucket, known),
		generation: known?.generation ?? 0,
		renewable: credential?.kind === 'oauth' && credential.refreshToken !== undefined,
		sessionOnly,
		...(credential ? { token: accessTokenOf(credential) } : {}),
		...(bucket.lastRefreshAtMs === undefined ? {} : { lastRefreshAtMs: bucket.lastRefreshAtMs }),
		...(bucket.lastUsedAtMs === undefined ? {} : { lastUsedAtMs: bucket.lastUsedAtMs }),
	};
}

/** The part of a credential that may be handed out. */
export function accessTokenOf(credential: Extract<RecordReading, { kind: 'credential' }>['credential']): AccessToken {
	const expiresAtMs = credential.kind === 'oauth' ? credential.expiresAtMs : undefined;
	return {
		value: credential.accessToken,
		scopes: credential.scopes,
		...(expiresAtMs === undefined ? {} : { expiresAtMs }),
	};
}

function stateOf(bucket: Bucket, known: Known | undefined): BucketState {
	// The record comes before the state's notes: they are about a credential that must be there first.
	if (known === undefined || known.kind === 'absent') return { kind: 'signedOut' };
	if (known.kind !== 'credential') return { kind: known.kind };
	if (bucket.needsSignIn?.generation === known.generation)
		return { kind: 'needsSignIn', reason: bucket.needsSignIn.reason };
	if (bucket.failing?.generation === known.generation) return { kind: 'failing', retryAtMs: bucket.failing.retryAtMs };
	return { kind: 'ready' };
}
