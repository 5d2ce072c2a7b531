/**
 * What the person decided for one terminal, kept as long as its shell runs: VS Code keeps the shells when a window is
 * loaded again, and a new extension host must not ask anew. One file per decision, so that windows never overwrite each
 * other's. A shell is its pid and start time in one boot of one machine: no later process is taken for it. It holds no
 * secret; who can write here can read everything of this user anyway.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { hostKey, judge, type ProcessIdentity, processIdentitySchema, selfIdentity } from '../lease/processIdentity.ts';
import { describeError, type Logger } from '../log.ts';
import { requirePrivateFolder } from '../privateFolder.ts';
import { hasCode, replaceFile } from './atomicFile.ts';
import type { Consumer } from './consumer.ts';
import { removeFile } from './descriptor.ts';
import type { Grant } from './grant.ts';
import { parseJson } from './protocol.ts';

const SUFFIX = '.json';
const SCHEMA = 1;
const MAX_NAME = 256;

/** Decisions for shells that nobody here can look at, of another machine or container, go after this long. */
const UNKNOWN_MS = 30 * 24 * 60 * 60_000;

const keptSchema = v.object({
	schema: v.literal(SCHEMA),
	shell: processIdentitySchema,
	/** Of the terminal, as it was then. */
	name: v.pipe(v.string(), v.maxLength(MAX_NAME)),
	providerId: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
	decision: v.picklist(['allow', 'never']),
	grantedAtMs: v.pipe(v.number(), v.finite()),
});

type Kept = v.InferOutput<typeof keptSchema>;

export type TerminalConsentStore = {
	/** Undefined if nothing was decided; also if the file cannot be read or is damaged, so that the person is asked. */
	find(consumer: Consumer, providerId: string): Promise<Grant | undefined>;
	/**
	 * Undefined if the consumer is no terminal, or its shell cannot be told from a later one. Rejects with `storage` or a
	 * system error if it cannot be written.
	 */
	save(
		consumer: Consumer,
		providerId: string,
		consent: Pick<Grant, 'decision' | 'grantedAtMs'>,
	): Promise<Grant | undefined>;
	/** Whether a decision that was found still stands. */
	has(id: string): boolean;
	/** Synchronous, so that it counts at once. Gone already is no error. */
	remove(id: string): void;
	/** Of the terminals of all windows whose shell may still run. */
	list(): Promise<Grant[]>;
	/** Removes what was decided for shells that have ended. @returns how many */
	sweep(nowMs: number): Promise<number>;
};

export function createTerminalConsentStore(folder: string, log: Logger): TerminalConsentStore {
	const fileOf = (id: string): string => path.join(folder, id + SUFFIX);

	async function shellOf(consumer: Consumer): Promise<ProcessIdentity | undefined> {
		if (consumer.kind !== 'terminal' || !consumer.startTime) return undefined;
		return { ...(await selfIdentity()), pid: consumer.pid, startTime: consumer.startTime };
	}

	async function read(id: string): Promise<Kept | undefined> {
		let text: string;
		try {
			text = await readFile(fileOf(id), 'utf8');
		} catch (error) {
			if (!hasCode(error, 'ENOENT')) log.warn(`consent of a terminal: ${describeError(error)}`);
			return undefined;
		}
		const parsed = v.safeParse(keptSchema, parseJson(text));
		// A file under another's name is nobody's.
		if (parsed.success && idOf(parsed.output.shell, parsed.output.providerId) === id) return parsed.output;
		log.warn('a consent of a terminal cannot be understood; the person is asked again');
		return undefined;
	}

	async function all(): Promise<readonly { readonly id: string; readonly kept: Kept | undefined }[]> {
		let names: string[];
		try {
			names = await readdir(folder);
		} catch (error) {
			if (hasCode(error, 'ENOENT')) return [];
			throw error;
		}
		const ids = names.flatMap((name) => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []);
		return Promise.all(ids.map(async (id) => ({ id, kept: await read(id) })));
	}

	return {
		async find(consumer, providerId) {
			const shell = await shellOf(consumer);
			if (shell === undefined) return undefined;
			const id = idOf(shell, providerId);
			const kept = await read(id);
			return kept === undefined ? undefined : { ...grantOf(id, kept), consumer };
		},
		async save(consumer, providerId, { decision, grantedAtMs }) {
			const shell = await shellOf(consumer);
			if (shell === undefined || consumer.kind !== 'terminal') return undefined;
			await requirePrivateFolder(folder);
			const name = consumer.name.slice(0, MAX_NAME);
			const kept: Kept = { schema: SCHEMA, shell, name, providerId, decision, grantedAtMs };
			const id = idOf(shell, providerId);
			await replaceFile(fileOf(id), `${JSON.stringify(kept)}\n`, 0o600);
			return { ...grantOf(id, kept), consumer };
		},
		has: (id) => existsSync(fileOf(id)),
		remove(id) {
			if (/^[0-9a-f]{32}$/.test(id)) removeFile(fileOf(id));
		},
		async list() {
			const self = await selfIdentity();
			const found = await Promise.all(
				(await all()).map(async ({ id, kept }) =>
					kept !== undefined && (await judge(kept.shell, self)) !== 'dead' ? [grantOf(id, kept)] : [],
				),
			);
			return found.flat();
		},
		async sweep(nowMs) {
			const self = await selfIdentity();
			let removed = 0;
			for (const { id, kept } of await all()) {
				const liveness = kept === undefined ? 'dead' : await judge(kept.shell, self);
				const isOld = kept !== undefined && nowMs - kept.grantedAtMs > UNKNOWN_MS;
				if (liveness === 'alive' || (liveness === 'unknown' && !isOld)) continue;
				removeFile(fileOf(id));
				removed++;
			}
			return removed;
		},
	};
}

function grantOf(id: string, { shell, name, providerId, decision, grantedAtMs }: Kept): Grant {
	const consumer = { kind: 'terminal', pid: shell.pid, startTime: shell.startTime, name } as const;
	return { id, decision, consumer, providerId, grantedAtMs };
}

function idOf(shell: ProcessIdentity, providerId: string): string {
	const { pidNamespace, pid, startTime } = shell;
	return createHash('sha256')
		.update(JSON.stringify([...hostKey(shell), pidNamespace, pid, startTime, providerId]))
		.digest('hex')
		.slice(0, 32);
}
