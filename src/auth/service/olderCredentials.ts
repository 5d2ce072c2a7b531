/**
 * Credentials that an earlier version stored say nothing of the service that gave them. They are bound to what the settings
 * name when this version first reads them. That is kept in the state, because a record written beside a refresh under way
 * would lose what that refresh brings; the next refresh seals it.
 */
import { updateBucket } from '../buckets/state.ts';
import { isOfService, originOf } from '../origin.ts';
import { isOAuthProvider, type Provider } from '../provider.ts';
import type { OpenShelf, Shelves } from './shelves.ts';

/** Writes nothing where there is nothing to bind. Rejects with `storage`, `newer_schema`. */
export async function bindOlderCredentials(
	shelves: Pick<Shelves, 'refs' | 'find' | 'known'>,
	providers: readonly Provider[],
): Promise<void> {
	const unbound = new Map<OpenShelf, { readonly providerId: string; readonly bucketId: string }[]>();
	for (const ref of shelves.refs()) {
		const place = shelves.find(ref.providerId, ref.bucketId);
		const known = place && shelves.known(place.open, ref.bucketId);
		if (known?.kind !== 'credential' || known.credential.kind !== 'oauth') continue;
		if (known.credential.origin !== undefined || place?.bucket.origin !== undefined) continue;
		const provider = providers.find(({ id }) => id === ref.providerId);
		// The issuer it was identified by is known even so: another one is not believed.
		if (!place || !provider || !isOfService(provider, known.credential)) continue;
		unbound.set(place.open, [...(unbound.get(place.open) ?? []), ref]);
	}
	for (const [{ shelf }, refs] of unbound) {
		await shelf.state.update((state) =>
			refs.reduce((next, { providerId, bucketId }) => {
				const provider = providers.find(({ id }) => id === providerId);
				if (!provider || !isOAuthProvider(provider)) return next;
				// The first window that reads it decides for all.
				return updateBucket(next, providerId, bucketId, (bucket) =>
					bucket.origin === undefined ? { ...bucket, origin: originOf(provider) } : bucket,
				);
			}, state),
		);
	}
}
