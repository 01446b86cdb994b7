// Builds the pages that the server carries: docs/ (Swagger UI) and redoc/
// (ReDoc) from here and from the two packages, into dist/.
//
//   dist/docs/index.html, dist/redoc/index.html   the pages
//   dist/assets/name-HASH.ext.gz                  what they load, compressed
//   dist/assets/*.LICENSE.txt                     the notices of the libraries
//
// HASH is the start of the SHA-256 of the compressed file, so a name never
// stands for two contents. The result depends on the sources and the lock file
// alone: pako compresses the same way on every machine, which the zlib inside
// Node does not promise, and no time is written.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzip } from 'pako';

const here = import.meta.dirname;
const dist = join(here, 'dist');
const swagger = 'node_modules/swagger-ui-dist';
const redoc = 'node_modules/redoc';

const assets = {
  'icon.svg': read('icon.svg'),
  'page.css': read('page.css'),
  'theme.js': read('theme.js'),
  'docs.css': read('docs/docs.css'),
  'docs.js': read('docs/docs.js'),
  'redoc.css': read('redoc/redoc.css'),
  'redoc.js': read('redoc/redoc.js'),
  'swagger-ui.css': withoutMap(read(`${swagger}/swagger-ui.css`)),
  'swagger-ui-bundle.js': withoutMap(read(`${swagger}/swagger-ui-bundle.js`)),
  'redoc.standalone.js': withoutMap(withoutLogo(read(`${redoc}/bundles/redoc.standalone.js`))),
};

// The names are those that the first lines of the bundles refer to.
const notices = {
  'swagger-ui-bundle.js.LICENSE.txt': [
    `${swagger}/NOTICE`,
    `${swagger}/LICENSE`,
    `${swagger}/swagger-ui-bundle.js.LICENSE.txt`,
  ],
  'redoc.standalone.js.LICENSE.txt': [
    `${redoc}/LICENSE`,
    `${redoc}/bundles/redoc.standalone.js.LICENSE.txt`,
  ],
};

function read(path) {
  return readFileSync(join(here, path), 'utf8');
}

function withoutMap(text) {
  return text.replace(/\n\/[/*]# sourceMappingURL=\S+(\s*\*\/)?\s*$/, '\n');
}

// ReDoc's menu ends with a logo from another host. An image that cannot be
// drawn is left out by ReDoc itself, and this one asks no one.
function withoutLogo(text) {
  return replaceOnce(text, 'https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,');
}

function replaceOnce(text, from, to) {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${from}: found ${parts.length - 1} times instead of once`);
  return parts.join(to);
}

// store writes an asset and returns the address under which it is served.
function store(name, text) {
  const data = gzip(Buffer.from(text), { level: 9 });
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16);
  const ext = extname(name);
  const hashed = `${name.slice(0, -ext.length)}-${hash}${ext}`;
  writeFileSync(join(dist, 'assets', `${hashed}.gz`), data);
  console.log(`${String(data.length).padStart(8)}  ${hashed}.gz`);
  return `/assets/${hashed}`;
}

rmSync(dist, { recursive: true, force: true });
for (const folder of ['assets', 'docs', 'redoc']) {
  mkdirSync(join(dist, folder), { recursive: true });
}

const address = {};
for (const [name, text] of Object.entries(assets)) {
  address[name] = store(name, text);
}

for (const page of ['docs', 'redoc']) {
  const html = read(`${page}/index.html`).replace(/asset:([^"]+)/g, (_, name) => {
    if (!address[name]) throw new Error(`${page}/index.html asks for ${name}, which is no asset`);
    return address[name];
  });
  writeFileSync(join(dist, page, 'index.html'), html);
}

for (const [name, paths] of Object.entries(notices)) {
  writeFileSync(join(dist, 'assets', name), paths.map(read).join('\n\n'));
}
