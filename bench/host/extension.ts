/** Runs in the extension host: asks for sessions of ours and of a constant, in turns, and writes down how long each took. */
import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';

const OURS = 'agent-auth.demo';
const CONSTANT = 'bench-constant';
const SCOPES = ['openid', 'email', 'profile', 'offline_access', 'api'];

const SESSION: vscode.AuthenticationSession = {
	id: 'constant',
	accessToken: 'c'.repeat(43),
	account: { id: 'constant', label: 'constant' },
	scopes: SCOPES,
};

export function activate(context: vscode.ExtensionContext): void {
	const changes = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>();
	let signedIn = false;
	context.subscriptions.push(
		changes,
		vscode.authentication.registerAuthenticationProvider(
			CONSTANT,
			'Constant',
			{
				onDidChangeSessions: changes.event,
				getSessions: async () => (signedIn ? [SESSION] : []),
				async createSession() {
					signedIn = true;
					changes.fire({ added: [SESSION], removed: [], changed: [] });
					return SESSION;
				},
				removeSession: async () => undefined,
			},
			{ supportsMultipleAccounts: true },
		),
		vscode.commands.registerCommand('bench.allowOurs', () => allow(OURS)),
		vscode.commands.registerCommand('bench.allowConstant', () => allow(CONSTANT)),
		vscode.commands.registerCommand('bench.run', run),
	);
}

async function allow(id: string): Promise<void> {
	const session = await vscode.authentication.getSession(id, SCOPES, { createIfNone: true });
	void vscode.window.showInformationMessage(`Bench: ${id} gave ${session.account.label}`);
}

async function run(): Promise<void> {
	const { AGENT_AUTH_BENCH_OUT: target = '', AGENT_AUTH_BENCH_PAIRS: pairs = '0' } = process.env;
	const times = { ours: [] as number[], constant: [] as number[] };
	for (let warm = 0; warm < 10; warm++) for (const id of [OURS, CONSTANT]) await timed(id);
	for (let pair = 0; pair < Number(pairs); pair++) {
		// Who goes first changes, so that neither always pays for what came before.
		const order = pair % 2 === 0 ? (['ours', 'constant'] as const) : (['constant', 'ours'] as const);
		for (const who of order) times[who].push(await timed(who === 'ours' ? OURS : CONSTANT));
	}
	writeFileSync(target, JSON.stringify(times));
	void vscode.window.showInformationMessage('Bench: done');
}

async function timed(id: string): Promise<number> {
	const startedMs = performance.now();
	const session = await vscode.authentication.getSession(id, SCOPES, { silent: true });
	const tookMs = performance.now() - startedMs;
	if (session === undefined) throw new Error(`${id} has no session`);
	return tookMs;
}
