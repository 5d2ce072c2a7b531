/** Tokens of buckets whose credential is a command of the settings: one source for each command, for as long as it is configured. */
import { AuthError, isAuthError } from '../errors.ts';
import type { Provider } from '../provider.ts';
import type { CommandSpec } from '../reference/commandReference.ts';
import type { CommandSource, CommandSourceDeps, createCommandSource } from '../reference/commandSource.ts';
import type { TokenRequest } from '../service.ts';
import type { AccessToken } from '../snapshot.ts';

export type References = {
	/** Runs the command or takes what it printed not long ago. Rejects as {@link CommandSource.get}, and with `configuration`. */
	token(
		providerId: string,
		command: string,
		request: Pick<TokenRequest, 'deadlineMs' | 'signal' | 'minTtlMs' | 'refusedDigest'>,
	): Promise<AccessToken>;
	dispose(): void;
};

export type ReferencesOptions = Omit<CommandSourceDeps, 'providerId'> & {
	readonly providers: () => readonly Provider[];
};

export function createReferences(options: ReferencesOptions): References {
	const sources = new Map<string, { readonly spec: string; readonly source: CommandSource }>();

	function sourceOf(
		create: typeof createCommandSource,
		providerId: string,
		command: string,
		spec: CommandSpec,
	): CommandSource {
		const key = JSON.stringify([providerId, command]);
		const text = JSON.stringify(spec);
		const present = sources.get(key);
		if (present?.spec === text) return present.source;
		present?.source.dispose();
		const source = create(spec, {
			...options,
			providerId,
			field: `${providerId}.commands.${command}`,
		});
		sources.set(key, { spec: text, source });
		return source;
	}

	return {
		async token(providerId, command, request) {
			const { createCommandSource } = await import('../reference/commandSource.ts');
			const spec = options.providers().find(({ id }) => id === providerId)?.commands?.[command];
			if (!spec)
				throw new AuthError('configuration', 'the settings have no such command any more', {
					detail: { provider: providerId, field: `${providerId}.commands.${command}` },
				});
			const source = sourceOf(createCommandSource, providerId, command, spec);
			try {
				const { token, expiresAtMs } = await source.get(request);
				return { value: token, scopes: [], ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
			} catch (error) {
				// A settings change ends the source under those who wait for it: they ask the new one.
				if (
					isAuthError(error, 'cancelled') &&
					!request.signal?.aborted &&
					sources.get(JSON.stringify([providerId, command]))?.source !== source
				)
					throw new AuthError('transient', 'the command was changed meanwhile', { cause: error });
				throw error;
			}
		},
		dispose() {
			for (const { source } of sources.values()) source.dispose();
			sources.clear();
		},
	};
}
