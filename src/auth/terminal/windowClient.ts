/** The helper's side of the socket: one request to one window, and what became of it. */
import net from 'node:net';
import { hasCode } from './atomicFile.ts';
import { createLineBuffer } from './lineBuffer.ts';
import { encodeRequest, type FinalReply, MAX_FRAME_BYTES, parseReply, type TerminalRequest } from './protocol.ts';

export type AskResult =
	| { readonly kind: 'reply'; readonly reply: FinalReply }
	/** Nobody listens there. */
	| { readonly kind: 'unreachable' }
	/** So many callers that the system's queue before the window is full (Linux). */
	| { readonly kind: 'busy' }
	/** Connected, but no sign of life: the window is stopped, asleep or very busy. */
	| { readonly kind: 'silent' }
	/** The connection ended without an answer. */
	| { readonly kind: 'lost' }
	| { readonly kind: 'unreadable' };

export type AskOptions = {
	readonly socket: string;
	readonly secret: string;
	readonly request: TerminalRequest;
	/** Until the window says that it has the request, in ms. */
	readonly acceptMs: number;
	/** From then until the answer, in ms; the window has a shorter limit of its own. */
	readonly answerMs: number;
	/** Called with each step of the work but the first, `accepted`. */
	readonly onProgress: (step: string) => void;
};

/** Never rejects. */
export function askWindow(options: AskOptions): Promise<AskResult> {
	return new Promise((resolve) => {
		const socket = net.connect({ path: options.socket });
		const buffer = createLineBuffer(MAX_FRAME_BYTES);
		let connected = false;
		let timer = setTimeout(() => settle({ kind: 'silent' }), options.acceptMs);
		const settle = (result: AskResult): void => {
			clearTimeout(timer);
			socket.destroy();
			resolve(result);
		};
		const read = (line: Buffer): void => {
			const reply = parseReply(line.toString('utf8'));
			if (reply === undefined) {
				settle({ kind: 'unreadable' });
			} else if (reply.kind !== 'progress') {
				settle({ kind: 'reply', reply });
			} else {
				clearTimeout(timer);
				timer = setTimeout(() => settle({ kind: 'silent' }), options.answerMs);
				if (reply.step !== 'accepted') options.onProgress(reply.step);
			}
		};
		socket.on('connect', () => {
			connected = true;
			socket.write(encodeRequest(options.secret, options.request));
		});
		socket.on('data', (chunk) => {
			const { lines, tooLarge } = buffer.push(chunk);
			for (const line of lines) read(line);
			if (tooLarge) settle({ kind: 'unreadable' });
		});
		socket.on('error', (error) => {
			// Any other failure decides nothing: an answer may still be on its way when a write fails. The end does.
			if (hasCode(error, 'EAGAIN')) settle({ kind: 'busy' });
		});
		socket.on('close', () => settle({ kind: connected ? 'lost' : 'unreachable' }));
	});
}
