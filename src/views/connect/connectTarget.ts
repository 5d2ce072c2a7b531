/** Asks for the place inside a tool's file: a provider of Codex, an address for git, a profile, a user. */
import * as vscode from 'vscode';
import type { Choice, Tool } from '../../auth/connect/tools.ts';
import type { Provider } from '../../auth/provider.ts';

/** @param names what the file has; @returns undefined if the person gave up */
export async function askTarget(tool: Tool, names: readonly string[], provider: Provider): Promise<Choice | undefined> {
	const fresh = `agent-auth-${provider.id}`;
	switch (tool.id) {
		case 'git':
			return named(await pickHost(provider));
		case 'codex': {
			const name = await pickName(names, fresh, vscode.l10n.t('Which model provider of Codex?'));
			if (name === undefined || names.includes(name)) return name === undefined ? undefined : { name };
			const baseUrl = await askAddress(vscode.l10n.t('Address of the model service'), 'https://models.example.com/v1');
			return baseUrl === undefined ? undefined : { name, baseUrl };
		}
		case 'aws':
			return named(await pickName(names, fresh, vscode.l10n.t('Which AWS profile?')));
		case 'kubectl':
			return named(await pickName(names, fresh, vscode.l10n.t('Which user of kubectl?')));
		default:
			return { name: '' };
	}
}

function named(name: string | undefined): Choice | undefined {
	return name === undefined ? undefined : { name };
}

/** Only hosts of the settings: the command gives git the token for no other. */
async function pickHost({ id, gitHosts = [] }: Provider): Promise<string | undefined> {
	if (gitHosts.length === 0) {
		const open = vscode.l10n.t('Open Settings');
		const text = vscode.l10n.t(
			'Name the git servers that may have the token first: "gitHosts" of {0} in the settings.',
			id,
		);
		if ((await vscode.window.showInformationMessage(text, open)) === open) {
			await vscode.commands.executeCommand('workbench.action.openSettings', 'agentAuth.providers');
		}
		return undefined;
	}
	const placeHolder = vscode.l10n.t('Which git server?');
	const picked = await vscode.window.showQuickPick([...gitHosts], { placeHolder, ignoreFocusOut: true });
	return picked === undefined ? undefined : `https://${picked}`;
}

async function pickName(names: readonly string[], fresh: string, placeHolder: string): Promise<string | undefined> {
	const items: (vscode.QuickPickItem & { readonly name: string })[] = names.map((name) => ({ label: name, name }));
	if (!names.includes(fresh)) items.push({ label: vscode.l10n.t('New: {0}', fresh), name: fresh });
	return (await vscode.window.showQuickPick(items, { placeHolder, ignoreFocusOut: true }))?.name;
}

async function askAddress(prompt: string, placeHolder: string): Promise<string | undefined> {
	const answer = await vscode.window.showInputBox({
		prompt,
		placeHolder,
		ignoreFocusOut: true,
		validateInput: (value) =>
			isAddress(value.trim())
				? undefined
				: vscode.l10n.t('Enter a whole address that begins with https, without name and password.'),
	});
	return answer?.trim().replace(/\/+$/, '');
}

/** A token must not go over http, except to this machine; user names in addresses end up in logs. */
function isAddress(value: string): boolean {
	if (!URL.canParse(value) || /[\s"'\\<>]/.test(value)) return false;
	const { protocol, hostname, username, password } = new URL(value);
	const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
	return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && username === '' && password === '';
}
