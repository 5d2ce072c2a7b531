/**
 * The demo service as a process of its own: `node test/server/main.ts [options]`. Prints one line of JSON
 * (`issuer`, `clientId`, `whoamiUrl`, with --control also `control`) when it is ready, and ends on SIGINT or SIGTERM.
 */
import { parseArgs } from 'node:util';
import { startControl } from './control.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
	options: {
		port: { type: 'string', default: '0' },
		'access-token-life': { type: 'string', default: '3600' },
		'refresh-token-life': { type: 'string' },
		'grace-ms': { type: 'string', default: '0' },
		'device-interval': { type: 'string', default: '5' },
		/** Opens the control port for tests. */
		control: { type: 'boolean', default: false },
		/** Ends when standard input closes, so that it never outlives the process that started it. */
		'end-with-parent': { type: 'boolean', default: false },
	},
});

const server = await startServer({
	port: number('port', values.port),
	accessTokenLifeS: number('access-token-life', values['access-token-life']),
	gracePeriodMs: number('grace-ms', values['grace-ms']),
	deviceIntervalS: number('device-interval', values['device-interval']),
	...(values['refresh-token-life'] === undefined
		? {}
		: { refreshTokenLifeS: number('refresh-token-life', values['refresh-token-life']) }),
});
const control = values.control ? await startControl(server) : undefined;

const { issuer, clientId, whoamiUrl } = server;
console.log(JSON.stringify({ issuer, clientId, whoamiUrl, ...(control && { control: control.url }) }));

const end = (): void => {
	process.stdin.unref?.();
	Promise.all([server.close(), control?.close()]).then(
		() => process.exit(0),
		(error: unknown) => {
			console.error(error);
			process.exit(1);
		},
	);
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
if (values['end-with-parent']) process.stdin.once('end', end).once('error', end).resume();

function number(name: string, value: string): number {
	const parsed = Number(value);
	if (value.trim() === '' || !Number.isFinite(parsed) || parsed < 0)
		throw new Error(`--${name} is not a number: ${value}`);
	return parsed;
}
