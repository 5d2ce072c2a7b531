/**
 * Whose bucket is it, and what is the account called? VS Code ties consent and preference to the label, so a label is given
 * once, is unique within a provider, and is never given to anybody else again.
 */
import { randomBytes } from 'node:crypto';
import type { Credential, Identity } from '../credential.ts';
import { mayReplace } from '../identityGate.ts';
import type { Provider } from '../provider.ts';
import { freeName } from './edits.ts';
import type { Bucket, ProviderState, State } from './state.ts';

/** Label and id of the account whose token is that of the bucket in force. Never translated: VS Code stores it. */
export const AUTOMATIC = 'Automatic';

const EMPTY: ProviderState = { buckets: [], labels: [] };

/** Who owns a label: issuer and subject, or what is there instead. */
function ownerOf(identity: Identity): string {
	return JSON.stringify([
		identity.issuer,
		identity.subject ?? null,
		identity.subject ? null : (identity.email ?? null),
	]);
}

/** What a bucket has to know of a credential. */
export type BucketContent =
	| Pick<Credential, 'kind' | 'identity'>
	| { readonly kind: 'reference'; readonly command: string; readonly identity: Identity };

/**
 * A new bucket at the end of the order, with an account label that nobody else has had. An account of another person than
 * those who are there is left out of Automatic until somebody decides otherwise.
 */
export function addBucket(
	state: State,
	provider: Pick<Provider, 'id' | 'label'>,
	credential: BucketContent,
	options: { readonly name?: string; readonly nowMs: number; readonly bucketId?: string },
): { readonly state: State; readonly bucket: Bucket } {
	const present = state.providers[provider.id] ?? EMPTY;
	const owner = ownerOf(credential.identity);
	const account = accountFor(present, credential, owner, options.name ?? provider.label);
	const joins = present.buckets.length === 0 || present.buckets.some((bucket) => mayBeOneOwner(bucket, credential));
	const bucket: Bucket = {
		id: options.bucketId ?? newId(),
		name: freeName(present.buckets, options.name ?? account.label),
		kind: credential.kind,
		...(credential.kind === 'reference' ? { command: credential.command } : {}),
		...(joins ? {} : { automatic: false }),
		account: { ...account, identity: credential.identity },
		createdAtMs: options.nowMs,
		lastUsedAtMs: options.nowMs,
	};
	const known = present.labels.some((entry) => entry.label === account.label);
	const next: ProviderState = {
		buckets: [...present.buckets, bucket],
		labels: known ? present.labels : [...present.labels, { label: account.label, accountId: account.id, owner }],
	};
	return { state: { ...state, providers: { ...state.providers, [provider.id]: next } }, bucket };
}

/** Keys and commands say nothing of a person, and neither do accounts that nothing is known of. */
function mayBeOneOwner(bucket: Bucket, credential: BucketContent): boolean {
	if (credential.kind !== 'oauth' || bucket.kind !== 'oauth') return true;
	return mayReplace(bucket.account.identity, credential.identity);
}

/** The label this owner had before if its account is not in use now, else the first free one. */
function accountFor(
	present: ProviderState,
	credential: BucketContent,
	owner: string,
	fallback: string,
): { readonly id: string; readonly label: string } {
	const inUse = new Set(present.buckets.map((bucket) => bucket.account.label));
	const identified = credential.identity.subject !== undefined || credential.identity.email !== undefined;
	const earlier = identified
		? present.labels.find((entry) => entry.owner === owner && !inUse.has(entry.label))
		: undefined;
	if (earlier) return { id: earlier.accountId, label: earlier.label };
	const { email, name, subject } = credential.identity;
	const wanted = credential.kind !== 'oauth' ? fallback : (email ?? name ?? subject ?? fallback);
	const taken = new Set([AUTOMATIC, ...present.labels.map((entry) => entry.label)]);
	let label = wanted;
	for (let count = 2; taken.has(label); count++) label = `${wanted} (${count})`;
	return { id: newId(), label };
}

/** Takes the bucket out; its label stays with its owner for ever. */
export function removeBucket(state: State, providerId: string, bucketId: string): State {
	const present = state.providers[providerId];
	if (!present?.buckets.some((bucket) => bucket.id === bucketId)) return state;
	const buckets = present.buckets.filter((bucket) => bucket.id !== bucketId);
	return { ...state, providers: { ...state.providers, [providerId]: { ...present, buckets } } };
}

/** 80 bits: never met again, and nothing can be read from it. */
export function newId(): string {
	return randomBytes(10).toString('hex');
}
