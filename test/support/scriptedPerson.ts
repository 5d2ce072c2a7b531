/** The person at the keyboard, in code: implements what a sign-in asks of the host's dialogs. */
import type { Identity } from '../../src/auth/credential.ts';
import type { FlowKind, PasteProblem, SignInChoice, SignInSession, SignInStep } from '../../src/auth/signIn/ui.ts';

export type ScriptedPerson = {
	readonly session: SignInSession;
	readonly steps: SignInStep[];
	/** Every address the browser was opened with. */
	readonly opened: string[];
	readonly asked: { readonly expectedLabel: string; readonly actual: Identity }[];
	readonly problems: (PasteProblem | undefined)[];
	/** Flows that were offered as "another way". */
	readonly offered: (readonly FlowKind[])[];
	choose(choice: SignInChoice): void;
	cancel(): void;
	/** The first step of this kind, now or later. */
	step<K extends SignInStep['kind']>(kind: K): Promise<Extract<SignInStep, { kind: K }>>;
	/** How many choice handlers are registered. */
	handlers(): number;
};

export type Script = {
	readonly onOpen?: (url: string) => unknown;
	readonly opens?: boolean;
	readonly paste?: (url: string, problem: PasteProblem | undefined) => Promise<string | undefined>;
	readonly pick?: (available: readonly FlowKind[]) => Promise<FlowKind | undefined>;
	readonly confirm?: () => Promise<boolean>;
};

export function createScriptedPerson(script: Script = {}): ScriptedPerson {
	const cancelling = new AbortController();
	const steps: SignInStep[] = [];
	const opened: string[] = [];
	const asked: { expectedLabel: string; actual: Identity }[] = [];
	const problems: (PasteProblem | undefined)[] = [];
	const offered: (readonly FlowKind[])[] = [];
	const handlers = new Set<(choice: SignInChoice) => void>();
	const waiting = new Set<() => void>();
	const session: SignInSession = {
		signal: cancelling.signal,
		report(step) {
			steps.push(step);
			for (const look of [...waiting]) look();
		},
		onChoice(handler) {
			handlers.add(handler);
			return { dispose: () => void handlers.delete(handler) };
		},
		async openBrowser(url) {
			opened.push(url);
			script.onOpen?.(url);
			return script.opens ?? true;
		},
		async askForRedirectUrl(url, problem) {
			problems.push(problem);
			return script.paste?.(url, problem);
		},
		async pickFlow(available) {
			offered.push(available);
			return script.pick?.(available);
		},
		async confirmOtherAccount(expectedLabel, actual) {
			asked.push({ expectedLabel, actual });
			return script.confirm?.() ?? false;
		},
	};
	return {
		session,
		steps,
		opened,
		asked,
		problems,
		offered,
		choose: (choice) => {
			for (const handler of [...handlers]) handler(choice);
		},
		cancel: () => cancelling.abort(),
		handlers: () => handlers.size,
		step: <K extends SignInStep['kind']>(kind: K) =>
			new Promise<Extract<SignInStep, { kind: K }>>((resolve) => {
				const look = (): void => {
					const found = steps.find((step): step is Extract<SignInStep, { kind: K }> => step.kind === kind);
					if (found === undefined) return;
					waiting.delete(look);
					resolve(found);
				};
				waiting.add(look);
				look();
			}),
	};
}
