/**
 * One file system for all simulated processes. Each operation takes effect at once or not at all, except that a file is
 * written in two steps: made, then filled. Every process sees the tree under a folder of its own, because proper-lockfile
 * keeps its locks by path in a table of the process, of which there is only one here.
 */
import { dirname } from 'node:path';
import type { LockDisk } from '../../../src/auth/lease/lockDisk.ts';
import type { Disk } from '../../../src/auth/vault/disk.ts';
import type { FolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import { systemError } from '../../support/memoryDisk.ts';
import type { Actor, World } from './world.ts';

type Node =
	| { readonly kind: 'file'; bytes: Buffer }
	| { readonly kind: 'folder'; readonly id: number; changed: number };

/** Who changed what: for the invariants. */
export type Change = {
	readonly actor: Actor;
	readonly what: 'appeared' | 'filled' | 'vanished' | 'touched';
	readonly path: string;
};

export type Files = {
	/** Whole content of a file, if it is there. */
	peek(path: string): Buffer | undefined;
	list(folder: string): string[];
	onChange(listener: (change: Change) => void): void;
	diskOf(actor: Actor): Disk;
	lockDiskOf(actor: Actor): LockDisk;
	/** @param deaf no event is ever told, as on some network drives. */
	watchOf(actor: Actor, deaf: boolean): FolderWatch;
};

/** The root that an actor sees. */
export const rootOf = (actor: Actor): string => `/process${actor.pid}-${actor.startTime}`;

export function createFiles(world: World): Files {
	const nodes = new Map<string, Node>([['/', { kind: 'folder', id: 0, changed: 0 }]]);
	const listeners: ((change: Change) => void)[] = [];
	const watchers = new Set<{ readonly folder: string; tell(name: string): void }>();
	let changes = 1;

	const real = (path: string): string => path.replaceAll('\\', '/').replace(/^\/process[^/]*/, '') || '/';
	const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

	function fileAt(path: string): Extract<Node, { kind: 'file' }> {
		const node = nodes.get(path);
		if (!node) throw systemError('ENOENT');
		if (node.kind !== 'file') throw systemError('EISDIR');
		return node;
	}

	function folderAt(path: string): Extract<Node, { kind: 'folder' }> {
		const node = nodes.get(path);
		if (!node) throw systemError('ENOENT');
		if (node.kind !== 'folder') throw systemError('ENOTDIR');
		return node;
	}

	function list(folder: string): string[] {
		folderAt(folder);
		return [...nodes.keys()].filter((path) => path !== '/' && dirname(path) === folder).map(nameOf);
	}

	function changed(actor: Actor, what: Change['what'], path: string): void {
		const parent = nodes.get(dirname(path));
		if (what !== 'filled' && what !== 'touched' && parent?.kind === 'folder') parent.changed = changes++;
		for (const listener of listeners) listener({ actor, what, path });
		if (what !== 'touched')
			for (const watcher of watchers) if (dirname(path) === watcher.folder) watcher.tell(nameOf(path));
	}

	function put(actor: Actor, path: string, node: Node): void {
		folderAt(dirname(path));
		nodes.set(path, node);
		changed(actor, 'appeared', path);
	}

	function drop(actor: Actor, path: string): void {
		nodes.delete(path);
		changed(actor, 'vanished', path);
	}

	const newFolder = (): Node => ({ kind: 'folder', id: changes++, changed: changes });

	function makeFolders(actor: Actor, path: string): void {
		if (nodes.get(path)) return void folderAt(path);
		makeFolders(actor, dirname(path));
		put(actor, path, newFolder());
	}

	function unlink(actor: Actor, path: string): void {
		fileAt(path);
		drop(actor, path);
	}

	function rmdir(actor: Actor, path: string): void {
		if (list(path).length > 0) throw systemError('ENOTEMPTY');
		drop(actor, path);
	}

	function removeAll(actor: Actor, path: string): void {
		if (nodes.get(path)?.kind === 'folder') for (const name of list(path)) removeAll(actor, `${path}/${name}`);
		if (nodes.has(path)) drop(actor, path);
	}

	function place(actor: Actor, folder: string, target: string): boolean {
		folderAt(folder);
		if (nodes.has(target)) {
			if (list(target).length > 0) return false;
			nodes.delete(target);
		}
		for (const [path, node] of [...nodes])
			if (path === folder || path.startsWith(`${folder}/`)) {
				nodes.delete(path);
				nodes.set(target + path.slice(folder.length), node);
			}
		changed(actor, 'vanished', folder);
		for (const name of list(target)) changed(actor, 'appeared', `${target}/${name}`);
		changed(actor, 'appeared', target);
		return true;
	}

	function create(actor: Actor, path: string): void {
		if (nodes.has(path)) throw systemError('EEXIST');
		put(actor, path, { kind: 'file', bytes: Buffer.alloc(0) });
	}

	function fill(actor: Actor, path: string, bytes: Uint8Array): void {
		const node = nodes.get(path);
		// Unlinked while it was open: the bytes go nowhere.
		if (node?.kind !== 'file') return;
		node.bytes = Buffer.from(bytes);
		changed(actor, 'filled', path);
	}

	function kindOf(path: string): string {
		if (path.includes('.intent')) return 'intent';
		if (path.includes('/lease')) return 'lock';
		if (/\/[0-9a-f]{64}\.\d+\./.test(path)) return 'record';
		if (/\/state\.\d+\./.test(path)) return 'state';
		if (path.endsWith('/vault')) return 'vault';
		return 'other';
	}

	function diskOf(actor: Actor): Disk {
		const io = <T>(operation: string, path: string, effect: (path: string) => T): Promise<T> =>
			world.perform(actor, `${kindOf(path)}.${operation}`, () => effect(real(path)));
		return {
			readdir: (folder) => io('readdir', folder, list),
			readFile: (file) => io('read', file, (path) => Buffer.from(fileAt(path).bytes)),
			async writeNew(file, bytes) {
				await io('create', file, (path) => create(actor, path));
				await io('fill', file, (path) => fill(actor, path, bytes));
			},
			async overwrite(file, bytes) {
				await io('truncate', file, (path) => {
					folderAt(path.slice(0, path.lastIndexOf('/')));
					put(actor, path, { kind: 'file', bytes: Buffer.alloc(0) });
				});
				await io('fill', file, (path) => fill(actor, path, bytes));
			},
			writeInto: (file, bytes) =>
				io('fill', file, (path) => {
					fileAt(path);
					fill(actor, path, bytes);
				}),
			link: (existing, created) =>
				io('link', created, (path) => {
					const { bytes } = fileAt(real(existing));
					if (nodes.has(path)) throw systemError('EEXIST');
					put(actor, path, { kind: 'file', bytes });
				}),
			rename: (from, to) =>
				io('rename', to, (path) => {
					const node = fileAt(real(from));
					drop(actor, real(from));
					put(actor, path, node);
				}),
			unlink: (file) => io('unlink', file, (path) => unlink(actor, path)),
			makeFolder: (folder) => io('mkdir', folder, (path) => makeFolders(actor, path)),
			syncFolder: (folder) => io('sync', folder, () => undefined),
		};
	}

	function lockDiskOf(actor: Actor): LockDisk {
		const io = <T>(operation: string, path: string, effect: (path: string) => T): Promise<T> =>
			world.perform(actor, `lock.${operation}`, () => effect(real(path)));
		return {
			ensurePrivateFolder: (folder) => io('prepare', folder, (path) => makeFolders(actor, path)),
			mkdir: (folder) =>
				io('mkdir', folder, (path) => {
					if (nodes.has(path)) throw systemError('EEXIST');
					put(actor, path, newFolder());
				}),
			async writeNew(file, text) {
				await io('create', file, (path) => create(actor, path));
				await io('fill', file, (path) => fill(actor, path, Buffer.from(text)));
			},
			place: (folder, target) => io('place', target, (path) => place(actor, real(folder), path)),
			readdir: (folder) => io('readdir', folder, list),
			readFile: (file) => io('read', file, (path) => fileAt(path).bytes.toString('utf8')),
			changed: (folder) => io('changed', folder, (path) => String(folderAt(path).changed)),
			touch: (folder, at) =>
				io('touch', folder, (path) => {
					folderAt(path).changed = at.getTime();
					changed(actor, 'touched', path);
				}),
			unlink: (file) => io('unlink', file, (path) => unlink(actor, path)),
			rmdir: (folder) => io('rmdir', folder, (path) => rmdir(actor, path)),
			removeAll: (any) => io('removeAll', any, (path) => removeAll(actor, path)),
		};
	}

	function watchOf(actor: Actor, deaf: boolean): FolderWatch {
		return {
			open(folder, onEvent) {
				folderAt(real(folder));
				const waiting: string[] = [];
				const watcher = {
					folder: real(folder),
					tell(name: string) {
						// Of other names nothing would come but more steps.
						if (!/\.(rec|probe)$/.test(name)) return;
						waiting.push(name);
						if (waiting.length > 1) return;
						world.defer(actor, 'watch', () => {
							for (const told of waiting.splice(0)) if (watchers.has(watcher)) onEvent(told);
						});
					},
				};
				if (!deaf) watchers.add(watcher);
				return { dispose: () => void watchers.delete(watcher) };
			},
			identify: async (folder) => {
				const node = nodes.get(real(folder));
				return node?.kind === 'folder' ? String(node.id) : undefined;
			},
			touch: (file) => world.perform(actor, 'watch.touch', () => create(actor, real(file))),
			remove: (file) => world.perform(actor, 'watch.remove', () => removeAll(actor, real(file))),
		};
	}

	return {
		peek(path) {
			const node = nodes.get(path);
			return node?.kind === 'file' ? node.bytes : undefined;
		},
		list: (folder) => (nodes.has(folder) ? list(folder) : []),
		onChange: (listener) => void listeners.push(listener),
		diskOf,
		lockDiskOf,
		watchOf,
	};
}
