/** Runs in the extension host: how long it took to load and activate extensions, by the host's own marks, and its memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as v from 'valibot';
import * as vscode from 'vscode';

/** Begins the line that the bench reads. */
export const MARKS_LINE = 'agent-auth-bench-marks:';

export const IDS = {
	ours: 'agent-auth.agent-auth',
	github: 'vscode.github-authentication',
	microsoft: 'vscode.microsoft-authentication',
} as const;

const marksSchema = v.object({ getMarks: v.function() });
const markListSchema = v.array(v.object({ name: v.string(), startTime: v.number() }));

/** Long enough for everything that starts with the window to have started. */
const SETTLE_MS = 4_000;

export async function run(): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
	// Before the two others are woken: what is in memory now is the host's own and, if it is installed, ours.
	const memory = settledMemory();
	const times: Record<string, { loadMs: number; activateMs: number }> = {};
	for (const [name, id] of Object.entries(IDS)) {
		const extension = vscode.extensions.getExtension(id);
		if (extension === undefined) continue;
		await extension.activate();
		times[name] = timesOf(id);
	}
	console.log(`${MARKS_LINE}${JSON.stringify({ memory, times })}`);
}

function settledMemory(): { readonly rss: number; readonly heap: number } {
	setFlagsFromString('--expose-gc');
	const collect: unknown = runInNewContext('gc');
	for (let round = 0; round < 3; round++) if (typeof collect === 'function') collect();
	const { rss, heapUsed } = process.memoryUsage();
	return { rss, heap: heapUsed };
}

function timesOf(id: string): { readonly loadMs: number; readonly activateMs: number } {
	const { getMarks } = v.parse(marksSchema, Reflect.get(globalThis, 'MonacoPerformanceMarks'));
	const marks = v.parse(markListSchema, getMarks());
	const at = (name: string): number =>
		marks.find((mark) => mark.name === `code/extHost/${name}/${id}`)?.startTime ?? Number.NaN;
	return {
		loadMs: at('didLoadExtensionCode') - at('willLoadExtensionCode'),
		activateMs: at('didActivateExtension') - at('willActivateExtension'),
	};
}
