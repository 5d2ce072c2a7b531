/**
 * "Import API Keys": from the environment or a `.env` file that the person chooses, one key at a time as they are ticked. What
 * they are taken from is left as it is; nothing is ever taken from another tool's sign-in.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import { parseEnvFile } from '../../auth/import/envFile.ts';
import { type ImportCandidate, type ImportScan, importCandidates } from '../../auth/import/importCandidates.ts';
import { readKeyFile } from '../../auth/import/keySource.ts';
import { digest } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { display } from '../display.ts';
import type { CommandId } from '../ids.ts';
import { plain } from '../localizer.ts';
import { asksForSignIn, candidateDetail, fileProblem, keyName, refusedLines, storedText } from './importText.ts';

type Service = Pick<AuthService, 'snapshot' | 'addApiKey' | 'loaded'>;

/** `file` is absent for the environment. */
type Source = { readonly scan: ImportScan; readonly file?: vscode.Uri };

type Assignment = { readonly candidate: ImportCandidate; readonly provider: ProviderSnapshot };

/** Rejects with the `AuthError` of a key that could not be stored, after it has told which were. */
export async function importKeys(service: Service): Promise<void> {
	await service.loaded;
	const source = await askForSource(service);
	if (source === undefined) return;
	const { scan, file } = source;
	if (scan.candidates.length === 0) return tellNothing(source);
	const candidates = await pickCandidates(service, scan);
	if (candidates.length === 0) return;
	const assignments = await assign(service, candidates);
	if (assignments === undefined || !(await confirm(assignments, scan))) return;
	const stored: string[] = [];
	try {
		for (const { candidate, provider } of assignments) {
			const [variable] = candidate.variables;
			const place = file === undefined ? undefined : path.basename(path.dirname(file.fsPath));
			const taken = bucketsOf(service, provider.provider.id).map(({ name }) => name);
			const name = keyName(variable, place, taken);
			await service.addApiKey({ providerId: provider.provider.id, key: scan.keyOf(candidate), name });
			stored.push(...candidate.variables);
		}
	} finally {
		if (stored.length > 0) void tellStored(stored, file);
	}
}

async function askForSource(service: Service): Promise<Source | undefined> {
	const environment = vscode.l10n.t('Environment of VS Code');
	const chosen = await vscode.window.showQuickPick(
		[
			{ label: environment, detail: vscode.l10n.t('The variables that this window was started with.') },
			{
				label: vscode.l10n.t('A .env File…'),
				detail: vscode.l10n.t('It is read once and not changed. Nothing in it is run.'),
			},
		],
		{ title: vscode.l10n.t('Import API Keys'), placeHolder: vscode.l10n.t('Where are the keys?') },
	);
	if (chosen === undefined) return undefined;
	const providers = service.snapshot().providers.map(({ provider }) => provider);
	if (chosen.label === environment) {
		return { scan: importCandidates({ kind: 'environment', variables: process.env }, providers) };
	}
	const [file] = (await vscode.window.showOpenDialog({ title: vscode.l10n.t('Import API Keys') })) ?? [];
	if (file === undefined) return undefined;
	if (file.scheme !== 'file') {
		void vscode.window.showWarningMessage(
			vscode.l10n.t('{0} is not on the machine where Agent Auth runs.', plain(path.posix.basename(file.path))),
		);
		return undefined;
	}
	const read = await readKeyFile(file.fsPath);
	if (read.kind !== 'read') {
		void warn(fileProblem(read, path.basename(file.fsPath), display), read.kind === 'foreign');
		return undefined;
	}
	const { variables } = parseEnvFile(read.text);
	return { scan: importCandidates({ kind: 'file', variables }, providers), file };
}

async function pickCandidates(service: Service, scan: ImportScan): Promise<readonly ImportCandidate[]> {
	const snapshots = service.snapshot().providers;
	const stored = new Map(
		snapshots.flatMap(({ buckets }) =>
			buckets.flatMap(({ name, token }) => (token === undefined ? [] : [[digest(token.value), name] as const])),
		),
	);
	const items = scan.candidates.map((candidate) => {
		const known = stored.get(candidate.digest);
		const [first] = candidate.providerIds;
		const label = snapshots.find(({ provider }) => provider.id === first)?.provider.label ?? candidate.vendor;
		return {
			label: candidate.variables.map(plain).join(', '),
			description: known === undefined ? (label ?? '') : vscode.l10n.t('stored already as {0}', plain(known)),
			detail: candidateDetail(candidate, display),
			picked: known === undefined && candidate.providerIds.length > 0,
			candidate,
		};
	});
	const picked = await vscode.window.showQuickPick(items, {
		canPickMany: true,
		title: vscode.l10n.t('Import API Keys'),
		placeHolder: vscode.l10n.t('Which keys?'),
		ignoreFocusOut: true,
	});
	return (picked ?? []).map(({ candidate }) => candidate);
}

