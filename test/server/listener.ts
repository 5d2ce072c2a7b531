/** A loopback HTTP listener that can go down, cutting every connection, and come up again on the same port. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';

/** Loopback only: the demo service holds no real secrets, but nobody else on the network should see it. */
export const HOST = '127.0.0.1';

export type Listener = {
	readonly port: number;
	/** Stops listening and cuts all connections. Idempotent. */
	down(): Promise<void>;
	/** Listens again on the same port. Idempotent. */
	up(): Promise<void>;
};

/** Starts listening; port 0 takes a free one. */
export async function listen(port: number, handler: RequestListener): Promise<Listener> {
	let server: Server | undefined = await open(port, handler);
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the listener has no port');
	const taken = address.port;
	return {
		port: taken,
		async down() {
			const closing = server;
			server = undefined;
			if (closing === undefined) return;
			await new Promise<void>((resolve) => {
				closing.close(() => resolve());
				closing.closeAllConnections();
			});
		},
		async up() {
			server ??= await open(taken, handler);
		},
	};
}

function open(port: number, handler: RequestListener): Promise<Server> {
	const server = createServer((request, response) => {
		const address = server.address();
		const own = typeof address === 'object' && address !== null ? address.port : port;
		if (!goHome(request, response, own)) handler(request, response);
	});
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, HOST, () => {
			server.off('error', reject);
			resolve(server);
		});
	});
}

/**
 * A VS Code server in the browser opens loopback addresses through its own proxy, under another origin and path, where forms
 * and cookies of a sign-in page do not work. A person who arrives that way is sent on to the real address.
 */
function goHome(request: IncomingMessage, response: ServerResponse, port: number): boolean {
	const { host } = request.headers;
	const arrivedElsewhere = host !== undefined && port !== 0 && !host.endsWith(`:${port}`);
	if (request.method !== 'GET' || !arrivedElsewhere) return false;
	response.writeHead(302, { location: `http://${HOST}:${port}${request.url ?? '/'}` }).end();
	return true;
}
