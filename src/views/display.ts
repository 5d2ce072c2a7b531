/** VS Code's own display: the language that people read, for texts and for times. */
import * as vscode from 'vscode';
import type { Localizer } from './localizer.ts';

const texts = vscode.l10n;

export const display: Localizer = {
	t: (message, ...args) => texts.t(message, ...args),
	language: vscode.env.language,
};
