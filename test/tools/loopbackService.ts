/** The service that a tool speaks to, on the loopback interface: keeps what it was sent and answers as the test says. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Certificate } from './certificate.ts';

export type Sent = {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingMessage['headers'];
	readonly body: Buffer;
};

export type LoopbackService = {
	readonly port: number;
	readonly url: string;
	/** Everything that arrived, in order. */
	readonly sent: readonly Sent[];
};

/** Answers a request; what it throws is an answer 500 and a failure of the test. */
export type Answer = (request: Sent, response: ServerResponse) => Promise<void> | void;

export async function startLoopbackService(
	t: TestContext,
	answer: Answer,
	certificate?: Certificate,
): Promise<LoopbackService> {
	const sent: Sent[] = [];
	const failures: unknown[] = [];
	const handle: RequestListener = async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const { method = '', url = '', headers } = request;
		const one = { method, path: url, headers, body: Buffer.concat(chunks) };
		sent.push(one);
		await answer(one, response);
	};
	const listener: RequestListener = (request, response) => {
		Promise.resolve(handle(request, response)).catch((error: unknown) => {
			failures.push(error);
			if (!response.headersSent) response.writeHead(500);
			response.end();
		});
	};
	const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.after(async () => {
		server.closeAllConnections();
		server.close();
		await once(server, 'close');
		if (failures.length > 0) throw new AggregateError(failures, 'the loopback service failed');
	});
	const { port } = server.address() as AddressInfo;
	return { port, url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, sent };
}

/** Who a request says it is: the token of `Authorization`, or the key of the two headers that model vendors use. */
export function tokensOf({ headers }: Sent): readonly string[] {
	const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
	const keys = [headers['x-api-key'], headers['x-goog-api-key']];
	return [bearer, ...keys].filter((value) => typeof value === 'string');
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
	response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

type ServerEvent = { readonly type: string; readonly [member: string]: unknown };

/** Server-sent events, each with a name. */
export function answerEvents(response: ServerResponse, events: readonly ServerEvent[]): void {
	response.writeHead(200, { 'content-type': 'text/event-stream' });
	response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
}
