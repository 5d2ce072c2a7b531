/**
 * What is asked when a provider gets one more account: whose it is, how it is paid for, and whether Automatic may use another
 * person's. Asked after whoever wanted the sign-in has its session, and only in the window in which it happened.
 */
import * as vscode from 'vscode';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import { plain } from '../localizer.ts';
import { unsaidOf } from './joiningAccounts.ts';

export type AccountJoining = {
	/** Call it with a bucket that was added in this window. Returns at once; the questions follow by themselves. */
	joined(bucket: BucketSnapshot): void;
};

export function createAccountJoining(service: AuthService, log: Logger): AccountJoining {
	/** Two pickers at once would close each other. */
	let last: Promise<void> = Promise.resolve();

	const providerOf = (id: string): ProviderSnapshot | undefined =>
		service.snapshot().providers.find(({ provider }) => provider.id === id);

	/** Several may have waited for the same sign-in, in other windows too. */
	const isFirst = (bucket: BucketSnapshot): Promise<boolean> =>
		service.claimMessage(bucket.providerId, bucket.id, 'joined');

	async function describe(bucket: BucketSnapshot): Promise<void> {
		for (;;) {
			const provider = providerOf(bucket.providerId);
			const [unsaid] = provider === undefined ? [] : unsaidOf(provider, bucket.id);
			if (unsaid === undefined) return;
			const { askBilling, askOwner } = await import('./billingQuestion.ts');
			const said = await (unsaid.owner ? askOwner(unsaid.bucket) : askBilling(unsaid.bucket));
			if (said === undefined) return;
			await service.describeBucket(unsaid.bucket.providerId, unsaid.bucket.id, said);
		}
	}

	async function askAutomatic(bucket: BucketSnapshot): Promise<void> {
		const provider = providerOf(bucket.providerId);
		if (bucket.automatic || provider === undefined) return;
		const allow = vscode.l10n.t('Let Automatic Use It');
		const { bucketTitle } = await import('../accounts/bucketWords.ts');
		const deny = vscode.l10n.t('Keep It Out');
		const answer = await vscode.window.showInformationMessage(
			vscode.l10n.t(
				'{0} belongs to another person than the other accounts of {1}. It is used only where it is asked for by name. May Automatic use it as well?',
				plain(bucketTitle(bucket)),
				plain(provider.provider.label),
			),
			deny,
			allow,
		);
		if (answer === allow) await service.describeBucket(bucket.providerId, bucket.id, { automatic: true });
	}

	const warn = (error: unknown): void => log.warn(`questions about an account: ${describeError(error)}`);

	return {
		joined(bucket) {
			const first = isFirst(bucket);
			// A notification stays until it is answered, so nothing waits for it.
			first.then((isOurs) => (isOurs ? askAutomatic(bucket) : undefined)).catch(warn);
			last = Promise.all([first, last])
				.then(([isOurs]) => (isOurs ? describe(bucket) : undefined))
				.catch(warn);
		},
	};
}
