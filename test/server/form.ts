/** Reading a form body, once, where both servers need it. */
import type { IncomingMessage } from 'node:http';

/** Far above any OAuth form. */
const MAX_BODY_BYTES = 64 * 1024;

export async function readBody(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of request) {
		const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
		length += bytes.length;
		if (length > MAX_BODY_BYTES) throw new Error('the form is too large');
		chunks.push(bytes);
	}
	return Buffer.concat(chunks);
}

export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
	return new URLSearchParams((await readBody(request)).toString('utf8'));
}

/** The bearer token of a request, if it carries one. */
export function bearerOf(request: IncomingMessage): string | undefined {
	return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
