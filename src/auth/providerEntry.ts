/**
 * One entry of `agentAuth.providers` as it may look. The messages are the problem codes of `settings.ts`.
 */
import * as v from 'valibot';
import { ENVIRONMENT_VALUES } from './provider.ts';
import { referenceSchema } from './reference/commandReference.ts';
import { judgeUrl } from './secureUrl.ts';

/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Below are the ports that need privileges. */
const REDIRECT_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/;
const LOWEST_PORT = 1024;
const HIGHEST_PORT = 65_535;

const text = v.pipe(v.string('value'), v.trim(), v.minLength(1, 'value'), v.maxLength(512, 'value'));

const address = v.pipe(
	v.string('value'),
	v.check((value) => judgeUrl(value) !== 'invalid', 'url'),
	v.check((value) => judgeUrl(value) !== 'insecure', 'insecureUrl'),
);

/** RFC 8414 section 2: an issuer has no query. */
const issuer = v.pipe(
	address,
	v.check((value) => !value.includes('?'), 'url'),
);

/** POSIX names. Names that change how programs are loaded hold no token, and a mistake there breaks the command. */
const VARIABLE =
	/^(?!(?:PATH|HOME|SHELL|IFS|ENV|BASH_ENV|NODE_OPTIONS|LD_.*|DYLD_.*|AGENT_AUTH_RUN)$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** A host as git names it, in lower case, with a port if need be. */
const GIT_HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/;

const terminalUse = {
	environment: v.optional(
		v.record(v.pipe(v.string('value'), v.regex(VARIABLE, 'value')), v.picklist(ENVIRONMENT_VALUES, 'value'), 'value'),
	),
	gitHosts: v.optional(v.array(v.pipe(v.string('value'), v.regex(GIT_HOST, 'value')), 'value')),
};

/** A bucket may refer to one of these by its name, which people see. */
const COMMAND_NAME = /^\S(.{0,38}\S)?$/;

const buckets = {
	commands: v.optional(v.record(v.pipe(v.string('value'), v.regex(COMMAND_NAME, 'value')), referenceSchema, 'value')),
	rules: v.optional(v.unknown()),
};

const client = {
	clientId: text,
	scopes: v.optional(v.array(v.pipe(v.string('value'), v.regex(SCOPE, 'value')), 'value')),
	/** RFC 8707 section 2: absolute, without fragment; need not be an http address. */
	resource: v.optional(
		v.pipe(
			v.string('value'),
			v.check((value) => URL.canParse(value) && !value.includes('#'), 'url'),
		),
	),
	redirectPort: v.optional(
		v.pipe(v.number('value'), v.integer('value'), v.minValue(LOWEST_PORT, 'value'), v.maxValue(HIGHEST_PORT, 'value')),
	),
	/** Segments that mean the same to everybody: nothing encoded, empty, or leading upwards. */
	redirectPath: v.optional(v.pipe(v.string('value'), v.maxLength(200, 'value'), v.regex(REDIRECT_PATH, 'value'))),
	prompt: v.optional(v.picklist(['login', 'consent', 'select_account'], 'value')),
};

const oidc = v.strictObject({
	type: v.literal('oidc'),
	label: v.optional(text),
	issuer,
	...client,
	...terminalUse,
	...buckets,
});

const oauth2 = v.strictObject({
	type: v.literal('oauth2'),
	label: v.optional(text),
	issuer: v.optional(issuer),
	authorizationEndpoint: v.optional(address),
	tokenEndpoint: address,
	deviceAuthorizationEndpoint: v.optional(address),
	revocationEndpoint: v.optional(address),
	userinfoEndpoint: v.optional(address),
	...client,
	...terminalUse,
	...buckets,
});

const apiKey = v.strictObject({ type: v.literal('apiKey'), label: v.optional(text), ...terminalUse, ...buckets });

const command = v.strictObject({ type: v.literal('command'), label: v.optional(text), ...terminalUse, ...buckets });

export const providerEntrySchema = v.variant('type', [oidc, oauth2, apiKey, command]);
export type ProviderEntry = v.InferOutput<typeof providerEntrySchema>;
