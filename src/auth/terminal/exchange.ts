/**
 * How the bytes of one connection become a request and the answer becomes bytes. There are two ways in: the frames of
 * `protocol.ts`, and as much of HTTP/1.1 as `curl` needs to fetch a token that is to be had at once.
 *
 * In both the secret stands before anything that has to be parsed: at the beginning of the frame, or as the target of
 * the HTTP request (`GET /<secret> HTTP/1.1`).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createLineBuffer } from './lineBuffer.ts';
import {
	encodeReply,
	type FinalReply,
	MAX_FRAME_BYTES,
	type ProgressStep,
	type ProtocolErrorCode,
	parseRequest,
	SECRET_LENGTH,
	type TerminalRequest,
} from './protocol.ts';

export type Received =
	| { readonly kind: 'more' }
	| { readonly kind: 'request'; readonly request: TerminalRequest }
	| { readonly kind: 'invalid'; readonly code: ProtocolErrorCode };

export type Exchange = {
	receive(chunk: Buffer): Received;
	answer(reply: FinalReply): string;
	/** Undefined where there is no way to say it. */
	progress(step: ProgressStep): string | undefined;
	/** Whether this caller can wait for a person. */
	readonly mayAsk: boolean;
};

const GET = Buffer.from('GET /');

/** Decides by the first bytes; a frame never begins with `G`, because a secret is hexadecimal. */
export function createExchange(secret: string): Exchange {
	let chosen: Exchange | undefined;
	let early = Buffer.alloc(0);
	return {
		receive(chunk) {
			if (chosen !== undefined) return chosen.receive(chunk);
			early = Buffer.concat([early, chunk]);
			if (early.length < GET.length && GET.subarray(0, early.length).equals(early)) return { kind: 'more' };
			chosen = early.subarray(0, GET.length).equals(GET) ? createHttp(secret) : createFrames(secret);
			return chosen.receive(early);
		},
		answer: (reply) => (chosen?.answer ?? encodeReply)(reply),
		progress: (step) => chosen?.progress(step),
		get mayAsk() {
			return chosen?.mayAsk === true;
		},
	};
}

function createFrames(secret: string): Exchange {
	const buffer = createLineBuffer(MAX_FRAME_BYTES);
	return {
		receive(chunk) {
			const { lines, tooLarge } = buffer.push(chunk);
			const line = lines[0];
			const head = line ?? buffer.peek(SECRET_LENGTH);
			const isComplete = line !== undefined || head.length === SECRET_LENGTH;
			if (isComplete && !isSecret(head, secret)) return { kind: 'invalid', code: 'unauthorized' };
			if (tooLarge) return { kind: 'invalid', code: 'too_large' };
			if (line === undefined) return { kind: 'more' };
			if (lines.length > 1 || buffer.size > 0) return { kind: 'invalid', code: 'bad_request' };
			return parseRequest(line.subarray(SECRET_LENGTH).toString('utf8'));
		},
		answer: encodeReply,
		progress: (step) => encodeReply({ kind: 'progress', step }),
		mayAsk: true,
	};
}

/** curl sends some 150 bytes. */
const MAX_HTTP_BYTES = 4 * 1024;

/** `Agent-Auth: token <provider> <pid>`: what the launcher asks for, and the process it runs in; `own` if there are more windows. */
const ASKED = /^agent-auth:[ \t]*token ([a-z0-9][a-z0-9-]{0,39}) ([1-9]\d{0,9})( own)?[ \t]*$/i;

function createHttp(secret: string): Exchange {
	const buffer = createLineBuffer(MAX_HTTP_BYTES);
	let lines: readonly Buffer[] = [];
	let received = 0;
	return {
		receive(chunk) {
			received += chunk.length;
			const pushed = buffer.push(chunk);
			lines = [...lines, ...pushed.lines];
			const head = lines[0] ?? buffer.peek(GET.length + SECRET_LENGTH);
			const isComplete = lines.length > 0 || head.length === GET.length + SECRET_LENGTH;
			if (isComplete && !isSecret(head.subarray(GET.length), secret)) return { kind: 'invalid', code: 'unauthorized' };
			if (pushed.tooLarge || received > MAX_HTTP_BYTES) return { kind: 'invalid', code: 'too_large' };
			const texts = lines.map((line) => line.toString('latin1').replace(/\r$/, ''));
			if (!texts.includes('')) return { kind: 'more' };
			const asked = texts.map((line) => ASKED.exec(line)).find((match) => match !== null);
			const [, provider, pid, own] = asked ?? [];
			if (provider === undefined || pid === undefined || Number(pid) >= 2 ** 32) {
				return { kind: 'invalid', code: 'bad_request' };
			}
			// The window looks up the ancestors itself, and the launcher has chosen the window by its folder.
			const ownOnly = own === undefined ? {} : { ownOnly: true };
			return { kind: 'request', request: { kind: 'token', provider, ancestors: [Number(pid)], cwd: '', ...ownOnly } };
		},
		answer(reply) {
			const token = reply.kind === 'token' ? `${reply.accessToken}\n` : '';
			const status = reply.kind === 'token' ? '200 OK' : '503 Ask Again By Frame';
			return (
				`HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n` +
				`Content-Length: ${Buffer.byteLength(token)}\r\nConnection: close\r\n\r\n${token}`
			);
		},
		progress: () => undefined,
		mayAsk: false,
	};
}

/** Compares the first bytes with the secret in a time that tells nothing about either. */
function isSecret(head: Buffer, secret: string): boolean {
	const digest = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
	return timingSafeEqual(digest(head.subarray(0, SECRET_LENGTH)), digest(secret));
}
