/** A sign-in with the person: in the browser, or by an API key. Used by the commands and by VS Code's own requests. */
import * as vscode from 'vscode';
import { AuthError } from '../auth/errors.ts';
import type { Provider } from '../auth/provider.ts';
import type { AuthService } from '../auth/service.ts';
import type { InteractiveSignIn } from '../auth/session/signInTarget.ts';
import type { SignInUi } from '../auth/signIn/ui.ts';
import type { BucketSnapshot } from '../auth/snapshot.ts';
import { plain } from './localizer.ts';

/** Rejects with `AuthError`: `unknown_provider`, `cancelled`, and those of the sign-in. Says who is signed in at the end. */
export type SignIn = (request: InteractiveSignIn & { readonly signal?: AbortSignal }) => Promise<BucketSnapshot>;

export function createInteractiveSignIn(service: AuthService, ui: SignInUi): SignIn {
	return async (request) => {
		const snapshot = service.snapshot().providers.find(({ provider }) => provider.id === request.providerId);
		if (snapshot === undefined) {
			throw new AuthError('unknown_provider', `no provider ${request.providerId}`, {
				detail: { provider: request.providerId },
			});
		}
		const { provider, buckets } = snapshot;
		const bucket =
			provider.kind === 'apiKey'
				? await service.addApiKey({
						...(await askForKey(
							provider,
							buckets.find(({ id }) => id === request.bucketId),
						)),
						providerId: provider.id,
						...(request.bucketId === undefined ? {} : { bucketId: request.bucketId }),
					})
				: await service.signIn({ ...request, ui });
		const [label, account] = [plain(provider.label), plain(bucket.account.label)];
		void vscode.window.showInformationMessage(
			provider.kind === 'apiKey'
				? vscode.l10n.t('The key "{0}" for {1} is stored.', account, label)
				: vscode.l10n.t('Signed in to {0} as {1}.', label, account),
		);
		return bucket;
	};
}

async function askForKey(
	provider: Provider,
	existing: BucketSnapshot | undefined,
): Promise<{ readonly key: string; readonly name: string }> {
	const title = vscode.l10n.t('API key for {0}', provider.label);
	const key = await vscode.window.showInputBox({
		title,
		prompt: vscode.l10n.t('It is stored encrypted and given only to those you allow.'),
		password: true,
		ignoreFocusOut: true,
		validateInput: (value) =>
			/^\S+$/.test(value.trim()) ? undefined : vscode.l10n.t('Paste the key, without spaces.'),
	});
	if (key === undefined) throw new AuthError('cancelled', 'no key was entered');
	if (existing !== undefined) return { key: key.trim(), name: existing.name };
	const name = await vscode.window.showInputBox({
		title,
		prompt: vscode.l10n.t('A name for this key, so that you can tell it from others'),
		value: provider.label,
		ignoreFocusOut: true,
		validateInput: (value) => (value.trim() === '' ? vscode.l10n.t('Enter a name.') : undefined),
	});
	if (name === undefined) throw new AuthError('cancelled', 'no name was entered');
	return { key: key.trim(), name: name.trim() };
}
