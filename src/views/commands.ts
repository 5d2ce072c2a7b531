/** The commands and what they do. Registered here and nowhere else; a command without a handler does not compile. */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { AuthService } from '../auth/service.ts';
import { isUsable } from '../auth/session/sessions.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../auth/snapshot.ts';
import { terminalFolders } from '../auth/terminal/folders.ts';
import type { AccountJoining } from './buckets/accountJoining.ts';
import type { BucketCommandId } from './buckets/bucketCommands.ts';
import { setContext } from './contextKeys.ts';
import type { Failures } from './failures.ts';
import { COMMAND_IDS, COMMANDS_FOR_SEVERAL, type CommandId, EXTENSION_ID, WALKTHROUGH_ID } from './ids.ts';
import { plain } from './localizer.ts';
import type { SignIn } from './signIn/interactiveSignIn.ts';
import type { SigningOut } from './signIn/signingOut.ts';
import { targetOf } from './target.ts';
import { connectionOf, manageTrustedExtensions, revokeAccess, selected } from './terminal/accessCommands.ts';
import type { TerminalViews } from './terminal/terminals.ts';

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
	/** Once they are loaded, which they are right after the activation. */
	readonly terminals: () => Promise<Pick<TerminalViews, 'consents' | 'answer' | 'openTokenTerminal'>>;
};

export function registerCommands(options: CommandOptions): Disposable {
	const { service, failures, signIn } = options;
	const binFolder = terminalFolders(options.storagePath).bin;
	const doctor = { service, terminal: async () => (await options.terminals()).answer() };
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
		'agentAuth.importKeys': async () => {
			const { importKeys } = await import('./providers/importKeys.ts');
			await importKeys({ ...service, addApiKey: addImported });
		},
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
			const { coordinationReport } = await import('./doctor/coordinationReport.ts');
			const content = coordinationReport(await service.diagnose(), Date.now());
			await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }));
		},
		'agentAuth.doctor': async () => {
			const { runDoctor } = await import('./doctor/doctor.ts');
			await runDoctor(doctor);
		},
		'agentAuth.copyDiagnostics': async () => {
			const { copyDiagnostics } = await import('./doctor/doctor.ts');
			await copyDiagnostics(doctor);
		},
		'agentAuth.openWalkthrough': async () => {
			await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${EXTENSION_ID}#${WALKTHROUGH_ID}`);
			setContext('agentAuth.guideOpened', true);
		},
		'agentAuth.revokeAccess': async (args) => revokeAccess((await options.terminals()).consents, args),
		'agentAuth.manageTrustedExtensions': async (args) => {
			const provider = await providerFor(args, ({ buckets }) => buckets.length > 0);
			if (provider !== undefined) await manageTrustedExtensions(provider);
		},
		'agentAuth.report': async ([report]) => {
			const { parseUseReport } = await import('../auth/useReport.ts');
			return service.report(parseUseReport(report));
		},
		'agentAuth.renameBucket': onBucket('agentAuth.renameBucket'),
		'agentAuth.moveUp': onBucket('agentAuth.moveUp'),
		'agentAuth.moveDown': onBucket('agentAuth.moveDown'),
		'agentAuth.enableBucket': onBucket('agentAuth.enableBucket'),
		'agentAuth.disableBucket': onBucket('agentAuth.disableBucket'),
		'agentAuth.describeBucket': onBucket('agentAuth.describeBucket'),
		'agentAuth.includeInAutomatic': onBucket('agentAuth.includeInAutomatic'),
		'agentAuth.excludeFromAutomatic': onBucket('agentAuth.excludeFromAutomatic'),
		'agentAuth.endCooldown': onBucket('agentAuth.endCooldown'),
		'agentAuth.addReference': async (args) => {
			const provider = await providerFor(args, () => true);
			if (provider !== undefined) await signIn({ providerId: provider.provider.id, kind: 'reference' });
		},
		'agentAuth.decideCrossing': async (args) => {
			const { askCrossing } = await import('./buckets/crossingQuestion.ts');
			await askCrossing(service, targetOf(args));
		},
		'agentAuth.bindWorkspace': async (args) => {
			const { bindWorkspace } = await import('./buckets/bindWorkspace.ts');
			await bindWorkspace(service, targetOf(args));
		},
		'agentAuth.unbindWorkspace': async (args) => {
			const { unbindWorkspace } = await import('./buckets/bindWorkspace.ts');
			await unbindWorkspace(service, targetOf(args));
		},
		'agentAuth.newTokenTerminal': async (args) => {
			const provider = await providerFor(args, ({ buckets }) => buckets.some(isUsable));
			if (provider !== undefined) await (await options.terminals()).openTokenTerminal(provider);
		},
		'agentAuth.connectTool': async (args) => {
			const { connectTool } = await import('./connect/connectTool.ts');
			await connectTool(binFolder, () => providerFor(args, () => true));
		},
		'agentAuth.disconnectTool': async (args) => {
			const { disconnectTool } = await import('./connect/connectTool.ts');
			await disconnectTool(binFolder, connectionOf(args));
		},
		'agentAuth.removeAllData': async () => {
			const { removeData } = await import('./providers/removeData.ts');
			await removeData(service, (await options.terminals()).consents);
		},
		'agentAuth.signInStep': options.runSignInStep,
	};

	function onBucket(id: BucketCommandId): (args: readonly unknown[]) => Promise<void> {
		return async (args) => {
			const { bucketCommands } = await import('./buckets/bucketCommands.ts');
			await bucketCommands(service, bucketFor)[id](args);
		};
	}

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
		const { addProvider } = await import('./providers/addProvider.ts');
		const id = await addProvider(new Set(service.snapshot().providers.map(({ provider }) => provider.id)));
		if (id === undefined) return;
		const now = vscode.l10n.t('Sign In');
		const answer = await vscode.window.showInformationMessage(vscode.l10n.t('The service was added.'), now);
		if (answer === now) await signIn({ providerId: id });
	}

	async function providerFor(
		args: readonly unknown[],
		fits: (provider: ProviderSnapshot) => boolean,
	): Promise<ProviderSnapshot | undefined> {
		const { pickProvider } = await import('./pick.ts');
		return pickProvider(service.snapshot().providers.filter(fits), targetOf(args));
	}

	async function bucketFor(
		args: readonly unknown[],
		fits: (bucket: BucketSnapshot, provider: ProviderSnapshot) => boolean,
	): Promise<{ provider: ProviderSnapshot; bucket: BucketSnapshot } | undefined> {
		const { pickBucket } = await import('./pick.ts');
		return pickBucket(service.snapshot().providers, targetOf(args), fits);
	}

	async function run(id: CommandId, args: readonly unknown[]): Promise<unknown> {
		try {
			return await handlers[id](args);
		} catch (error) {
			// Another extension called it and is who must hear of it.
			if (id === 'agentAuth.report') throw error;
			failures.show(error);
			return undefined;
		}
	}

	const disposables = createDisposables();
	for (const id of COMMAND_IDS) {
		disposables.add(
			vscode.commands.registerCommand(id, async (...args: unknown[]) => {
				const nodes = COMMANDS_FOR_SEVERAL.includes(id) ? selected(args) : [];
				if (nodes.length < 2) return run(id, args);
				// What fails for one is told, and the others get their turn.
				for (const node of nodes) await run(id, [node]);
				return undefined;
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

/** Long enough to be read, short enough not to be taken for a state. */
const STATUS_MESSAGE_MS = 5_000;
