/** The helper's arguments, parsed once. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { MAX_HEADERS, MAX_MIN_TTL_S } from './protocol.ts';

export const FORMATS = ['raw', 'json', 'header'] as const;
export type Format = (typeof FORMATS)[number];

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const GIT_ACTIONS = ['get', 'store', 'erase'] as const;

/** Commands with a page of the manual, in its order. */
export const COMMANDS = [
	'token',
	'exec',
	'report',
	'status',
	'providers',
	'add-key',
	'doctor',
	'git-credential',
	'credential-process',
	'exec-credential',
	'completion',
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Which token: of every command that gets one. */
export type TokenChoice = {
	readonly provider: string;
	readonly bucket?: string;
	readonly minTtlS?: number;
	readonly signIn: boolean;
	readonly scopes?: readonly string[];
};

export type Command =
	| ({ readonly kind: 'token'; readonly format: Format } & TokenChoice)
	| ({ readonly kind: 'exec'; readonly command: readonly string[]; readonly noticesEnd: boolean } & TokenChoice)
	| {
			readonly kind: 'report';
			readonly provider: string;
			readonly status: number;
			readonly retryAfter?: string;
			readonly headers: readonly [string, string][];
			readonly digest?: string;
			readonly json: boolean;
	  }
	| { readonly kind: 'status'; readonly json: boolean }
	| { readonly kind: 'providers'; readonly json: boolean }
	| { readonly kind: 'add-key'; readonly provider: string; readonly name?: string }
	| { readonly kind: 'doctor'; readonly json: boolean }
	| ({
			readonly kind: 'git-credential';
			/** `undefined` for an action of a newer git, which a helper ignores. */
			readonly action: (typeof GIT_ACTIONS)[number] | undefined;
			readonly username: string;
			readonly bearer: boolean;
	  } & TokenChoice)
	| ({ readonly kind: 'credential-process' } & TokenChoice)
	| ({ readonly kind: 'exec-credential' } & TokenChoice)
	| { readonly kind: 'completion'; readonly shell: Shell }
	| { readonly kind: 'help'; readonly topic?: CommandName }
	| { readonly kind: 'version' }
	| { readonly kind: 'usage'; readonly problem: string };

/** What a git host is told for a user name, where any will do. */
const DEFAULT_GIT_USERNAME = 'oauth2';

/** `exec` in a terminal that holds nothing but its token: says there when the token has ended. Not for people to type. */
const NOTICE_OPTION = 'notice-end';

const TOKEN_OPTIONS = {
	bucket: { type: 'string' },
	'min-ttl': { type: 'string' },
	'sign-in': { type: 'boolean' },
	scope: { type: 'string', multiple: true },
} as const satisfies Options;

/** Options by command; completions are made from the same table. */
export const OPTIONS = {
	token: { ...TOKEN_OPTIONS, format: { type: 'string' } },
	exec: { ...TOKEN_OPTIONS, [NOTICE_OPTION]: { type: 'boolean' } },
	report: {
		status: { type: 'string' },
		'retry-after': { type: 'string' },
		header: { type: 'string', multiple: true },
		digest: { type: 'string' },
		json: { type: 'boolean' },
	},
	status: { json: { type: 'boolean' } },
	providers: { json: { type: 'boolean' } },
	'add-key': { name: { type: 'string' }, stdin: { type: 'boolean' } },
	doctor: { json: { type: 'boolean' } },
	'git-credential': { bucket: { type: 'string' }, username: { type: 'string' }, bearer: { type: 'boolean' } },
	'credential-process': { bucket: { type: 'string' }, 'min-ttl': { type: 'string' } },
	'exec-credential': { bucket: { type: 'string' }, 'min-ttl': { type: 'string' }, 'sign-in': { type: 'boolean' } },
	completion: {},
} as const satisfies Record<CommandName, Options>;

/** Options that are for our own use only. */
export const HIDDEN_OPTIONS: ReadonlySet<string> = new Set([NOTICE_OPTION]);

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A wrong command line; the message repeats nothing that was typed. */
class UsageError extends Error {}

export function parseCommandLine(args: readonly string[]): Command {
	const [first, ...rest] = args;
	if (first === undefined || first === '--help' || first === '-h') return { kind: 'help' };
	if (first === '--version') return { kind: 'version' };
	try {
		if (first === 'help') return helpAbout(rest);
		const name = COMMANDS.find((candidate) => candidate === first);
		if (name === undefined) return { kind: 'usage', problem: 'unknown command' };
		return parseCommand(name, rest);
	} catch (error) {
		if (error instanceof UsageError) return { kind: 'usage', problem: error.message };
		throw error;
	}
}

function helpAbout(rest: readonly string[]): Command {
	const topic = COMMANDS.find((candidate) => candidate === rest[0]);
	if (rest.length > 1 || (rest.length === 1 && topic === undefined)) throw new UsageError('unknown command');
	return topic === undefined ? { kind: 'help' } : { kind: 'help', topic };
}

function parseCommand(name: CommandName, args: readonly string[]): Command {
	const [own, foreign] = name === 'exec' ? splitExec(args) : [args, []];
	const { values, positionals } = readOptions(name, own);
	if (values.help === true) return { kind: 'help', topic: name };
	switch (name) {
		case 'token': {
			const format = FORMATS.find((candidate) => candidate === (values.format ?? 'raw'));
			if (format === undefined) throw new UsageError(`--format is one of ${FORMATS.join(', ')}`);
			return { kind: name, ...tokenChoice(name, positionals, values), format };
		}
		case 'exec': {
			if (foreign.length === 0) throw new UsageError('"exec" needs a provider and a command');
			const noticesEnd = values[NOTICE_OPTION] === true;
			return { kind: name, ...tokenChoice(name, positionals, values), command: foreign, noticesEnd };
		}
		case 'report':
			return reportCommand(positionals, values);
		case 'status':
		case 'providers':
		case 'doctor':
			none(name, positionals);
			return { kind: name, json: values.json === true };
		case 'add-key':
			if (values.stdin !== true) throw new UsageError('"add-key" takes the key with --stdin only');
			return { kind: name, provider: onlyProvider(name, positionals), ...optional('name', text(values, 'name')) };
		case 'git-credential':
			return gitCommand(positionals, values);
		case 'credential-process':
		case 'exec-credential':
			return { kind: name, ...tokenChoice(name, positionals, values) };
		case 'completion': {
			const shell = SHELLS.find((candidate) => candidate === positionals[0]);
			if (shell === undefined || positionals.length > 1)
				throw new UsageError(`"completion" takes one of ${SHELLS.join(', ')}`);
			return { kind: name, shell };
		}
	}
}

function reportCommand(positionals: readonly string[], values: Values): Command {
	const provider = onlyProvider('report', positionals);
	const status = text(values, 'status') ?? '';
	if (!/^(0|[1-5]\d\d)$/.test(status)) throw new UsageError('--status is an HTTP status, or 0 for no answer');
	const retryAfter = text(values, 'retry-after');
	if (retryAfter !== undefined && retryAfter.length > 64) throw new UsageError('--retry-after is seconds or a date');
	const digest = text(values, 'digest')?.toLowerCase();
	if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest)) {
		throw new UsageError('--digest is the SHA-256 of the token in hexadecimal digits');
	}
	const headers = texts(values, 'header').map((line): [string, string] => {
		const at = line.indexOf(':');
		if (at < 1) throw new UsageError('--header is a name, a colon and a value');
		return [
			line.slice(0, at).trim(),
			line
				.slice(at + 1)
				.trim()
				.slice(0, 1024),
		];
	});
	if (headers.length > MAX_HEADERS) throw new UsageError(`at most ${MAX_HEADERS} headers`);
	return {
		...{ kind: 'report', provider, status: Number(status), headers, json: values.json === true },
		...optional('retryAfter', retryAfter),
		...optional('digest', digest),
	};
}

