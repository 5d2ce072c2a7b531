/**
 * Connects tools and takes it back: plan, show, and only then write. The record comes before the change and goes after
 * its undoing, so whatever is interrupted, nothing of ours is in a file that no record knows of.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { type Change, makeChange, revert, takeBack } from './change.ts';
import { type Connection, createConnectionRecords, type UndoFacts } from './connectionRecord.ts';
import { FileProblem, type Value } from './format.ts';
import type { Launch } from './launchCommand.ts';
import { holdsSecret } from './literalSecret.ts';
import { placeOf } from './slot.ts';
import {
	digestOf,
	missingFolders,
	readToolFile,
	removeToolFile,
	replaceToolFile,
	type ToolDisk,
	type ToolFile,
} from './toolFile.ts';
import { type Choice, type Places, TOOLS, type Tool, type ToolId } from './tools.ts';

export type ConnectorOptions = {
	readonly disk: ToolDisk;
	readonly clock: Clock;
	readonly places: Places;
	readonly launch: Launch;
	/** The folder of extensions that this extension is in. */
	readonly owner: string;
};

/** What would be done, for the person to see; nothing is written yet. */
export type Plan = {
	readonly tool: Tool;
	readonly file: string;
	readonly before: string;
	readonly after: string;
	/** Nothing is to be done. */
	readonly isInPlace: boolean;
	/** Values of somebody else that would not count any more. */
	readonly replaced: readonly string[];
	readonly state: ToolFile;
	readonly connection: Connection;
	/** The connection of the same place that this one takes over from. */
	readonly earlier?: Connection;
};

export type UndoPlan = {
	readonly connection: Connection;
	readonly file: string;
	readonly before: string;
	readonly after: string;
	/** The file was made by us and has nothing else in it. */
	readonly removesFile: boolean;
	/** Nothing of ours is in the file; only the record goes. */
	readonly isGone: boolean;
	/** How many of our values somebody has changed since; they stay. */
	readonly left: number;
	readonly state: ToolFile;
};

export type Connector = {
	readonly tools: readonly Tool[];
	/** The file of the tool; undefined for one without a hook. Rejects with `FileProblem`. */
	fileOf(tool: Tool): Promise<string | undefined>;
	/** Names to choose from, in all of the tool's files. Rejects with `FileProblem`. */
	names(tool: Tool): Promise<readonly string[]>;
	line(tool: Tool, provider: string, choice: Choice): string;
	/** Rejects with `FileProblem`. */
	plan(tool: Tool, provider: string, choice: Choice): Promise<Plan>;
	/** Rejects with `FileProblem`: `changed` means plan and ask again. Nothing is half-written in any case. */
	apply(plan: Plan): Promise<void>;
	connections(): Promise<readonly Connection[]>;
	planUndo(connection: Connection): Promise<UndoPlan>;
	undo(plan: UndoPlan): Promise<void>;
};

