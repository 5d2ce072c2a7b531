/** Pure: what is shown and handed out, from the state of all windows and what the vault's records turned out to be. */
import type { Credential } from '../credential.ts';
import { isOfService } from '../origin.ts';
import type { Provider } from '../provider.ts';
import type { AccessToken, BucketSnapshot, BucketState, Cooldown, ProviderSnapshot } from '../snapshot.ts';
import type { RecordReading } from '../vault/vault.ts';
import type { Bucket, BucketCooldown, State } from './state.ts';

/** A record as last read, or the failure to read it. */
export type Known =
	| RecordReading
	/** The disk refuses it so far. */
	| (Extract<RecordReading, { kind: 'credential' }> & { readonly unsaved?: boolean })
	| { readonly kind: 'storageFailed'; readonly generation: 0 };

export type Layer = {
	readonly state: State;
	readonly known: (bucketId: string) => Known | undefined;
	readonly sessionOnly: boolean;
};

/** Decides for this window which bucket is in force; see `service/choice.ts`. */
export type Choose = (
	providerId: string,
	buckets: readonly BucketSnapshot[],
	states: readonly State[],
) => Pick<ProviderSnapshot, 'automatic' | 'binding'>;

export function providerSnapshot(
	provider: Provider,
	layers: readonly Layer[],
	options: { readonly signingIn: boolean; readonly choose: Choose },
): ProviderSnapshot {
	const buckets = layers.flatMap((layer) =>
		(layer.state.providers[provider.id]?.buckets ?? []).map((bucket) =>
			bucketSnapshot(provider, bucket, layer.known(bucket.id), layer.sessionOnly),
		),
	);
	const chosen = options.choose(
		provider.id,
		buckets,
		layers.map((layer) => layer.state),
	);
	const { automatic } = chosen;
	return {
		provider,
		buckets,
		signingIn: options.signingIn,
		...chosen,
		...(automatic.kind === 'inForce' ? { inForce: automatic.bucketId } : {}),
	};
}

function bucketSnapshot(
	provider: Provider,
	bucket: Bucket,
	known: Known | undefined,
	sessionOnly: boolean,
): BucketSnapshot {
	const found = known?.kind === 'credential' ? known.credential : undefined;
	// What another service gave is nobody's here: it has neither token nor life, only an account that must sign in.
	const isForeign = found !== undefined && !isOfService(provider, found, bucket.origin);
	const credential = isForeign ? undefined : found;
	return {
		id: bucket.id,
		providerId: provider.id,
		name: bucket.name,
		account: bucket.account,
		kind: bucket.kind,
		state: isForeign ? { kind: 'needsSignIn', reason: 'service_changed' } : stateOf(bucket, known),
		generation: known?.generation ?? 0,
		renewable: credential?.kind === 'oauth' && credential.refreshToken !== undefined,
		sessionOnly,
		...(known?.kind === 'credential' && 'unsaved' in known && known.unsaved === true ? { unsaved: true } : {}),
		disabled: bucket.disabled ?? false,
		automatic: bucket.automatic ?? true,
		...(bucket.owner === undefined ? {} : { owner: bucket.owner }),
		...(bucket.billing === undefined ? {} : { billing: bucket.billing }),
		...(bucket.cooldown === undefined ? {} : { cooldown: cooldownOf(bucket.cooldown) }),
		...(credential ? { token: accessTokenOf(credential) } : {}),
		...(bucket.command === undefined ? {} : { command: bucket.command }),
		...signInEndOf(credential),
		...(bucket.lastRefreshPid === undefined ? {} : { lastRefreshPid: bucket.lastRefreshPid }),
		...(bucket.lastRefreshAtMs === undefined ? {} : { lastRefreshAtMs: bucket.lastRefreshAtMs }),
		...(bucket.lastUsedAtMs === undefined ? {} : { lastUsedAtMs: bucket.lastUsedAtMs }),
	};
}

function cooldownOf({ reason, rule, sinceMs, untilMs }: BucketCooldown): Cooldown {
	return { reason, rule, sinceMs, ...(untilMs === undefined ? {} : { untilMs }) };
}

function signInEndOf(credential: Credential | undefined): Pick<BucketSnapshot, 'signInEnd'> {
	if (credential?.kind !== 'oauth') return {};
	const { refreshToken, refreshExpiresAtMs, expiresAtMs, obtainedAtMs, refreshEndSinceMs } = credential;
	const atMs = refreshToken === undefined ? expiresAtMs : refreshExpiresAtMs;
	return atMs === undefined ? {} : { signInEnd: { atMs, sinceMs: refreshEndSinceMs ?? obtainedAtMs } };
}

/** The part of a credential that may be handed out. */
export function accessTokenOf(credential: Credential): AccessToken {
	const expiresAtMs = credential.kind === 'oauth' ? credential.expiresAtMs : undefined;
	return {
		value: credential.accessToken,
		scopes: credential.scopes,
		...(expiresAtMs === undefined ? {} : { expiresAtMs }),
	};
}

function stateOf(bucket: Bucket, known: Known | undefined): BucketState {
	if (bucket.kind === 'reference') return { kind: 'ready' };
	// The record comes before the state's notes: they are about a credential that must be there first.
	if (known === undefined || known.kind === 'absent') return { kind: 'signedOut' };
	if (known.kind !== 'credential') return { kind: known.kind };
	if (bucket.serviceChanged?.generation === known.generation) return { kind: 'needsSignIn', reason: 'service_changed' };
	if (bucket.needsSignIn?.generation === known.generation)
		return { kind: 'needsSignIn', reason: bucket.needsSignIn.reason };
	if (bucket.failing?.generation === known.generation) {
		const { retryAtMs, sinceMs } = bucket.failing;
		return { kind: 'failing', retryAtMs, ...(sinceMs === undefined ? {} : { sinceMs }) };
	}
	return { kind: 'ready' };
}
