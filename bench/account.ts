/** An account whose access token has expired, as each contender finds it in a folder that its processes share. */
import type { VaultSetup } from '../test/race/protocol.ts';

export type Account = {
	/** Of this round alone. */
	readonly folder: string;
	readonly tokenUrl: string;
	readonly clientId: string;
	readonly accessToken: string;
	readonly refreshToken: string;
	/** Where and how our own vault is opened; the others need none. */
	readonly vault?: VaultSetup;
};

/** Folder of each fetched package by its name. */
export type PeerFolders = Readonly<Record<string, string>>;

/** One process's way to a token. */
export type Seat = {
	/** A token that is good now, refreshed if need be. Rejects where the contender's own call would. */
	token(): Promise<string>;
	close(): void;
};

export type Contender = {
	readonly name: string;
	/** Everything that was set, for the page. */
	readonly options: string;
	/** The package it comes from, if it was fetched. */
	readonly peer?: string;
	/** Writes the account as a sign-in would have left it. */
	seed(account: Account): Promise<void>;
	/** What a process has done long before its token expires: modules loaded, files looked at once. */
	open(account: Account, peers: PeerFolders): Promise<Seat>;
	/** What a holder that is gone leaves behind and the next one judges by its age. */
	readonly locks?: readonly string[];
};
