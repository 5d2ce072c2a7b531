/**
 * The setting `agentAuth.providers`, parsed once at the border. The schema in package.json completes and underlines the
 * same rules while a person types; this file is what counts. A bad entry is named and never stops the others.
 */
import * as v from 'valibot';
import type { OAuthClient, OAuthEndpoints, Provider, TerminalUse } from './provider.ts';
import type { ProviderEntry } from './providerEntry.ts';
import { providerEntrySchema } from './providerEntry.ts';

/**
 * Also part of file names and of VS Code's provider id, hence the narrow alphabet. Two words of it are properties that every
 * object has: under them nothing can be kept.
 */
export const PROVIDER_ID = /^(?!(?:constructor|prototype)$)[a-z0-9][a-z0-9-]{0,39}$/;

/** Enough to be asked who is signing in (OIDC Core section 5.4). */
const DEFAULT_OIDC_SCOPES: readonly string[] = ['openid', 'profile', 'email'];

export type ProblemCode =
	/** A required field is absent. */
	| 'missing'
	/** A field that no entry of this type has. It is ignored; the entry is used. */
	| 'unknownField'
	/** Of the wrong type, blank, or outside of what the field allows. */
	| 'value'
	/** Not an absolute http(s) address, or one with a password, a query or a fragment where none may be. */
	| 'url'
	/** http beyond this machine. */
	| 'insecureUrl'
	/** The key is no provider id. */
	| 'id'
	/** `type` is none of `oidc`, `oauth2`, `apiKey`, `command`. */
	| 'type'
	/** Neither `authorizationEndpoint` nor `deviceAuthorizationEndpoint`: there is no way to sign in. */
	| 'noEndpoint'
	/** A rule or its id cannot be used. It is left out; the service and its other rules are used. */
	| 'rule'
	/** The whole setting is not an object. */
	| 'shape';

/** What is wrong with one field of one entry. `text` is for the log. */
export type SettingsProblem = {
	readonly entry: string;
	readonly field: string;
	readonly code: ProblemCode;
	readonly text: string;
};

export type ParsedProviders = {
	readonly providers: readonly Provider[];
	readonly problems: readonly SettingsProblem[];
};

/** @param value what the setting or the managed file holds: an object by provider id. */
export function parseProviders(value: unknown): ParsedProviders {
	if (value === undefined || value === null) return { providers: [], problems: [] };
	if (!isRecord(value)) return { providers: [], problems: [problem('', '', 'shape')] };
	const providers: Provider[] = [];
	const problems: SettingsProblem[] = [];
	for (const [id, raw] of Object.entries(value)) {
		const parsed = parseEntry(id, raw);
		if (parsed.provider !== undefined) providers.push(parsed.provider);
		problems.push(...parsed.problems);
	}
	return { providers, problems };
}

function parseEntry(id: string, raw: unknown): { provider?: Provider; problems: readonly SettingsProblem[] } {
	if (!PROVIDER_ID.test(id)) return { problems: [problem(id, '', 'id')] };
	if (!isRecord(raw)) return { problems: [problem(id, '', 'value')] };
	const result = v.safeParse(providerEntrySchema, raw);
	if (result.success) {
		if (lacksEndpoint(result.output)) return { problems: [problem(id, 'authorizationEndpoint', 'noEndpoint')] };
		return {
			provider: {
				...toProvider(id, result.output),
				...toTerminalUse(result.output),
				...toBucketUse(result.output),
			},
			problems: [],
		};
	}
	const problems = result.issues.map((issue) => toProblem(id, issue));
	const unknownFields = problems.filter(({ code }) => code === 'unknownField').map(({ field }) => field);
	if (unknownFields.length === 0 || unknownFields.length < problems.length) return { problems };
	// A field of a newer version or a typing mistake beside a complete entry must not sign the person out.
	const rest = Object.entries(raw).filter(([name]) => !unknownFields.includes(name));
	const again = parseEntry(id, Object.fromEntries(rest));
	return { ...again, problems: [...problems, ...again.problems] };
}

