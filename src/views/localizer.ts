/** What texts are made with: VS Code's display in the extension, something plain in tests. */

export type Localizer = {
	/** `{0}`, `{1}` … in the message are replaced by the arguments. */
	t(message: string, ...args: (string | number | boolean)[]): string;
	/** BCP 47 tag of the language that times are written in. */
	readonly language: string;
};

/** Longer names than this are cut; a notification shows no more anyway. */
const NAME_LIMIT = 120;

/**
 * A name that a server or another person chose, for use in a message. VS Code turns `[text](command:…)` in notifications
 * into a link that runs the command, so a name must not be able to form one; line breaks could forge a second sentence.
 */
export function plain(name: string): string {
	const line = name
		.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
		.replaceAll('](', '] (')
		.trim();
	return line.length > NAME_LIMIT ? `${line.slice(0, NAME_LIMIT)}…` : line;
}
