/* build.mjs [OUT] - makes the page from src/ into OUT (dist where none is given): index.html, and assets with the hash
 * of what they hold in their names.  The same sources give the same bytes: no times, no paths, no order of a
 * folder.  `sources` holds one hash of all that went in, so that a stale OUT is found without npm. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url)), out = process.argv[2] ?? join(here, 'dist');

const made = await build({
        absWorkingDir: here, entryPoints: { app: 'src/main.jsx' }, outdir: 'out', write: false, bundle: true, minify: true, format: 'iife',
        target: ['chrome109', 'firefox115', 'safari16'], jsx: 'automatic', jsxImportSource: 'preact', charset: 'utf8', legalComments: 'none', logLevel: 'warning',
});

const assets = made.outputFiles.map((f) => [f.path.endsWith('.css') ? 'app.css' : 'app.js', Buffer.from(f.contents)]);
assets.push(['icon.svg', readFileSync(join(here, 'src/icon.svg'))]);

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'assets'), { recursive: true });
let page = readFileSync(join(here, 'src/index.html'), 'utf8');
for (const [name, bytes] of assets) {
        const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
        const hashed = name.replace('.', `-${hash}.`);
        writeFileSync(join(out, 'assets', hashed), bytes);
        page = page.replaceAll(`@${name}@`, `/ui/assets/${hashed}`);
}
if (/@[a-z]+\.[a-z]+@/.test(page)) throw new Error('index.html names an asset that nobody made');
writeFileSync(join(out, 'index.html'), page);

const libraries = ['preact', 'uplot'].map((name) => {
        const { version } = JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8'));
        return `${name} ${version}\n\n${readFileSync(join(here, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(out, 'licences.txt'), `The page holds these libraries.\n\n${libraries.join('\n')}`);

const sources = ['build.mjs', 'package.json', 'package-lock.json', ...readdirSync(join(here, 'src')).sort().map((f) => `src/${f}`)];
const sum = createHash('sha256');
for (const f of sources) sum.update(`${createHash('sha256').update(readFileSync(join(here, f))).digest('hex')}  ${f}\n`);
writeFileSync(join(out, 'sources'), `${sum.digest('hex')}\n`);
