/** Providers, credentials and ends of the wire for tests of the OAuth layer. */
import { createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/auth/clock.ts';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import type { Fetch, OAuthDeps } from '../../src/auth/oauth/deps.ts';
import { createOAuthDeps } from '../../src/auth/oauth/deps.ts';
import type { OAuthProvider } from '../../src/auth/provider.ts';
import type { RecordingLog } from './recordingLog.ts';
import { createRecordingLog } from './recordingLog.ts';

export const CANARY = 'canary-refresh-token-0123456789';

export function oidcProvider(issuer: string, clientId = 'agent-auth-demo'): OAuthProvider {
	const client = { clientId, scopes: ['openid', 'profile', 'email'] };
	return { id: 'demo', label: 'Demo', kind: 'oidc', issuer, client };
}

export function oauth2Provider(base: string): OAuthProvider {
	const endpoints = { issuer: base, tokenEndpoint: `${base}/token` };
	return { id: 'demo', label: 'Demo', kind: 'oauth2', endpoints, client: { clientId: 'client', scopes: ['api'] } };
}

/** What the service of {@link oauth2Provider} gave. */
export function credentialOf(base: string, changes: Partial<OAuthCredential> = {}): OAuthCredential {
	return oauthCredential({ identity: { issuer: base, subject: 'ada', email: 'ada@example.com' }, ...changes });
}

export function oauthCredential(changes: Partial<OAuthCredential> = {}): OAuthCredential {
	return {
		kind: 'oauth',
		accessToken: 'old-access-token',
		refreshToken: CANARY,
		scopes: ['api'],
		obtainedAtMs: 1,
		identity: { issuer: 'https://login.example.com', subject: 'ada', email: 'ada@example.com' },
		...changes,
	};
}

export function testDeps(changes: Partial<OAuthDeps> = {}): OAuthDeps & { readonly log: RecordingLog } {
	const log = createRecordingLog();
	return { ...createOAuthDeps({ fetch, clock: systemClock, log }), ...changes, log };
}

/** A `fetch` that answers every request the same way, and remembers what it was asked. */
export function answering(
	status: number,
	body: unknown,
	headers: Record<string, string> = {},
): Fetch & { readonly requests: { url: string; init: RequestInit }[] } {
	const requests: { url: string; init: RequestInit }[] = [];
	const answer: Fetch = async (url, init) => {
		requests.push({ url, init });
		const text = typeof body === 'string' ? body : JSON.stringify(body);
		return new Response(status === 204 ? null : text, {
			status,
			headers: { 'content-type': 'application/json', ...headers },
		});
	};
	return Object.assign(answer, { requests });
}

export type RawServer = AsyncDisposable & { readonly port: number; readonly connections: () => number };

/** Bare TCP, for everything an HTTP server would not do. */
export async function rawServer(onConnection: (socket: Socket) => void): Promise<RawServer> {
	const sockets = new Set<Socket>();
	let connections = 0;
	const server: Server = createServer((socket) => {
		connections += 1;
		sockets.add(socket);
		// The client's side of a broken connection is what the test looks at.
		socket.on('error', () => sockets.delete(socket));
		onConnection(socket);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	return {
		port: address.port,
		connections: () => connections,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** An ID token that nobody signed. */
export function unsignedJwt(claims: Readonly<Record<string, unknown>>, alg = 'RS256'): string {
	const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({ alg })}.${part(claims)}.${Buffer.from('none').toString('base64url')}`;
}
