/**
 * "New Terminal with Token Variable": a shell that runs under `agent-auth exec`. The token is not in the terminal's
 * options, because VS Code saves those to the disk. When it has ended, the terminal is marked and the person told.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import type { Clock } from '../../auth/clock.ts';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import type { Access } from '../../auth/terminal/access.ts';
import type { AccessAudit } from '../../auth/terminal/audit.ts';
import { plain } from '../localizer.ts';

const RENAME = 'workbench.action.terminal.renameWithArg';

export type TokenTerminalOptions = {
	/** Folder of the launchers. */
	readonly bin: string;
	readonly expect: Access['expect'];
	readonly audit: AccessAudit;
	readonly clock: Clock;
};

export type TokenTerminals = Disposable & {
	/** Warns first. Resolves when the terminal was opened or the person said no. */
	open(provider: ProviderSnapshot): Promise<void>;
};

type TokenTerminal = {
	readonly terminal: vscode.Terminal;
	readonly provider: ProviderSnapshot['provider'];
	ended: boolean;
};

export function createTokenTerminals({ bin, expect, audit, clock }: TokenTerminalOptions): TokenTerminals {
	const disposables = createDisposables();
	const open = new Map<vscode.Terminal, TokenTerminal & { readonly parts: ReturnType<typeof createDisposables> }>();

	/** VS Code can rename only the terminal that is in front, so a hidden one gets its mark when it is shown. */
	const mark = async ({ terminal, provider, ended }: TokenTerminal): Promise<void> => {
		if (!ended || vscode.window.activeTerminal !== terminal) return;
		const name = vscode.l10n.t('{0}: token expired', plain(provider.label));
		if (terminal.name !== name) await vscode.commands.executeCommand(RENAME, { name });
	};

	const end = async (entry: TokenTerminal): Promise<void> => {
		entry.ended = true;
		// The mark is a name as well.
		const { name } = entry.terminal;
		await mark(entry);
		const again = vscode.l10n.t('Open a New One');
		const answer = await vscode.window.showWarningMessage(
			vscode.l10n.t('The {0} token in the terminal "{1}" has expired.', plain(entry.provider.label), plain(name)),
			again,
		);
		if (answer === again) await start(entry.provider);
	};

	const start = async (provider: ProviderSnapshot['provider']): Promise<void> => {
		const windows = process.platform === 'win32';
		const launcher = path.join(bin, windows ? 'agent-auth.cmd' : 'agent-auth');
		const args = ['exec', provider.id, '--notice-end', '--', vscode.env.shell];
		const terminal = vscode.window.createTerminal({
			name: vscode.l10n.t('{0} token', plain(provider.label)),
			...(windows
				? { shellPath: 'cmd.exe', shellArgs: ['/d', '/c', launcher, ...args] }
				: { shellPath: launcher, shellArgs: args }),
			iconPath: new vscode.ThemeIcon('key', new vscode.ThemeColor('terminal.ansiYellow')),
			// Reviving it after a restart would run a shell without the token under the same name.
			isTransient: true,
		});
		const parts = createDisposables();
		// The warning was the question: the terminal that it opened is not asked about a second time.
		parts.add(expect(provider.id, Promise.resolve(terminal.processId)));
		const entry = { terminal, provider, ended: false, parts };
		open.set(terminal, entry);
		terminal.show();
		const pid = await terminal.processId;
		let timer: Disposable | undefined;
		const follow = (): void => {
			const given = audit
				.entries()
				.find(
					(use) =>
						use.terminalPid === pid && use.providerId === provider.id && use.use === 'exec' && use.outcome === 'given',
				);
			if (given?.expiresAtMs === undefined || timer !== undefined) return;
			const { expiresAtMs } = given;
			const arm = (): void => {
				timer = parts.add(
					clock.schedule(expiresAtMs - clock.now(), () => {
						// A timer is cut at what it can hold, and the clock of the wall may have moved.
						if (clock.now() < expiresAtMs) arm();
						else void end(entry);
					}),
				);
			};
			arm();
		};
		parts.add(audit.onDidChange(follow));
		follow();
	};

	disposables.add(
		vscode.window.onDidCloseTerminal((terminal) => {
			open.get(terminal)?.parts.dispose();
			open.delete(terminal);
		}),
	);
	disposables.add(
		vscode.window.onDidChangeActiveTerminal((terminal) => {
			const entry = terminal && open.get(terminal);
			if (entry) void mark(entry);
		}),
	);
	return {
		async open({ provider }) {
			const proceed: vscode.MessageItem = { title: vscode.l10n.t('Open Terminal') };
			const answer = await vscode.window.showWarningMessage(
				vscode.l10n.t('Open a terminal that has the {0} token in its environment?', plain(provider.label)),
				{
					modal: true,
					detail: vscode.l10n.t(
						'Every program in it can read the token, and may print or log it. It is not renewed there. Tools that can call a command should use `agent-auth token` instead.',
					),
				},
				proceed,
			);
			if (answer === proceed) await start(provider);
		},
		dispose() {
			for (const { parts } of open.values()) parts.dispose();
			open.clear();
			disposables.dispose();
		},
	};
}
