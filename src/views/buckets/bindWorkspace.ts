/** Ties this workspace, or a folder of it, to an account, and takes that back: in the setting `agentAuth.bindings`. */
import * as vscode from 'vscode';
import { AuthError } from '../../auth/errors.ts';
import { currentWorkspace } from '../../auth/hostBindings.ts';
import type { AuthService } from '../../auth/service.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { billedText, bucketTitle } from '../accounts/bucketWords.ts';
import { display } from '../display.ts';
import type { SettingKey } from '../ids.ts';
import { plain } from '../localizer.ts';
import { pickProvider } from '../pick.ts';
import type { Target } from '../target.ts';
import { hasBinding, withBinding, withoutBinding } from './bindingSetting.ts';

const BINDINGS: SettingKey = 'bindings';

type Place = {
	readonly target: vscode.ConfigurationTarget.Workspace | vscode.ConfigurationTarget.WorkspaceFolder;
	/** Of a folder: the one meant. */
	readonly folder?: vscode.WorkspaceFolder;
};

export async function bindWorkspace(service: AuthService, target: Target): Promise<void> {
	const provider = await providerHere(service, target);
	if (provider === undefined) return;
	const bucketName = await pickName(provider, target.bucketId);
	if (bucketName === undefined) return;
	if (bucketName === null) return unbind(provider);
	const place = await pickPlace();
	if (place === undefined) return;
	const providerId = provider.provider.id;
	// First the confirmation: the file is the person's own doing, so nobody has to ask about it.
	await service.confirmBinding({ providerId, bucketName, workspace: currentWorkspace() }, true);
	await write(place, (value) => withBinding(value, providerId, bucketName));
	const [account, label] = [plain(bucketName), plain(provider.provider.label)];
	if (namesInForce(providerId).size > 1) {
		void vscode.window.showWarningMessage(
			vscode.l10n.t(
				'The folders of this window are tied to different accounts of {0} now. Who names no account gets none here: a request does not say which folder it is about.',
				label,
			),
		);
		return;
	}
	void vscode.window.showInformationMessage(
		place.folder === undefined
			? vscode.l10n.t(
					'This workspace is tied to the account "{0}" of {1}. Who names no account gets this one or none. The setting holds the name only.',
					account,
					label,
				)
			: vscode.l10n.t(
					'The folder "{0}" is tied to the account "{1}" of {2}. Who names no account gets this one or none. The setting holds the name only.',
					plain(place.folder.name),
					account,
					label,
				),
	);
}

export async function unbindWorkspace(service: AuthService, target: Target): Promise<void> {
	const provider = await providerHere(service, target);
	if (provider !== undefined) await unbind(provider);
}

/** Rejects with `untrusted` in Restricted Mode, where settings of the workspace do not count. */
async function providerHere(service: AuthService, target: Target): Promise<ProviderSnapshot | undefined> {
	if (!vscode.workspace.isTrusted) throw new AuthError('untrusted', 'the workspace is not trusted');
	if (vscode.workspace.workspaceFolders === undefined) {
		void vscode.window.showInformationMessage(
			vscode.l10n.t('Open a folder first: without one there is no workspace to tie to an account.'),
		);
		return undefined;
	}
	return pickProvider(
		service.snapshot().providers.filter(({ buckets }) => buckets.length > 0),
		target,
	);
}

/** Null means that the workspace is to follow the order. */
async function pickName(provider: ProviderSnapshot, bucketId: string | undefined): Promise<string | null | undefined> {
	const named = provider.buckets.find(({ id }) => id === bucketId);
	if (named !== undefined) return named.name;
	const bound = provider.binding?.kind === 'bound' ? provider.binding.bucketName : null;
	const current = (name: string | null): vscode.QuickPickItem | object =>
		name === bound ? { iconPath: new vscode.ThemeIcon('check') } : {};
	const items = [
		...provider.buckets.map((bucket) => ({
			label: bucketTitle(bucket),
			description: billedText(bucket, display),
			name: bucket.name,
			...current(bucket.name),
		})),
		{
			label: vscode.l10n.t('Follow the order'),
			description: vscode.l10n.t('The first account that can be used, as in other workspaces'),
			name: null,
			...current(null),
		},
	];
	const picked = await vscode.window.showQuickPick(items, {
		title: provider.provider.label,
		placeHolder: vscode.l10n.t('Which account shall this workspace use?'),
	});
	return picked?.name;
}

async function pickPlace(): Promise<Place | undefined> {
	const folders = vscode.workspace.workspaceFolders ?? [];
	const workspace: Place = { target: vscode.ConfigurationTarget.Workspace };
	if (folders.length < 2) return workspace;
	const items: (vscode.QuickPickItem & { readonly place: Place })[] = [
		{ label: vscode.l10n.t('The whole workspace'), place: workspace },
		...folders.map((folder) => ({ label: folder.name, description: folder.uri.path, place: placeOf(folder) })),
	];
	const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Where does this hold?') });
	return picked?.place;
}

function placeOf(folder: vscode.WorkspaceFolder): Place {
	return { target: vscode.ConfigurationTarget.WorkspaceFolder, folder };
}

/** Takes the entry out of the workspace's own settings, wherever it stands. */
async function unbind({ provider }: ProviderSnapshot): Promise<void> {
	const folders = vscode.workspace.workspaceFolders ?? [];
	const places: Place[] = [
		{ target: vscode.ConfigurationTarget.Workspace },
		...(vscode.workspace.workspaceFile === undefined ? [] : folders.map(placeOf)),
	];
	let count = 0;
	for (const place of places) {
		if (!hasBinding(read(place), provider.id)) continue;
		await write(place, (value) => withoutBinding(value, provider.id));
		count++;
	}
	const own = hasBinding(configuration().inspect(BINDINGS)?.globalValue, provider.id);
	const label = plain(provider.label);
	void vscode.window.showInformationMessage(
		own
			? vscode.l10n.t('Your own settings tie every workspace to an account of {0}; that still holds here.', label)
			: count === 0
				? vscode.l10n.t('This workspace was not tied to an account of {0}.', label)
				: vscode.l10n.t('This workspace follows the order of the accounts of {0} again.', label),
	);
}

/** As the settings of all folders of this window say. */
function namesInForce(providerId: string): ReadonlySet<unknown> {
	const folders = vscode.workspace.workspaceFolders ?? [];
	const values = folders.map((folder) => configuration(folder).get<Record<string, unknown>>(BINDINGS)?.[providerId]);
	return new Set(values.filter((name) => name !== undefined));
}

function configuration(folder?: vscode.WorkspaceFolder): vscode.WorkspaceConfiguration {
	return vscode.workspace.getConfiguration('agentAuth', folder);
}

function read({ target, folder }: Place): unknown {
	const found = configuration(folder).inspect(BINDINGS);
	return target === vscode.ConfigurationTarget.Workspace ? found?.workspaceValue : found?.workspaceFolderValue;
}

async function write(place: Place, change: (value: unknown) => Record<string, unknown> | undefined): Promise<void> {
	await configuration(place.folder).update(BINDINGS, change(read(place)), place.target);
}
