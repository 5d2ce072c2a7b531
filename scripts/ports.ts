/** Ports of this machine's loopback address. */
import { createServer } from 'node:net';

/** The wanted port if it is free now, else 0, with which a server takes any free one. */
export function freePort(wanted: number): Promise<number> {
	const probe = createServer();
	return new Promise((resolve) => {
		probe.once('error', () => resolve(0));
		probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)));
	});
}
