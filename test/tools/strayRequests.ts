/**
 * A proxy that lets nothing through and writes down who was asked for: what a tool wants besides the loopback service. The
 * network namespace of `scripts/testTools.ts` holds back also what does not ask a proxy.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export type StrayRequests = {
	/** Variables that send everything but the loopback interface to the proxy. */
	readonly env: Readonly<Record<string, string>>;
	/** `host:port`, each once. */
	hosts(): readonly string[];
};

export async function watchStrayRequests(t: TestContext): Promise<StrayRequests> {
	const hosts = new Set<string>();
	const server = createServer((request, response) => {
		hosts.add(request.headers.host ?? request.url ?? '');
		response.writeHead(403).end();
	});
	server.on('connect', (request, socket) => {
		hosts.add(request.url ?? '');
		// Who is refused may hang up before it has read why.
		socket.on('error', () => undefined);
		socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const local = '127.0.0.1,localhost,::1';
	return {
		env: {
			...{ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy },
			...{ NO_PROXY: local, no_proxy: local },
		},
		hosts: () => [...hosts].sort(),
	};
}
