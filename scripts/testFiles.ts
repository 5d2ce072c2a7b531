/**
 * Runs test files with node:test, each in its own process, and counts them. Failures are printed whole, passes are not.
 */
import path from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { formatElapsed } from './progress.ts';

export interface Counts {
	readonly passed: number;
	readonly failed: number;
	readonly skipped: number;
	/** Absolute paths of the files with a failure. */
	readonly failedFiles?: readonly string[];
	/** A line for each failure: its name, place and the beginning of the error. */
	readonly failures?: readonly string[];
	/** The same for each failure that did not come again. */
	readonly flaky?: readonly string[];
}

export interface TestFilesOptions {
	readonly files: readonly string[];
	/** How many files run at a time. */
	readonly concurrency: number;
	/** Longest life of one test file. */
	readonly timeoutMs: number;
	/** Only tests whose name matches. */
	readonly namePattern?: RegExp;
	readonly signal: AbortSignal;
}

/** No line for longer than this looks like a hang. */
const PROGRESS_EVERY_MS = 10_000;

const MOST_NAMES = 4;

export async function runTestFiles(root: string, options: TestFilesOptions): Promise<Counts> {
	if (options.files.length === 0) {
		return { passed: 0, failed: 0, skipped: 0 };
	}
	const startedMs = performance.now();
	const running = new Set<string>();
	const failedFiles = new Set<string>();
	const failures: string[] = [];
	/** Files in which no test ran: node:test passes such a file as if it were one test. */
	const empty = new Set<string>();
	const tookMs = new Map<string, number>();
	let counts: Counts | undefined;
	let ended = 0;
	const timer = setInterval(() => {
		const names = [...running].map((file) => path.basename(file));
		const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
		const some = names.slice(0, MOST_NAMES).join(', ');
		console.log(`  ${formatElapsed(performance.now() - startedMs)}: ${ended} tests ended; running ${some}${more}`);
	}, PROGRESS_EVERY_MS);
	try {
		const stream = run({
			files: [...options.files],
			cwd: root,
			concurrency: options.concurrency,
			timeout: options.timeoutMs,
			signal: options.signal,
			...(options.namePattern === undefined ? {} : { testNamePatterns: [options.namePattern] }),
		});
		for await (const event of stream) {
			const { type, data } = event;
			switch (type) {
				case 'test:dequeue':
					if (data.nesting === 0 && data.file !== undefined) {
						running.add(data.file);
					}
					break;
				case 'test:pass':
					ended++;
					if (data.file !== undefined && data.name === data.file) empty.add(data.file);
					break;
				case 'test:fail':
					ended++;
					running.delete(data.name);
					for (const file of options.files) if (file === data.file || file === data.name) failedFiles.add(file);
					failures.push(...printFailure(root, data));
					break;
				case 'test:stderr':
				case 'test:stdout':
					process.stdout.write(data.message);
					break;
				case 'test:diagnostic':
					if (data.level === 'warn' || data.level === 'error') {
						console.log(`  ${data.level}: ${data.message}`);
					}
					break;
				case 'test:summary':
					if (data.file === undefined) {
						counts = {
							passed: data.counts.passed,
							failed: data.counts.failed + data.counts.cancelled,
							skipped: data.counts.skipped + data.counts.todo,
						};
					} else {
						running.delete(data.file);
						tookMs.set(data.file, data.duration_ms);
					}
					break;
			}
		}
	} finally {
		clearInterval(timer);
	}
	const longest = [...tookMs].sort(([, a], [, b]) => b - a).slice(0, MOST_NAMES);
	if (longest.length > 1) {
		console.log(`  longest: ${longest.map(([file, ms]) => `${path.basename(file)} ${formatElapsed(ms)}`).join(', ')}`);
	}
	// Without a summary the runner itself broke off: never count that as success.
	const result = counts ?? { passed: 0, failed: 1, skipped: 0 };
	const passed = result.passed - empty.size;
	if (options.namePattern !== undefined) return { ...result, passed, failedFiles: [...failedFiles], failures };
	for (const file of empty) {
		failures.push(`${path.relative(root, file)} has no test`);
		failedFiles.add(file);
	}
	return { ...result, passed, failed: result.failed + empty.size, failedFiles: [...failedFiles], failures };
}

interface Failure {
	readonly name: string;
	readonly file?: string | undefined;
	readonly line?: number | undefined;
	readonly todo?: string | boolean | undefined;
	readonly details: { readonly error: Error & { failureType?: string; cause?: unknown } };
}

/** @returns its line for the end, if it is one of its own */
function printFailure(root: string, failure: Failure): string[] {
	const { error } = failure.details;
	// A suite or file that failed only because of a test inside it was told already.
	if (error.failureType === 'subtestsFailed' || (failure.todo !== undefined && failure.todo !== false)) {
		return [];
	}
	const place = failure.file === undefined ? '' : ` (${path.relative(root, failure.file)}:${failure.line ?? 1})`;
	console.log(`\nFAILED: ${failure.name}${place}`);
	const text = inspect(error.cause ?? error, { depth: 8 });
	console.log(`${text.replace(/^/gm, '    ')}\n`);
	return [`${failure.name}${place}: ${text.split('\n', 1)[0]}`];
}
