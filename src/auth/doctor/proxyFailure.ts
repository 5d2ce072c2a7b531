/**
 * A request that did not get as far as its own host: VS Code sends it through a proxy, and nobody else knows which. What
 * Node says of a connection that was not made names the place it was for.
 */

/** Causes beyond this say nothing more. */
const MAX_DEPTH = 6;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

/** Whether the name that was not found, or the port that was not reached, is another than that of the address. */
export function failedElsewhere(error: unknown, address: string): boolean {
	const { hostname, port, protocol } = new URL(address);
	return isElsewhere(error, hostname, port === '' ? DEFAULT_PORTS[protocol] : Number(port), 0);
}

function isElsewhere(error: unknown, host: string, port: number | undefined, depth: number): boolean {
	if (!(error instanceof Error) || depth > MAX_DEPTH) return false;
	// One error per address of the same name.
	if (error instanceof AggregateError) return error.errors.some((one) => isElsewhere(one, host, port, depth + 1));
	const field = (name: string): unknown => Reflect.get(error, name);
	const [name, where] = [field('hostname'), field('port')];
	switch (field('syscall')) {
		case 'getaddrinfo':
			return typeof name === 'string' && name.toLowerCase() !== host;
		case 'connect':
			return typeof where === 'number' && where !== port;
		default:
			return isElsewhere(error.cause, host, port, depth + 1);
	}
}
