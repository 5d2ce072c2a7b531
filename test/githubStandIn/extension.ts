/**
 * The authentication provider `github` where GitHub cannot be reached: everything about it is VS Code's but the sign-in, which
 * succeeds at once. What it issued is in its storage folder, for a test to compare.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';

export function activate(context: vscode.ExtensionContext): void {
	const changed = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>();
	let sessions: readonly vscode.AuthenticationSession[] = [];
	const provider: vscode.AuthenticationProvider = {
		onDidChangeSessions: changed.event,
		// GitHub's own compares scopes as a set; who asks for none gets all.
		async getSessions(scopes) {
			const wanted = [...(scopes ?? [])].sort().join(' ');
			return sessions.filter((session) => scopes === undefined || [...session.scopes].sort().join(' ') === wanted);
		},
		async createSession(scopes) {
			const account = { id: '1', label: 'octocat' };
			const session = { id: randomUUID(), accessToken: `gho_${randomUUID()}`, account, scopes };
			const folder = context.globalStorageUri.fsPath;
			await mkdir(folder, { recursive: true });
			await writeFile(path.join(folder, 'issued'), session.accessToken);
			sessions = [...sessions, session];
			changed.fire({ added: [session], removed: [], changed: [] });
			return session;
		},
		async removeSession(id) {
			const removed = sessions.filter((session) => session.id === id);
			sessions = sessions.filter((session) => session.id !== id);
			changed.fire({ added: [], removed, changed: [] });
		},
	};
	context.subscriptions.push(
		changed,
		vscode.authentication.registerAuthenticationProvider('github', 'GitHub', provider),
	);
}
