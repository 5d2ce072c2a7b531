/**
 * "Doctor" and "Copy Diagnostics": examines everything that a sign-in and a renewal need, asks the services, and says what is
 * wrong with one action each. A bundle of its own, loaded when one of the two is first used.
 */
import * as vscode from 'vscode';
import type { Finding } from '../../auth/doctor/finding.ts';
import type { AuthService } from '../../auth/service.ts';
import { bucketTitle } from '../accounts/bucketWords.ts';
import { display } from '../display.ts';
import { type CommandId, EXTENSION_ID } from '../ids.ts';
import { plain } from '../localizer.ts';
import { diagnosticsReport, type Surroundings } from './diagnosticsReport.ts';
import { actionText, type DoctorAction } from './doctorAction.ts';
import { findingText, type Names, summaryText } from './doctorText.ts';

export type DoctorOptions = {
	readonly service: Pick<AuthService, 'snapshot' | 'examine' | 'diagnose'>;
	/** Whether this window answers terminals. */
	readonly terminal: () => Promise<'answers' | 'off' | 'silent'>;
};

/** Until the person has seen enough. */
export async function runDoctor(options: DoctorOptions): Promise<void> {
	for (;;) {
		const findings = await examine(options);
		if (!findings) return;
		const chosen = await show(findings, namesOf(options.service));
		if (chosen?.action === undefined) return;
		if (chosen.action !== 'retry') return perform(chosen.action, chosen.finding);
	}
}

export async function copyDiagnostics(options: DoctorOptions): Promise<void> {
	const findings = await examine(options);
	if (!findings) return;
	const facts = await options.service.diagnose();
	await vscode.env.clipboard.writeText(diagnosticsReport(surroundings(options), findings, facts, Date.now()));
	const show = vscode.l10n.t('Show');
	const answer = await vscode.window.showInformationMessage(
		vscode.l10n.t('The diagnostics are in the clipboard. They hold no token and no name of an account.'),
		show,
	);
	if (answer !== show) return;
	const content = await vscode.env.clipboard.readText();
	await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }));
}

/** Undefined if the person cancelled. */
async function examine({ service, terminal }: DoctorOptions): Promise<readonly Finding[] | undefined> {
	return vscode.window.withProgress(
		{
			location: vscode.ProgressLocation.Notification,
			title: vscode.l10n.t('Examining Agent Auth'),
			cancellable: true,
		},
		async (progress, cancellation) => {
			const abort = new AbortController();
			cancellation.onCancellationRequested(() => abort.abort());
			const names = namesOf(service);
			try {
				return await service.examine({
					signal: abort.signal,
					terminal,
					onFinding: (finding) => progress.report({ message: findingText(finding, names, display).text }),
				});
			} catch (error) {
				if (abort.signal.aborted) return undefined;
				throw error;
			}
		},
	);
}

type FindingItem = vscode.QuickPickItem & { readonly finding?: Finding; readonly action?: DoctorAction };

/** What is wrong comes first, under a heading of its own. */
async function show(findings: readonly Finding[], names: Names): Promise<FindingItem | undefined> {
	const wrong = findings.filter(({ verdict }) => verdict !== 'healthy');
	const fine = findings.filter(({ verdict }) => verdict === 'healthy');
	const heading = (label: string): FindingItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
	const items = [
		...(wrong.length > 0 ? [heading(vscode.l10n.t('To be mended')), ...wrong.map((one) => itemOf(one, names))] : []),
		...(fine.length > 0 ? [heading(vscode.l10n.t('In order')), ...fine.map((one) => itemOf(one, names))] : []),
	];
	return vscode.window.showQuickPick(items, {
		title: summaryText(findings, display),
		placeHolder: vscode.l10n.t('Choose a line to do what it says'),
		ignoreFocusOut: true,
	});
}

function itemOf(finding: Finding, names: Names): FindingItem {
	const { text, action } = findingText(finding, names, display);
	return {
		label: `$(${iconOf(finding)}) ${text.replaceAll('$(', '$ (')}`,
		finding,
		...(action === undefined ? {} : { action, detail: `$(arrow-right) ${actionText(action, display)}` }),
	};
}

function iconOf({ verdict, fact }: Finding): string {
	if (verdict === 'broken') return 'error';
	if (verdict === 'warning') return 'warning';
	// What was not asked is not healthy either.
	return fact === 'healthy' ? 'pass' : 'dash';
}

async function perform(action: Exclude<DoctorAction, 'retry'>, finding: Finding | undefined): Promise<void> {
	const { providerId, bucketId } = finding ?? {};
	const target = {
		...(providerId === undefined ? {} : { providerId }),
		...(bucketId === undefined ? {} : { bucketId }),
	};
	const run = async (command: CommandId): Promise<void> => {
		await vscode.commands.executeCommand(command, target);
	};
	switch (action) {
		case 'signIn':
			return run('agentAuth.signIn');
		case 'retryVault':
			return run('agentAuth.retryVault');
		case 'renew':
			return run('agentAuth.refresh');
		case 'showLog':
			return run('agentAuth.showLog');
		case 'showCoordination':
			return run('agentAuth.showCoordination');
		case 'openSettings':
			await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${EXTENSION_ID}`);
			return;
		case 'openProxySettings':
			await vscode.commands.executeCommand('workbench.action.openSettings', 'http.proxy');
			return;
		case 'updateExtension':
			await vscode.commands.executeCommand('extension.open', EXTENSION_ID);
			return;
		case 'reload':
			await vscode.commands.executeCommand('workbench.action.reloadWindow');
			return;
		default:
			action satisfies never;
	}
}

function namesOf(service: Pick<AuthService, 'snapshot'>): Names {
	const { providers } = service.snapshot();
	const find = (id: string) => providers.find(({ provider }) => provider.id === id);
	return {
		service: (id) => plain(find(id)?.provider.label ?? id),
		account: (id, bucketId) => {
			const bucket = find(id)?.buckets.find((one) => one.id === bucketId);
			return bucket ? plain(bucketTitle(bucket)) : vscode.l10n.t('the account');
		},
	};
}

function surroundings({ service }: DoctorOptions): Surroundings {
	const extension = vscode.extensions.getExtension(EXTENSION_ID);
	const { providers } = service.snapshot();
	return {
		extension: String(extension?.packageJSON.version),
		editor: `${vscode.env.appName} ${vscode.version}`,
		host: vscode.env.uiKind === vscode.UIKind.Web ? 'web' : 'desktop',
		remote: vscode.env.remoteName,
		side: extension?.extensionKind === vscode.ExtensionKind.UI ? 'ui' : 'workspace',
		system: `${process.platform} ${process.arch}, Node ${process.versions.node}`,
		language: vscode.env.language,
		isTrusted: vscode.workspace.isTrusted,
		services: providers.map(({ provider, buckets, automatic }) => ({
			id: provider.id,
			kind: provider.kind,
			buckets: buckets.length,
			automatic: automatic.kind,
		})),
	};
}
