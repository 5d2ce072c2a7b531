/** What has to change in the environment that terminals get, so that what is right already is never touched. Pure. */

/** A variable and how its value is put in; `type` is VS Code's number for the latter. */
export type Contribution = { readonly type: number; readonly value: string };

/** As VS Code has it, which keeps it over restarts. */
export type PresentContribution = Contribution & {
	readonly options: { readonly applyAtProcessCreation?: boolean; readonly applyAtShellIntegration?: boolean };
};

/** At shell integration as well, because login shells put PATH together anew. */
export const WHEN = { applyAtProcessCreation: true, applyAtShellIntegration: true } as const;

export type EnvironmentChanges = {
	readonly remove: readonly string[];
	readonly put: readonly (readonly [variable: string, contribution: Contribution])[];
};

/** VS Code marks every open terminal for relaunch when anything differs. */
export function environmentChanges(
	present: ReadonlyMap<string, PresentContribution>,
	wanted: ReadonlyMap<string, Contribution>,
): EnvironmentChanges {
	return {
		remove: [...present.keys()].filter((variable) => !wanted.has(variable)),
		put: [...wanted].filter(([variable, contribution]) => !isSame(present.get(variable), contribution)),
	};
}

/** On the desktop the terminals of a remote window run elsewhere, where folders of this machine mean nothing. */
export function terminalsRunElsewhere(host: {
	readonly remoteName: string | undefined;
	readonly isUi: boolean;
}): boolean {
	return host.remoteName !== undefined && host.isUi;
}

function isSame(present: PresentContribution | undefined, wanted: Contribution): boolean {
	return (
		present?.type === wanted.type &&
		present.value === wanted.value &&
		present.options.applyAtProcessCreation === WHEN.applyAtProcessCreation &&
		present.options.applyAtShellIntegration === WHEN.applyAtShellIntegration
	);
}
