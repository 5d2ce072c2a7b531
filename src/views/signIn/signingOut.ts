/** Leaving an account: says what each way of it does, and lets VS Code forget what extensions were allowed. */
import * as vscode from 'vscode';
import { systemClock, withDeadline } from '../../auth/clock.ts';
import { isAuthError } from '../../auth/errors.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import { authenticationProviderId } from '../../auth/provider.ts';
import type { AuthService, SignOutMode } from '../../auth/service.ts';
import type { SessionProviderOptions } from '../../auth/session/sessionProvider.ts';
import { isUsable } from '../../auth/session/sessions.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import { plain } from '../localizer.ts';
import { openBrowser } from './openBrowser.ts';
import { createSignOutWishes } from './signOutWishes.ts';

export type SigningOut = {
	/** The service that VS Code's own sign-outs go to. */
	readonly service: AuthService;
	/** Asks how, and does it. */
	signOut(provider: ProviderSnapshot, bucket: BucketSnapshot): Promise<void>;
	readonly askSignOutAutomatic: SessionProviderOptions['askSignOutAutomatic'];
};

/** How long the question waits for the service's metadata, which is in memory after a sign-in. */
const METADATA_LIMIT_MS = 3_000;

/** @param describe the sentence for people about a failure. */
export function createSigningOut(service: AuthService, describe: (error: unknown) => string, log: Logger): SigningOut {
	const wishes = createSignOutWishes(service);

	async function signOut(snapshot: ProviderSnapshot, bucket: BucketSnapshot): Promise<void> {
		const { provider } = snapshot;
		// Only a grant that can be read can be revoked; all else can be forgotten, also what is damaged.
		const revoke = bucket.kind === 'oauth' && bucket.token !== undefined;
		const page = revoke ? await pageOf(provider.id) : undefined;
		const { askHowToSignOut, askToForgetAnyway } = await import('./signOutDialogs.ts');
		const way = await askHowToSignOut(provider, bucket, { revoke, endSession: page !== undefined });
		if (way === undefined) return;
		try {
			await leave(bucket, way === 'forget' ? 'forget' : 'revoke');
		} catch (error) {
			if (isAuthError(error, 'cancelled') || way === 'forget') throw error;
			const reason = isAuthError(error, 'configuration')
				? vscode.l10n.t('{0} offers no way to revoke a sign-in.', plain(provider.label))
				: describe(error);
			if (await askToForgetAnyway(provider, bucket, reason)) await leave(bucket, 'forget');
			return;
		}
		// VS Code's own question may have been answered with no.
		if (way === 'everywhere' && page !== undefined && !isThere(bucket)) await openBrowser(page);
	}

	/** No answer in time counts as no page: the other ways to leave need none. */
	async function pageOf(providerId: string): Promise<string | undefined> {
		try {
			return await withDeadline(systemClock, service.endSessionAddress(providerId), METADATA_LIMIT_MS);
		} catch (error) {
			log.info(`sign-out: no page for signing out everywhere (${describeError(error)})`);
			return undefined;
		}
	}

	/**
	 * Through VS Code where it knows the account, because only VS Code can forget what extensions were allowed; its command
	 * is internal, so without it we sign out ourselves. It asks the person, too.
	 */
	async function leave(bucket: BucketSnapshot, mode: SignOutMode): Promise<void> {
		if (!isUsable(bucket) || !(await canAskVsCode())) return service.signOut(bucket.providerId, bucket.id, mode);
		await wishes.during(bucket.id, mode, async () => {
			await vscode.commands.executeCommand(BUILT_IN, {
				providerId: authenticationProviderId(bucket.providerId),
				accountLabel: bucket.account.label,
			});
		});
	}

	function isThere({ id }: BucketSnapshot): boolean {
		return service.snapshot().providers.some(({ buckets }) => buckets.some((bucket) => bucket.id === id));
	}

	return {
		service: wishes.service,
		signOut,
		async askSignOutAutomatic(...about) {
			const dialogs = await import('./signOutDialogs.ts');
			return dialogs.askSignOutAutomatic(...about);
		},
	};
}

const BUILT_IN = '_signOutOfAccount';

async function canAskVsCode(): Promise<boolean> {
	return (await vscode.commands.getCommands(false)).includes(BUILT_IN);
}
