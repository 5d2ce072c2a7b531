/** A provider: a service and how to sign in to it, as it comes out of the settings once they are parsed. */
import type { CommandSpec } from './reference/commandReference.ts';

/** How to sign in to a service over OAuth. */
export type OAuthClient = {
	readonly clientId: string;
	/** Scopes asked for when the caller names none. */
	readonly scopes: readonly string[];
	/** Extra resource or audience parameter (RFC 8707). */
	readonly resource?: string;
	/** Fixed port for the loopback redirect, for servers that do not accept any port; absent means a free one. */
	readonly redirectPort?: number;
	/** Path of the redirect address; absent means `/callback`. */
	readonly redirectPath?: string;
	/** OIDC `prompt`. Absent means `consent` where offline access is asked for, as OIDC Core section 11 wants it. */
	readonly prompt?: 'login' | 'consent' | 'select_account';
};

export type OAuthEndpoints = {
	readonly issuer: string;
	/** The settings name no issuer: `issuer` is the origin of the token endpoint, and no `iss` can be compared with it. */
	readonly issuerIsDerived?: true;
	readonly authorizationEndpoint?: string;
	readonly tokenEndpoint: string;
	readonly deviceAuthorizationEndpoint?: string;
	readonly revocationEndpoint?: string;
	readonly userinfoEndpoint?: string;
};

/** What a variable of `agent-auth exec` holds: the token, `Bearer` and the token, or when it ends (ISO 8601). */
export const ENVIRONMENT_VALUES = ['token', 'header', 'expiresAt'] as const;

/** How programs in terminals use a provider. */
export type TerminalUse = {
	/** Variables of `agent-auth exec`. */
	readonly environment?: Readonly<Record<string, (typeof ENVIRONMENT_VALUES)[number]>>;
	/** Hosts (with port, if it is not that of https) that git may have the token for. */
	readonly gitHosts?: readonly string[];
};

/** What every kind of provider has. `id` is the settings key; VS Code knows it as `agent-auth.<id>`. */
type ProviderBase = TerminalUse & {
	readonly id: string;
	readonly label: string;
	/** Commands that print a token, by name; a bucket may refer to one. Application scope: no workspace can add any. */
	readonly commands?: Readonly<Record<string, CommandSpec>>;
	/** What answers of this service mean, as written: `failover/rules.ts` reads it once an answer is judged. Absent means the rules that hold for all. */
	readonly ruleOverrides?: unknown;
};

/** A configured service. */
export type Provider =
	| (ProviderBase & { readonly kind: 'oidc'; readonly issuer: string; readonly client: OAuthClient })
	| (ProviderBase & { readonly kind: 'oauth2'; readonly endpoints: OAuthEndpoints; readonly client: OAuthClient })
	| (ProviderBase & { readonly kind: 'apiKey' })
	/** Nothing but commands. */
	| (ProviderBase & { readonly kind: 'command' });

export type OAuthProvider = Extract<Provider, { readonly client: OAuthClient }>;

export function isOAuthProvider(provider: Provider): provider is OAuthProvider {
	return 'client' in provider;
}

/** The id under which VS Code knows this provider's `AuthenticationProvider`. */
export function authenticationProviderId(providerId: string): string {
	return `agent-auth.${providerId}`;
}

/** The id of a provider by that id or by the one that VS Code knows it by. */
export function providerIdOf(name: string): string {
	const prefix = authenticationProviderId('');
	return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
