/**
 * What was changed for the person in files of other tools, so that it can be undone. One file per connection, in a folder
 * that is found from the person's home alone: the program that VS Code runs after an uninstallation knows nothing else.
 * It holds no token. It holds the text that a change replaced, so it is readable only by the person.
 */
import path from 'node:path';
import * as v from 'valibot';
import { errorCode } from '../vault/disk.ts';
import { stepSchema } from './change.ts';
import { FileProblem } from './format.ts';
import { readToolFile, removeToolFile, replaceToolFile, type ToolDisk } from './toolFile.ts';
import { TOOL_IDS } from './tools.ts';

/** What undoing needs to know of a change. */
const undoSchema = v.object({
	/** Digest of the file before the change; `absent` if we created it. */
	beforeDigest: v.string(),
	afterDigest: v.string(),
	steps: v.pipe(v.array(stepSchema), v.readonly()),
});

export type UndoFacts = v.InferOutput<typeof undoSchema>;

const connectionSchema = v.object({
	...undoSchema.entries,
	schema: v.literal(1),
	id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
	tool: v.picklist(TOOL_IDS),
	provider: v.string(),
	/** What was chosen inside the file, such as a profile; may be empty. */
	name: v.string(),
	file: v.string(),
	/** The end of the links of `file`. */
	target: v.string(),
	createdFolders: v.pipe(v.array(v.string()), v.readonly()),
	/** The connection of the same place that this one took over from: in force if this one was never written. */
	earlier: v.optional(undoSchema),
	/** The folder of extensions of the VS Code that made it; another one's uninstallation leaves it alone. */
	owner: v.string(),
	connectedAtMs: v.number(),
});

export type Connection = v.InferOutput<typeof connectionSchema>;

/** Where connections are remembered, from the outermost of our own folders on. */
export function recordFolders(homeFolder: string, platform: NodeJS.Platform): readonly [string, string] {
	const root = path.join(homeFolder, ...stateFolder(platform), 'agent-auth');
	return [root, path.join(root, 'connections')];
}

function stateFolder(platform: NodeJS.Platform): string[] {
	if (platform === 'win32') return ['AppData', 'Local'];
	return platform === 'darwin' ? ['Library', 'Application Support'] : ['.local', 'state'];
}

export type ConnectionRecords = {
	/** Oldest first. A file that is no record is counted and left where it is. */
	list(): Promise<{ readonly connections: readonly Connection[]; readonly unreadable: number }>;
	save(connection: Connection): Promise<void>;
	remove(id: string): Promise<void>;
};

export function createConnectionRecords(
	disk: ToolDisk,
	homeFolder: string,
	platform: NodeJS.Platform,
): ConnectionRecords {
	const folders = recordFolders(homeFolder, platform);
	const fileOf = (id: string): string => path.join(folders[1], `${id}.json`);

	return {
		async list() {
			const connections: Connection[] = [];
			let unreadable = 0;
			for (const name of await namesIn(disk, folders[1])) {
				if (!/^[0-9a-f]{16}\.json$/.test(name)) continue;
				const { content } = await readToolFile(disk, path.join(folders[1], name));
				if (content === undefined) continue;
				const connection = parseConnection(content.text);
				if (connection === undefined || `${connection.id}.json` !== name) unreadable++;
				else connections.push(connection);
			}
			return { connections: connections.sort((a, b) => a.connectedAtMs - b.connectedAtMs), unreadable };
		},
		async save(connection) {
			const present = await readToolFile(disk, fileOf(connection.id));
			await replaceToolFile(disk, present, `${JSON.stringify(connection, undefined, '\t')}\n`);
		},
		async remove(id) {
			await removeToolFile(disk, await readToolFile(disk, fileOf(id)), folders);
		},
	};
}

async function namesIn(disk: ToolDisk, folder: string): Promise<string[]> {
	try {
		return await disk.readdir(folder);
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return [];
		throw new FileProblem('io', 'the list of connections cannot be read', { cause: error });
	}
}

function parseConnection(text: string): Connection | undefined {
	try {
		const parsed = v.safeParse(connectionSchema, JSON.parse(text));
		return parsed.success ? parsed.output : undefined;
	} catch {
		return undefined; // Not JSON: the same as JSON of another shape.
	}
}
