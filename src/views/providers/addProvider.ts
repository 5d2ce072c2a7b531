/** "Add Provider": asks for the few things a service needs and writes them to the user's settings. */
import * as vscode from 'vscode';
import type { ProblemCode } from '../../auth/settings.ts';
import type { SettingKey } from '../ids.ts';
import { type Answer, askStep } from '../signIn/stepInput.ts';
import {
	type Answers,
	type DraftField,
	draftEntry,
	FIELDS,
	idFor,
	type ProviderType,
	problemOf,
} from './providerDraft.ts';

const PROVIDERS: SettingKey = 'providers';

/** @returns the id of the new provider; undefined if the person gave up. */
export async function addProvider(takenIds: ReadonlySet<string>): Promise<string | undefined> {
	const type = await askType();
	if (type === undefined) return undefined;
	const named = await askName(type, takenIds);
	if (named === undefined) return undefined;
	const setting = vscode.workspace.getConfiguration('agentAuth');
	const present = setting.inspect<Record<string, unknown>>(PROVIDERS)?.globalValue ?? {};
	await setting.update(
		PROVIDERS,
		{ ...present, [named.id]: draftEntry(type, named.label, named.answers) },
		vscode.ConfigurationTarget.Global,
	);
	return named.id;
}

async function askType(): Promise<ProviderType | undefined> {
	const items: (vscode.QuickPickItem & { readonly type: ProviderType })[] = [
		{
			type: 'oidc',
			label: vscode.l10n.t('OpenID Connect'),
			detail: vscode.l10n.t('The service publishes its addresses under one issuer address.'),
		},
		{
			type: 'oauth2',
			label: vscode.l10n.t('OAuth 2.0'),
			detail: vscode.l10n.t('You know the addresses of the endpoints.'),
		},
		{
			type: 'apiKey',
			label: vscode.l10n.t('API key'),
			detail: vscode.l10n.t('A key that the service gave you, kept in one place.'),
		},
	];
	const picked = await vscode.window.showQuickPick(items, {
		title: vscode.l10n.t('Add Provider'),
		placeHolder: vscode.l10n.t('How does the service let you sign in?'),
		ignoreFocusOut: true,
	});
	return picked?.type;
}

type Named = { readonly id: string; readonly label: string; readonly answers: Answers };

/** The name, then the fields of the type. "Back" returns to the earlier question with its answer still there. */
async function askName(type: ProviderType, takenIds: ReadonlySet<string>): Promise<Named | undefined> {
	const fields = FIELDS[type];
	const answers: Partial<Record<DraftField, string>> = {};
	let label = '';
	for (let step = 0; step <= fields.length; ) {
		const field = step === 0 ? undefined : fields[step - 1];
		const place = { step: step + 1, totalSteps: fields.length + 1, canGoBack: step > 0 };
		const answer: Answer =
			field === undefined
				? await askStep({
						...place,
						title: vscode.l10n.t('Add Provider'),
						prompt: vscode.l10n.t('Name of the service'),
						placeholder: 'Acme',
						value: label,
						problem: (value) => nameProblem(value, takenIds),
					})
				: await askStep({
						...place,
						title: vscode.l10n.t('Add Provider: {0}', label),
						...fieldText(field),
						value: answers[field] ?? '',
						problem: (value) => codeText(problemOf(type, idFor(label), field, { ...answers, [field]: value })),
					});
		if (answer.kind === 'cancel') return undefined;
		if (answer.kind === 'back') {
			step--;
			continue;
		}
		if (field === undefined) label = answer.value.trim();
		else answers[field] = answer.value;
		step++;
	}
	return { id: idFor(label), label, answers };
}

function nameProblem(value: string, takenIds: ReadonlySet<string>): string | undefined {
	const id = idFor(value);
	if (id === '') return vscode.l10n.t('Enter a name with at least one letter from a to z or a digit.');
	return takenIds.has(id) ? vscode.l10n.t('There is a service with the id "{0}" already.', id) : undefined;
}

function fieldText(field: DraftField): { readonly prompt: string; readonly placeholder: string } {
	switch (field) {
		case 'issuer':
			return { prompt: vscode.l10n.t('Address of the issuer'), placeholder: 'https://login.example.com' };
		case 'authorizationEndpoint':
			return {
				prompt: vscode.l10n.t('Authorization endpoint (leave blank if there is only a device endpoint)'),
				placeholder: 'https://login.example.com/authorize',
			};
		case 'tokenEndpoint':
			return { prompt: vscode.l10n.t('Token endpoint'), placeholder: 'https://login.example.com/token' };
		case 'deviceAuthorizationEndpoint':
			return {
				prompt: vscode.l10n.t('Device authorization endpoint (may be left blank)'),
				placeholder: 'https://login.example.com/device',
			};
		case 'clientId':
			return {
				prompt: vscode.l10n.t('Client id, as registered with the service for you or your organisation'),
				placeholder: 'my-client',
			};
		case 'scopes':
			return {
				prompt: vscode.l10n.t('Scopes, separated by spaces (leave blank for the usual ones)'),
				placeholder: 'openid profile email',
			};
		default:
			return field satisfies never;
	}
}

function codeText(code: ProblemCode | undefined): string | undefined {
	switch (code) {
		case undefined:
			return undefined;
		case 'missing':
			return vscode.l10n.t('This is required.');
		case 'url':
			return vscode.l10n.t('Enter a whole address, such as https://login.example.com.');
		case 'insecureUrl':
			return vscode.l10n.t('The address must begin with https. Only on this machine it may be http.');
		case 'noEndpoint':
			return vscode.l10n.t('One of the two endpoints for signing in is required.');
		case 'value':
		case 'unknownField':
		case 'id':
		case 'type':
		case 'rule':
		case 'shape':
			return vscode.l10n.t('This value is not allowed here.');
		default:
			return code satisfies never;
	}
}
