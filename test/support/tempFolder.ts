/** A folder of a test's own, removed with everything in it when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The part of a test's or suite's context that is used. */
type Context = { after(work: () => Promise<void>): void };

export async function tempFolder(context: Context): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'agent-auth-test-'));
	// What is tidied up after an answer may still be going on.
	context.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
	return folder;
}
