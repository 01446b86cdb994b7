// The documentation pages, as a person meets them. MODELDB_BIN is the server to
// test; CHROMIUM (default /usr/bin/chromium) the browser; SHOTS, if set, the
// folder that gets a picture of each page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shot, startBrowser, watchedPage } from './browser.mjs';
import { startServer } from './server.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

// What the server says of itself, which the pages have to show.
async function document() {
  const answer = await fetch(`${server.url}/openapi.json`);
  assert.equal(answer.status, 200);
  return answer.json();
}

function operations(api) {
  return Object.values(api.paths).flatMap((path) =>
    ['get', 'post', 'put', 'patch', 'delete'].flatMap((method) => path[method] ?? []),
  );
}

test('the root leads to /docs', async (t) => {
  const { page, faults } = await open(t, '/');
  await page.locator('.opblock').first().waitFor();
  assert.equal(page.url(), `${server.url}/docs`);
  assert.deepEqual(faults, []);
});

for (const colorScheme of ['light', 'dark']) {
  test(`/docs shows every operation, ${colorScheme}`, async (t) => {
    const api = await document();
    const { page, faults } = await open(t, '/docs', { colorScheme });
    await page.locator('.opblock').first().waitFor();

    const title = await page.locator('.info .title').innerText();
    assert.ok(title.includes(api.info.title), title);
    assert.ok(title.includes(api.info.version), title);
    assert.equal(await page.title(), `${api.info.title} - Swagger UI`);
    assert.equal(await page.locator('.opblock').count(), operations(api).length);
    for (const tag of ['projects', 'models', 'experiments', 'health']) {
      assert.equal(await page.locator(`.opblock-tag[data-tag="${tag}"]`).count(), 1, tag);
    }
    assert.equal(await page.locator('.bar a[href="/redoc"]').count(), 1);
    assert.equal(await page.locator('.bar a[href="/openapi.json"]').count(), 1);
    assert.equal(await isDark(page), colorScheme === 'dark');

    await shot(page, `docs-${colorScheme}`);
    await page.locator('.opblock-summary-control', { hasText: 'Add project' }).click();
    await page.locator('.opblock.is-open .responses-table').waitFor();
    await shot(page, `docs-operation-${colorScheme}`, { fullPage: true });
    assert.deepEqual(faults, []);
  });

  test(`/redoc shows every operation, ${colorScheme}`, async (t) => {
    const api = await document();
    const { page, faults } = await open(t, '/redoc', { colorScheme });
    await page.locator('.api-info h1').waitFor();

    const title = await page.locator('.api-info h1').innerText();
    assert.ok(title.includes(api.info.title), title);
    assert.ok(title.includes(api.info.version), title);
    assert.equal(await page.title(), `${api.info.title} - ReDoc`);
    assert.equal(await page.locator('[id*="/operation/"]').count(), operations(api).length);
    await page.locator('h2', { hasText: 'Add project' }).waitFor();
    assert.equal(await page.locator('img[alt="redocly logo"]').count(), 0);
    assert.equal(await isDark(page), colorScheme === 'dark');

    await shot(page, `redoc-${colorScheme}`);
    await page.locator('[id$="/operation/add-project"]').scrollIntoViewIfNeeded();
    await page.locator('[id$="/operation/add-project"]').evaluate((node) => node.scrollIntoView());
    await shot(page, `redoc-operation-${colorScheme}`);
    assert.deepEqual(faults, []);
  });
}

test('a project added with "Try it out" is there', async (t) => {
  const name = 'Tried out, 100 % by hand';
  const { page, faults } = await open(t, '/docs');
  await page.locator('.opblock-summary-control', { hasText: 'Add project' }).click();

  const operation = page.locator('.opblock.is-open');
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.locator('textarea.body-param__text').fill(
    JSON.stringify({ project_name: name, description: 'From the browser' }),
  );
  await operation.getByRole('button', { name: 'Execute' }).click();

  const answer = operation.locator('.live-responses-table .response').first();
  await answer.waitFor();
  assert.match(await answer.locator('.response-col_status').innerText(), /^200/);
  assert.ok((await answer.innerText()).includes(name), await answer.innerText());
  await answer.scrollIntoViewIfNeeded();
  await shot(page, 'docs-tried');
  assert.deepEqual(faults, []);

  const stored = await fetch(`${server.url}/v0.1/api/projects/name/${encodeURIComponent(name)}`);
  assert.equal(stored.status, 200);
  const project = await stored.json();
  assert.equal(project.project_name, name);
  assert.equal(project.description, 'From the browser');
});

test('an operation has an address of its own', async (t) => {
  const { page, faults } = await open(t, '/docs#/projects/add-project');
  await page.locator('.opblock.is-open', { hasText: 'Add project' }).waitFor();
  assert.deepEqual(faults, []);
});

test('the pages change with the system between light and dark', async (t) => {
  for (const [path, loaded] of [['/docs', '.opblock'], ['/redoc', '.api-info h1']]) {
    const { page, faults } = await open(t, path, { colorScheme: 'light' });
    await page.locator(loaded).first().waitFor();
    assert.equal(await isDark(page), false);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html.dark-mode').waitFor();
    await page.locator(loaded).first().waitFor();
    assert.equal(await isDark(page), true);
    assert.deepEqual(faults, []);
  }
});

// open loads a path of the server in a page that is closed when the test ends.
async function open(t, path, options) {
  const { page, faults } = await watchedPage(browser, server.url, options);
  t.after(() => page.context().close());
  await page.goto(server.url + path);
  return { page, faults };
}

// isDark looks at the colour that is painted, not at what was asked for.
function isDark(page) {
  return page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(globalThis.document.body).backgroundColor.match(/\d+/g).map(Number);
    return red + green + blue < 300;
  });
}
