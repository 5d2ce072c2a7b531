/** An address that accepts a request and never answers: of whoever asks there, the server never hears. */
import { createServer, type Socket } from 'node:net';
import type { Account } from './account.ts';

/** The same account, with another address to refresh it at. */
export function elsewhere(account: Account, tokenUrl: string): Partial<Account> {
	return { tokenUrl, ...(account.vault === undefined ? {} : { vault: { ...account.vault, tokenUrl } }) };
}

export async function openHole(): Promise<{ url: string; reached: Promise<void>; close(): void }> {
	const sockets = new Set<Socket>();
	let tell: () => void = () => undefined;
	const reached = new Promise<void>((resolve) => {
		tell = resolve;
	});
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => undefined); // Its other end is killed: that is the point.
		socket.on('data', () => tell());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	return {
		url: `http://127.0.0.1:${address.port}/token`,
		reached,
		close() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
}
