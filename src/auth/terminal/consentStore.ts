/**
 * What the person decided for a whole workspace, kept over restarts. One file per decision, so that two windows never
 * overwrite each other's and a revocation counts in all of them at their next request. It holds no secret; who can
 * write here can read everything of this user anyway.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { describeError, type Logger } from '../log.ts';
import { requirePrivateFolder } from '../privateFolder.ts';
import { hasCode, replaceFile } from './atomicFile.ts';
import { removeFile } from './descriptor.ts';
import { parseJson } from './protocol.ts';

const SUFFIX = '.json';
const SCHEMA = 1;

/** The workspace of a window, as far as consent goes. */
export type WorkspaceIdentity = {
	/** Never shown: path of the workspace file, or the folders. */
	readonly id: string;
	readonly name: string;
};

/** Terminals of the window, or what belongs to none of them. */
export type Side = 'terminal' | 'outside';

const decisionSchema = v.object({
	schema: v.literal(SCHEMA),
	workspaceName: v.pipe(v.string(), v.maxLength(512)),
	providerId: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
	side: v.picklist(['terminal', 'outside']),
	decision: v.picklist(['allow', 'never']),
	decidedAtMs: v.pipe(v.number(), v.finite()),
});

export type StoredConsent = Omit<v.InferOutput<typeof decisionSchema>, 'schema'> & {
	/** Name of its file; the same for the same workspace, provider and side. */
	readonly id: string;
};

export type ConsentKey = { readonly workspaceId: string; readonly providerId: string; readonly side: Side };

export type ConsentStore = {
	/** Undefined if nothing was decided; also if the file cannot be read or is damaged, so that the person is asked. */
	find(key: ConsentKey): Promise<StoredConsent | undefined>;
	/** Rejects with `storage` or a system error if it cannot be written. */
	save(key: ConsentKey, consent: Omit<StoredConsent, 'id' | 'providerId' | 'side'>): Promise<void>;
	/** Whether a decision that was found still stands. */
	has(id: string): boolean;
	/** Synchronous, so that it counts at once. Gone already is no error. */
	remove(id: string): void;
	/** Of all workspaces. */
	list(): Promise<StoredConsent[]>;
};

export function createConsentStore(folder: string, log: Logger): ConsentStore {
	async function read(id: string): Promise<StoredConsent | undefined> {
		let text: string;
		try {
			text = await readFile(path.join(folder, id + SUFFIX), 'utf8');
		} catch (error) {
			if (!hasCode(error, 'ENOENT')) log.warn(`remembered consent: ${describeError(error)}`);
			return undefined;
		}
		const parsed = v.safeParse(decisionSchema, parseJson(text));
		if (!parsed.success) {
			log.warn('a remembered consent cannot be understood; the person is asked again');
			return undefined;
		}
		const { schema: _, ...decision } = parsed.output;
		return { id, ...decision };
	}

	return {
		async find(key) {
			const found = await read(idOf(key));
			return found?.providerId === key.providerId && found.side === key.side ? found : undefined;
		},
		async save(key, consent) {
			await requirePrivateFolder(folder);
			const { providerId, side } = key;
			const content = JSON.stringify({ schema: SCHEMA, ...consent, providerId, side });
			await replaceFile(path.join(folder, idOf(key) + SUFFIX), `${content}\n`, 0o600);
		},
		has: (id) => existsSync(path.join(folder, id + SUFFIX)),
		remove(id) {
			if (/^[0-9a-f]{32}$/.test(id)) removeFile(path.join(folder, id + SUFFIX));
		},
		async list() {
			let names: string[];
			try {
				names = await readdir(folder);
			} catch (error) {
				if (hasCode(error, 'ENOENT')) return [];
				throw error;
			}
			const ids = names
				.filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
				.map((name) => name.slice(0, -SUFFIX.length));
			const found = await Promise.all(ids.map(read));
			return found.filter((entry) => entry !== undefined);
		},
	};
}

function idOf({ workspaceId, providerId, side }: ConsentKey): string {
	return createHash('sha256').update(`${side}\0${providerId}\0${workspaceId}`).digest('hex').slice(0, 32);
}
