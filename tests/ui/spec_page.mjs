/* The page as such: logging in, what is served, what is on it, for whom it can be used. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { spec, until } from './harness.mjs';

spec('login: a wrong password is refused in words, the right one gets in, out is out', async (t) => {
        const page = await t.open({ login: false });
        assert.equal(await page.locator('#app').count(), 0, 'nothing of the page without a session');
        await t.axe('the form', 8);
        await t.shot('login', false);
        await page.fill('input[name=user]', t.world.user);
        await page.fill('input[name=password]', 'not the password');
        const [refused] = await Promise.all([page.waitForResponse((r) => r.url().endsWith('/ui/login')), page.click('button')]);
        assert.equal(refused.status(), 401);
        await t.says('body', /password/i);
        await page.fill('input[name=user]', t.world.user);
        await page.fill('input[name=password]', t.world.password);
        await page.click('button');
        await page.waitForSelector('.facts');
        const cookie = (await page.context().cookies()).find((c) => c.name === 'bramble_session');
        assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict', 'the cookie is HttpOnly and SameSite=Strict');
        await page.click('text=Log out');
        await page.waitForSelector('input[name=password]');
        assert.equal((await page.request.get(`${t.world.url}/ui/stream`)).status(), 401, 'the session is over');
});

spec('what is served: a strict policy, nothing inline, below 150 kB, hashed names', async (t) => {
        const page = await t.open();
        const html = await page.request.get(`${t.world.url}/ui/`), text = await html.text();
        const policy = html.headers()['content-security-policy'] ?? '';
        assert.match(policy, /default-src 'none'/);
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(html.headers()['x-content-type-options'], 'nosniff');
        assert.doesNotMatch(text, /<style|style=|\son\w+=|<script>|<script(?![^>]*src=)/i);
        const names = [...text.matchAll(/(?:src|href)="(\/ui\/assets\/[^"]+)"/g)].map((m) => m[1]);
        assert.equal(names.length, 3);
        let bytes = gzipSync(text).length;
        for (const name of names) {
                assert.match(name, /-[0-9a-f]{8,}\.(js|css|svg)$/);
                const asset = await page.request.get(t.world.url + name);
                assert.match(asset.headers()['cache-control'] ?? '', /immutable/);
                bytes += gzipSync(await asset.body(), { level: 9 }).length;
        }
        assert.ok(bytes < 150e3, `${bytes} bytes`);
        console.log(`      page and assets: ${(bytes / 1e3).toFixed(1)} kB compressed`);
});

spec('first paint', async (t) => {
        const page = await t.open();
        const ms = await until('a paint', () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime));
        const whole = await page.evaluate(() => performance.now());
        console.log(`      first paint after ${ms.toFixed(0)} ms, seen whole before ${whole.toFixed(0)} ms`);
        if (!t.world.mock) assert.ok(ms < 1000, `${ms} ms: first paint from a board within 1 s`);
});

spec('the head line names cluster, master, leader, quorum, boards up and power', async (t) => {
        const page = await t.open();
        const facts = await page.$$eval('main > .facts .fact', (all) => Object.fromEntries(all.map((f) => [f.children[0].textContent, f.children[1].textContent.trim()])));
        assert.deepEqual(Object.keys(facts), ['Cluster', 'Master', 'Leader', 'Quorum', 'Boards up', 'Power, estimated']);
        assert.match(facts.Master, /^[-a-z0-9]+$/);
        assert.match(facts.Leader, /^[-a-z0-9]+$/);
        assert.match(facts.Quorum, /^\d of \d voters?$/);
        assert.match(facts['Boards up'], /^\d+ of \d+$/);
        assert.match(facts['Power, estimated'], t.world.mock ? /^8–20 W$/ : /^(\d+–\d+ W|–)$/);
        if (!t.world.mock) console.log(`      ${JSON.stringify(facts)}`);
});

spec('a card for each board says how it is', async (t) => {
        const page = await t.open(), cards = page.locator('.board');
        assert.ok(await cards.count() > 0);
        for (const card of await cards.all()) {
                const text = await card.innerText();
                if (!/\bUp\b/.test(text)) continue;
                for (const word of [/master|worker/, /Raspberry Pi|PC|model/, /\d\d-bit/, /CPU\s*\d+ %/, /cores \d+/, /Memory\s+[\d.]+ [KMG]B\s+of/, /Temperature/, /Supply/, /Disk\s+[\d.]+ [KMG]B\s+of/, /Network\s+↓/, /Up for\s+\d+/, /Kubernetes\s+\S/, /Functions\s+\S/]) assert.match(text, word);
        }
});

for (const scheme of ['light', 'dark']) {
        for (const width of [320, 1280]) {
                spec(`axe finds nothing, and nothing is wider than the window: ${width} px, ${scheme}`, { seconds: 150 }, async (t) => {
                        const page = await t.open({ width, scheme });
                        await t.fits();
                        await t.axe('the page');
                        await t.shot(`page-${scheme}`);
                        await page.locator('.board .icon-button').first().click();
                        await page.waitForSelector('.menu:not([hidden])');
                        await t.axe('a menu');
                        await t.fits();
                        await page.keyboard.press('Escape');
                        await page.click('text=Deploy');
                        await page.waitForSelector('.store-item');
                        await page.locator('.store-item').first().click();
                        await t.axe('deploy from the store');
                        await t.shot(`deploy-${scheme}`, false);
                        await page.click('text=By image');
                        await page.click('.by-image button[type=submit]');
                        await t.axe('deploy by image, with errors');
                        await page.keyboard.press('Escape');
                        const fn = page.locator('.functions th button').first();
                        if (await fn.count()) {
                                await fn.click();
                                await page.waitForSelector('.dialog-panel');
                                await page.click('text=Follow');
                                await t.axe('a function');
                                await t.shot(`function-${scheme}`, false);
                                await page.keyboard.press('Escape');
                        }
                        await page.click('text=Shut down all');
                        await page.waitForSelector('.order li, .failure');
                        await t.axe('shut down all');
                        await t.shot(`shutdown-all-${scheme}`, false);
                });
        }
}

spec('the keyboard alone: skip link, visible focus, menus and dialogs that keep and give back the focus', async (t) => {
        const page = await t.open();
        await page.keyboard.press('Tab');
        assert.equal(await t.focus(), 'Skip to the boards');
        await page.keyboard.press('Enter');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
        await t.tab(/^Actions for /);
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
        assert.ok(parseFloat(outline) >= 2, `the focus is seen: ${outline}`);
        const toggle = await t.focus();
        await page.keyboard.press('Enter');
        await page.keyboard.press('ArrowDown');
        assert.match(await t.focus(), /^Locate/);
        await page.keyboard.press('Escape');
        assert.equal(await t.focus(), toggle);
        assert.equal(await page.locator('.menu:not([hidden])').count(), 0);
        await page.keyboard.press('Enter');
        await t.tab('Rename…', 5);
        await page.keyboard.press('Enter');
        await page.waitForSelector('dialog[open]');
        for (let i = 0; i < 12; i++) {
                await page.keyboard.press('Tab');
                /* between the last and the first the focus may be with the browser itself, never on the page */
                assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null), `Tab ${i} stays in the dialog`);
        }
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
        assert.equal(await t.focus(), toggle, 'the focus is back');
});

