/** Which provider or account a command is about: the node it was called on, the only one there is, or the one picked. */
import * as vscode from 'vscode';
import type { BucketSnapshot, ProviderSnapshot } from '../auth/snapshot.ts';
import { bucketTitle } from './accounts/bucketWords.ts';
import type { Target } from './target.ts';

export async function pickProvider(
	providers: readonly ProviderSnapshot[],
	target: Target,
): Promise<ProviderSnapshot | undefined> {
	const named = providers.find(({ provider }) => provider.id === target.providerId);
	if (named !== undefined) return named;
	if (providers.length === 0) {
		void vscode.window.showInformationMessage(vscode.l10n.t('No service of this kind is configured yet.'));
		return undefined;
	}
	if (providers.length === 1) return providers[0];
	const items = providers.map((snapshot) => ({
		label: snapshot.provider.label,
		description: snapshot.provider.id,
		snapshot,
	}));
	const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which service?') });
	return picked?.snapshot;
}

export async function pickBucket(
	providers: readonly ProviderSnapshot[],
	target: Target,
	fits: (bucket: BucketSnapshot, provider: ProviderSnapshot) => boolean,
): Promise<{ provider: ProviderSnapshot; bucket: BucketSnapshot } | undefined> {
	const all = providers.flatMap((provider) => provider.buckets.map((bucket) => ({ provider, bucket })));
	const named = all.find(
		({ provider, bucket }) => provider.provider.id === target.providerId && bucket.id === target.bucketId,
	);
	if (named !== undefined) return named;
	// Gone since it was chosen, perhaps with another of the same selection: no other one is meant.
	if (target.bucketId !== undefined) return undefined;
	const items = all
		.filter(({ provider }) => target.providerId === undefined || provider.provider.id === target.providerId)
		.filter(({ provider, bucket }) => fits(bucket, provider))
		.map((found) => ({
			label: bucketTitle(found.bucket),
			description: found.provider.provider.label,
			found,
		}));
	if (items.length === 0) {
		void vscode.window.showInformationMessage(vscode.l10n.t('There is no account for this.'));
		return undefined;
	}
	// What cannot be undone asks by itself, so the only account there is needs no picking.
	if (items.length === 1) return items[0]?.found;
	const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which account?') });
	return picked?.found;
}
