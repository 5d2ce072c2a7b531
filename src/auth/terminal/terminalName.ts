/** What a terminal is called where the person is asked about it. */
import path from 'node:path';

export type NamedTerminal = {
	/** As VS Code shows it. */
	readonly name: string;
	/** Of its own options; absent for most. */
	readonly shellPath: string | undefined;
	/** What VS Code starts by default; '' where it does not say. */
	readonly defaultShell: string;
};

/**
 * VS Code names a terminal by the program in front, unless the person named it. While a terminal asks, that is the helper:
 * then its shell says more than the launcher's `sh` or the editor's own Node.
 * @param editorNode path of the latter
 */
export function terminalName({ name, shellPath, defaultShell }: NamedTerminal, editorNode: string): string {
	if (name !== 'sh' && name !== path.parse(editorNode).name) return name;
	return path.parse(shellPath ?? defaultShell).name || name;
}
