/** What the setting `agentAuth.bindings` says about one provider, from the values that VS Code keeps apart. Pure. */
import type { BindingSetting } from './binding.ts';

/** More than any label that a person chooses. */
const LONGEST_NAME = 200;

/** The setting of one folder of the window, unread: objects of bucket names by provider, or anything else. */
export type FolderValues = {
	readonly folder?: unknown;
	readonly workspace?: unknown;
	/** The person's own. */
	readonly own?: unknown;
};

type FolderBinding = { readonly bucketName: string; readonly fromWorkspace: boolean };

/**
 * A folder's own word goes before that of the workspace, and that before the person's. Folders that disagree are a conflict.
 * @param workspace digest that stands for the folders of the window
 */
export function bindingSettingOf(
	providerId: string,
	folders: readonly FolderValues[],
	workspace: string,
): BindingSetting {
	const found = folders.flatMap((values) => folderBinding(values, providerId) ?? []);
	const names = [...new Set(found.map(({ bucketName }) => bucketName))];
	const [bucketName, second] = names;
	if (bucketName === undefined) return { kind: 'none' };
	if (second !== undefined) return { kind: 'conflict', names };
	const fromWorkspace = found.some((entry) => entry.fromWorkspace);
	return { kind: 'bound', binding: { providerId, bucketName, workspace, fromWorkspace } };
}

function folderBinding({ folder, workspace, own }: FolderValues, providerId: string): FolderBinding | undefined {
	const named = nameIn(folder, providerId) ?? nameIn(workspace, providerId);
	if (named !== undefined) return { bucketName: named, fromWorkspace: true };
	const bucketName = nameIn(own, providerId);
	return bucketName === undefined ? undefined : { bucketName, fromWorkspace: false };
}

function nameIn(value: unknown, providerId: string): string | undefined {
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, providerId)) return undefined;
	const name: unknown = (value as Record<string, unknown>)[providerId];
	return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME ? name : undefined;
}
