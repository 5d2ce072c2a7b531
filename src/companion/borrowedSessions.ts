/**
 * The sessions of Agent Auth in another extension host, as VS Code lends them: what terminals of this host are answered
 * with. Nothing is kept here. VS Code asks the person before it gives this extension a session for the first time.
 */
import * as vscode from 'vscode';
import { AUTOMATIC } from '../auth/buckets/accounts.ts';
import { type Clock, withDeadline } from '../auth/clock.ts';
import { AuthError } from '../auth/errors.ts';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { HostSettings } from '../auth/hostSettings.ts';
import { describeError, type Logger } from '../auth/log.ts';
import { authenticationProviderId, type Provider } from '../auth/provider.ts';
import type { Advice } from '../auth/service.ts';
import type { BucketSnapshot, ProviderSnapshot, Snapshot } from '../auth/snapshot.ts';
import type { TerminalService } from '../auth/terminal/requestContext.ts';

export type BorrowedSessions = Disposable & TerminalService;

/** VS Code waits this long for a provider that nobody registers, and a little more. */
const ACCOUNTS_LIMIT_MS = 10_000;

export function createBorrowedSessions(
	settings: Pick<HostSettings, 'providers' | 'onDidChange'>,
	clock: Clock,
	log: Logger,
): BorrowedSessions {
	const disposables = createDisposables();
	const accounts = new Map<string, readonly vscode.AuthenticationSessionAccountInformation[]>();
	let isLoaded = false;

	async function look({ id }: Provider): Promise<void> {
		try {
			const asked = Promise.resolve(vscode.authentication.getAccounts(authenticationProviderId(id)));
			accounts.set(id, await withDeadline(clock, asked, ACCOUNTS_LIMIT_MS));
		} catch (error) {
			log.debug(`companion: no accounts of ${id} (${describeError(error)})`);
			accounts.delete(id);
		}
	}

	const lookAll = async (): Promise<void> => {
		await Promise.all(settings.providers().map(look));
		isLoaded = true;
	};
	const loaded = lookAll();
	disposables.add(settings.onDidChange(() => void lookAll()));
	disposables.add(
		vscode.authentication.onDidChangeSessions(({ provider }) => {
			const changed = settings.providers().find(({ id }) => authenticationProviderId(id) === provider.id);
			if (changed) void look(changed);
		}),
	);

	function snapshot(): Snapshot {
		return { loaded: isLoaded, providers: settings.providers().map(providerSnapshot) };
	}

	function providerSnapshot(provider: Provider): ProviderSnapshot {
		const all = accounts.get(provider.id) ?? [];
		const buckets = all.filter(({ label }) => label !== AUTOMATIC).map((account) => bucketOf(provider.id, account));
		return { provider, buckets, signingIn: false, automatic: { kind: 'none' } };
	}

	async function session(
		providerId: string,
		account: vscode.AuthenticationSessionAccountInformation,
		options: vscode.AuthenticationGetSessionOptions,
	): Promise<vscode.AuthenticationSession | undefined> {
		try {
			return await vscode.authentication.getSession(authenticationProviderId(providerId), [], { ...options, account });
		} catch (error) {
			// VS Code rejects with the sentence that the other host wrote for people, or with its own when the person says no.
			throw new AuthError('refused', 'VS Code gave no session', { cause: error, detail: { provider: providerId } });
		}
	}

	return {
		snapshot,
		loaded,
		async getToken({ providerId, bucketId, deadlineMs, signal }) {
			const known = accounts.get(providerId) ?? [];
			const account = bucketId === undefined ? AUTOMATIC_ACCOUNT : known.find(({ id }) => id === bucketId);
			if (!account || known.length === 0)
				throw new AuthError('no_account', 'nobody is signed in', { detail: { provider: providerId } });
			const asking = async (): Promise<vscode.AuthenticationSession | undefined> =>
				(await session(providerId, account, { silent: true })) ??
				session(providerId, account, { createIfNone: { detail: consentDetail() } });
			const found = await withDeadline(clock, asking(), deadlineMs, signal);
			if (!found) throw new AuthError('no_account', 'VS Code has no session', { detail: { provider: providerId } });
			const token = { value: found.accessToken, scopes: [...found.scopes] };
			return { token, bucket: { ...bucketOf(providerId, found.account), token } };
		},
		/** Across hosts a command is what reaches the extension that has the accounts. */
		async report({ providerId, tokenDigest, report, named, requestKey }): Promise<Advice> {
			const told = { provider: providerId, tokenDigest, ...report, named, requestKey };
			const advice = await vscode.commands.executeCommand<Advice | undefined>('agentAuth.report', told);
			return advice ?? { kind: 'ignored' };
		},
		addApiKey: () =>
			Promise.reject(new AuthError('configuration', 'keys are added in a terminal of the machine that keeps them')),
		dispose: disposables.dispose,
	};
}

const AUTOMATIC_ACCOUNT: vscode.AuthenticationSessionAccountInformation = { id: AUTOMATIC, label: AUTOMATIC };

function consentDetail(): string {
	return vscode.l10n.t('A terminal of this remote window asked for a token.');
}

function bucketOf(providerId: string, { id, label }: vscode.AuthenticationSessionAccountInformation): BucketSnapshot {
	return {
		id,
		providerId,
		name: label,
		account: { id, label, identity: { issuer: '' } },
		state: { kind: 'ready' },
		generation: 0,
		renewable: true,
		kind: 'oauth',
		sessionOnly: false,
		disabled: false,
		automatic: false,
	};
}
