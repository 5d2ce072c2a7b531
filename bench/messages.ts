/** What the bench and its processes say to each other. */
import type { Account, PeerFolders } from './account.ts';

export type Order =
	| {
			readonly kind: 'open';
			readonly contender: string;
			readonly account: Account;
			readonly peers: PeerFolders;
	  }
	/** Ask for a token at `atMs` of the shared time, for at most `patienceMs`; if `retryMs` is set, after a failure again. */
	| { readonly kind: 'ask'; readonly atMs: number; readonly retryMs?: number; readonly patienceMs?: number }
	/** What this process has used of the processors since it was told to ask. */
	| { readonly kind: 'usage' }
	| { readonly kind: 'close' };

export type Command = Order & { readonly id: number };

export type Answer =
	| { readonly id: number; readonly kind: 'done' }
	| { readonly id: number; readonly kind: 'asked'; readonly outcome: Outcome }
	| { readonly id: number; readonly kind: 'usage'; readonly cpuMs: number }
	| { readonly id: number; readonly kind: 'failed'; readonly reason: string };

/** What became of one process's wish for a token. Times are of the shared clock. */
export type Outcome = {
	readonly token?: { readonly digest: string; readonly atMs: number };
	/** Calls that rejected before that, with the first reason. */
	readonly failures: number;
	/** When the first call ended, well or not. */
	readonly firstEndMs: number;
	readonly reason?: string;
};
