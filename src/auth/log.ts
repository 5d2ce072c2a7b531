/**
 * What the core may say. The logger comes in as an argument; `extension.ts` passes VS Code's log channel.
 * Rule: a line carries codes, ids and fingerprints, never a token, and never the text of a foreign error, because
 * libraries put whole responses into theirs.
 */
import { createHash } from 'node:crypto';
import { isAuthError } from './errors.ts';

export type Logger = {
	trace(message: string): void;
	debug(message: string): void;
	info(message: string): void;
	warn(message: string): void;
	error(message: string): void;
};

/** Full SHA-256 of a token in hex: the form in which tokens are compared, reported and recorded. */
export function digest(token: string): string {
	return createHash('sha256').update(token).digest('hex');
}

/** The first 8 hex digits of {@link digest}: enough to tell two tokens apart in a log, useless to anybody else. */
export function fingerprint(token: string): string {
	return digest(token).slice(0, 8);
}

/** Name, code and status of an error and of its causes, never their messages or bodies. */
export function describeError(error: unknown): string {
	const parts: string[] = [];
	let current: unknown = error;
	for (let depth = 0; depth < 4 && current instanceof Error; depth++) {
		const code = 'code' in current && typeof current.code === 'string' ? ` ${current.code.slice(0, 64)}` : '';
		const own = isAuthError(current) ? `: ${current.message}` : '';
		parts.push(`${current.name}${code}${own}`);
		current = current.cause;
	}
	return parts.length > 0 ? parts.join(' <- ') : typeof error;
}
