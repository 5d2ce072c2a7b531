/** What a test and its workers say to each other. */
import type { ProcessIdentity } from '../../src/auth/lease/processIdentity.ts';
import type { BucketRef } from '../../src/auth/vault/sealing.ts';
import type { DiskFault } from '../support/faultyDisk.ts';

export type VaultSetup = {
	readonly storagePath: string;
	/** Base64. */
	readonly key: string;
	readonly ref: BucketRef;
	readonly issuer: string;
	readonly tokenUrl: string;
	readonly clientId: string;
	/** How much faster than real time the worker's waits pass; 1 unless given. */
	readonly speed?: number;
	/** The folder tells nobody of changes, from the first moment on, as on some network drives. */
	readonly deaf?: boolean;
	/** Holds the milliseconds that the wall clock of the process is ahead; read at each look at it. */
	readonly clockFile?: string;
};

/** What a test wants done, without the number that ties the answer to it. */
export type Order =
	| { readonly kind: 'leases'; readonly folder: string; readonly speed?: number }
	| {
			readonly kind: 'hold';
			readonly name: string;
			readonly patienceMs: number;
			/** With a journal: stay inside for `holdMs` and prove that nobody else was. Without: until told to let go. */
			readonly journal?: string;
			readonly holdMs?: number;
			readonly assertHeld?: boolean;
	  }
	| { readonly kind: 'open'; readonly setup: VaultSetup; readonly barriers?: readonly string[] }
	| { readonly kind: 'fault'; readonly fault?: DiskFault }
	| {
			readonly kind: 'token';
			readonly callers?: number;
			readonly request: {
				readonly ref: BucketRef;
				readonly force?: boolean;
				readonly minTtlMs?: number;
				readonly refusedDigest?: string;
			};
	  }
	/** What is in memory; for a whole window only. */
	| { readonly kind: 'shown' }
	| { readonly kind: 'signOut'; readonly ref: BucketRef }
	| { readonly kind: 'clock'; readonly offsetMs: number }
	/** From here on the process is another user, to whom file modes apply. Only root may. */
	| { readonly kind: 'become'; readonly uid: number }
	| { readonly kind: 'identity' }
	| { readonly kind: 'lines' };

export type Command = Order & { readonly id: number };

export type Report =
	| { readonly kind: 'ready' }
	| { readonly kind: 'reached'; readonly point: string }
	| { readonly kind: 'held'; readonly id: number; readonly afterMs: number }
	| { readonly kind: 'done'; readonly id: number }
	| {
			readonly kind: 'token';
			readonly id: number;
			readonly digests: readonly string[];
			readonly generation: number;
			readonly unsaved: boolean;
			readonly atMs: number;
	  }
	| {
			readonly kind: 'shown';
			readonly id: number;
			readonly state: string;
			readonly digest?: string;
			readonly lastUsedAtMs?: number;
	  }
	| { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly atMs: number }
	| { readonly kind: 'identity'; readonly id: number; readonly identity: ProcessIdentity }
	| { readonly kind: 'lines'; readonly id: number; readonly lines: readonly string[] };
