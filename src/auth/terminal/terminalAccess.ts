/** Puts the parts of terminal access together for one window; knows nothing of VS Code. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { AuthError, toAuthError } from '../errors.ts';
import { createDisposables, type Disposable, type Event } from '../event.ts';
import { processStartTime, selfIdentity } from '../lease/processIdentity.ts';
import { describeError, type Logger } from '../log.ts';
import { requirePrivateFolder } from '../privateFolder.ts';
import { type AccessOptions, createAccess, type Grant, type TerminalProcess } from './access.ts';
import { type Publication, publishDescriptor } from './descriptor.ts';
import { installLauncher } from './launcher.ts';
import { SECRET_LENGTH } from './protocol.ts';
import { handleRequest, type TerminalService, type TerminalSignIn } from './requestHandler.ts';
import { listen } from './server.ts';
import { chooseSocketAddress } from './socketAddress.ts';
import { sweepDescriptors } from './sweep.ts';

export type TerminalFolders = {
	/** Goes on PATH. */
	readonly bin: string;
	/** Where windows announce themselves; `AGENT_AUTH_RUN`. */
	readonly run: string;
};

/** The same for every window, reload and version. */
export function terminalFolders(globalStoragePath: string): TerminalFolders {
	return { bin: path.join(globalStoragePath, 'bin'), run: path.join(globalStoragePath, 'run') };
}

export type TerminalAccessOptions = {
	readonly service: TerminalService;
	readonly globalStoragePath: string;
	/** The helper as the extension brings it, `dist/helper.cjs`. */
	readonly helperBundlePath: string;
	readonly log: Logger;
	readonly clock: Clock;
	/** Asks the person. Called once per consumer and provider at a time. */
	readonly ask: AccessOptions['ask'];
	readonly terminals: () => Promise<readonly TerminalProcess[]>;
	readonly isTrusted: () => boolean;
	readonly workspaceFolders: () => readonly string[];
	readonly signIn?: TerminalSignIn;
};

export type TerminalAccess = Disposable & {
	readonly folders: TerminalFolders;
	/** Resolves when the window can be found from terminals. Rejects with `AuthError` `storage` or `configuration`. */
	readonly started: Promise<void>;
	/** False takes socket and descriptor away, as when the window is gone; true brings them back. Grants stay. */
	setAvailable(available: boolean): void;
	/** To be called when the workspace folders changed. */
	workspaceFoldersChanged(): void;
	grants(): readonly Grant[];
	revoke(grantId: string): void;
	readonly onDidChangeGrants: Event<readonly Grant[]>;
};

/** What other processes see of this window. */
type Presence = Disposable & { readonly publication: Publication };

/**
 * Starts at once and in the background. Disposing is synchronous and may come at any time: what is not there yet is
 * withdrawn as soon as it appears.
 */
export function createTerminalAccess(options: TerminalAccessOptions): TerminalAccess {
	const { clock, log } = options;
	const folders = terminalFolders(options.globalStoragePath);
	const disposables = createDisposables();
	const access = disposables.add(createAccess({ ...options, processStartTime }));
	let presence: Presence | undefined;
	let wanted = true;
	let disposed = false;

	async function prepare(): Promise<string> {
		await requirePrivateFolder(folders.bin);
		await requirePrivateFolder(folders.run);
		return installLauncher({
			binFolder: folders.bin,
			runFolder: folders.run,
			helperBundlePath: options.helperBundlePath,
			clock,
		});
	}

	/** Socket first, then the descriptor that names it: who finds the one can use the other. */
	async function appear(): Promise<Presence> {
		const helperPath = await prepare();
		const address = await chooseSocketAddress({
			storagePath: options.globalStoragePath,
			platform: process.platform,
			runtimeFolder: process.env.XDG_RUNTIME_DIR || undefined,
			temporaryFolder: tmpdir(),
		});
		const parts = createDisposables();
		const secret = randomBytes(SECRET_LENGTH / 2).toString('hex');
		const handle = handleRequest.bind(undefined, { ...options, access });
		parts.add(await listen({ address, secret, handle, clock, log }));
		const self = await selfIdentity();
		const publication = parts.add(
			await publishDescriptor(folders.run, {
				process: self,
				socket: address,
				secret,
				workspaceFolders: [...options.workspaceFolders()],
				nodePath: process.execPath,
				helperPath,
				createdAtMs: clock.now(),
			}),
		);
		log.info('terminals can ask this window for tokens');
		const socketFolder = process.platform === 'win32' ? {} : { socketFolder: path.dirname(address) };
		void sweepDescriptors({ runFolder: folders.run, self, clock, ...socketFolder }).then(
			(removed) => log.debug(`removed ${removed} descriptors of windows that have gone`),
			(error: unknown) => log.warn(`sweeping descriptors: ${describeError(error)}`),
		);
		return { publication, dispose: parts.dispose };
	}

	/** Brings what is into line with what is wanted now; one change after the other. */
	async function settle(): Promise<void> {
		if (wanted && !disposed && presence === undefined) presence = await appear();
		if (presence !== undefined && (!wanted || disposed)) {
			presence.dispose();
			presence = undefined;
		}
		if (disposed) throw new AuthError('cancelled', 'disposed while starting');
	}

	const started = settle().catch((error: unknown) => {
		throw toAuthError(error, 'storage', 'terminal access cannot start');
	});
	const report = (error: unknown): void => {
		if (!disposed) log.error(`terminal access: ${describeError(error)}`);
	};
	let turn = started.catch(report);

	return {
		folders,
		started,
		setAvailable(available) {
			wanted = available;
			turn = turn.then(settle).catch(report);
		},
		workspaceFoldersChanged() {
			presence?.publication.update(options.workspaceFolders()).catch((error: unknown) => {
				log.warn(`announcing workspace folders: ${describeError(error)}`);
			});
		},
		grants: access.grants,
		revoke: access.revoke,
		onDidChangeGrants: access.onDidChangeGrants,
		dispose() {
			disposed = true;
			presence?.dispose();
			disposables.dispose();
		},
	};
}
