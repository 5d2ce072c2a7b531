/**
 * The embedded OAuth service for development and tests: `oidc-provider`, in memory, as strict as the strictest real
 * service. PKCE is required, refresh tokens rotate, and using one twice revokes the whole grant.
 */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Provider } from 'oidc-provider';
import { CLIENT_ID, CLIENT_NAME, SCOPES } from './client.ts';
import { createDevicePace } from './devicePace.ts';
import type { Fault, Undo } from './faults.ts';
import { createFaults } from './faults.ts';
import { HOST, listen } from './listener.ts';
import type { Oracle } from './oracle.ts';
import { createOracle } from './oracle.ts';
import { messagePage } from './pages.ts';
import { personBySub } from './people.ts';
import { routes, SIGN_IN_PATH, WHOAMI_PATH } from './routes.ts';
import { createSignInRoutes, devicePages, html } from './signInRoutes.ts';
import { createStore } from './store.ts';
import { createWitness, KEEP_REFRESH_TOKEN } from './witness.ts';

export type ServerOptions = {
	/** 0, the default, takes a free port. */
	readonly port?: number;
	readonly accessTokenLifeS?: number;
	readonly refreshTokenLifeS?: number;
	/** A used refresh token is answered with a fresh one for this long; 0, the default, is strict. */
	readonly gracePeriodMs?: number;
	/** `interval` of the device flow; faster polling is answered with `slow_down`. */
	readonly deviceIntervalS?: number;
	readonly deviceCodeLifeS?: number;
	/** False: email and name come from the userinfo endpoint only, as the strictest reading of OIDC Core 5.4 has it. */
	readonly identityInIdToken?: boolean;
	/** Of the redirect address that is registered; `/callback` by default. */
	readonly redirectPath?: string;
};

export type Server = Oracle & {
	readonly issuer: string;
	readonly port: number;
	readonly clientId: string;
	readonly whoamiUrl: string;
	/** Switches a fault on; dispose switches it off and releases what it holds. */
	fault(fault: Fault): Undo;
	/** Applies to tokens issued from now on. */
	setAccessTokenLife(lifeS: number): void;
	/** Ids of the grants whose refresh token still works. */
	grantsAlive(): readonly string[];
	/** What went wrong inside the server itself; a test may assert that it is empty. */
	readonly errors: readonly Error[];
	/** Stops listening and cuts all connections; what was issued is kept. */
	down(): Promise<void>;
	/** Listens again on the same port. */
	up(): Promise<void>;
	close(): Promise<void>;
};

const HOUR_S = 3600;
const TWO_WEEKS_S = 14 * 24 * HOUR_S;

export async function startServer(options: ServerOptions = {}): Promise<Server> {
	const oracle = createOracle();
	const faults = createFaults();
	const store = createStore(options.gracePeriodMs ?? 0, oracle.keepSecret);
	const pace = createDevicePace(options.deviceIntervalS ?? 5);
	const closing = new AbortController();
	const errors: Error[] = [];
	let accessTokenLifeS = options.accessTokenLifeS ?? HOUR_S;

	const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
	const signingKey = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
	const handler: { handle?: ReturnType<Provider['callback']> } = {};
	const listener = await listen(options.port ?? 0, (request, response) => handler.handle?.(request, response));
	const issuer = `http://${HOST}:${listener.port}`;

	const provider = new Provider(issuer, {
		adapter: store.adapter,
		claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
		clients: [
			{
				client_id: CLIENT_ID,
				client_name: CLIENT_NAME,
				application_type: 'native',
				token_endpoint_auth_method: 'none',
				// For a native client the library ignores the port of a loopback redirect (RFC 8252 section 7.3).
				redirect_uris: ['http://127.0.0.1', 'http://[::1]'].map((host) => host + (options.redirectPath ?? '/callback')),
				response_types: ['code'],
				grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
			},
		],
		clientBasedCORS: () => false,
		clockTolerance: 0,
		conformIdTokenClaims: !(options.identityInIdToken ?? true),
		cookies: {
			keys: [randomBytes(32).toString('base64url')],
			names: { session: '_session', interaction: '_interaction', resume: '_resume' },
		},
		expiresWithSession: async () => false,
		features: {
			devInteractions: { enabled: false },
			deviceFlow: { enabled: true, ...devicePages },
			introspection: { enabled: true, allowedPolicy: async () => true },
			resourceIndicators: { enabled: false },
			revocation: { enabled: true, allowedPolicy: async () => true },
			rpInitiatedLogout: { enabled: true },
			userinfo: { enabled: true },
		},
		findAccount: async (_context, sub) => {
			const person = personBySub(sub);
			return (
				person && {
					accountId: sub,
					claims: async () => ({
						sub,
						email: person.email,
						email_verified: true,
						name: person.name,
						preferred_username: person.id,
					}),
				}
			);
		},
		interactions: { url: (_context, { uid }) => `${SIGN_IN_PATH}${uid}` },
		issueRefreshToken: async () => true,
		jwks: { keys: [signingKey] },
		// Every sign-in is a grant of its own, so that revoking one leaves the others alone.
		loadExistingGrant: async ({ oidc }) => {
			const grantId = oidc.result?.consent?.grantId;
			return grantId === undefined ? undefined : provider.Grant.find(grantId);
		},
		pkce: { required: () => true },
		renderError: async (context, out) =>
			html(context, messagePage('That did not work', out.error_description ?? out.error ?? ''), context.status),
		rotateRefreshToken: (context) => context.state[KEEP_REFRESH_TOKEN] !== true,
		routes,
		scopes: SCOPES,
		ttl: {
			AccessToken: () => accessTokenLifeS,
			AuthorizationCode: () => 60,
			DeviceCode: () => options.deviceCodeLifeS ?? 600,
			Grant: () => 2 * TWO_WEEKS_S,
			IdToken: () => HOUR_S,
			Interaction: () => HOUR_S,
			RefreshToken: () => options.refreshTokenLifeS ?? TWO_WEEKS_S,
			Session: () => HOUR_S,
		},
	});
	provider.on('server_error', (_context, error) => errors.push(error));
	provider.on('error', (error) => errors.push(error));
	provider.use(
		createWitness({
			issuer: () => issuer,
			oracle,
			faults,
			store,
			closing: closing.signal,
			intercept: (form) => pace.check(form),
			deviceAnswer: (body) => ({ ...body, interval: pace.intervalS }),
		}),
	);
	provider.use(createSignInRoutes(() => provider));
	handler.handle = provider.callback();

	return Object.assign(oracle, {
		issuer,
		port: listener.port,
		clientId: CLIENT_ID,
		whoamiUrl: `${issuer}${WHOAMI_PATH}`,
		fault: faults.add,
		setAccessTokenLife: (lifeS: number) => {
			accessTokenLifeS = lifeS;
		},
		grantsAlive: store.grantsAlive,
		errors,
		down: listener.down,
		up: listener.up,
		async close() {
			closing.abort();
			faults.clear();
			await listener.down();
		},
	});
}