function gitCommand(positionals: readonly string[], values: Values): Command {
	const [provider, action, ...surplus] = positionals;
	if (provider === undefined || action === undefined || surplus.length > 0)
		throw new UsageError('"git-credential" is called by git: see its help');
	const username = text(values, 'username') ?? DEFAULT_GIT_USERNAME;
	if (/\p{Cc}/u.test(username)) throw new UsageError('--username is a name');
	return {
		...{ kind: 'git-credential', username, bearer: values.bearer === true },
		...tokenChoice('git-credential', [provider], values),
		action: GIT_ACTIONS.find((candidate) => candidate === action),
	};
}

function tokenChoice(name: CommandName, positionals: readonly string[], values: Values): TokenChoice {
	const minTtl = text(values, 'min-ttl');
	const minTtlS = minTtl === undefined ? undefined : Number(/^\d{1,9}$/.test(minTtl) ? minTtl : Number.NaN);
	if (minTtlS !== undefined && !(minTtlS <= MAX_MIN_TTL_S)) {
		throw new UsageError(`--min-ttl is a number of seconds up to ${MAX_MIN_TTL_S}`);
	}
	const scopes = texts(values, 'scope');
	return {
		...{ provider: onlyProvider(name, positionals), signIn: values['sign-in'] === true },
		...optional('bucket', text(values, 'bucket')),
		...optional('minTtlS', minTtlS),
		...(scopes.length === 0 ? {} : { scopes }),
	};
}

function onlyProvider(name: CommandName, [provider, ...surplus]: readonly string[]): string {
	if (provider === undefined || provider === '') throw new UsageError(`"${name}" needs a provider`);
	if (surplus.length > 0) throw new UsageError(`"${name}" takes one provider`);
	return provider;
}

function none(name: CommandName, positionals: readonly string[]): void {
	if (positionals.length > 0) throw new UsageError(`"${name}" takes options only`);
}

/** Undefined if it is absent; blank is wrong, because it is an unset variable as a rule. */
function text(values: Values, option: string): string | undefined {
	const value = values[option];
	if (value === '') throw new UsageError(`--${option} needs a value`);
	return typeof value === 'string' ? value : undefined;
}

function texts(values: Values, option: string): string[] {
	const value = values[option];
	return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
	return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T });
}

/**
 * Everything behind the provider and our own options is the command's, dashes and all: `--`, or the first word that is
 * no option, begins it.
 */
function splitExec(args: readonly string[]): [own: readonly string[], foreign: readonly string[]] {
	let seenProvider = false;
	let isValue = false;
	for (const [at, arg] of args.entries()) {
		if (isValue) {
			isValue = false;
			continue;
		}
		if (arg === '--') return [args.slice(0, at), args.slice(at + 1)];
		if (!arg.startsWith('-')) {
			if (seenProvider) return [args.slice(0, at), args.slice(at)];
			seenProvider = true;
			continue;
		}
		const option: { readonly type: string } | undefined = Object.entries(OPTIONS.exec).find(
			([name]) => arg === `--${name}`,
		)?.[1];
		isValue = option?.type === 'string';
	}
	return [args, []];
}

function readOptions(name: CommandName, args: readonly string[]): { values: Values; positionals: string[] } {
	const options: Options = { ...OPTIONS[name], help: { type: 'boolean', short: 'h' } };
	try {
		return parseArgs({ args: [...args], allowPositionals: true, options });
	} catch {
		// Node's own message is not shown because it repeats what was typed.
		throw new UsageError('unknown option, or an option without its value');
	}
}
