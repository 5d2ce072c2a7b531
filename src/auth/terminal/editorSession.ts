/**
 * Tokens of the editor's own sessions, `github` and `microsoft`, for terminals. They belong to VS Code: it asks for its
 * own consent, keeps and renews them, and nothing of them is stored here. A configured provider of the same id wins.
 */
import type { ConsentTarget } from './consumer.ts';

export const EDITOR_PROVIDERS: readonly ConsentTarget[] = [
	{ id: 'github', label: 'GitHub (session of VS Code)' },
	{ id: 'microsoft', label: 'Microsoft (session of VS Code)' },
];

export type EditorSessionRequest = {
	readonly providerId: string;
	/** Blank means whatever was granted before. */
	readonly scopes: readonly string[];
	/** The person may be asked to sign in. */
	readonly interactive: boolean;
	readonly signal: AbortSignal;
	/** Longest wait in ms. */
	readonly deadlineMs: number;
};

export type EditorSessions = {
	/** Rejects with `no_account`, `cancelled`, `timeout`. */
	getToken(request: EditorSessionRequest): Promise<{ readonly value: string; readonly account: string }>;
};

export function editorProvider(id: string): ConsentTarget | undefined {
	return EDITOR_PROVIDERS.find((candidate) => candidate.id === id);
}
