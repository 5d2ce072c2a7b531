/**
 * A process that signs in, renews and signs out, and writes down every connection and every name that it asks for. Started
 * by `redactionNetwork.test.ts` with an issuer and a folder; prints what it saw as one line of JSON.
 */
import diagnostics from 'node:diagnostics_channel';
import dns from 'node:dns';
import { createServer } from 'node:http';
import net from 'node:net';
import { digest } from '../../src/auth/log.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi } from './serviceWindow.ts';

/** What the child saw. */
export type Witnessed = {
	/** `host:port` or the path of a socket, of everything that was connected to. */
	readonly connected: readonly string[];
	/** Names that were looked up. */
	readonly resolved: readonly string[];
	/** Addresses that were listened on. */
	readonly listened: readonly string[];
	readonly origins: readonly string[];
};

const connected: string[] = [];
const resolved: string[] = [];
const listened: string[] = [];
const origins: string[] = [];

// Below every client: undici, http and net all end here.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
	const first = Array.isArray(args[0]) ? args[0][0] : args[0];
	const { host, port, path }: { host?: string; port?: number; path?: string } =
		typeof first === 'object' && first !== null ? first : { host: String(args[1]), port: Number(first) };
	connected.push(path ?? `${host}:${port}`);
	return Reflect.apply(connect, this, args);
};
const lookup = dns.lookup;
Object.assign(dns, {
	lookup: (name: string, ...rest: unknown[]) => {
		if (net.isIP(name) === 0) resolved.push(name);
		return Reflect.apply(lookup, dns, [name, ...rest]);
	},
});
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
	listened.push(JSON.stringify(args[0]));
	return Reflect.apply(listen, this, args);
};
diagnostics.subscribe('undici:request:create', (message) => {
	if (typeof message !== 'object' || message === null || !('request' in message)) return;
	const { request } = message;
	if (typeof request === 'object' && request !== null && 'origin' in request) origins.push(String(request.origin));
});

const [issuer = '', folder = '', stray = ''] = process.argv.slice(2);
const window = openWindow(folder, createSharedKeys(), [demoProvider(issuer)]);
const bucket = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
const issued = await window.service.getToken({ providerId: 'demo', deadlineMs: 20_000, purpose: 'test' });
const refusedDigest = digest(issued.token.value);
await window.service.getToken({ providerId: 'demo', deadlineMs: 20_000, purpose: 'test', refusedDigest });
await window.service.refresh('demo', bucket.id);
await window.service.diagnose();
await window.service.signOut('demo', bucket.id);
window.service.dispose();
if (stray !== '') {
	// So that the test knows that a stray request would be seen.
	const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
	await fetch(stray).catch(() => undefined);
	server.close();
}
const witnessed: Witnessed = { connected, resolved, listened, origins };
console.log(`witnessed ${JSON.stringify(witnessed)}`);
