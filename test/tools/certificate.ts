/** A certificate for the loopback interface that only the tool of one test trusts. Node cannot make one; openssl can. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export type Certificate = {
	readonly key: string;
	readonly cert: string;
	/** The file of `cert`. */
	readonly file: string;
};

export async function makeCertificate(folder: string): Promise<Certificate> {
	const [keyFile, file] = [path.join(folder, 'loopback.key'), path.join(folder, 'loopback.pem')];
	await promisify(execFile)('openssl', [
		...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
		...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', file],
	]);
	return { key: await readFile(keyFile, 'utf8'), cert: await readFile(file, 'utf8'), file };
}
