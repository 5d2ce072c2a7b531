/** What one round of one contender needs: a server of its own, a folder of its own, and an account whose token has expired. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createTestVault } from '../test/race/vaults.ts';
import {
	type StrictOptions,
	type StrictTokenServer,
	startStrictTokenServer,
} from '../test/server/strictTokenServer.ts';
import { tempFolder } from '../test/support/tempFolder.ts';
import type { Account, Contender, PeerFolders } from './account.ts';
import { OURS } from './contenders/contenders.ts';
import type { Member } from './crew.ts';

export type Round = {
	readonly server: StrictTokenServer;
	readonly account: Account;
	/** Opens the contender in these processes, for this account. */
	open(members: readonly Member[], changes?: Partial<Account>): Promise<void>;
};

export async function playRound<T>(
	contender: Contender,
	peers: PeerFolders,
	options: StrictOptions,
	play: (round: Round) => Promise<T>,
): Promise<T> {
	const undo: (() => Promise<void>)[] = [];
	const context = { after: (work: () => Promise<void>) => void undo.unshift(work) };
	try {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, ...options });
		context.after(() => server.close());
		const account = await accountFor(contender, server, context);
		await contender.seed(account);
		return await play({
			server,
			account,
			async open(members, changes = {}) {
				const order = { kind: 'open', contender: contender.name, account: { ...account, ...changes }, peers } as const;
				await Promise.all(members.map((member) => member.tell(order)));
			},
		});
	} finally {
		for (const work of undo) await work();
	}
}

async function accountFor(
	contender: Contender,
	server: StrictTokenServer,
	context: Parameters<typeof tempFolder>[0],
): Promise<Account> {
	const common = { tokenUrl: server.tokenUrl, clientId: server.clientId };
	if (contender.name === OURS) {
		const { setup, credential } = await createTestVault(context, server);
		const { accessToken, refreshToken = '' } = credential;
		return { ...common, folder: setup.storagePath, accessToken, refreshToken, vault: setup };
	}
	const folder = path.join(await tempFolder(context), 'account');
	await mkdir(folder, { mode: 0o700 });
	const { accessToken, refreshToken } = server.seed();
	return { ...common, folder, accessToken, refreshToken };
}
