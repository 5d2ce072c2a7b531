/**
 * An error of a library as it may be kept as a cause: name, code and the claim it stumbled over. `oauth4webapi` puts
 * whole responses with tokens into its causes, and Node prints causes in full.
 */
import { isAuthError } from '../errors.ts';

/** Causes of causes beyond this say nothing more. */
const MAX_DEPTH = 4;

/** What a code or a claim's name looks like; anything else may be data. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function safeCause(error: unknown, depth = 0): Error | undefined {
	if (isAuthError(error)) return error;
	if (!(error instanceof Error)) return undefined;
	const inner = depth < MAX_DEPTH ? safeCause(error.cause, depth + 1) : undefined;
	const code = plain(error, 'code');
	const about = plain(error.cause, 'claim') ?? plain(error.cause, 'attribute');
	const safe = new Error([code, about].filter(Boolean).join(' '), inner && { cause: inner });
	safe.name = PLAIN.test(error.name) ? error.name : 'Error';
	// The stack's first line repeats the message of the original.
	delete safe.stack;
	return code === undefined ? safe : Object.assign(safe, { code });
}

function plain(value: unknown, key: 'code' | 'claim' | 'attribute'): string | undefined {
	if (typeof value !== 'object' || value === null || !(key in value)) return undefined;
	const found: unknown = Reflect.get(value, key);
	return typeof found === 'string' && PLAIN.test(found) ? found : undefined;
}
