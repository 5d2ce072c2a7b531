/** What went wrong with a command, as an `AuthError`. Nothing that the command printed is in it. */
import { AuthError, type AuthErrorCode, type AuthErrorDetail } from '../errors.ts';
import { MAX_OUTPUT_BYTES, type RunOutcome } from './commandRun.ts';
import type { Program } from './program.ts';

const NO_PROGRAM: Readonly<Record<Exclude<Program['kind'], 'found'>, string>> = {
	absent: 'there is no such program on PATH, not counting relative folders and those of the workspace',
	relative: 'the program must be an absolute path or a bare name',
	batch: 'a .bat or .cmd file cannot be run without a shell; name the program that it starts',
};

/** Errors of the system that another time may not bring: it is out of processes, descriptors or memory. */
const PASSING: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

export function commandFailure(
	providerId: string,
	code: AuthErrorCode,
	message: string,
	detail: AuthErrorDetail = {},
): AuthError {
	return new AuthError(code, message, { detail: { provider: providerId, ...detail } });
}

/** Where a command stands in the settings. */
export type CommandPlace = { readonly providerId: string; readonly field: string };

/** `configuration`. */
export function programFailure(
	{ providerId, field }: CommandPlace,
	kind: Exclude<Program['kind'], 'found'>,
): AuthError {
	return commandFailure(providerId, 'configuration', NO_PROGRAM[kind], { field });
}

/** `transient`, `protocol` or `configuration`: that it ended well with no token is another matter. */
export function runFailure(
	{ providerId, field }: CommandPlace,
	outcome: Exclude<RunOutcome, { readonly kind: 'aborted' }>,
	timeoutMs: number,
): AuthError {
	switch (outcome.kind) {
		case 'timeout':
			return commandFailure(providerId, 'transient', `the command was ended after ${timeoutMs} ms`);
		case 'tooMuch':
			return commandFailure(providerId, 'protocol', `the command printed more than ${MAX_OUTPUT_BYTES} bytes`);
		case 'notStarted':
			return PASSING.has(outcome.code)
				? commandFailure(providerId, 'transient', `the system could not start the command now (${outcome.code})`)
				: commandFailure(providerId, 'configuration', `the command cannot be started (${outcome.code})`, { field });
		case 'exited':
			return commandFailure(
				providerId,
				'transient',
				outcome.code === null
					? 'the command was ended by a signal'
					: `the command ended with exit code ${outcome.code}`,
			);
	}
}
