/** One question of several, with its number, a way back, and an answer that is checked while it is typed. */
import * as vscode from 'vscode';
import { createDisposables } from '../../auth/event.ts';

export type StepQuestion = {
	readonly title: string;
	readonly step: number;
	readonly totalSteps: number;
	readonly canGoBack: boolean;
	readonly prompt: string;
	readonly placeholder: string;
	readonly value: string;
	/** Undefined if the value will do. */
	problem(value: string): string | undefined;
};

export type Answer =
	| { readonly kind: 'value'; readonly value: string }
	| { readonly kind: 'back' }
	| { readonly kind: 'cancel' };

export function askStep(question: StepQuestion): Promise<Answer> {
	const disposables = createDisposables();
	const input = disposables.add(vscode.window.createInputBox());
	input.title = question.title;
	input.step = question.step;
	input.totalSteps = question.totalSteps;
	input.prompt = question.prompt;
	input.placeholder = question.placeholder;
	input.value = question.value;
	input.ignoreFocusOut = true;
	input.buttons = question.canGoBack ? [vscode.QuickInputButtons.Back] : [];
	return new Promise<Answer>((resolve) => {
		const finish = (answer: Answer): void => {
			resolve(answer);
			disposables.dispose();
		};
		disposables.add(input.onDidHide(() => finish({ kind: 'cancel' })));
		disposables.add(input.onDidTriggerButton(() => finish({ kind: 'back' })));
		disposables.add(
			input.onDidChangeValue((value) => {
				// A half-typed address is not wrong yet; a complaint goes away as soon as it is met.
				if (input.validationMessage !== undefined) input.validationMessage = question.problem(value);
			}),
		);
		disposables.add(
			input.onDidAccept(() => {
				input.validationMessage = question.problem(input.value);
				if (input.validationMessage === undefined) finish({ kind: 'value', value: input.value });
			}),
		);
		input.show();
	});
}