/** The only fitting service is taken; otherwise the person says. Undefined if they gave up. */
async function assign(
	service: Service,
	candidates: readonly ImportCandidate[],
): Promise<readonly Assignment[] | undefined> {
	const forKeys = service.snapshot().providers.filter(({ provider }) => provider.kind === 'apiKey');
	if (forKeys.length === 0) {
		const add = vscode.l10n.t('Add Provider');
		const text = vscode.l10n.t('No service for API keys is configured yet. Add one, then import again.');
		if ((await vscode.window.showWarningMessage(text, add)) === add) await run('agentAuth.addProvider');
		return undefined;
	}
	const assignments: Assignment[] = [];
	for (const candidate of candidates) {
		const fitting = forKeys.filter(({ provider }) => candidate.providerIds.includes(provider.id));
		const [only] = fitting;
		const provider = fitting.length === 1 ? only : await askForProvider(candidate, fitting, forKeys);
		if (provider === undefined) return undefined;
		assignments.push({ candidate, provider });
	}
	return assignments;
}

async function askForProvider(
	candidate: ImportCandidate,
	fitting: readonly ProviderSnapshot[],
	all: readonly ProviderSnapshot[],
): Promise<ProviderSnapshot | undefined> {
	const ordered = [...fitting, ...all.filter((provider) => !fitting.includes(provider))];
	const picked = await vscode.window.showQuickPick(
		ordered.map((snapshot) => ({
			label: snapshot.provider.label,
			description: snapshot.provider.id,
			snapshot,
		})),
		{
			title: vscode.l10n.t('Import API Keys'),
			placeHolder: vscode.l10n.t('Which service is {0} for?', plain(candidate.variables[0])),
			ignoreFocusOut: true,
		},
	);
	return picked?.snapshot;
}

async function confirm(assignments: readonly Assignment[], scan: ImportScan): Promise<boolean> {
	const store = vscode.l10n.t('Store');
	const lines = assignments.map(({ candidate, provider }) =>
		vscode.l10n.t('{0} for {1}', plain(candidate.variables[0]), plain(provider.provider.label)),
	);
	const detail = [lines.join('\n'), refusedLines(scan.refused, display)].filter((text) => text !== '').join('\n\n');
	const question =
		assignments.length === 1
			? vscode.l10n.t('Store this key?')
			: vscode.l10n.t('Store these {0} keys?', assignments.length);
	return (await vscode.window.showInformationMessage(question, { modal: true, detail }, store)) === store;
}

async function tellNothing({ scan, file }: Source): Promise<void> {
	const text =
		file === undefined
			? vscode.l10n.t('There is no API key to import in the environment of VS Code.')
			: vscode.l10n.t('There is no API key to import in {0}.', plain(path.basename(file.fsPath)));
	const lines = refusedLines(scan.refused, display);
	await warn(lines === '' ? text : `${text} ${lines.replaceAll('\n', ' ')}`, asksForSignIn(scan.refused));
}

async function warn(text: string, offerSignIn: boolean): Promise<void> {
	const signIn = vscode.l10n.t('Sign In');
	const answer = await vscode.window.showWarningMessage(text, ...(offerSignIn ? [signIn] : []));
	if (answer === signIn) await run('agentAuth.addAccount');
}

async function tellStored(variables: readonly string[], file: vscode.Uri | undefined): Promise<void> {
	const open = vscode.l10n.t('Open File');
	const name = file === undefined ? undefined : path.basename(file.fsPath);
	const text = storedText(variables, name, display);
	const answer = await vscode.window.showInformationMessage(text, ...(file === undefined ? [] : [open]));
	if (answer === open && file !== undefined) await vscode.window.showTextDocument(file);
}

function bucketsOf(service: Service, providerId: string): ProviderSnapshot['buckets'] {
	return service.snapshot().providers.find(({ provider }) => provider.id === providerId)?.buckets ?? [];
}

function run(command: CommandId): Thenable<unknown> {
	return vscode.commands.executeCommand(command);
}