function lacksEndpoint(entry: ProviderEntry): boolean {
	return (
		entry.type === 'oauth2' &&
		entry.authorizationEndpoint === undefined &&
		entry.deviceAuthorizationEndpoint === undefined
	);
}

function toProvider(id: string, entry: ProviderEntry): Provider {
	const label = entry.label ?? id;
	if (entry.type === 'apiKey' || entry.type === 'command') return { id, label, kind: entry.type };
	if (entry.type === 'oidc') {
		return { id, label, kind: 'oidc', issuer: entry.issuer, client: toClient(entry, DEFAULT_OIDC_SCOPES) };
	}
	const endpoints: OAuthEndpoints = {
		...(entry.issuer === undefined
			? { issuer: new URL(entry.tokenEndpoint).origin, issuerIsDerived: true }
			: { issuer: entry.issuer }),
		tokenEndpoint: entry.tokenEndpoint,
		...(entry.authorizationEndpoint && { authorizationEndpoint: entry.authorizationEndpoint }),
		...(entry.deviceAuthorizationEndpoint && { deviceAuthorizationEndpoint: entry.deviceAuthorizationEndpoint }),
		...(entry.revocationEndpoint && { revocationEndpoint: entry.revocationEndpoint }),
		...(entry.userinfoEndpoint && { userinfoEndpoint: entry.userinfoEndpoint }),
	};
	return { id, label, kind: 'oauth2', endpoints, client: toClient(entry, []) };
}

function toBucketUse({ commands, rules }: ProviderEntry): Pick<Provider, 'commands' | 'ruleOverrides'> {
	return { ...(commands && { commands }), ...(rules != null && { ruleOverrides: rules }) };
}

function toTerminalUse({ environment, gitHosts }: ProviderEntry): TerminalUse {
	return { ...(environment && { environment }), ...(gitHosts && { gitHosts: [...new Set(gitHosts)] }) };
}

function toClient(
	entry: Exclude<ProviderEntry, { type: 'apiKey' | 'command' }>,
	defaultScopes: readonly string[],
): OAuthClient {
	return {
		clientId: entry.clientId,
		scopes: [...new Set(entry.scopes ?? defaultScopes)],
		...(entry.resource && { resource: entry.resource }),
		...(entry.redirectPort && { redirectPort: entry.redirectPort }),
		...(entry.redirectPath && { redirectPath: entry.redirectPath }),
		...(entry.prompt && { prompt: entry.prompt }),
	};
}

/** The schema's messages are problem codes. */
function toProblem(entry: string, issue: v.BaseIssue<unknown>): SettingsProblem {
	const { path = [] } = issue;
	const field = path.map((item) => String(item.key)).join('.');
	if (issue.expected === 'never') return problem(entry, field, 'unknownField');
	if (field === 'type') return problem(entry, field, issue.input === undefined ? 'missing' : 'type');
	if (issue.input === undefined || issue.received === 'undefined') return problem(entry, field, 'missing');
	return problem(entry, field, isProblemCode(issue.message) ? issue.message : 'value');
}

function isProblemCode(message: string): message is 'url' | 'insecureUrl' | 'value' {
	return message === 'url' || message === 'insecureUrl' || message === 'value';
}

const TEXTS: Readonly<Record<ProblemCode, string>> = {
	missing: 'is required',
	unknownField: 'is not a known field and is ignored',
	value: 'has a value that is not allowed here',
	url: 'is not a usable address',
	insecureUrl: 'must be https (http only on this machine)',
	id: 'is not a valid id: a-z, 0-9 and "-", at most 40 characters',
	type: 'must be "oidc", "oauth2", "apiKey" or "command"',
	noEndpoint: 'or deviceAuthorizationEndpoint is required',
	rule: 'has a rule that cannot be used',
	shape: 'providers must be an object keyed by id',
};

function problem(entry: string, field: string, code: ProblemCode): SettingsProblem {
	const name = [entry, field].filter((part) => part !== '').join('.');
	return { entry, field, code, text: `${name} ${TEXTS[code]}`.trim() };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
