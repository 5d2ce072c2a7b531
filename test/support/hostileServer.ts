/** A web server on the loopback interface that answers as an attacker wants, and keeps what it was sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Fetch } from '../../src/auth/oauth/deps.ts';
import type { OAuthProvider } from '../../src/auth/provider.ts';

export type Received = {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingMessage['headers'];
	readonly body: string;
};

/** What a path answers: JSON with status 200, or whatever a function does with the response. */
export type HostileAnswer = object | ((response: ServerResponse, request: Received) => void);

export type HostileServer = AsyncDisposable & {
	readonly origin: string;
	readonly received: Received[];
	/** TCP connections that were opened. */
	connections(): number;
	/** Replaces the answer of a path. */
	on(path: string, answer: HostileAnswer): void;
	/** How often a path was asked for. */
	count(path: string): number;
};

export const DISCOVERY_PATH = '/.well-known/openid-configuration';

/** Serves metadata of an issuer at its own origin until that is replaced. */
export async function startHostileServer(
	answers: Readonly<Record<string, HostileAnswer>> = {},
): Promise<HostileServer> {
	const routes = new Map(Object.entries(answers));
	const received: Received[] = [];
	let connections = 0;
	const server: Server = createServer(async (incoming, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of incoming) chunks.push(chunk);
		const { pathname } = new URL(incoming.url ?? '/', 'http://host');
		const request: Received = {
			method: incoming.method ?? '',
			path: incoming.url ?? '',
			headers: incoming.headers,
			body: Buffer.concat(chunks).toString('utf8'),
		};
		received.push(request);
		// Whoever asked may have gone away in the middle of an endless answer.
		response.on('error', () => undefined);
		const answer = routes.get(pathname);
		if (typeof answer === 'function') return answer(response, request);
		response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
		response.end(JSON.stringify(answer ?? {}));
	});
	server.on('connection', () => {
		connections += 1;
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	const origin = `http://127.0.0.1:${address.port}`;
	if (!routes.has(DISCOVERY_PATH)) routes.set(DISCOVERY_PATH, metadataOf(origin));
	return {
		origin,
		received,
		connections: () => connections,
		on: (path, answer) => void routes.set(path, answer),
		count: (path) => received.filter((request) => new URL(request.path, origin).pathname === path).length,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

export function metadataOf(issuer: string): Readonly<Record<string, unknown>> {
	return {
		issuer,
		token_endpoint: `${issuer}/token`,
		authorization_endpoint: `${issuer}/authorize`,
		device_authorization_endpoint: `${issuer}/device`,
		revocation_endpoint: `${issuer}/revoke`,
		userinfo_endpoint: `${issuer}/userinfo`,
		authorization_response_iss_parameter_supported: true,
		id_token_signing_alg_values_supported: ['RS256'],
	};
}

/** Passes requests for a public name on to a server on this machine, as a name server would. */
export function resolvingTo(server: HostileServer, publicOrigin: string): Fetch {
	return (url, init) => {
		if (!url.startsWith(publicOrigin)) throw new Error(`asked ${new URL(url).origin}`);
		return fetch(server.origin + url.slice(publicOrigin.length), init);
	};
}

export function hostileProvider(issuer: string): OAuthProvider {
	return { id: 'evil', label: 'Evil', kind: 'oidc', issuer, client: { clientId: 'client', scopes: ['openid'] } };
}

/** A body that never ends, as fast as it is read. */
export function endless(status = 200): HostileAnswer {
	return (response) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		const chunk = Buffer.alloc(64 * 1024, ' ');
		const pump = (): void => {
			while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', pump);
		};
		pump();
	};
}

/** Some KB that unpack to 512 MiB of spaces, by members of one gzip stream (RFC 1952 section 2.2). */
export function bomb(status = 200): HostileAnswer {
	const member = gzipSync(Buffer.alloc(16 * 1024 * 1024, ' '));
	const packed = Buffer.concat(Array.from({ length: 32 }, () => member));
	return (response) => {
		response.writeHead(status, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
		response.end(packed);
	};
}

/** Sends a byte now and then, for ever. */
export function dripping(status = 200): HostileAnswer {
	return (response) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		const timer = setInterval(() => response.write(' '), 20);
		response.once('close', () => clearInterval(timer));
	};
}

export function redirectTo(location: string, status = 307): HostileAnswer {
	return (response) => {
		response.writeHead(status, { location, 'set-cookie': 'track=1; Path=/' });
		response.end();
	};
}

/** An ID token with a header and claims of the attacker's choice. Its signature is not one. */
export function forgedJwt(header: object, claims: object): string {
	const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part(header)}.${part(claims)}.c2lnbmF0dXJl`;
}
