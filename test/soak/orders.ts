/** What a chaos run and its windows say to each other. */
import type { PersonId } from '../server/people.ts';

export const PROVIDER_ID = 'demo';

export type WindowSetup = {
	readonly storagePath: string;
	/** Stands for the keyring: a folder with a file for each key. */
	readonly keyFolder: string;
	readonly issuer: string;
	readonly tokenUrl: string;
	readonly authorizationUrl: string;
	readonly revocationUrl: string;
	readonly userinfoUrl: string;
	readonly clientId: string;
	/** Names the process at the server. */
	readonly name: string;
	/** A part of the product is broken on purpose: the checker has to notice. */
	readonly defect?: Defect;
};

export type Defect =
	/** Two windows hold one lease. */
	| 'leaseForAll'
	/** Writes are reported as done and never were. */
	| 'forgetfulDisk'
	/** A sign-out is forgotten once it is acknowledged. */
	| 'zombieAccount';

export const DEFECTS: readonly Defect[] = ['leaseForAll', 'forgetfulDisk', 'zombieAccount'];

/** What goes wrong with every write of the vault. */
export type DiskTrouble = 'full' | 'none';

export type Order =
	| { readonly kind: 'open'; readonly setup: WindowSetup }
	| { readonly kind: 'token'; readonly bucketId?: string }
	| { readonly kind: 'renew'; readonly bucketId: string }
	| { readonly kind: 'rename'; readonly bucketId: string; readonly name: string }
	| { readonly kind: 'move'; readonly bucketId: string; readonly index: number }
	| { readonly kind: 'signIn'; readonly person: PersonId; readonly bucketId?: string }
	| { readonly kind: 'addKey'; readonly name: string }
	| { readonly kind: 'signOut'; readonly bucketId: string }
	| { readonly kind: 'report'; readonly tokenDigest: string; readonly status: number }
	| { readonly kind: 'reload' }
	| { readonly kind: 'list' }
	| { readonly kind: 'disk'; readonly trouble: DiskTrouble };

export type Listed = {
	readonly bucketId: string;
	readonly name: string;
	readonly account: 'oauth' | 'apiKey' | 'reference';
	/** The `sub` of whose account it is; absent if no service said. */
	readonly subject?: string;
	readonly state: string;
	readonly generation: number;
};

export type Result =
	| { readonly kind: 'done' }
	| { readonly kind: 'token'; readonly bucketId: string; readonly digest: string; readonly generation: number }
	| { readonly kind: 'signedIn'; readonly bucketId: string; readonly subject?: string }
	| { readonly kind: 'list'; readonly buckets: readonly Listed[]; readonly problem?: string }
	/** `code` of an `AuthError`, else the error's text. */
	| { readonly kind: 'failed'; readonly code: string };

export type Message = { readonly id: number; readonly order: Order };
export type Reply = { readonly id: number; readonly result: Result } | { readonly id: 0 };
