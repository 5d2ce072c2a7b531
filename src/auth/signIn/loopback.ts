/**
 * The address on this machine that the browser is sent back to (RFC 8252 section 7.3). It lives for one attempt, takes
 * only that attempt's `state`, answers every request, and keeps the browser waiting until there is a truth to tell.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { OAuthClient } from '../provider.ts';
import type { Rendered, ResultPage } from './page.ts';
import { renderPage } from './page.ts';
import { REDIRECT_HOST, redirectPathOf, redirectUriOf } from './redirectAddress.ts';
import { type RedirectRefusal, readRedirect } from './redirectAnswer.ts';

/** Codes are a few hundred bytes; some services sign theirs. */
const MAX_HEADER_BYTES = 32 * 1024;

/** One browser opens a handful. */
const MAX_CONNECTIONS = 32;

/** A connection that does not get on with its request is cut. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Browsers wait longer, people do not. After this the page sends them to VS Code for the outcome. */
export const ANSWER_DEADLINE_MS = 10_000;

/** Time for the last page to reach the browser before its connection is cut. */
const FLUSH_DEADLINE_MS = 2000;

export type LoopbackListener = {
	readonly redirectUri: string;
	/** The query of the first request that carries this `state`. Never rejects. `onRefused` hears of each that was not taken. */
	expect(state: string, onRefused?: (reason: RedirectRefusal) => void): Promise<URLSearchParams>;
	/** Shows the page to the waiting browser, if there is one, and ends the listener. The first page holds. */
	finish(page: ResultPage): Promise<void>;
};

/**
 * @param options.client its `redirectPort` is the one of the service's registration; without one any free port is taken.
 * @throws AuthError `configuration` with `detail.field` `<provider>.redirectPort` if the port is taken or forbidden;
 * `transient` if no port can be opened at all.
 */
export async function listenForRedirect(options: {
	readonly provider: { readonly id: string; readonly label: string };
	readonly client: Pick<OAuthClient, 'redirectPort' | 'redirectPath'>;
	readonly clock: Clock;
	readonly log: Logger;
}): Promise<LoopbackListener> {
	const { provider, client, clock, log } = options;
	const answering = new Set<ServerResponse>();
	let arrived: (query: URLSearchParams) => void = () => undefined;
	const arrival = new Promise<URLSearchParams>((resolve) => {
		arrived = resolve;
	});
	/** What every browser is told that came with the right state; the first one counts. */
	let tell: (page: ResultPage) => void = () => undefined;
	const truth = new Promise<ResultPage>((resolve) => {
		tell = resolve;
	});
	let expected: string | undefined;
	let told: (reason: RedirectRefusal) => void = () => undefined;

	const answer = (request: IncomingMessage, response: ServerResponse): void => {
		answering.add(response);
		response.once('close', () => answering.delete(response));
		const redirect = readRedirect(request, { authority, path: redirectPathOf(client), state: expected });
		if (redirect.kind === 'answer') {
			showWhenKnown(response, truth, clock, provider.label);
			arrived(redirect.query);
			return;
		}
		if (redirect.kind === 'foreign') {
			log.info(`${provider.id}: redirect listener: unexpected request`);
			send(response, renderPage({ kind: 'unexpected' }));
			return;
		}
		log.warn(`${provider.id}: redirect listener: answer not taken (${redirect.reason})`);
		send(response, renderPage({ kind: 'refused', service: provider.label }));
		told(redirect.reason);
	};

	const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS }, answer);
	server.headersTimeout = REQUEST_TIMEOUT_MS;
	server.maxConnections = MAX_CONNECTIONS;
	// Node's own answer to a malformed request is right; without a listener it would be the same, but unlogged.
	server.on('clientError', (error, socket) => {
		log.info(`${provider.id}: redirect listener: unreadable request`);
		const status =
			'code' in error && error.code === 'HPE_HEADER_OVERFLOW'
				? '431 Request Header Fields Too Large'
				: '400 Bad Request';
		if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
		else socket.destroy();
	});
	const port = await open(server, client.redirectPort, provider.id);
	const authority = `${REDIRECT_HOST}:${port}`;
	// An emitter without a listener throws; a listener that fails later only means that no redirect arrives.
	server.on('error', (error) => log.warn(`${provider.id}: redirect listener: ${error.name}`));
	let closing: Promise<void> | undefined;

	return {
		redirectUri: redirectUriOf(client, port),
		expect(state, onRefused) {
			expected = state;
			told = onRefused ?? told;
			return arrival;
		},
		finish(page) {
			tell(page);
			closing ??= close(server, answering, clock);
			return closing;
		},
	};
}

function showWhenKnown(response: ServerResponse, truth: Promise<ResultPage>, clock: Clock, service: string): void {
	const timer = clock.schedule(ANSWER_DEADLINE_MS, () => send(response, renderPage({ kind: 'pending', service })));
	// The person closed the tab: the sign-in goes on without an audience.
	response.once('close', () => timer.dispose());
	void truth.then((page) => {
		timer.dispose();
		send(response, renderPage(page));
	});
}

function send(response: ServerResponse, page: Rendered): void {
	response.on('error', () => {
		// The browser has gone; there is nobody to tell.
	});
	if (response.headersSent || response.destroyed) return;
	response.writeHead(page.status, page.headers);
	response.end(page.body);
}

function open(server: Server, port: number | undefined, providerId: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const onError = (cause: Error): void => {
			const taken = port !== undefined;
			const detail = { provider: providerId, ...(taken ? { field: `${providerId}.redirectPort`, port } : {}) };
			const message = taken ? `port ${port} for the redirect cannot be opened` : 'no port can be opened';
			reject(new AuthError(taken ? 'configuration' : 'transient', message, { cause, detail }));
		};
		server.once('error', onError);
		server.listen({ host: REDIRECT_HOST, port: port ?? 0, exclusive: true }, () => {
			server.removeListener('error', onError);
			const address = server.address();
			if (address === null || typeof address === 'string') onError(new Error('no address'));
			else resolve(address.port);
		});
	});
}

/**
 * Waits for pages that are on their way, then cuts what is left: idle connections, among them those that browsers open
 * ahead of need, half-sent requests and stuck readers.
 */
function close(server: Server, answering: ReadonlySet<ServerResponse>, clock: Clock): Promise<void> {
	return new Promise((resolve) => {
		const cut = (): void => server.closeAllConnections();
		const timer = clock.schedule(FLUSH_DEADLINE_MS, cut);
		server.close(() => {
			timer.dispose();
			resolve();
		});
		const cutIfDone = (): void => {
			if (answering.size === 0) cut();
		};
		for (const response of answering) response.once('close', cutIfDone);
		cutIfDone();
	});
}
