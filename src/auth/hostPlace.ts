/** Whether the person's browser and this extension host are on one machine, told from what VS Code says of the host. */

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** @param authority `host:port` for a server in the browser; `ssh-remote`, `wsl` and the like are names, not hosts. */
function isLoopbackAuthority(authority: string): boolean {
	return LOOPBACK_HOSTS.has(authority.toLowerCase().replace(/:\d+$/, ''));
}

export type HostPlace = {
	readonly isDesktop: boolean;
	/** `vscode.env.remoteName`: undefined in a local window. */
	readonly remoteName: string | undefined;
	/** The extension runs beside the person's screen, also where the window is remote. */
	readonly isUi: boolean;
};

/**
 * True if a browser that VS Code opens reaches 127.0.0.1 of this process: a desktop window's own host, or a VS Code server
 * that is itself opened at a loopback address. A forwarded port looks the same, which is why there is "another way".
 */
export function sharesLoopback({ isDesktop, remoteName, isUi }: HostPlace): boolean {
	if (isDesktop) return remoteName === undefined || isUi;
	return remoteName !== undefined && isLoopbackAuthority(remoteName);
}
