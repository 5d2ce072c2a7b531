/** Puts the parts of terminal access together for one window; knows nothing of VS Code. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AuthError, toAuthError } from '../errors.ts';
import { createDisposables, type Disposable } from '../event.ts';
import { processStartTime, selfIdentity } from '../lease/processIdentity.ts';
import { describeError } from '../log.ts';
import { requirePrivateFolder } from '../privateFolder.ts';
import { type Access, type AccessOptions, createAccess } from './access.ts';
import { ancestorPidsLater } from './ancestors.ts';
import { type AccessAudit, type AuditLog, createAuditLog } from './audit.ts';
import { type ConsentStore, createConsentStore } from './consentStore.ts';
import { type Consents, createConsents } from './consents.ts';
import type { TerminalProcess } from './consumer.ts';
import { type Publication, publishDescriptor } from './descriptor.ts';
import { type TerminalFolders, terminalFolders } from './folders.ts';
import { createLastTokens } from './lastTokens.ts';
import { installLauncher } from './launcher.ts';
import { programName } from './programName.ts';
import { SECRET_LENGTH } from './protocol.ts';
import type { RequestContext } from './requestContext.ts';
import { handleRequest } from './requestHandler.ts';
import { listen } from './server.ts';
import { chooseSocketAddress } from './socketAddress.ts';
import { sweepDescriptors } from './sweep.ts';
import { createTerminalConsentStore, type TerminalConsentStore } from './terminalConsentStore.ts';
import { askWindow } from './windowClient.ts';

export type TerminalAccessOptions = Pick<
	RequestContext,
	'service' | 'signIn' | 'confirmKey' | 'editorSessions' | 'version' | 'isTrusted' | 'clock' | 'log'
> & {
	readonly globalStoragePath: string;
	/** The helper as the extension brings it, `dist/helper.cjs`. */
	readonly helperBundlePath: string;
	/** Asks the person. Called once per consumer and provider at a time. */
	readonly ask: AccessOptions['ask'];
	readonly terminals: () => Promise<readonly TerminalProcess[]>;
	readonly policy: AccessOptions['policy'];
	readonly workspace: AccessOptions['workspace'];
	readonly workspaceFolders: () => readonly string[];
	/** Instead of on the disk: for a machine where nothing may stay. Then nothing is decided for a workspace. */
	readonly keeping?: Keeping;
};

/** Where decisions and the list of who got what are kept. */
export type Keeping = {
	readonly store: ConsentStore;
	readonly terminalStore: TerminalConsentStore;
	readonly audit: AuditLog;
};

function keepingOnDisk({ globalStoragePath, clock, log }: TerminalAccessOptions): Keeping {
	return {
		store: createConsentStore(path.join(globalStoragePath, 'consents'), log),
		terminalStore: createTerminalConsentStore(path.join(globalStoragePath, 'terminalConsents'), log),
		audit: createAuditLog({ folder: path.join(globalStoragePath, 'audit'), clock, log }),
	};
}

export type TerminalAccess = Disposable & {
	readonly folders: TerminalFolders;
	/** Resolves when the window can be found from terminals. Rejects with `AuthError` `storage` or `configuration`. */
	readonly started: Promise<void>;
	/** False takes socket and descriptor away, as when the window is gone; true brings them back. Grants stay. */
	setAvailable(available: boolean): void;
	/** To be called when the workspace folders changed. */
	workspaceFoldersChanged(): void;
	/** What the person decided and still counts, for a view to show and take back. */
	readonly consents: Consents;
	/** Who got what. */
	readonly audit: AccessAudit;
	/** See `Access.expect`. */
	readonly expect: Access['expect'];
	/** Asks over the own socket, as a terminal would, whether anybody is there. */
	ping(): Promise<boolean>;
};

const DAY_MS = 24 * 60 * 60_000;

/** What other processes see of this window. */
type Presence = Disposable & { readonly publication: Publication; readonly ping: () => Promise<boolean> };

/** This window asks itself, so it is no busier than it knows. */
const PING_LIMIT_MS = 3_000;

/**
 * Starts at once and in the background. Disposing is synchronous and may come at any time: what is not there yet is
 * withdrawn as soon as it appears.
 */
export function createTerminalAccess(options: TerminalAccessOptions): TerminalAccess {
	const { clock, log } = options;
	const folders = terminalFolders(options.globalStoragePath);
	const disposables = createDisposables();
	const { store, terminalStore, audit } = options.keeping ?? keepingOnDisk(options);
	// What can be kept for no workspace is not offered for one.
	const workspace = options.keeping ? () => undefined : options.workspace;
	const access = disposables.add(createAccess({ ...options, workspace, store, terminalStore, processStartTime }));
	disposables.add(audit);
	const context: RequestContext = {
		...options,
		...{ access, audit, programName, lastTokens: createLastTokens() },
		ancestorsOf: (pid) => ancestorPidsLater(pid, process.platform),
	};
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
		const handle = handleRequest.bind(undefined, context);
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
		parts.add(touchEveryDay(publication));
		log.info('terminals can ask this window for tokens');
		const socketFolder = process.platform === 'win32' ? {} : { socketFolder: path.dirname(address) };
		void sweepDescriptors({ runFolder: folders.run, self, clock, ...socketFolder }).then(
			(removed) => log.debug(`removed ${removed} descriptors of windows that have gone`),
			(error: unknown) => log.warn(`sweeping descriptors: ${describeError(error)}`),
		);
		terminalStore.sweep(clock.now()).then(
			(removed) => log.debug(`forgot ${removed} consents of terminals that are closed`),
			(error: unknown) => log.warn(`sweeping consents: ${describeError(error)}`),
		);
		const ping = async (): Promise<boolean> => {
			const limits = { acceptMs: PING_LIMIT_MS, answerMs: PING_LIMIT_MS, onProgress: () => undefined };
			const result = await askWindow({ socket: address, secret, request: { kind: 'ping' }, ...limits });
			return result.kind === 'reply' && result.reply.kind === 'pong' && result.reply.pid === process.pid;
		};
		return { publication, ping, dispose: parts.dispose };
	}

	function touchEveryDay(publication: Publication): Disposable {
		const arm = (): Disposable =>
			clock.schedule(DAY_MS, () => {
				publication.touch(clock.now()).catch((error: unknown) => log.debug(`touching: ${describeError(error)}`));
				timer = arm();
			});
		let timer = arm();
		return { dispose: () => timer.dispose() };
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
		consents: createConsents(access, store, terminalStore, options.terminals),
		audit,
		expect: access.expect,
		ping: async () => (await presence?.ping()) ?? false,
		dispose() {
			disposed = true;
			presence?.dispose();
			disposables.dispose();
		},
	};
}
