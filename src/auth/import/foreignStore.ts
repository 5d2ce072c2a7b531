/**
 * The credential files of other tools. Nothing is taken from them: a refresh token works for one owner, and a copy ends the
 * session of whoever uses it second. What they hold is had by a sign-in of one's own.
 */
import path from 'node:path';

/** `tool` is the name that people know; absent if the file only looks like such a store. */
export type ForeignStore = { readonly tool?: string };

/** By the end of the path, in lower case; folders of a tool hold nothing that is ours to read. */
const FILES: readonly (readonly [tool: string, pattern: RegExp])[] = [
	['Codex', /(?:^|\/)\.codex\/[^/]*\.json$/],
	['Claude Code', /(?:^|\/)\.claude(?:\/.*)?\/\.?credentials\.json$|(?:^|\/)\.claude\.json$/],
	['GitHub CLI', /(?:^|\/)(?:\.config\/gh|github cli)\/hosts\.ya?ml$/],
	['GitHub Copilot', /(?:^|\/)github-copilot\/(?:hosts|apps)\.json$|(?:^|\/)\.copilot\/config\.json$/],
	['Gemini CLI', /(?:^|\/)\.gemini\/(?:oauth_creds|google_accounts)\.json$/],
	['Google Cloud CLI', /(?:^|\/)gcloud\/(?:application_default_credentials\.json|(?:credentials|access_tokens)\.db)$/],
	['AWS CLI', /(?:^|\/)\.aws\/(?:credentials|(?:sso|cli)\/cache\/[^/]*)$/],
	['Azure CLI', /(?:^|\/)\.azure\/(?:msal_token_cache|accesstokens|service_principal_entries)\.(?:json|bin)$/],
	['opencode', /(?:^|\/)opencode\/(?:mcp-)?auth\.json$/],
	['Docker', /(?:^|\/)\.docker\/config\.json$/],
	['kubectl', /(?:^|\/)\.kube\/config$/],
	['Git', /(?:^|\/)(?:\.git-credentials|git\/credentials)$/],
	['npm', /(?:^|\/)\.npmrc$/],
	['netrc', /(?:^|\/)[._]netrc$/],
];

/** Structured text with the fields of an OAuth session, whatever the file is called. */
const SESSION_FIELD = /["']?\b(?:refresh_?token|oauth_?token|id_?token)\b["']?\s*:/i;

export function foreignFile(file: string): ForeignStore | undefined {
	const normal = path.normalize(file).replaceAll('\\', '/').toLowerCase();
	const found = FILES.find(([, pattern]) => pattern.test(normal));
	return found === undefined ? undefined : { tool: found[0] };
}

/** A copy under another name, or the store of a tool that is not in the list. */
export function foreignContent(text: string): ForeignStore | undefined {
	// Lines of a `.env` file may quote anything; there each variable is judged by itself.
	const structured = /^\uFEFF?\s*[{[]/.test(text) || !/^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=/m.test(text);
	return structured && SESSION_FIELD.test(text) ? {} : undefined;
}
