/** A log that keeps its lines, so that a test can look for secrets in them. */
import type { Logger } from '../../src/auth/log.ts';

export type RecordingLog = Logger & { readonly lines: string[] };

export function createRecordingLog(): RecordingLog {
	const lines: string[] = [];
	const add =
		(level: string) =>
		(message: string): void =>
			void lines.push(`${level} ${message}`);
	return { lines, trace: add('trace'), debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}
