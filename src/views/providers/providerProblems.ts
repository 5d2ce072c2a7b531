/** Says what is wrong with the configured services, naming entry and field: once per state of the settings. */
import * as vscode from 'vscode';
import type { Disposable, Event } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { ManagedProviders } from '../../auth/managedProviders.ts';
import type { Provider } from '../../auth/provider.ts';
import type { ProblemCode, SettingsProblem } from '../../auth/settings.ts';
import { display } from '../display.ts';
import { type Localizer, plain } from '../localizer.ts';

type Problem = SettingsProblem & { readonly source: 'settings' | 'managed' };

export type ProviderSettings = {
	providers(): readonly Provider[];
	problems(): readonly Problem[];
	isManaged(providerId: string): boolean;
	managed(): ManagedProviders['kind'];
	readonly onDidChange: Event<void>;
};

/** Speaks now and at every change, when there is something new. */
export function followProviderProblems(settings: ProviderSettings, log: Logger): Disposable {
	let last = '';
	let looks = 0;
	async function look(): Promise<void> {
		const thisLook = ++looks;
		const problems = [...settings.problems(), ...(await ruleProblems(settings))];
		// The settings have changed meanwhile, and somebody looks at them as they are now.
		if (thisLook !== looks) return;
		const messages = [managedText(settings.managed()), ...problems.map((problem) => problemText(problem, display))];
		const texts = messages.filter((text) => text !== undefined);
		const key = JSON.stringify(texts);
		if (key === last) return;
		last = key;
		for (const problem of problems) log.warn(`provider settings: ${problem.text}`);
		const [first] = texts;
		if (first === undefined) return;
		const isOwn = problems.some(({ source }) => source === 'settings');
		await present(first, texts.length - 1, isOwn);
	}
	const follow = (): void => void look().catch((error: unknown) => log.warn(`message failed: ${describeError(error)}`));
	follow();
	return settings.onDidChange(follow);
}

async function ruleProblems(settings: ProviderSettings): Promise<readonly Problem[]> {
	const own = settings.providers().filter(({ ruleOverrides }) => ruleOverrides !== undefined);
	if (own.length === 0) return [];
	const { rulesFor } = await import('../../auth/failover/rules.ts');
	return own.flatMap(({ id, ruleOverrides }) =>
		rulesFor(ruleOverrides).problems.map((text) => ({
			entry: id,
			field: 'rules',
			code: 'rule' as const,
			text: `${id}.${text}`,
			source: settings.isManaged(id) ? 'managed' : 'settings',
		})),
	);
}

function managedText(kind: ManagedProviders['kind']): string | undefined {
	if (kind === 'foreign')
		return vscode.l10n.t(
			"The file with your organisation's services could have been written by others than administrators and is ignored.",
		);
	if (kind === 'unreadable') return vscode.l10n.t("The file with your organisation's services cannot be read.");
	if (kind === 'invalid')
		return vscode.l10n.t("The file with your organisation's services is not valid and is ignored.");
	if (kind === 'utf16')
		return vscode.l10n.t(
			"The file with your organisation's services is written in UTF-16 and is ignored. It must be saved as UTF-8.",
		);
	return undefined;
}

async function present(text: string, others: number, canOpenSettings: boolean): Promise<void> {
	const message =
		others === 0
			? text
			: others === 1
				? vscode.l10n.t('{0} There is 1 more problem; the log lists it.', text)
				: vscode.l10n.t('{0} There are {1} more problems; the log lists them.', text, others);
	const open = vscode.l10n.t('Open Settings');
	const answer = await vscode.window.showWarningMessage(message, ...(canOpenSettings ? [open] : []));
	if (answer !== open) return;
	await vscode.commands.executeCommand('workbench.action.openSettingsJson', {
		revealSetting: { key: 'agentAuth.providers' },
	});
}

function problemText({ entry, field, code, source }: Problem, l10n: Localizer): string {
	const name = plain([entry, field].filter((part) => part !== '').join('.'));
	const where =
		source === 'managed' ? l10n.t("your organisation's providers") : l10n.t('the setting agentAuth.providers');
	const what = codeText(code, l10n);
	return name === '' ? `${where}: ${what}` : l10n.t('{0} in {1}: {2}', name, where, what);
}

function codeText(code: ProblemCode, l10n: Localizer): string {
	switch (code) {
		case 'missing':
			return l10n.t('this field is required, so the service is left out.');
		case 'unknownField':
			return l10n.t('there is no such field; it is ignored.');
		case 'value':
			return l10n.t('this value is not allowed here, so the service is left out.');
		case 'url':
			return l10n.t('this is not a usable address, so the service is left out.');
		case 'insecureUrl':
			return l10n.t('the address must begin with https (http only on this machine), so the service is left out.');
		case 'id':
			return l10n.t('an id has lower-case letters, digits and hyphens, at most 40; the service is left out.');
		case 'type':
			return l10n.t('the type must be "oidc", "oauth2" or "apiKey", so the service is left out.');
		case 'noEndpoint':
			return l10n.t('an authorization or a device endpoint is required, so the service is left out.');
		case 'rule':
			return l10n.t('one of them cannot be used and is left out; the log says which.');
		case 'shape':
			return l10n.t('it must be an object with one entry per service.');
		default:
			return code satisfies never;
	}
}
