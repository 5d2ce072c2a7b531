/** Whether a VS Code server is opened at this machine, told from its name in `vscode.env.remoteName`. */

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** @param authority `host:port` for a server in the browser; `ssh-remote`, `wsl` and the like are names, not hosts. */
export function isLoopbackAuthority(authority: string): boolean {
	return LOOPBACK_HOSTS.has(authority.toLowerCase().replace(/:\d+$/, ''));
}
