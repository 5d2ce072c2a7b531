/** A provider: a service and how to sign in to it, as it comes out of the settings once they are parsed. */

/** How to sign in to a service over OAuth. */
export type OAuthClient = {
	readonly clientId: string;
	/** Scopes asked for when the caller names none. */
	readonly scopes: readonly string[];
	/** Extra resource or audience parameter (RFC 8707). */
	readonly resource?: string;
	/** Fixed port for the loopback redirect, for servers that do not accept any port; absent means a free one. */
	readonly redirectPort?: number;
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

/** A configured service. `id` is the settings key; VS Code knows it as `agent-auth.<id>`. */
export type Provider =
	| {
			readonly id: string;
			readonly label: string;
			readonly kind: 'oidc';
			readonly issuer: string;
			readonly client: OAuthClient;
	  }
	| {
			readonly id: string;
			readonly label: string;
			readonly kind: 'oauth2';
			readonly endpoints: OAuthEndpoints;
			readonly client: OAuthClient;
	  }
	| { readonly id: string; readonly label: string; readonly kind: 'apiKey' };

export type OAuthProvider = Extract<Provider, { readonly client: OAuthClient }>;

/** The id under which VS Code knows this provider's `AuthenticationProvider`. */
export function authenticationProviderId(providerId: string): string {
	return `agent-auth.${providerId}`;
}
