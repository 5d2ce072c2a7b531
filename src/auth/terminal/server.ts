/**
 * The window's ear for terminals: a unix socket (named pipe on Windows) that checks the secret before anything else,
 * reads one bounded request per connection (see `exchange.ts`) and answers each of them, good or bad, within a limit.
 */
import { chmodSync } from 'node:fs';
import net from 'node:net';
import type { Clock } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';
import type { Disposable } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import { createExchange } from './exchange.ts';
import type { FinalReply, ProgressStep, ProtocolErrorCode, TerminalRequest } from './protocol.ts';

export type ServerLimits = {
	/** From the connection to the end of the request line; a helper sends it at once. */
	readonly receiveMs: number;
	/** From the request to the answer: a person may have to answer a question or sign in. */
	readonly handleMs: number;
	/** From the answer to the end of the connection: a peer that does not read is cut off. */
	readonly closeMs: number;
	/** More than this many requests at once are told `busy`. */
	readonly connections: number;
};

export const SERVER_LIMITS: ServerLimits = { receiveMs: 5_000, handleMs: 120_000, closeMs: 1_000, connections: 64 };

/** Connections that wait for their end only cost a file descriptor each; beyond this many they are dropped unanswered. */
const REJECTED_FACTOR = 16;

/** What the handler may know of the connection. */
export type Connection = {
	/** Aborts when the peer has gone, the time is up, or the window closes. */
	readonly signal: AbortSignal;
	progress(step: ProgressStep): void;
	/** False for a caller that cannot wait for a person. */
	readonly mayAsk: boolean;
};

export type ServerOptions = {
	readonly address: string;
	readonly secret: string;
	/** An `AuthError` that it rejects with becomes the answer; anything else becomes `internal`. */
	readonly handle: (request: TerminalRequest, connection: Connection) => Promise<FinalReply>;
	readonly clock: Clock;
	readonly log: Logger;
	readonly limits?: ServerLimits;
};

/**
 * Listens. Disposing is synchronous, answers who still waits, and removes the socket.
 * @throws AuthError `storage` if the address cannot be listened on.
 */
export async function listen(options: ServerOptions): Promise<Disposable> {
	const limits = options.limits ?? SERVER_LIMITS;
	const open = new Set<Disposable>();
	const unanswered = new Set<net.Socket>();
	const server = net.createServer({ allowHalfOpen: true }, (socket) => {
		const busy = unanswered.size >= limits.connections;
		unanswered.add(socket);
		const onAnswered = (): void => void unanswered.delete(socket);
		const connection = serve(socket, { ...options, limits, busy, onAnswered });
		open.add(connection);
		socket.on('close', () => {
			open.delete(connection);
			unanswered.delete(socket);
		});
	});
	server.maxConnections = limits.connections * REJECTED_FACTOR;
	await new Promise<void>((resolve, reject) => {
		server.once('error', (error) => reject(new AuthError('storage', 'cannot listen for terminals', { cause: error })));
		server.listen(options.address, resolve);
	});
	server.removeAllListeners('error').on('error', (error) => {
		options.log.warn(`terminal server: ${describeError(error)}`);
	});
	// The folder keeps others out; the mode says it once more.
	if (process.platform !== 'win32') chmodSync(options.address, 0o600);
	return {
		dispose() {
			// libuv removes the socket's file before this returns; its random name was never anybody else's.
			server.close();
			for (const connection of [...open]) connection.dispose();
		},
	};
}

type ServeOptions = ServerOptions & {
	readonly limits: ServerLimits;
	readonly busy: boolean;
	/** The connection only waits for its end from now on. */
	readonly onAnswered: () => void;
};

function serve(socket: net.Socket, options: ServeOptions): Disposable {
	const { limits, clock, log } = options;
	const exchange = createExchange(options.secret);
	const abort = new AbortController();
	let phase: 'receiving' | 'handling' | 'answered' = 'receiving';
	let timer = clock.schedule(limits.receiveMs, () => fail('too_slow'));

	const rearm = (delayMs: number, callback: () => void): void => {
		timer.dispose();
		timer = clock.schedule(delayMs, callback);
	};
	const answer = (reply: FinalReply): void => {
		if (phase === 'answered') return;
		phase = 'answered';
		options.onAnswered();
		socket.end(exchange.answer(reply));
		// What still comes in is read and dropped until then: closing on unread bytes could cost the peer the answer.
		rearm(limits.closeMs, () => socket.destroy());
	};
	const fail = (code: ProtocolErrorCode): void => {
		log.debug(`terminal request not served: ${code}`);
		answer({ kind: 'error', code });
		abort.abort();
	};
	const handle = async (request: TerminalRequest): Promise<void> => {
		phase = 'handling';
		rearm(limits.handleMs, () => {
			answer({ kind: 'error', code: 'timeout' });
			abort.abort();
		});
		const progress = (step: ProgressStep): void => {
			const line = exchange.progress(step);
			if (phase === 'handling' && line !== undefined) socket.write(line);
		};
		// A peer that gave up while this host was busy cannot take this line; then nobody may be asked on its behalf.
		const accepted = exchange.progress('accepted');
		if (accepted !== undefined && !(await write(socket, accepted))) {
			log.debug('terminal request dropped: its sender has gone');
			return;
		}
		try {
			answer(await options.handle(request, { signal: abort.signal, progress, mayAsk: exchange.mayAsk }));
		} catch (error) {
			if (!isAuthError(error)) log.error(`terminal request failed: ${describeError(error)}`);
			answer(errorReply(error));
		}
	};
	const receive = (chunk: Buffer): void => {
		const received = exchange.receive(chunk);
		if (received.kind === 'invalid') fail(received.code);
		else if (received.kind === 'request') void handle(received.request);
	};

	socket.on('data', (chunk) => {
		if (phase === 'receiving') receive(chunk);
		else if (phase === 'handling') fail('bad_request');
	});
	// A peer keeps its side open until it has the answer; if not, it has gone or sent half a request.
	socket.on('end', () => {
		if (phase !== 'answered') fail('bad_request');
	});
	socket.on('error', (error) => log.debug(`terminal connection: ${describeError(error)}`));
	socket.on('close', () => {
		timer.dispose();
		abort.abort();
	});
	if (options.busy) fail('busy');
	return {
		dispose() {
			answer({ kind: 'error', code: 'cancelled' });
			abort.abort();
		},
	};
}

/** False if the peer has gone. */
function write(socket: net.Socket, text: string): Promise<boolean> {
	return new Promise((resolve) => socket.write(text, (error) => resolve(!error)));
}

function errorReply(error: unknown): FinalReply {
	if (!isAuthError(error)) return { kind: 'error', code: 'internal' };
	const { retryAtMs } = error.detail;
	return { kind: 'error', code: error.code, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}