export function createConnector(options: ConnectorOptions): Connector {
	const { disk, clock, places, launch, owner } = options;
	const records = createConnectionRecords(disk, places.homeFolder, launch.platform);

	async function fileOf(tool: Tool): Promise<string | undefined> {
		const files = tool.files(places);
		for (const file of files) {
			if ((await readToolFile(disk, file)).content !== undefined) return file;
		}
		return files[0];
	}

	/** The file in which this name is, else the one for what is new. */
	async function fileWith(tool: Tool, name: string): Promise<string> {
		for (const file of tool.files(places)) if ((await namesIn(tool, file)).includes(name)) return file;
		return requiredFile(tool);
	}

	/** A file that is not there, or has nothing yet, has no names; it may be one of several. */
	async function namesIn(tool: Tool, file: string): Promise<readonly string[]> {
		const text = (await readToolFile(disk, file)).content?.text ?? '';
		return text.trim() === '' && tool.files(places).length > 1 ? [] : tool.names(text);
	}

	async function requiredFile(tool: Tool): Promise<string> {
		const file = await fileOf(tool);
		if (file === undefined) throw new FileProblem('unsupported', 'the tool has no hook for a command');
		return file;
	}

	return {
		tools: TOOLS,
		fileOf,
		async names(tool) {
			await requiredFile(tool);
			const names = new Set<string>();
			for (const file of tool.files(places)) for (const name of await namesIn(tool, file)) names.add(name);
			return [...names];
		},
		line: (tool, provider, choice) => tool.line({ launch, provider, choice }),
		async plan(tool, provider, choice) {
			const file = await fileWith(tool, choice.name);
			const state = await readToolFile(disk, file);
			const id = idOf(tool.id, state.target, choice.name);
			const earlier = (await records.list()).connections.find((connection) => connection.id === id);
			const present = state.content?.text ?? '';
			const base = earlier === undefined ? present : undone(state, earlier).text;
			const request = { launch, provider, choice };
			const change = makeChange(base, tool.assignments(base, request));
			requireNoSecret(change);
			const hasMark = state.content?.hasMark ?? false;
			const madeByUs = earlier?.beforeDigest === 'absent' && base === '';
			const connection: Connection = {
				...{ schema: 1, id, tool: tool.id, provider, name: choice.name, file, target: state.target, owner },
				beforeDigest: madeByUs || state.content === undefined ? 'absent' : digestOf({ text: base, hasMark }),
				afterDigest: digestOf({ text: change.after, hasMark }),
				createdFolders: earlier?.createdFolders ?? (await missingFolders(disk, path.dirname(state.target))),
				steps: change.steps,
				...(earlier === undefined ? {} : { earlier: undoFacts(earlier) }),
				connectedAtMs: clock.now(),
			};
			return {
				...{ tool, file, before: present, after: change.after, state, connection },
				isInPlace: change.after === present,
				replaced: [...replacedValues(change), ...tool.rivals(base, request)],
				...(earlier === undefined ? {} : { earlier }),
			};
		},
		async apply({ state, after, connection, earlier, isInPlace }) {
			if (isInPlace) return;
			await requireSame(disk, state);
			await records.save(connection);
			try {
				await replaceToolFile(disk, state, after);
			} catch (error) {
				// Only a look at the file tells: a rename can be done and yet be reported as failed.
				const now = digestOf((await readToolFile(disk, state.target)).content);
				if (now === connection.afterDigest) return;
				await (earlier === undefined ? records.remove(connection.id) : records.save(earlier)).catch(() => {
					// The record says more than was done; undoing it finds nothing to do.
				});
				throw error;
			}
		},
		async connections() {
			return (await records.list()).connections;
		},
		async planUndo(connection) {
			const state = await readToolFile(disk, connection.file);
			const before = state.content?.text ?? '';
			const { text, left } = undone(state, connection);
			const removesFile =
				state.content !== undefined && connection.beforeDigest === 'absent' && /^\s*(?:\{\s*\}\s*)?$/.test(text);
			const isGone = state.content === undefined || (text === before && !removesFile);
			return { connection, file: connection.file, before, after: text, removesFile, isGone, left, state };
		},
		async undo({ connection, state, after, removesFile, isGone }) {
			await requireSame(disk, state);
			if (removesFile) await removeToolFile(disk, state, connection.createdFolders);
			else if (!isGone) await replaceToolFile(disk, state, after);
			await records.remove(connection.id);
		},
	};
}

/** The text without the change. */
function undone(
	state: ToolFile,
	change: UndoFacts & { readonly earlier?: UndoFacts | undefined },
): { readonly text: string; readonly left: number } {
	const { content } = state;
	if (content === undefined) return { text: '', left: 0 };
	const digest = digestOf(content);
	if (digest === change.beforeDigest) return { text: content.text, left: 0 };
	if (digest === change.afterDigest) return { text: revert(content.text, change.steps), left: 0 };
	const taken = takeBack(content.text, change.steps);
	if (taken.left === 0 || change.earlier === undefined) return taken;
	// Not all of it is there: who was to write it may have been killed before, and what it took over from is there.
	const before = undone(state, change.earlier);
	return before.left < taken.left ? before : taken;
}

async function requireSame(disk: ToolDisk, state: ToolFile): Promise<void> {
	const now = await readToolFile(disk, state.target);
	if (digestOf(now.content) !== digestOf(state.content)) throw new FileProblem('changed', 'the file changed meanwhile');
}

/** What a change replaces is kept until it is taken back, so it must be nothing that may not lie anywhere else. */
function requireNoSecret({ steps }: Change): void {
	const found = steps.find(({ splice, previous }) => holdsSecret(splice.removed, previous));
	if (found === undefined) return;
	throw new FileProblem('secret', 'what would be replaced holds a secret', { subject: placeOf(found.slot) });
}

function undoFacts({ beforeDigest, afterDigest, steps }: Connection): UndoFacts {
	return { beforeDigest, afterDigest, steps };
}

function replacedValues({ steps }: Change): string[] {
	return steps.flatMap(({ previous }) => (previous === undefined ? [] : [valueText(previous)]));
}

function valueText(value: Value): string {
	return typeof value === 'string' ? value : JSON.stringify(value);
}

function idOf(tool: ToolId, target: string, name: string): string {
	return createHash('sha256')
		.update(JSON.stringify([tool, target, name]))
		.digest('hex')
		.slice(0, 16);
}
