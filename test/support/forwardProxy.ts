/**
 * A forward proxy on the loopback interface, as an organisation has one: the only way to the hosts it knows, which no
 * resolver does. It takes CONNECT and requests in absolute form (RFC 9110 section 9.3.6, RFC 9112 section 3.2.2), and can
 * refuse, ask for a password or be down.
 */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type ProxyMode =
	| 'open'
	/** 407 with a challenge: nobody told VS Code a password. */
	| 'askPassword'
	/** 403 to everything. */
	| 'refuse'
	/** Takes the request for a tunnel and hangs up. */
	| 'hangUp'
	/** Takes the request for a tunnel and never answers. */
	| 'silent';

export type ForwardProxy = {
	readonly url: string;
	/** `host:port` of every tunnel and every request that was asked for, in order. */
	readonly asked: readonly string[];
	set(mode: ProxyMode): void;
	/** Stops listening and cuts all tunnels. */
	down(): Promise<void>;
	/** Listens again on the same port. */
	up(): Promise<void>;
	close(): Promise<void>;
};

const HOST = '127.0.0.1';
const CHALLENGE = 'Basic realm="proxy of the organisation"';

/** @param ports of the loopback interface, by the `host:port` that leads to them. */
export async function startForwardProxy(ports: Readonly<Record<string, number>>): Promise<ForwardProxy> {
	const asked: string[] = [];
	const sockets = new Set<Duplex>();
	let mode: ProxyMode = 'open';
	let port = 0;

	const refusal = (authority: string): { status: number; challenge?: string } | undefined => {
		if (mode === 'askPassword') return { status: 407, challenge: CHALLENGE };
		if (mode === 'refuse') return { status: 403 };
		return ports[authority] === undefined ? { status: 502 } : undefined;
	};

	function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): void {
		const authority = request.url ?? '';
		asked.push(authority);
		if (mode === 'silent') return;
		if (mode === 'hangUp') {
			client.destroy();
			return;
		}
		const refused = refusal(authority);
		if (refused) {
			const challenge = refused.challenge === undefined ? '' : `Proxy-Authenticate: ${refused.challenge}\r\n`;
			client.end(`HTTP/1.1 ${refused.status} Refused\r\n${challenge}Content-Length: 0\r\nConnection: close\r\n\r\n`);
			return;
		}
		const target = connect(ports[authority] ?? 0, HOST, () => {
			client.write('HTTP/1.1 200 Connection established\r\n\r\n');
			if (head.length > 0) target.write(head);
			target.pipe(client).pipe(target);
		});
		keep(target);
		// One end is gone: so is the other.
		for (const [one, other] of [
			[target, client],
			[client, target],
		] as const) {
			one.on('error', () => other.destroy());
			one.on('close', () => other.destroy());
		}
	}

	function forward(request: IncomingMessage, response: ServerResponse): void {
		const target = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
		const authority = target === undefined ? '' : `${target.hostname}:${target.port || '80'}`;
		asked.push(authority);
		if (mode === 'silent') return;
		if (mode === 'hangUp') {
			request.socket.destroy();
			return;
		}
		const refused = target === undefined ? { status: 400 } : refusal(authority);
		if (refused || target === undefined) {
			const { status, challenge } = { challenge: undefined, ...(refused ?? { status: 400 }) };
			response.writeHead(status, challenge === undefined ? {} : { 'proxy-authenticate': challenge }).end();
			return;
		}
		const onward = httpRequest(
			{
				host: HOST,
				port: ports[authority],
				method: request.method,
				path: `${target.pathname}${target.search}`,
				headers: request.headers,
			},
			(answer) => {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
			},
		);
		onward.on('error', () => response.destroy());
		request.pipe(onward);
	}

	function keep(socket: Duplex): void {
		sockets.add(socket);
		socket.on('error', () => undefined); // Whoever reads it has its own handler.
		socket.on('close', () => sockets.delete(socket));
	}

	const server = createServer(forward);
	server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => tunnel(request, client, head));
	server.on('connection', (socket: Socket) => keep(socket));
	const listen = (at: number): Promise<void> =>
		new Promise((resolve, reject) => {
			server.once('error', reject);
			server.listen(at, HOST, () => {
				server.off('error', reject);
				resolve();
			});
		});
	const down = (): Promise<void> =>
		new Promise((resolve) => {
			server.close(() => resolve());
			for (const socket of sockets) socket.destroy();
		});

	await listen(0);
	port = (server.address() as AddressInfo).port;
	return {
		url: `http://${HOST}:${port}`,
		asked,
		set(next) {
			mode = next;
		},
		down,
		up: () => listen(port),
		close: () => (server.listening ? down() : Promise.resolve()),
	};
}