spec('without JavaScript the status can be read', async (t) => {
        const page = await t.open({ javaScriptEnabled: false });
        await until('the plain tables', async () => page.url().endsWith('/ui/status'));
        await t.says('table', t.world.mock ? /m1/ : /[mw]\d/);
        await t.shot('plain-tables');
        const other = await t.open();
        await other.goto(`${t.world.url}/ui/status`);
        await t.axe('the plain tables', 8);
});

spec('actions need the session and its token, and are done once', async (t) => {
        const page = await t.open();
        const ask = (headers, body) => page.evaluate(async ([h, b]) => (await fetch('/ui/act', { method: 'POST', headers: { 'Content-Type': 'application/json', ...h }, body: JSON.stringify(b) })).status, [headers, body]);
        let once = '';
        page.on('request', (q) => { if (q.url().endsWith('/ui/act')) once = q; });
        await page.locator('.board .icon-button').first().click();
        await page.locator('.menu:not([hidden]) button', { hasText: 'Locate' }).click();
        await until('an action', () => once);
        const body = once.postDataJSON(), token = once.headers()['x-bramble-csrf'];
        await once.response();
        assert.ok(token && body.once.length >= 16);
        assert.equal(await ask({ 'X-Bramble-CSRF': token }, body), 409, 'the same again is refused');
        assert.equal(await ask({}, { ...body, once: 'x'.repeat(32) }), 403, 'without the token');
        assert.equal(await ask({ 'X-Bramble-CSRF': `${token}x` }, { ...body, once: 'y'.repeat(32) }), 403, 'with a wrong token');
        const bare = await fetch(`${t.world.target}/ui/act`, { method: 'POST', headers: { 'X-Bramble-CSRF': token, 'Content-Type': 'application/json', cookie: 'bramble_session=forged' }, body: JSON.stringify({ ...body, once: 'z'.repeat(32) }) });
        assert.equal(bare.status, 401, 'with a forged cookie');
});

spec('nothing moves for who wants less motion', async (t) => {
        for (const [reducedMotion, want] of [['reduce', '0s'], ['no-preference', '0.3s']]) {
                const page = await t.open({ reducedMotion });
                assert.equal(await page.locator('.bar-fill').first().evaluate((e) => getComputedStyle(e).transitionDuration), want, reducedMotion);
        }
});
