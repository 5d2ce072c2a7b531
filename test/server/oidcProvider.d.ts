/** The part of `oidc-provider` (and of the Koa application it is) that the demo service uses; it ships no types. */
declare module 'oidc-provider' {
	import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
	import type { Readable } from 'node:stream';

	export type Context = {
		/** The stream a request body is read from; may be replaced by one that replays it. */
		req: Readable;
		readonly res: ServerResponse;
		readonly request: { readonly req: IncomingMessage };
		readonly headers: IncomingHttpHeaders;
		readonly method: string;
		readonly path: string;
		readonly state: Record<string, unknown>;
		readonly response: { get(name: string): string; readonly headers: Readonly<Record<string, unknown>> };
		url: string;
		status: number;
		body: unknown;
		/** False: Koa leaves the response alone. */
		respond: boolean;
		set(name: string, value: string): void;
		redirect(url: string): void;
		readonly oidc: {
			readonly session: { readonly state?: { readonly secret: string } };
			/** What the sign-in page decided, while its request is resumed. */
			readonly result?: { readonly consent?: { readonly grantId: string } };
		};
	};

	export type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>;

	export type Payload = {
		readonly jti?: string;
		readonly exp?: number;
		readonly grantId?: string;
		readonly accountId?: string;
		readonly uid?: string;
		readonly userCode?: string;
		readonly rotations?: number;
		readonly consumed?: number | undefined;
	};

	export type Adapter = {
		upsert(id: string, payload: Payload, expiresInS: number): Promise<void>;
		find(id: string): Promise<Payload | undefined>;
		findByUid(uid: string): Promise<Payload | undefined>;
		findByUserCode(userCode: string): Promise<Payload | undefined>;
		consume(id: string): Promise<void>;
		destroy(id: string): Promise<void>;
		revokeByGrantId(grantId: string): Promise<void>;
	};

	type Feature = { readonly enabled: boolean };
	type Life = () => number;

	export type Configuration = {
		readonly adapter: (model: string) => Adapter;
		readonly claims: Readonly<Record<string, readonly string[]>>;
		readonly clients: readonly Readonly<Record<string, unknown>>[];
		readonly clientBasedCORS: () => boolean;
		readonly clockTolerance: number;
		readonly conformIdTokenClaims: boolean;
		readonly cookies: {
			readonly keys: readonly string[];
			readonly names: { readonly session: string; readonly interaction: string; readonly resume: string };
		};
		readonly expiresWithSession: () => Promise<boolean>;
		readonly features: {
			readonly devInteractions: Feature;
			readonly deviceFlow: Feature & {
				readonly userCodeInputSource: (context: Context, form: string, out?: object, error?: Error) => Promise<void>;
				readonly userCodeConfirmSource: (
					context: Context,
					form: string,
					client: object,
					deviceInfo: object,
					userCode: string,
				) => Promise<void>;
				readonly successSource: (context: Context) => Promise<void>;
			};
			readonly introspection: Feature & { readonly allowedPolicy: () => Promise<boolean> };
			readonly resourceIndicators: Feature;
			readonly revocation: Feature & { readonly allowedPolicy: () => Promise<boolean> };
			readonly rpInitiatedLogout: Feature;
			readonly userinfo: Feature;
		};
		readonly findAccount: (
			context: Context,
			sub: string,
		) => Promise<{ readonly accountId: string; claims(): Promise<{ readonly sub: string }> } | undefined>;
		readonly interactions: { readonly url: (context: Context, interaction: { readonly uid: string }) => string };
		readonly issueRefreshToken: () => Promise<boolean>;
		readonly jwks: { readonly keys: readonly object[] };
		readonly loadExistingGrant: (context: Context) => Promise<Grant | undefined>;
		readonly pkce: { readonly required: () => boolean };
		readonly renderError: (context: Context, out: Readonly<Record<string, string>>, error: Error) => Promise<void>;
		readonly rotateRefreshToken: (context: Context) => boolean;
		readonly routes: Readonly<Record<string, string>>;
		readonly scopes: readonly string[];
		readonly ttl: Readonly<Record<string, Life>>;
	};

	export type Grant = { addOIDCScope(scope: string): void; save(): Promise<string> };

	export type Interaction = {
		readonly uid: string;
		readonly params: Readonly<Record<string, string | undefined>>;
	};

	export type InteractionResult =
		| { readonly error: string; readonly error_description: string }
		| { readonly login: { readonly accountId: string }; readonly consent: { readonly grantId: string } };

	export class Provider {
		constructor(issuer: string, configuration: Configuration);
		use(middleware: Middleware): this;
		callback(): RequestListener;
		on(event: 'server_error', listener: (context: Context, error: Error) => void): this;
		on(event: 'error', listener: (error: Error) => void): this;
		interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
		/** Stores the result and returns where to send the browser. */
		interactionResult(
			request: IncomingMessage,
			response: ServerResponse,
			result: InteractionResult,
			options: { readonly mergeWithLastSubmission: boolean },
		): Promise<string>;
		readonly Grant: {
			new (properties: { readonly accountId: string; readonly clientId: string }): Grant;
			find(id: string): Promise<Grant | undefined>;
		};
		readonly AccessToken: { find(value: string): Promise<{ readonly accountId: string } | undefined> };
	}

	export const errors: { readonly SessionNotFound: new () => Error };
}
