/** What a person changes about buckets, written to the state that all windows read. */
import { addBucket, newId } from '../buckets/accounts.ts';
import { endCooldown } from '../buckets/cooldowns.ts';
import { answerBinding, decide, describe, move, rename } from '../buckets/edits.ts';
import { type State, updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Provider } from '../provider.ts';
import type { AuthService } from '../service.ts';
import type { OpenShelf, Shelves } from './shelves.ts';

export type BucketEdits = Pick<
	AuthService,
	| 'renameBucket'
	| 'moveBucket'
	| 'describeBucket'
	| 'endCooldown'
	| 'decideCrossing'
	| 'confirmBinding'
	| 'addReference'
>;

/** Each rejects with `no_account` if there is no such bucket, and with `storage`, `newer_schema`. */
export function createBucketEdits(options: {
	readonly shelves: Shelves;
	readonly disk: OpenShelf;
	readonly prepareFolders: () => Promise<void>;
	readonly providerOf: (providerId: string) => Provider;
	readonly workspace: () => string;
	readonly clock: Clock;
	readonly log: Logger;
}): BucketEdits {
	const { shelves, disk, clock, log } = options;

	async function edit(
		providerId: string,
		bucketId: string,
		what: string,
		change: (state: State) => State,
	): Promise<void> {
		const place = shelves.find(providerId, bucketId);
		if (!place) throw new AuthError('no_account', 'there is no such bucket', { detail: { provider: providerId } });
		await place.open.shelf.state.update(change);
		log.info(`bucket ${bucketId} of ${providerId}: ${what}`);
		await shelves.readNews(place.open, 'state');
	}

	return {
		renameBucket: (providerId, bucketId, name) =>
			edit(providerId, bucketId, 'renamed', (state) => rename(state, providerId, bucketId, name)),
		moveBucket: (providerId, bucketId, index) =>
			edit(providerId, bucketId, `moved to place ${index + 1}`, (state) => move(state, providerId, bucketId, index)),
		describeBucket: (providerId, bucketId, description) =>
			edit(providerId, bucketId, `described as ${JSON.stringify(description)}`, (state) =>
				describe(state, providerId, bucketId, description),
			),
		endCooldown: (providerId, bucketId) =>
			edit(providerId, bucketId, 'cooldown ended by the person', (state) =>
				updateBucket(state, providerId, bucketId, endCooldown),
			),
		decideCrossing: (crossing) =>
			edit(
				crossing.providerId,
				crossing.fromBucketId,
				`${crossing.allowed ? 'may' : 'may not'} be replaced by ${crossing.toBucketId} (${crossing.scope})`,
				(state) => decide(state, crossing, options.workspace(), clock.now()),
			),
		async confirmBinding({ providerId, bucketName, workspace }, allowed) {
			await options.prepareFolders();
			await disk.shelf.state.update((state) => answerBinding(state, { providerId, bucketName, workspace, allowed }));
			log.info(`binding of ${providerId} in this workspace: ${allowed ? 'confirmed' : 'declined'}`);
			await shelves.readNews(disk, 'state');
		},
		async addReference({ providerId, command, name }) {
			const provider = options.providerOf(providerId);
			if (provider.commands?.[command] === undefined)
				throw new AuthError('configuration', 'the settings have no such command', {
					detail: { provider: providerId, field: `${providerId}.commands.${command}` },
				});
			await options.prepareFolders();
			const bucketId = newId();
			await disk.shelf.state.update((state) => {
				// Applied again where another window wrote on top of it before this one knew that it was written.
				if (state.providers[providerId]?.buckets.some(({ id }) => id === bucketId)) return state;
				return addBucket(
					state,
					provider,
					{ kind: 'reference', command, identity: { issuer: providerId } },
					{ name: name.trim() === '' ? command : name.trim(), nowMs: clock.now(), bucketId },
				).state;
			});
			await shelves.readNews(disk, 'state');
			const bucket = shelves.bucket(providerId, bucketId);
			if (!bucket) throw new AuthError('no_account', 'the bucket is gone again', { detail: { provider: providerId } });
			return bucket;
		},
	};
}
