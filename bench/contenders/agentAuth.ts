/** Ours: the whole service as a window has it, over the vault on the disk. */
import type { Contender } from '../account.ts';
import { openVaultWindow } from '../vaultWindow.ts';

/** The wait of VS Code's `getSession`; longer here, so that a slow machine is a number and not a failure. */
const DEADLINE_MS = 60_000;

export const agentAuth: Contender = {
	name: 'Agent Auth',
	options: 'its defaults: createAuthService as the extension builds it, sealed vault, lease, intent',
	seed: async () => undefined, // The vault was written when the account was made.
	async open({ vault }) {
		if (vault === undefined) throw new Error('the account has no vault');
		const { service, providerId, ready } = openVaultWindow(vault);
		await ready;
		return {
			token: async () =>
				(await service.getToken({ providerId, deadlineMs: DEADLINE_MS, purpose: 'bench' })).token.value,
			close: () => service.dispose(),
		};
	},
};
