/** Opens an address in the person's browser exactly as it was built. */
import * as vscode from 'vscode';

/**
 * False if the browser could not be opened or the person declined. VS Code decodes and encodes a `Uri` again on its way
 * out, which can change a value that contains an encoded `&`, `=` or `+`; the plain string survives (VS Code accepts
 * both at run time), so it is used where the `Uri` would not mean the same.
 */
export async function openBrowser(url: string): Promise<boolean> {
	const uri = vscode.Uri.parse(url, true);
	if (means(encodeURI(uri.toString(true))) === means(url)) return vscode.env.openExternal(uri);
	const opened: unknown = await Reflect.apply(vscode.env.openExternal, vscode.env, [url]);
	return opened === true;
}

function means(url: string): string {
	const { origin, pathname, searchParams } = new URL(url);
	return JSON.stringify([origin, pathname, [...searchParams]]);
}
