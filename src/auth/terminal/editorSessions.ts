/** The editor's own sessions through `vscode.authentication`, with VS Code's consent. Never called for ids of our own. */
import * as vscode from 'vscode';
import { type Clock, withDeadline } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { EditorSessions } from './editorSession.ts';

export function createEditorSessions(clock: Clock): EditorSessions {
	return {
		async getToken({ providerId, scopes, interactive, signal, deadlineMs }) {
			const options: vscode.AuthenticationGetSessionOptions = interactive ? { createIfNone: true } : { silent: true };
			const asked = Promise.resolve(vscode.authentication.getSession(providerId, scopes, options)).catch(
				(error: unknown) => {
					// VS Code rejects with a plain error when the person says no or closes the sign-in.
					throw new AuthError('no_account', 'VS Code gave no session', {
						cause: error,
						detail: { provider: providerId },
					});
				},
			);
			const session = await withDeadline(clock, asked, deadlineMs, signal);
			if (session === undefined) {
				throw new AuthError('no_account', 'VS Code has no session for this', { detail: { provider: providerId } });
			}
			return { value: session.accessToken, account: session.account.label };
		},
	};
}
