/**
 * The file with which an organisation gives its machines providers. Same rules as the setting, and its entries win.
 * Read synchronously: providers are registered at the top of `activate`, before VS Code asks for them.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { othersMayWrite } from './managedFileGuard.ts';
import type { Provider } from './provider.ts';
import type { ParsedProviders, SettingsProblem } from './settings.ts';
import { parseProviders } from './settings.ts';
import { isUtf16 } from './textEncoding.ts';

/** A bigger file is no list of providers, and reading it would hold up the start. */
const MAX_FILE_BYTES = 1024 * 1024;

export type ManagedProviders =
	| { readonly kind: 'absent' }
	/** It is there and cannot be read: nothing is known about what the organisation wants. */
	| { readonly kind: 'unreadable'; readonly cause: unknown }
	/** Not JSON, not an object by id, or too big. */
	| { readonly kind: 'invalid' }
	/** Text, but not in UTF-8. */
	| { readonly kind: 'utf16' }
	/** Somebody else than an administrator could have written it; `why` is for the log. */
	| { readonly kind: 'foreign'; readonly why: string }
	/** `ids` holds also those of entries that are bad: they are the organisation's, whatever the settings say. */
	| ({ readonly kind: 'read'; readonly ids: readonly string[] } & ParsedProviders);

/** @param env only `ProgramData` is read, on Windows. */
export function managedProvidersPath(
	platform: NodeJS.Platform,
	env: Readonly<Record<string, string | undefined>>,
): string {
	if (platform === 'win32') {
		return path.win32.join(env.ProgramData ?? 'C:\\ProgramData', 'Agent Auth', 'providers.json');
	}
	return platform === 'darwin'
		? '/Library/Application Support/Agent Auth/providers.json'
		: '/etc/agent-auth/providers.json';
}

/** @param distrust why the file is not to be believed; undefined if it is */
export function readManagedProviders(
	file: string,
	distrust: (file: string) => string | undefined = othersMayWrite,
): ManagedProviders {
	let content: string;
	try {
		const { size } = statSync(file);
		const why = distrust(file);
		if (why !== undefined) return { kind: 'foreign', why };
		if (size > MAX_FILE_BYTES) return { kind: 'invalid' };
		const bytes = readFileSync(file);
		if (isUtf16(bytes)) return { kind: 'utf16' };
		content = bytes.toString('utf8');
	} catch (cause) {
		return isAbsent(cause) ? { kind: 'absent' } : { kind: 'unreadable', cause };
	}
	let value: unknown;
	try {
		// A byte order mark is what Windows editors put in front.
		value = JSON.parse(content.replace(/^\uFEFF/, ''));
	} catch {
		// A syntax error's text quotes the file; the kind says all that matters.
		return { kind: 'invalid' };
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid' };
	return { kind: 'read', ids: Object.keys(value), ...parseProviders(value) };
}

function isAbsent(error: unknown): boolean {
	return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

export type MergedProviders = {
	/** Managed ones first. */
	readonly providers: readonly Provider[];
	readonly problems: readonly (SettingsProblem & { readonly source: 'settings' | 'managed' })[];
	/** Ids of the settings that the managed file takes precedence over. */
	readonly overridden: readonly string[];
};

export function mergeProviders(settings: ParsedProviders, managed: ManagedProviders): MergedProviders {
	const own = managed.kind === 'read' ? managed : { ids: [], providers: [], problems: [] };
	const taken = new Set(own.ids);
	return {
		providers: [...own.providers, ...settings.providers.filter(({ id }) => !taken.has(id))],
		problems: [
			...own.problems.map((problem) => ({ ...problem, source: 'managed' as const })),
			...settings.problems.map((problem) => ({ ...problem, source: 'settings' as const })),
		],
		overridden: settings.providers.filter(({ id }) => taken.has(id)).map(({ id }) => id),
	};
}
