/** What people do about their accounts, as against what every window does by itself: loaded when the first one does it. */
import { createExamine } from '../doctor/examine.ts';
import type { Journal } from '../refresh/journal.ts';
import type { AuthService } from '../service.ts';
import type { DiskShelf } from '../shelf.ts';
import type { Disk } from '../vault/disk.ts';
import type { KeyStore } from '../vault/keyStore.ts';
import { type BucketEdits, createBucketEdits } from './bucketEdits.ts';
import { diagnose } from './diagnostics.ts';
import { createRemoval } from './removal.ts';
import { createSignIns, type SignInsOptions } from './signIns.ts';
import { createSignOuts, type SignOuts } from './signOuts.ts';

export type Actions = BucketEdits &
	SignOuts &
	Pick<AuthService, 'signIn' | 'addApiKey' | 'storedData' | 'examine' | 'diagnose'>;

export type ActionsOptions = Omit<
	SignInsOptions,
	'prepareFolders' | 'ensureKey' | 'isKeyClaimed' | 'isKeyForgotten' | 'disk'
> &
	Pick<Parameters<typeof createBucketEdits>[0], 'providerOf' | 'workspace'> & {
		readonly storagePath: string;
		readonly secrets: KeyStore;
		readonly disk: Disk;
		readonly diskShelf: DiskShelf;
		readonly open: SignInsOptions['disk'];
		readonly journal: Journal;
		readonly getToken: AuthService['getToken'];
	};

export function createActions(options: ActionsOptions): Actions {
	const { shelves, diskShelf, open, loaded, providerOf } = options;
	const { vault, key } = diskShelf;
	const prepareFolders = diskShelf.prepare;
	const signIns = createSignIns({
		...options,
		disk: open,
		prepareFolders,
		ensureKey(birth) {
			key.forget();
			return vault.ensureKey(birth);
		},
		isKeyClaimed: key.isClaimed,
		isKeyForgotten: key.isForgotten,
	});
	const signOuts = createSignOuts(options);
	return {
		signIn: async (request) => signIns.start(providerOf(request.providerId), request),
		addApiKey: async ({ providerId, key: apiKey, name, bucketId }) =>
			signIns.addApiKey(providerOf(providerId), apiKey, name, bucketId),
		...signOuts,
		...createBucketEdits({ ...options, disk: open, prepareFolders }),
		storedData: createRemoval({ ...options, loaded, signOut: signOuts.signOut, shelf: diskShelf, open }),
		examine: createExamine({
			service: { snapshot: shelves.snapshot, getToken: options.getToken },
			shelf: diskShelf,
			disk: options.disk,
			oauth: options.oauth,
		}),
		diagnose: () => diagnose(shelves, diskShelf, options.journal),
	};
}
