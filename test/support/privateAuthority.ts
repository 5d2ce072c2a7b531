/**
 * A certificate authority that nobody outside of one test knows, as an organisation has one, and a place on the loopback
 * interface where TLS with its certificates ends. Node cannot make certificates; openssl can.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import path from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';

export type KeyPair = { readonly key: string; readonly cert: string };

export type PrivateAuthority = {
	/** Its own certificate: who has it in the list of trusted ones believes what it issued. */
	readonly file: string;
	issue(host: string): Promise<KeyPair>;
};

const openssl = (args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', [...args]);
const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'] as const;

/** @param name of the folder and of the authority, so that one test can have two. */
export async function createPrivateAuthority(parent: string, name: string): Promise<PrivateAuthority> {
	const folder = path.join(parent, name);
	await mkdir(folder, { recursive: true });
	const [key, file] = [path.join(folder, 'authority.key'), path.join(folder, 'authority.pem')];
	await openssl(['req', '-x509', ...EC_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', file]);
	return {
		file,
		async issue(host) {
			const [leafKey, leaf] = [path.join(folder, `${host}.key`), path.join(folder, `${host}.pem`)];
			const extensions = path.join(folder, `${host}.cnf`);
			await writeFile(extensions, `subjectAltName=DNS:${host}\nbasicConstraints=critical,CA:FALSE\n`);
			const request = path.join(folder, `${host}.csr`);
			await openssl([
				'req',
				'-new',
				...EC_KEY.slice(0, 5),
				'-subj',
				`/CN=${host}`,
				'-keyout',
				leafKey,
				'-out',
				request,
			]);
			const signed = ['-CA', file, '-CAkey', key, '-CAcreateserial', '-days', '2', '-extfile', extensions];
			await openssl(['x509', '-req', '-in', request, ...signed, '-out', leaf]);
			return { key: await readFile(leafKey, 'utf8'), cert: await readFile(leaf, 'utf8') };
		},
	};
}

export type TlsFront = {
	readonly port: number;
	/** Connections from now on see this certificate. */
	use(certificate: KeyPair): void;
	close(): Promise<void>;
};

/** Ends TLS and hands on what is inside to a port of the loopback interface. */
export async function startTlsFront(certificate: KeyPair, targetPort: number): Promise<TlsFront> {
	const sockets = new Set<Socket>();
	const keep = (socket: Socket): void => {
		sockets.add(socket);
		socket.on('error', () => socket.destroy());
		socket.on('close', () => sockets.delete(socket));
	};
	const server = createServer(certificate, (client) => {
		const target = connect(targetPort, '127.0.0.1');
		for (const socket of [client, target]) keep(socket);
		client.on('close', () => target.destroy());
		target.on('close', () => client.destroy());
		client.pipe(target).pipe(client);
	});
	// A client that does not like the certificate hangs up.
	server.on('tlsClientError', (_error, socket) => socket.destroy());
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: (server.address() as AddressInfo).port,
		use: (next) => server.setSecureContext(next),
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
	};
}
