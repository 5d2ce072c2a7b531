/**
 * Clears away what windows left that were killed. What is proved to be dead goes. Where this process cannot know,
 * because the storage is shared with another machine or container, a file goes when its window has not touched it for a
 * fortnight; live windows do so every day.
 */
import { lstat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import * as v from 'valibot';
import { type Clock, delay } from '../clock.ts';
import { judge, type ProcessIdentity, processIdentitySchema } from '../lease/processIdentity.ts';
import { hasCode, modifiedAtMs } from './atomicFile.ts';
import {
	CURL_SUFFIX,
	DESCRIPTOR_SUFFIX,
	type Descriptor,
	LAUNCH_SUFFIX,
	readDescriptors,
	removeFile,
} from './descriptor.ts';

/** macOS refuses also when the queue of a live socket is full; a second refusal after this time is no accident. */
const SECOND_LOOK_MS = 200;

/** A connect to a local socket is answered at once or waits for a stopped process. */
const CONNECT_LIMIT_MS = 1_000;

/** Longer than a laptop sleeps over the holidays; a window that was wrongly given up is found again after a reload. */
export const FOREIGN_AGE_MS = 14 * 24 * 60 * 60_000;

export type SweepOptions = {
	readonly runFolder: string;
	/** Folder of this window's socket: only sockets in it are removed with their descriptor. Absent on Windows. */
	readonly socketFolder?: string;
	readonly self: ProcessIdentity;
	readonly clock: Clock;
};

/** Answers how many descriptors were removed. */
export async function sweepDescriptors(options: SweepOptions): Promise<number> {
	let removed = 0;
	for (const entry of await readDescriptors(options.runFolder)) {
		if (entry.kind !== 'descriptor' || !(await isOver(entry.file, entry.descriptor, options))) continue;
		await removeSocket(entry.descriptor.socket, options.socketFolder);
		removeFile(entry.file);
		const base = entry.file.slice(0, -DESCRIPTOR_SUFFIX.length);
		removeFile(base + LAUNCH_SUFFIX);
		removeFile(base + CURL_SUFFIX);
		removed++;
	}
	return removed;
}

async function isOver(file: string, descriptor: Descriptor, { self, clock }: SweepOptions): Promise<boolean> {
	const owner = v.safeParse(processIdentitySchema, descriptor.process);
	if (!owner.success) return false;
	const liveness = await judge(owner.output, self);
	if (liveness === 'unknown') return clock.now() - (await modifiedAtMs(file)) > FOREIGN_AGE_MS;
	if (liveness === 'dead') return true;
	if (process.platform === 'win32' || !(await isRefused(descriptor.socket, clock))) return false;
	await delay(clock, SECOND_LOOK_MS);
	return isRefused(descriptor.socket, clock);
}

/** True only for ECONNREFUSED: the socket file is there and nobody listens. */
function isRefused(socketPath: string, clock: Clock): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = net.connect({ path: socketPath });
		const settle = (refused: boolean): void => {
			timer.dispose();
			socket.destroy();
			resolve(refused);
		};
		const timer = clock.schedule(CONNECT_LIMIT_MS, () => settle(false));
		socket.on('connect', () => settle(false)).on('error', (error) => settle(hasCode(error, 'ECONNREFUSED')));
	});
}

async function removeSocket(socketPath: string, socketFolder: string | undefined): Promise<void> {
	if (socketFolder === undefined || path.dirname(socketPath) !== socketFolder) return;
	// Gone, or not to be looked at: then there is nothing to remove either.
	const stats = await lstat(socketPath).catch(() => undefined);
	if (stats?.isSocket()) removeFile(socketPath);
}
