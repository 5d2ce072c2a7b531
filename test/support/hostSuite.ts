/**
 * Runs inside the extension host: a test module exports `run = hostSuite({ 'requirement': async () => … })`.
 * Results travel as marked lines of the console, which `runInHost` reads; a failure also makes `run` reject, which is all
 * that a host without such a reader sees.
 */
export const RESULT_MARK = 'agent-auth-host-result:';

export interface HostTestResult {
	readonly name: string;
	/** Stack of the error; absent when the test passed. */
	readonly error?: string;
}

export function hostSuite(tests: Readonly<Record<string, () => Promise<void> | void>>): () => Promise<void> {
	return async () => {
		const failed: string[] = [];
		for (const [name, body] of Object.entries(tests)) {
			let result: HostTestResult = { name };
			try {
				await body();
			} catch (error) {
				result = { name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
				failed.push(name);
			}
			console.log(`${RESULT_MARK}${JSON.stringify(result)}`);
		}
		if (failed.length > 0) throw new Error(`failed: ${failed.join('; ')}`);
	};
}
