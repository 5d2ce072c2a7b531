/** A sign-in with the person: in the browser, by an API key or by a command. Used by the commands and by VS Code's own requests. */
import * as vscode from 'vscode';
import { AuthError } from '../../auth/errors.ts';
import { isOAuthProvider } from '../../auth/provider.ts';
import type { AuthService } from '../../auth/service.ts';
import type { InteractiveSignIn } from '../../auth/session/signInTarget.ts';
import type { SignInUi } from '../../auth/signIn/ui.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import type { AccountJoining } from '../buckets/accountJoining.ts';
import { plain } from '../localizer.ts';

/** Rejects with `AuthError`: `unknown_provider`, `cancelled`, and those of the sign-in. Says who is signed in at the end. */
export type SignIn = (
	request: InteractiveSignIn & {
		/** What to add; by default what the bucket holds, or what the provider is for. */
		readonly kind?: BucketSnapshot['kind'];
		readonly signal?: AbortSignal;
	},
) => Promise<BucketSnapshot>;

export function createInteractiveSignIn(service: AuthService, ui: SignInUi, joining: AccountJoining): SignIn {
	return async ({ kind: wanted, ...request }) => {
		const snapshot = service.snapshot().providers.find(({ provider }) => provider.id === request.providerId);
		if (snapshot === undefined) {
			throw new AuthError('unknown_provider', `no provider ${request.providerId}`, {
				detail: { provider: request.providerId },
			});
		}
		const present = snapshot.buckets.find(({ id }) => id === request.bucketId);
		const kind = wanted ?? present?.kind ?? usualKind(snapshot);
		// Its command is run when somebody asks; there is nothing to sign in to.
		if (present?.kind === 'reference' && kind === 'reference') return present;
		const bucket =
			kind === 'oauth' ? await service.signIn({ ...request, ui }) : await enter(kind, snapshot, request.bucketId);
		say(snapshot, bucket);
		if (!snapshot.buckets.some(({ id }) => id === bucket.id)) joining.joined(bucket);
		return bucket;
	};

	async function enter(
		kind: 'apiKey' | 'reference',
		snapshot: ProviderSnapshot,
		bucketId: string | undefined,
	): Promise<BucketSnapshot> {
		const { enterApiKey, pickReference } = await import('./credentialInput.ts');
		return kind === 'apiKey' ? enterApiKey(service, snapshot, bucketId) : pickReference(service, snapshot);
	}
}

function usualKind({ provider }: ProviderSnapshot): BucketSnapshot['kind'] {
	if (isOAuthProvider(provider)) return 'oauth';
	return provider.kind === 'apiKey' ? 'apiKey' : 'reference';
}

function say({ provider }: ProviderSnapshot, bucket: BucketSnapshot): void {
	const [label, account] = [plain(provider.label), plain(bucket.account.label)];
	const text =
		bucket.kind === 'apiKey'
			? vscode.l10n.t('The key "{0}" for {1} is stored.', account, label)
			: bucket.kind === 'reference'
				? vscode.l10n.t('The command "{0}" gives the tokens of {1}.', plain(bucket.command ?? account), label)
				: vscode.l10n.t('Signed in to {0} as {1}.', label, account);
	void vscode.window.showInformationMessage(text);
}
