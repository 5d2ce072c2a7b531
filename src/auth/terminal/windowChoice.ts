/** Which window the helper asks first: that of the folder it runs in, else the newest. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Descriptor } from './descriptor.ts';

/** Best first. `descriptors` come newest first and keep that order among equals. */
export function orderByWorkspace(descriptors: readonly Descriptor[], cwd: string): Descriptor[] {
	const here = realPath(cwd);
	const depth = (descriptor: Descriptor): number =>
		Math.max(
			0,
			...descriptor.workspaceFolders
				.map(realPath)
				.filter((folder) => contains(folder, here))
				.map(lengthOf),
		);
	return descriptors
		.map((descriptor) => ({ descriptor, depth: depth(descriptor) }))
		.sort((a, b) => b.depth - a.depth)
		.map(({ descriptor }) => descriptor);
}

/** The innermost folder wins where workspaces lie in each other. */
const lengthOf = (folder: string): number => folder.length;

function contains(folder: string, inner: string): boolean {
	if (folder === '' || inner === '') return false;
	const relative = path.relative(folder, inner);
	return relative === '' || !(relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative));
}

/** Blank if the folder is not absolute. */
export function realPath(folder: string): string {
	if (!path.isAbsolute(folder)) return '';
	try {
		return realpathSync(folder);
	} catch {
		return path.normalize(folder); // Gone or hidden: only its name can be compared.
	}
}
