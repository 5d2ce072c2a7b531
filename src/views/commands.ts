/** The commands and what they do. Registered here and nowhere else; a command without a handler does not compile. */
import * as vscode from 'vscode';
import { parseUseReport } from '../auth/api.ts';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { AuthService } from '../auth/service.ts';
import { isUsable } from '../auth/session/sessions.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../auth/snapshot.ts';
import { terminalFolders } from '../auth/terminal/terminalAccess.ts';
import { connectionOf, manageTrustedExtensions, revokeAccess, selected } from './accessCommands.ts';
import type { AccountJoining } from './accountJoining.ts';
import { addProvider } from './addProvider.ts';
import { bindWorkspace, unbindWorkspace } from './bindWorkspace.ts';
import { bucketCommands } from './bucketCommands.ts';
import { setContext } from './contextKeys.ts';
import { coordinationReport } from './coordinationReport.ts';
import { askCrossing } from './crossingQuestion.ts';
import type { Failures } from './failures.ts';
import { COMMAND_IDS, type CommandId, EXTENSION_ID, WALKTHROUGH_ID } from './ids.ts';
import { importKeys } from './importKeys.ts';
import type { SignIn } from './interactiveSignIn.ts';
import { plain } from './localizer.ts';
import { pickBucket, pickProvider, targetOf } from './pick.ts';
import { removeData } from './removeData.ts';
import type { SigningOut } from './signingOut.ts';
import type { TerminalViews } from './terminals.ts';

export type CommandOptions = {
	readonly service: AuthService;
	readonly failures: Failures;
	readonly signIn: SignIn;
	readonly signingOut: SigningOut;
	readonly joining: AccountJoining;
	/** Carries out a link of a running sign-in. */
	readonly runSignInStep: (args: readonly unknown[]) => Promise<void>;
	readonly showLog: () => void;
	/** VS Code's global storage for this extension. */
	readonly storagePath: string;
	/** Not before everything is registered. */
	readonly terminals: () => Pick<TerminalViews, 'consents' | 'answer' | 'openTokenTerminal'>;
};

export function registerCommands(options: CommandOptions): Disposable {
	const { service, failures, signIn } = options;
	const binFolder = terminalFolders(options.storagePath).bin;
	const doctor = { service, terminal: () => options.terminals().answer() };
	const handlers: Record<CommandId, (args: readonly unknown[]) => Promise<unknown>> = {
		'agentAuth.signIn': signInSomewhere,
		'agentAuth.addAccount': async (args) => {
			const provider = await providerFor(args, () => true);
			if (provider !== undefined) await signIn({ providerId: provider.provider.id });
		},
		'agentAuth.addApiKey': async (args) => {
			const provider = await providerFor(args, () => true);
			if (provider !== undefined) await signIn({ providerId: provider.provider.id, kind: 'apiKey' });
		},
		'agentAuth.importKeys': () => importKeys({ ...service, addApiKey: addImported }),
		'agentAuth.signOut': async (args) => {
			const found = await bucketFor(args, () => true);
			if (found !== undefined) await options.signingOut.signOut(found.provider, found.bucket);
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
		'agentAuth.doctor': async () => {
			const { runDoctor } = await import('./doctor.ts');
			await runDoctor(doctor);
		},
		'agentAuth.copyDiagnostics': async () => {
			const { copyDiagnostics } = await import('./doctor.ts');
			await copyDiagnostics(doctor);
		},
		'agentAuth.openWalkthrough': async () => {
			await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${EXTENSION_ID}#${WALKTHROUGH_ID}`);
			setContext('agentAuth.guideOpened', true);
		},
		'agentAuth.revokeAccess': (args) => revokeAccess(options.terminals().consents, args),
		'agentAuth.manageTrustedExtensions': async (args) => {
			const provider = await providerFor(args, ({ buckets }) => buckets.length > 0);
			if (provider !== undefined) await manageTrustedExtensions(provider);
		},
		'agentAuth.report': async ([report]) => service.report(parseUseReport(report)),
		...bucketCommands(service, bucketFor),
		'agentAuth.addReference': async (args) => {
			const provider = await providerFor(args, () => true);
			if (provider !== undefined) await signIn({ providerId: provider.provider.id, kind: 'reference' });
		},
		'agentAuth.decideCrossing': (args) => askCrossing(service, targetOf(args)),
		'agentAuth.bindWorkspace': (args) => bindWorkspace(service, targetOf(args)),
		'agentAuth.unbindWorkspace': (args) => unbindWorkspace(service, targetOf(args)),
		'agentAuth.newTokenTerminal': async (args) => {
			const provider = await providerFor(args, ({ buckets }) => buckets.some(isUsable));
			if (provider !== undefined) await options.terminals().openTokenTerminal(provider);
		},
		'agentAuth.connectTool': async (args) => {
			const { connectTool } = await import('./connectTool.ts');
			await connectTool(binFolder, () => providerFor(args, () => true));
		},
		'agentAuth.disconnectTool': async (args) => {
			const { disconnectTool } = await import('./connectTool.ts');
			await disconnectTool(binFolder, connectionOf(args));
		},
		'agentAuth.removeAllData': () => removeData(service, options.terminals().consents),
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

	async function addImported(request: Parameters<AuthService['addApiKey']>[0]): Promise<BucketSnapshot> {
		const bucket = await service.addApiKey(request);
		options.joining.joined(bucket);
		return bucket;
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
		fits: (bucket: BucketSnapshot, provider: ProviderSnapshot) => boolean,
	): Promise<{ provider: ProviderSnapshot; bucket: BucketSnapshot } | undefined> {
		return pickBucket(service.snapshot().providers, targetOf(args), fits);
	}

	const disposables = createDisposables();
	for (const id of COMMAND_IDS) {
		disposables.add(
			vscode.commands.registerCommand(id, async (...args: unknown[]) => {
				try {
					const nodes = FOR_EACH.has(id) ? selected(args) : [];
					if (nodes.length < 2) return await handlers[id](args);
					for (const node of nodes) await handlers[id]([node]);
					return undefined;
				} catch (error) {
					// Another extension called it and is who must hear of it.
					if (id === 'agentAuth.report') throw error;
					failures.show(error);
					return undefined;
				}
			}),
		);
	}
	return disposables;
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

/** Those that a selection of several accounts makes sense for; each account is asked about by itself. */
const FOR_EACH: ReadonlySet<CommandId> = new Set([
	'agentAuth.signOut',
	'agentAuth.refresh',
	'agentAuth.disableBucket',
	'agentAuth.enableBucket',
	'agentAuth.includeInAutomatic',
	'agentAuth.excludeFromAutomatic',
]);

/** Long enough to be read, short enough not to be taken for a state. */
const STATUS_MESSAGE_MS = 5_000;
