/** Adds what needs no browser: an API key that is typed in, or a command of the settings that prints a token. */
import * as vscode from 'vscode';
import { AuthError } from '../../auth/errors.ts';
import type { Provider } from '../../auth/provider.ts';
import type { AuthService } from '../../auth/service.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../../auth/snapshot.ts';
import type { SettingKey } from '../ids.ts';
import { plain } from '../localizer.ts';

/** Asks for a key, and for its name if it is a new one. Rejects with `cancelled`, and with what storing it rejects with. */
export async function enterApiKey(
	service: AuthService,
	{ provider, buckets }: ProviderSnapshot,
	bucketId?: string,
): Promise<BucketSnapshot> {
	const existing = buckets.find(({ id }) => id === bucketId);
	const entered = await askForKey(provider, existing);
	return service.addApiKey({
		...entered,
		providerId: provider.id,
		...(existing === undefined ? {} : { bucketId: existing.id }),
	});
}

/**
 * Lets the person choose among the commands that the settings have for the provider. Rejects with `cancelled`, also if there
 * is none: then the settings are offered.
 */
export async function pickReference(service: AuthService, { provider }: ProviderSnapshot): Promise<BucketSnapshot> {
	const names = Object.keys(provider.commands ?? {});
	if (names.length === 0) {
		void offerSettings(provider);
		throw new AuthError('cancelled', 'the settings have no command for this provider');
	}
	const items = names.map((name) => ({
		label: name,
		// Not the arguments: some people's have a secret in them.
		description: provider.commands?.[name]?.command ?? '',
	}));
	const picked = await vscode.window.showQuickPick(items, {
		title: provider.label,
		placeHolder: vscode.l10n.t('Which command prints the token?'),
		ignoreFocusOut: true,
	});
	if (picked === undefined) throw new AuthError('cancelled', 'no command was chosen');
	return service.addReference({ providerId: provider.id, command: picked.label, name: picked.label });
}

async function offerSettings(provider: Provider): Promise<void> {
	const open = vscode.l10n.t('Open Settings');
	const answer = await vscode.window.showInformationMessage(
		vscode.l10n.t('The settings of {0} name no command. Add one under "commands" first.', plain(provider.label)),
		open,
	);
	if (answer !== open) return;
	const key: SettingKey = 'providers';
	await vscode.commands.executeCommand('workbench.action.openSettingsJson', {
		revealSetting: { key: `agentAuth.${key}` },
	});
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
