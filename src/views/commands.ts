/** The commands and what they do. Registered here and nowhere else; a command without a handler does not compile. */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../auth/event.ts';
import { authenticationProviderId } from '../auth/provider.ts';
import { parseRefusalReport } from '../auth/service/refusals.ts';
import type { AuthService } from '../auth/service.ts';
import { isUsable } from '../auth/session/sessions.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../auth/snapshot.ts';
import { addProvider } from './addProvider.ts';
import { coordinationReport } from './coordinationReport.ts';
import type { Failures } from './failures.ts';
import { COMMAND_IDS, type CommandId } from './ids.ts';
import type { SignIn } from './interactiveSignIn.ts';
import { plain } from './localizer.ts';
import { pickBucket, pickProvider, targetOf } from './pick.ts';
import { confirmSignOut } from './signOutDialogs.ts';

export type CommandOptions = {
	readonly service: AuthService;
	readonly failures: Failures;
	readonly signIn: SignIn;
	/** Carries out a link of a running sign-in. */
	readonly runSignInStep: (args: readonly unknown[]) => Promise<void>;
	readonly showLog: () => void;
};

export function registerCommands(options: CommandOptions): Disposable {
	const { service, failures, signIn } = options;
	const handlers: Record<CommandId, (args: readonly unknown[]) => Promise<unknown>> = {
		'agentAuth.signIn': signInSomewhere,
		'agentAuth.addAccount': async (args) => {
			const provider = await providerFor(args, () => true);
			if (provider !== undefined) await signIn({ providerId: provider.provider.id });
		},
		'agentAuth.addApiKey': async (args) => {
			const provider = await providerFor(args, ({ provider: { kind } }) => kind === 'apiKey');
			if (provider !== undefined) await signIn({ providerId: provider.provider.id });
		},
		'agentAuth.signOut': async (args) => {
			const found = await bucketFor(args, ({ state }) => state.kind !== 'signedOut');
			if (found !== undefined) await signOut(service, found.provider, found.bucket);
		},
		'agentAuth.refresh': async (args) => {
			const found = await bucketFor(args, ({ renewable }) => renewable);
			if (found !== undefined) await refresh(service, found.provider, found.bucket);
		},
		'agentAuth.addProvider': addAndOffer,
		'agentAuth.retryVault': () => service.reload(),
		'agentAuth.showLog': async () => options.showLog(),
		'agentAuth.showCoordination': async () => {
			const content = coordinationReport(await service.diagnose(), Date.now());
			await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }));
		},
		'agentAuth.reportRefusedToken': async ([report]) => service.reportRefused(parseRefusalReport(report)),
		'agentAuth.signInStep': options.runSignInStep,
	};

	/** A node of the view signs in there; otherwise the person chooses, if there is a choice. */
	async function signInSomewhere(args: readonly unknown[]): Promise<void> {
		const { bucketId } = targetOf(args);
		if (service.snapshot().providers.length === 0) return addAndOffer();
		const provider = await providerFor(args, () => true);
		if (provider === undefined) return;
		const waiting = bucketId ?? provider.buckets.find(({ state }) => state.kind === 'needsSignIn')?.id;
		await signIn({ providerId: provider.provider.id, ...(waiting === undefined ? {} : { bucketId: waiting }) });
	}

	async function addAndOffer(): Promise<void> {
		const id = await addProvider(new Set(service.snapshot().providers.map(({ provider }) => provider.id)));
		if (id === undefined) return;
		const now = vscode.l10n.t('Sign In');
		const answer = await vscode.window.showInformationMessage(vscode.l10n.t('The service was added.'), now);
		if (answer === now) await signIn({ providerId: id });
	}

	function providerFor(
		args: readonly unknown[],
		fits: (provider: ProviderSnapshot) => boolean,
	): Promise<ProviderSnapshot | undefined> {
		return pickProvider(service.snapshot().providers.filter(fits), targetOf(args));
	}

	function bucketFor(
		args: readonly unknown[],
		fits: (bucket: BucketSnapshot) => boolean,
	): Promise<{ provider: ProviderSnapshot; bucket: BucketSnapshot } | undefined> {
		return pickBucket(service.snapshot().providers, targetOf(args), fits);
	}

	const disposables = createDisposables();
	for (const id of COMMAND_IDS) {
		disposables.add(
			vscode.commands.registerCommand(id, async (...args: unknown[]) => {
				try {
					return await handlers[id](args);
				} catch (error) {
					// Another extension called it and is who must hear of it.
					if (id === 'agentAuth.reportRefusedToken') throw error;
					failures.show(error);
					return undefined;
				}
			}),
		);
	}
	return disposables;
}

/**
 * Through VS Code where it knows the account, because only VS Code can forget what extensions were allowed; its command
 * is internal, so without it we sign out ourselves. It asks the person, too.
 */
async function signOut(service: AuthService, { provider }: ProviderSnapshot, bucket: BucketSnapshot): Promise<void> {
	const builtIn = '_signOutOfAccount';
	if (isUsable(bucket) && (await vscode.commands.getCommands(false)).includes(builtIn)) {
		await vscode.commands.executeCommand(builtIn, {
			providerId: authenticationProviderId(provider.id),
			accountLabel: bucket.account.label,
		});
		return;
	}
	if (await confirmSignOut(provider, bucket)) await service.signOut(provider.id, bucket.id);
}

async function refresh(service: AuthService, { provider }: ProviderSnapshot, bucket: BucketSnapshot): Promise<void> {
	await vscode.window.withProgress(
		{
			location: vscode.ProgressLocation.Window,
			title: vscode.l10n.t('Renewing {0}', plain(provider.label)),
		},
		() => service.refresh(provider.id, bucket.id),
	);
	void vscode.window.setStatusBarMessage(
		vscode.l10n.t('{0}: {1} was renewed.', provider.label, bucket.account.label),
		STATUS_MESSAGE_MS,
	);
}

/** Long enough to be read, short enough not to be taken for a state. */
const STATUS_MESSAGE_MS = 5_000;
