/** The helper's arguments, parsed once. */
import { parseArgs } from 'node:util';
import { MAX_MIN_TTL_S } from './protocol.ts';

export const FORMATS = ['raw', 'json', 'header'] as const;
export type Format = (typeof FORMATS)[number];

export type Command =
	| {
			readonly kind: 'token';
			readonly provider: string;
			readonly bucket?: string;
			readonly minTtlS?: number;
			readonly format: Format;
			readonly signIn: boolean;
	  }
	| { readonly kind: 'providers' }
	| { readonly kind: 'help' }
	| { readonly kind: 'version' }
	| { readonly kind: 'usage'; readonly problem: string };

const usage = (problem: string): Command => ({ kind: 'usage', problem });

export function parseCommandLine(args: readonly string[]): Command {
	const parsed = readOptions(args);
	if (parsed === undefined) return usage('unknown option, or an option without its value');
	const { values, positionals } = parsed;
	if (values.help || args.length === 0) return { kind: 'help' };
	if (values.version) return { kind: 'version' };
	const [name, ...operands] = positionals;
	switch (name) {
		case 'help':
			return { kind: 'help' };
		case 'token':
			return tokenCommand(operands, values);
		case 'providers':
			if (operands.length > 0 || Object.keys(values).length > 0) return usage('"providers" takes no arguments');
			return { kind: 'providers' };
		default:
			return usage('unknown command');
	}
}

type Options = {
	readonly bucket?: string;
	readonly 'min-ttl'?: string;
	readonly format?: string;
	readonly 'sign-in'?: boolean;
};

function tokenCommand(operands: readonly string[], options: Options): Command {
	const [provider, ...surplus] = operands;
	if (provider === undefined || provider === '') return usage('"token" needs a provider');
	if (surplus.length > 0) return usage('"token" takes one provider');
	const format = FORMATS.find((candidate) => candidate === (options.format ?? 'raw'));
	if (format === undefined) return usage(`--format is one of ${FORMATS.join(', ')}`);
	const minTtl = options['min-ttl'];
	const minTtlS = minTtl === undefined ? undefined : Number(/^\d{1,9}$/.test(minTtl) ? minTtl : Number.NaN);
	if (minTtlS !== undefined && !(minTtlS <= MAX_MIN_TTL_S)) {
		return usage(`--min-ttl is a number of seconds up to ${MAX_MIN_TTL_S}`);
	}
	if (options.bucket === '') return usage('--bucket needs a name');
	return {
		kind: 'token',
		provider,
		format,
		signIn: options['sign-in'] ?? false,
		...(options.bucket === undefined ? {} : { bucket: options.bucket }),
		...(minTtlS === undefined ? {} : { minTtlS }),
	};
}

/** Undefined if the arguments do not fit; Node's own message is not shown because it repeats what was typed. */
function readOptions(args: readonly string[]) {
	try {
		return parseArgs({
			args: [...args],
			allowPositionals: true,
			options: {
				bucket: { type: 'string' },
				'min-ttl': { type: 'string' },
				format: { type: 'string' },
				'sign-in': { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
				version: { type: 'boolean' },
			},
		});
	} catch (error) {
		if (error instanceof TypeError) return undefined;
		throw error;
	}
}

export const HELP = `Usage:
  agent-auth token <provider> [options]   print an access token
  agent-auth providers                    list the configured providers
  agent-auth --help | --version

Options of "token":
  --bucket <name>     use this bucket instead of the one in force
  --min-ttl <s>       a token that lives for at least so many seconds
  --format <format>   raw (the token alone), json, or header (Authorization: Bearer ...)
  --sign-in           sign in in the VS Code window if that is needed

A VS Code window with Agent Auth must be open: the one whose workspace holds the
current folder is asked, else the newest. It asks you once per terminal and provider.

Environment:
  AGENT_AUTH_RUN      folder in which the windows announce themselves

Exit codes:
  0  the token is on standard output        5  refused
  1  internal error                         6  no VS Code window is open
  2  wrong arguments                        7  no such provider or bucket
  3  sign in first                          8  service or vault does not work
  4  busy, try again
`;
