// Bundles src/ into portal/web/static/dist under hashed names, and says in manifest.json which is which;
// licences.txt holds the licences of what went into the bundles.
// Old hashed files stay: a page served before a rolling change still asks for them.
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../portal/web/static/dist');

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ['src/app.js', 'src/diagram.js', 'src/css/office.css', 'src/mark.svg'],
  outdir: out,
  bundle: true,
  format: 'esm',
  minify: true,
  target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.svg': 'copy' },
  mainFields: ['module', 'main'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

const packageOf = (path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1];
const packages = new Set(Object.keys(metafile.inputs).map(packageOf).filter(Boolean));
const licence = (name) => {
  const folder = join(here, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json')));
  const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
};
writeFileSync(join(out, 'licences.txt'), [...packages].sort().map(licence).join('\n\n----\n\n') + '\n');

const manifest = { 'licences.txt': 'licences.txt' };
for (const [path, output] of Object.entries(metafile.outputs)) {
  if (!output.entryPoint) continue;
  const stem = basename(output.entryPoint, extname(output.entryPoint));
  const name = (path) => relative(out, join(here, path));
  manifest[stem + extname(path)] = name(path);
  if (output.cssBundle) manifest[`${stem}.css`] = name(output.cssBundle);
}

writeFileSync(join(out, 'manifest.json.new'), JSON.stringify(manifest, null, 2) + '\n');
renameSync(join(out, 'manifest.json.new'), join(out, 'manifest.json'));
