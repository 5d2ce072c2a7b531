/**
 * How a terminal finds a window: one file per window in a folder that is the same for all of them and for ever. It
 * holds the secret that opens the window's socket, therefore mode 0600 in a folder of mode 0700.
 *
 * Beside each descriptor stands, where there are unix sockets, a `.curl` file that curl reads by itself, so that the
 * secret goes through no argument and no shell. Its comments name the workspace folders for the launcher.
 *
 * There is also a `.path` file of two lines, the Node to run and the helper's file name, because the
 * launchers are written in languages that cannot read JSON. Names begin with the time of creation, so that the order
 * of names is the order of age.
 */
import { unlinkSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { AuthError } from '../errors.ts';
import type { Disposable } from '../event.ts';
import { readsLater, utimes } from '../fileCalls.ts';
import type { FileReads } from '../fileReads.ts';
import type { ProcessIdentity } from '../lease/processIdentity.ts';
import { ownUid } from '../privateFolder.ts';
import { hasCode, replaceFile } from './atomicFile.ts';
import { parseJson, SECRET_LENGTH } from './protocol.ts';
import { realPath } from './windowChoice.ts';

/** Counted up only when an older reader must not use the file. */
export const DESCRIPTOR_VERSION = 1;

export const DESCRIPTOR_SUFFIX = '.json';
export const LAUNCH_SUFFIX = '.path';
/** Configuration of curl for the launcher's short cut: mode 0600, because it holds the secret as the descriptor does. */
export const CURL_SUFFIX = '.curl';

/** Launch file of the window that started last; stays when all have gone, so that `--help` works without a window. */
export const LAST_LAUNCH_NAME = `0-last${LAUNCH_SUFFIX}`;

/** Some workspace folders and two paths: a few KB. What is larger was not written here, and reading it would cost the person's memory. */
const MAX_DESCRIPTOR_BYTES = 2 ** 20;

const descriptorSchema = v.object({
	version: v.literal(DESCRIPTOR_VERSION),
	/** A `ProcessIdentity`, parsed by who judges it: the helper just tries the socket. */
	process: v.unknown(),
	socket: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
	secret: v.pipe(v.string(), v.regex(/^[0-9a-f]+$/), v.length(SECRET_LENGTH)),
	workspaceFolders: v.array(v.string()),
	nodePath: v.string(),
	helperPath: v.string(),
	createdAtMs: v.pipe(v.number(), v.finite()),
});

export type Descriptor = v.InferOutput<typeof descriptorSchema>;
export type NewDescriptor = Omit<Descriptor, 'version' | 'process'> & { readonly process: ProcessIdentity };

export type DescriptorFile =
	| { readonly kind: 'descriptor'; readonly file: string; readonly descriptor: Descriptor }
	/** Damaged, unreadable, of a newer version, or readable by others: nothing is known about its window. */
	| { readonly kind: 'unusable'; readonly file: string };

export type Publication = Disposable & {
	/** Puts other workspace folders in place. Does nothing once disposed. */
	update(workspaceFolders: readonly string[]): Promise<void>;
	/** Says that the window still lives, for who cannot look at its process. */
	touch(nowMs: number): Promise<void>;
};

/**
 * Announces a window. The result withdraws exactly these files, synchronously, because a dying host waits for nothing.
 * @throws AuthError `configuration` if a path cannot be written as one line; system errors as they are.
 */
export async function publishDescriptor(runFolder: string, descriptor: NewDescriptor): Promise<Publication> {
	const launch = [descriptor.nodePath, path.basename(descriptor.helperPath)];
	if (launch.some((line) => /[\r\n]/.test(line))) {
		throw new AuthError('configuration', 'a path with a line break cannot be used by the launcher');
	}
	const id = `${String(descriptor.createdAtMs).padStart(15, '0')}-${descriptor.process.pid}-${crypto.randomUUID().slice(0, 8)}`;
	const file = path.join(runFolder, `${id}${DESCRIPTOR_SUFFIX}`);
	const launchFile = path.join(runFolder, `${id}${LAUNCH_SUFFIX}`);
	const curlFile = path.join(runFolder, `${id}${CURL_SUFFIX}`);
	let disposed = false;
	let writing: Promise<void> = Promise.resolve();

	const write = async (content: NewDescriptor): Promise<void> => {
		if (disposed) return;
		await replaceFile(file, `${JSON.stringify({ version: DESCRIPTOR_VERSION, ...content })}\n`, 0o600);
		const curl = process.platform === 'win32' ? undefined : curlConfiguration(content);
		if (curl !== undefined) await replaceFile(curlFile, curl, 0o600);
		// Disposed while it was being written: the rename may have come after the removal.
		if (disposed) removeAll();
	};
	const removeAll = (): void => {
		for (const each of [file, launchFile, curlFile]) removeFile(each);
	};
	const launchText = launch.map((line) => `${line}\n`).join('');
	await replaceFile(path.join(runFolder, LAST_LAUNCH_NAME), launchText, 0o600);
	await replaceFile(launchFile, launchText, 0o600);
	await write(descriptor);

	return {
		update(workspaceFolders) {
			const next = writing.then(() => write({ ...descriptor, workspaceFolders: [...workspaceFolders] }));
			// The next update starts whether this one failed or not; its own caller gets the failure.
			writing = next.catch(() => undefined);
			return next;
		},
		async touch(nowMs) {
			if (!disposed) await utimes(file, nowMs / 1000, nowMs / 1000);
		},
		dispose() {
			disposed = true;
			removeAll();
		},
	};
}

/**
 * The launcher reads the comments, curl the rest. The secret is the target of the request, so that the window sees it
 * first. Undefined if the socket's path cannot be written here; then there is no short cut.
 */
export function curlConfiguration({ socket, secret, workspaceFolders }: NewDescriptor): string | undefined {
	if (/[\p{Cc}"\\]/u.test(socket)) return undefined;
	const folders = workspaceFolders.map(realPath).filter((folder) => folder !== '' && !/\p{Cc}/u.test(folder));
	return [
		...folders.map((folder) => `# ${folder}`),
		`unix-socket = "${socket}"`,
		'url = "http://localhost/"',
		`request-target = "/${secret}"`,
		'noproxy = "*"',
		'',
	].join('\n');
}

/** All descriptors, newest first. An absent folder has none; one that cannot be read rejects. */
export function readDescriptors(runFolder: string): Promise<DescriptorFile[]> {
	return descriptorsIn(runFolder, readsLater);
}

/** The same by these reads. */
export async function descriptorsIn(runFolder: string, reads: FileReads): Promise<DescriptorFile[]> {
	let names: string[];
	try {
		names = await reads.readdir(runFolder);
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return [];
		throw error;
	}
	const wanted = names.filter((name) => name.endsWith(DESCRIPTOR_SUFFIX) && !name.startsWith('.'));
	const read = await Promise.all(wanted.map((name) => readDescriptor(path.join(runFolder, name), reads)));
	const found = read.filter((entry) => entry !== undefined);
	return found.sort((a, b) => createdAt(b) - createdAt(a));
}

/** Undefined if the file has gone in the meantime. */
async function readDescriptor(file: string, reads: FileReads): Promise<DescriptorFile | undefined> {
	try {
		const stats = await reads.lstat(file);
		const uid = ownUid();
		const open = uid !== undefined && (stats.uid !== uid || (stats.mode & 0o077) !== 0);
		if (!stats.isFile() || open || stats.size > MAX_DESCRIPTOR_BYTES) return { kind: 'unusable', file };
		const parsed = v.safeParse(descriptorSchema, parseJson(await reads.readFile(file)));
		return parsed.success ? { kind: 'descriptor', file, descriptor: parsed.output } : { kind: 'unusable', file };
	} catch (error) {
		// One file that cannot be read hides no other window.
		return hasCode(error, 'ENOENT') ? undefined : { kind: 'unusable', file };
	}
}

function createdAt(entry: DescriptorFile): number {
	return entry.kind === 'descriptor' ? entry.descriptor.createdAtMs : 0;
}

/** Removes a file that may be gone already. */
export function removeFile(file: string): void {
	try {
		unlinkSync(file);
	} catch (error) {
		if (!hasCode(error, 'ENOENT')) throw error;
	}
}
