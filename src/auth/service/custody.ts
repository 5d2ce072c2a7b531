/** Taking a credential into the vault and letting go of it. No lease: compare-and-set puts it after any refresh in flight. */
import { addBucket, newId, removeBucket } from '../buckets/accounts.ts';
import { endCooldown } from '../buckets/cooldowns.ts';
import { EMPTY_STATE, type State, updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import type { Credential } from '../credential.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { isSamePerson, mayReplace } from '../identityGate.ts';
import type { Provider } from '../provider.ts';
import type { Shelf } from '../shelf.ts';
import type { BucketRef } from '../vault/sealing.ts';
import type { RecordReading } from '../vault/vault.ts';
import type { BirthOptions } from '../vault/vaultKey.ts';

/** Two windows that write the same bucket at the same moment settle within a few rounds. */
const ATTEMPTS = 10;

export type TakeRequest = {
	readonly provider: Provider;
	readonly credential: Credential;
	/** Name of a new bucket; by default the account's label. */
	readonly name?: string;
	/**
	 * The bucket that was signed in again. An API key replaces the one in it; an OAuth credential goes to the bucket of its
	 * owner, and into this one only if nothing says that it is somebody else's.
	 */
	readonly bucketId?: string;
	readonly birth: BirthOptions;
};

/**
 * Stores a credential in the bucket of its owner, or in a new one, and resolves to the bucket's id. The record is there
 * before the state names it. An account that somebody leaves meanwhile is gone, and its id names nothing. Rejects with `identity` (the record in the bucket is another person's), `storage`, `newer_schema`, `key_missing`, `key_unreadable`.
 */
export async function takeIn(shelf: Shelf, clock: Clock, request: TakeRequest): Promise<string> {
	const { provider } = request;
	const credential =
		request.credential.kind === 'oauth' ? { ...request.credential, grantId: newId() } : request.credential;
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const reading = await shelf.state.read();
		// Before anything is written: a record that no state may name would be lost, and its sign-in with it.
		if (reading.kind === 'newerSchema')
			throw new AuthError('newer_schema', 'the state was written by a newer version and is not rewritten');
		const state = reading.kind === 'state' ? reading.state : EMPTY_STATE;
		const target = targetOf(state, request);
		const found =
			target === undefined ? undefined : await shelf.vault.read({ providerId: provider.id, bucketId: target });
		// The end of an account is final: its bucket is on its way out, and who comes back gets a new one. One reading decides
		// that and what is superseded, so that an end that comes in between is a conflict and is not written over.
		const ended = found?.kind === 'signedOut';
		const bucketId = target === undefined || ended ? newId() : target;
		// The record itself has the last word: it is what would be lost.
		if (
			found?.kind === 'credential' &&
			credential.kind === 'oauth' &&
			!mayReplace(found.credential.identity, credential.identity)
		)
			throw new AuthError('identity', 'the bucket holds the credential of somebody else');
		const expected = found === undefined || ended ? 0 : found.generation;
		try {
			if (!isOfGrant(found, credential))
				await shelf.vault.write({ providerId: provider.id, bucketId }, expected, credential, request.birth);
		} catch (error) {
			if (isAuthError(error, 'conflict')) continue; // A refresh or another sign-in: this one comes after it.
			throw error;
		}
		let kept = false;
		await shelf.state.update((newest) => {
			const rest = ended && target !== undefined ? removeBucket(newest, provider.id, target) : newest;
			const rival = targetOf(rest, request);
			kept = rival === undefined || rival === bucketId;
			if (rival !== undefined) return updateIdentity(rest, request, rival);
			const naming = request.name === undefined ? {} : { name: request.name };
			return addBucket(rest, provider, credential, { ...naming, nowMs: clock.now(), bucketId }).state;
		});
		if (!kept) continue;
		// Signed out between its record and its name: who left it did not find the name, which would outlive the end.
		if ((await shelf.vault.read({ providerId: provider.id, bucketId })).kind === 'signedOut')
			await shelf.state.update((newest) => removeBucket(newest, provider.id, bucketId));
		return bucketId;
	}
	throw new AuthError('storage', 'the account could not be stored: others always were faster');
}

/**
 * True if it was stored after all: who stood still between writing and looking hears of a conflict where somebody has renewed
 * it since. Written once more, its refresh token would come back after it was used.
 */
function isOfGrant(found: RecordReading | undefined, credential: Credential): boolean {
	if (found?.kind !== 'credential' || found.credential.kind !== 'oauth' || credential.kind !== 'oauth') return false;
	return found.credential.grantId === credential.grantId;
}

function targetOf(state: State, { provider, credential, bucketId }: TakeRequest): string | undefined {
	const buckets = (state.providers[provider.id]?.buckets ?? []).filter((bucket) => bucket.kind === credential.kind);
	const asked = buckets.find((bucket) => bucket.id === bucketId);
	if (credential.kind === 'apiKey') return asked?.id;
	const owned = buckets.find((bucket) => isSamePerson(bucket.account.identity, credential.identity));
	if (owned) return owned.id;
	return asked && mayReplace(asked.account.identity, credential.identity) ? asked.id : undefined;
}

/** An account that becomes better known keeps its label: consents hang on it. */
function updateIdentity(state: State, { provider, credential }: TakeRequest, bucketId: string): State {
	const { identity } = credential;
	return updateBucket(state, provider.id, bucketId, (bucket) => {
		// What was refused was the credential that this one replaces.
		const present = bucket.cooldown?.reason === 'refused' ? endCooldown(bucket) : bucket;
		if (credential.kind === 'apiKey' || JSON.stringify(present.account.identity) === JSON.stringify(identity))
			return present;
		return { ...present, account: { ...present.account, identity } };
	});
}

/**
 * Ends an account: final in every window, because its record says so in a generation of its own, which no late answer can
 * overwrite. Resolves to the last credential, for revocation. Works on records that cannot be opened. Rejects with `storage`,
 * `newer_schema`.
 */
export async function letGo(shelf: Shelf, ref: BucketRef): Promise<Credential | undefined> {
	let last: Credential | undefined;
	for (let attempt = 1; ; attempt++) {
		const reading = await shelf.vault.read(ref);
		if (reading.kind === 'credential') last = reading.credential;
		if (reading.kind === 'absent' || reading.kind === 'signedOut') break;
		try {
			await shelf.vault.writeSignedOut(ref, reading.generation);
			break;
		} catch (error) {
			if (!isAuthError(error, 'conflict') || attempt === ATTEMPTS) throw error;
		}
	}
	await shelf.state.update((state) => removeBucket(state, ref.providerId, ref.bucketId));
	return last;
}
