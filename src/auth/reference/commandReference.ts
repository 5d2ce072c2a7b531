/**
 * A credential that is a reference: a command that prints a token, as the settings name it. An argument vector and no
 * shell, so nothing in it is expanded. Of application scope only: a repository must not choose what runs.
 */
import * as v from 'valibot';

/** Long enough not to ask a password store at every request, short enough to follow a key that was changed there. */
const DEFAULT_CACHE_SECONDS = 300;
const MAX_CACHE_SECONDS = 86_400;
/** Agent tools give their own helpers about five seconds; a password store that asks its person needs longer. */
const DEFAULT_TIMEOUT_SECONDS = 10;
/** That of Google's executable credentials; nobody waits longer for a token. */
const MAX_TIMEOUT_SECONDS = 120;
const MAX_ARGUMENTS = 64;
const MAX_ARGUMENT_CHARACTERS = 4_096;
const MAX_VARIABLES = 32;

export type CommandSpec = {
	/** An absolute path, or a bare name that is looked up on PATH. */
	readonly command: string;
	readonly args: readonly string[];
	/** How long a token is kept at most; 0 runs the command for every demand. */
	readonly cacheMs: number;
	readonly timeoutMs: number;
	/** Names of variables that the command gets besides the usual ones. */
	readonly env?: readonly string[];
};

/** A NUL ends an argument on its way to the system. */
const argument = v.pipe(
	v.string('value'),
	v.maxLength(MAX_ARGUMENT_CHARACTERS, 'value'),
	v.check((value) => !value.includes('\0'), 'value'),
);

const seconds = (min: number, max: number) =>
	v.pipe(v.number('value'), v.minValue(min, 'value'), v.maxValue(max, 'value'));

/** The fields of a reference, for an entry that has others beside them. The messages are the problem codes of the settings. */
export const referenceFields = {
	/** The program, then its arguments. */
	command: v.pipe(
		v.array(argument, 'value'),
		v.maxLength(MAX_ARGUMENTS, 'value'),
		v.check(([program]) => program !== undefined && program.trim() !== '' && program === program.trim(), 'value'),
	),
	cacheSeconds: v.optional(seconds(0, MAX_CACHE_SECONDS)),
	timeoutSeconds: v.optional(seconds(1, MAX_TIMEOUT_SECONDS)),
	/** Names only: a value in the settings would be a secret in the settings. */
	env: v.optional(
		v.pipe(
			v.array(v.pipe(v.string('value'), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'value')), 'value'),
			v.maxLength(MAX_VARIABLES, 'value'),
		),
	),
};

const referenceObject = v.strictObject(referenceFields);
export type ReferenceEntry = v.InferOutput<typeof referenceObject>;

/** A reference by itself: `{ "command": ["op", "read", "op://…"], "cacheSeconds": 300, "timeoutSeconds": 10 }`. */
export const referenceSchema = v.pipe(referenceObject, v.transform(commandSpecOf));

export function commandSpecOf(entry: ReferenceEntry): CommandSpec {
	const [command = '', ...args] = entry.command;
	return {
		command,
		args,
		cacheMs: (entry.cacheSeconds ?? DEFAULT_CACHE_SECONDS) * 1000,
		timeoutMs: (entry.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
		...(entry.env === undefined ? {} : { env: entry.env }),
	};
}
