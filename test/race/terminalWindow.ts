/**
 * A window as a process of its own: terminal access with a fake service, steered by messages of the test that forked
 * it. Started with nothing secret in arguments or environment.
 */
import { systemClock } from '../../src/auth/clock.ts';
import { createTerminalAccess } from '../../src/auth/terminal/terminalAccess.ts';
import { collectingLogger, fakeService } from '../support/terminalFakes.ts';

export type WindowConfig = {
	readonly globalStoragePath: string;
	readonly helperBundlePath: string;
	readonly tokenPrefix: string;
	readonly workspaceFolders: readonly string[];
	readonly terminalPids: readonly number[];
	/** What the person says; `never` leaves the question open. */
	readonly answer: 'yes' | 'no' | 'never';
	readonly trusted: boolean;
};

export type WindowReport = {
	readonly asked: readonly string[];
	readonly tokens: number;
	readonly log: readonly string[];
};
export type WindowCommand =
	| { readonly kind: 'open'; readonly config: WindowConfig }
	| { readonly kind: 'report' | 'close' };

function open(config: WindowConfig) {
	const service = fakeService(config.tokenPrefix);
	const log = collectingLogger();
	const asked: string[] = [];
	const access = createTerminalAccess({
		service,
		globalStoragePath: config.globalStoragePath,
		helperBundlePath: config.helperBundlePath,
		log,
		clock: systemClock,
		ask(consumer) {
			asked.push(consumer.kind);
			return config.answer === 'never' ? new Promise(() => undefined) : Promise.resolve(config.answer === 'yes');
		},
		terminals: () => Promise.resolve(config.terminalPids.map((pid) => ({ pid, name: `terminal ${pid}` }))),
		isTrusted: () => config.trusted,
		workspaceFolders: () => config.workspaceFolders,
	});
	return { access, report: (): WindowReport => ({ asked, tokens: service.tokens, log: log.lines }) };
}

let window: ReturnType<typeof open> | undefined;

process.on('message', async (command: WindowCommand) => {
	switch (command.kind) {
		case 'open':
			window = open(command.config);
			await window.access.started;
			process.send?.('opened');
			break;
		case 'report':
			process.send?.(window?.report());
			break;
		case 'close':
			// As a host ends: what is not done when this returns does not happen.
			window?.access.dispose();
			process.exit(0);
	}
});
