/**
 * A stranger that needs a session: it knows the authentication API of Visual Studio Code, a provider id and an address.
 * Of Agent Auth only its commands "Work" know, and no more than `api/` says. Tokens are shown as the start of their digest.
 */
import * as vscode from 'vscode';
import { askWhoAmI, fingerprint } from './whoami.ts';
import { type WorkPlace, work, workInARow } from './work.ts';

/** What the demo service offers. */
const SCOPES = ['openid', 'email', 'profile', 'offline_access', 'api'];

export function activate(context: vscode.ExtensionContext): void {
	const item = vscode.window.createStatusBarItem('demoConsumer.account', vscode.StatusBarAlignment.Right, 100);
	item.name = 'Demo Consumer';
	item.command = 'demoConsumer.whoAmI';
	item.text = '$(account) Demo: …';
	item.show();

	const commands: Readonly<Record<string, () => Promise<void>>> = {
		'demoConsumer.whoAmI': () => whoAmI({ createIfNone: true }),
		'demoConsumer.whoAmISilently': () => whoAmI({ silent: true }),
		'demoConsumer.whoAmIWithAnotherAccount': () => whoAmI({ createIfNone: true, clearSessionPreference: true }),
		'demoConsumer.whoAmIAfterNewSignIn': () => whoAmI({ forceNewSession: true }),
		'demoConsumer.whoAmIAs': whoAmIAs,
		'demoConsumer.listAccounts': listAccounts,
		'demoConsumer.work': sayWork,
		'demoConsumer.workInARow': sayWorkInARow,
	};
	for (const [id, run] of Object.entries(commands)) {
		context.subscriptions.push(vscode.commands.registerCommand(id, () => run().then(() => showAccount(item))));
	}
	context.subscriptions.push(
		item,
		vscode.authentication.onDidChangeSessions(({ provider }) => {
			if (provider.id === providerId()) void showAccount(item);
		}),
	);
	void showAccount(item);
}

async function whoAmI(options: vscode.AuthenticationGetSessionOptions): Promise<void> {
	try {
		const session = await vscode.authentication.getSession(providerId(), SCOPES, options);
		if (session === undefined) {
			void vscode.window.showInformationMessage('Nobody is signed in, or you have not allowed it yet.');
			return;
		}
		await sayWho(session);
	} catch (error) {
		void vscode.window.showErrorMessage(`No session: ${error instanceof Error ? error.message : String(error)}`);
	}
}

async function whoAmIAs(): Promise<void> {
	const accounts = await vscode.authentication.getAccounts(providerId());
	const label = await vscode.window.showQuickPick(
		accounts.map((account) => account.label),
		{ title: 'Demo Consumer: Who am I?', placeHolder: 'Choose an account' },
	);
	const account = accounts.find((candidate) => candidate.label === label);
	if (account !== undefined) await whoAmI({ createIfNone: true, account });
}

async function sayWho(session: vscode.AuthenticationSession): Promise<void> {
	const url = setting('whoamiUrl');
	const token = `token ${fingerprint(session.accessToken)}`;
	if (url === '') {
		void vscode.window.showWarningMessage(
			`Signed in as ${session.account.label} (${token}). Set demoConsumer.whoamiUrl to ask the service who you are.`,
		);
		return;
	}
	const who = await askWhoAmI(url, session.accessToken);
	if (who.kind === 'person') {
		void vscode.window.showInformationMessage(`You are ${who.name} <${who.email}> (${token})`);
	} else if (who.kind === 'refused') {
		void vscode.window.showErrorMessage(`The demo service refused the token: ${who.status} (${token})`);
	} else {
		void vscode.window.showErrorMessage(`The demo service cannot be reached: ${who.reason}`);
	}
}

/** One request that copes with limits and refusals, and what came of it. */
async function sayWork(): Promise<void> {
	const outcome = await work(workPlace());
	if (outcome.kind === 'failed') void vscode.window.showErrorMessage(`The work was not done: ${outcome.text}`);
	else void vscode.window.showInformationMessage(`Worked as ${outcome.name} (token ${outcome.fingerprint})`);
}

const ROW_LENGTH = 50;

async function sayWorkInARow(): Promise<void> {
	const answers = await workInARow(workPlace(), ROW_LENGTH);
	const list = [...answers].map(([answer, count]) => `${count} × ${answer}`).join('; ');
	void vscode.window.showInformationMessage(`${ROW_LENGTH} requests: ${list}`);
}

function workPlace(): WorkPlace {
	return { providerId: providerId(), scopes: SCOPES, url: setting('whoamiUrl') };
}

async function listAccounts(): Promise<void> {
	const accounts = await vscode.authentication.getAccounts(providerId());
	const labels = accounts.map((account) => account.label).join(', ');
	void vscode.window.showInformationMessage(labels === '' ? 'No accounts.' : `Accounts: ${labels}`);
}

/** Silent: a status bar must neither open a dialog nor put a request on the Accounts menu. */
async function showAccount(item: vscode.StatusBarItem): Promise<void> {
	try {
		const session = await vscode.authentication.getSession(providerId(), SCOPES, { silent: true });
		item.text = session === undefined ? '$(account) Demo: not signed in' : `$(account) Demo: ${session.account.label}`;
		item.tooltip = session === undefined ? 'Press to sign in' : `Session ${session.id}`;
	} catch (error) {
		item.text = '$(warning) Demo: no session';
		item.tooltip = error instanceof Error ? error.message : String(error);
	}
}

function providerId(): string {
	return setting('providerId');
}

function setting(name: 'whoamiUrl' | 'providerId'): string {
	return vscode.workspace.getConfiguration('demoConsumer').get<string>(name, '');
}
