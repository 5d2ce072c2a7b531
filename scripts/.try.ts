import { bundleOptions } from './build.ts';
import { splitBundle } from './splitBundle.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
const o = bundleOptions('package');
const files = await splitBundle({ ...o, metafile: false }, 'src/extension.ts', 'extension.cjs');
mkdirSync('/tmp/split', { recursive: true });
for (const { file, contents, inputs } of files) { console.log(file, contents.length, inputs.length); writeFileSync(`/tmp/split/${file}`, contents); }
