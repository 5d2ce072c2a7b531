/**
 * The sessions of Agent Auth in another extension host, as VS Code lends them: what terminals of this host are answered
 * with. Nothing is kept here. VS Code asks the person before it gives this extension a session for the first time.
 */
import type * as vscode from 'vscode';
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

export type BorrowedSessions = Disposable &
	TerminalService & {
		/** Begins a sign-in where Agent Auth is, if VS Code has no session; rejects as `getToken`. */
		signIn(request: { readonly providerId: string; readonly bucketId?: string }): Promise<void>;
	};

/** What lends them: VS Code's authentication API, and the extension that has the accounts, by its command. */
export type Lender = Pick<typeof vscode.authentication, 'getAccounts' | 'onDidChangeSessions' | 'getSession'> & {
	report(told: object): Thenable<Advice | undefined>;
	/** Tells the person in VS Code's question what it is about. */
	detail(): string;
};

/** VS Code waits this long for a provider that nobody registers, and a little more. */
const ACCOUNTS_LIMIT_MS = 10_000;

export function createBorrowedSessions(
	lender: Lender,
	settings: Pick<HostSettings, 'providers' | 'onDidChange'>,
	clock: Clock,
	log: Logger,
): BorrowedSessions {
	const disposables = createDisposables();
	const accounts = new Map<string, readonly vscode.AuthenticationSessionAccountInformation[]>();
	let isLoaded = false;

	async function look({ id }: Pick<Provider, 'id'>): Promise<void> {
		try {
			const asked = Promise.resolve(lender.getAccounts(authenticationProviderId(id)));
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
		lender.onDidChangeSessions(({ provider }) => {
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
		options: vscode.AuthenticationGetSessionOptions,
	): Promise<vscode.AuthenticationSession | undefined> {
		try {
			return await lender.getSession(authenticationProviderId(providerId), [], options);
		} catch (error) {
			// VS Code rejects with the sentence that the other host wrote for people, or with its own when the person says no.
			throw new AuthError('refused', 'VS Code gave no session', { cause: error, detail: { provider: providerId } });
		}
	}

	/** Those that VS Code has a session of, which may be used or not. */
	function known(providerId: string, bucketId: string | undefined) {
		const all = accounts.get(providerId) ?? [];
		return all.find(bucketId === undefined ? ({ label }) => label === AUTOMATIC : ({ id }) => id === bucketId);
	}

	/**
	 * VS Code has one call for two questions: may this extension have the session, and may a sign-in begin because there is
	 * none? Only the first one is asked here, so the account must be there now.
	 */
	async function lent(providerId: string, bucketId: string | undefined): Promise<vscode.AuthenticationSession> {
		const none = (): AuthError =>
			new AuthError('no_account', 'nobody is signed in', { detail: { provider: providerId } });
		const account = known(providerId, bucketId);
		if (!account) throw none();
		const silent = await session(providerId, { silent: true, account });
		if (silent) return silent;
		await look({ id: providerId });
		if (!known(providerId, bucketId)) throw none();
		const found = await session(providerId, { createIfNone: { detail: lender.detail() }, account });
		if (!found) throw none();
		return found;
	}

	return {
		snapshot,
		loaded,
		async getToken({ providerId, bucketId, deadlineMs, signal }) {
			const found = await withDeadline(clock, lent(providerId, bucketId), deadlineMs, signal);
			const token = { value: found.accessToken, scopes: [...found.scopes] };
			return { token, bucket: { ...bucketOf(providerId, found.account), token } };
		},
		async signIn({ providerId, bucketId }) {
			const account = bucketId === undefined ? undefined : known(providerId, bucketId);
			await session(providerId, { createIfNone: { detail: lender.detail() }, ...(account && { account }) });
			await look({ id: providerId });
		},
		/** Across hosts a command is what reaches the extension that has the accounts. */
		async report({ providerId, tokenDigest, report, named, requestKey }): Promise<Advice> {
			const told = { provider: providerId, tokenDigest, ...report, named, requestKey };
			const advice = await lender.report(told);
			return advice ?? { kind: 'ignored' };
		},
		addApiKey: () =>
			Promise.reject(new AuthError('configuration', 'keys are added in a terminal of the machine that keeps them')),
		dispose: disposables.dispose,
	};
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
