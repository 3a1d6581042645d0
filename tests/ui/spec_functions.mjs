/* Functions: from the store to their end, as a person does it. */
import assert from 'node:assert/strict';
import { spec, until } from './harness.mjs';

const row = (page, name) => page.locator(`tr[data-function="${name}.openfaas-fn"]`);
const panel = async (page, name) => {
        await row(page, name).locator('th button').click();
        await page.waitForSelector('.dialog-panel');
};
/* A real board fetches and starts; the mock has it at once. */
const ready = (t, name, pattern = /[1-9]\d* of [1-9]/) => until(`${name} is ready`, async () => pattern.test(await row(t.page, name).innerText().catch(() => '')), t.world.mock ? 5000 : 90000);

async function gone(t, name) {
        const { page } = t;
        if (!await row(page, name).count()) return;
        await panel(page, name);
        await page.click('text=Remove this function');
        await page.locator('.dialog-panel [role=group] .button-danger').click();
        await until(`${name} is gone`, async () => await row(page, name).count() === 0, 30000);
}

spec('deploy from the store, with the keyboard alone', { seconds: 150 }, async (t) => {
        const page = await t.open();
        await gone(t, 'wordcount');
        await page.locator('main').focus();
        await t.tab('Deploy');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.store-item');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Space');
        const names = await page.$$eval('.store-item input', (all) => all.map((i) => i.value));
        for (let i = names.indexOf('wordcount'); i > 0; i--) await page.keyboard.press('ArrowDown');
        assert.equal(await page.locator('.store-item input:checked').inputValue(), 'wordcount');
        await t.tab('Deploy', 6);
        await page.keyboard.press('Enter');
        await page.waitForSelector('dialog', { state: 'detached' });
        await t.says('.toast', /wordcount is being deployed/);
        await ready(t, 'wordcount');
        assert.match(await row(page, 'wordcount').innerText(), /\b[mw]\d+\b/, 'and where it runs');
});

spec('invoke shows request, response, status and round trip', { seconds: 150 }, async (t) => {
        const page = await t.open();
        await ready(t, 'wordcount');
        await panel(page, 'wordcount');
        await page.fill('.invoke textarea', 'four boards, one bramble\n');
        await page.click('.invoke button[type=submit]');
        await t.says('.answer-head', /Status 200/, 30000);
        assert.match(await page.locator('.answer-head').innerText(), /Round trip [\d.]+ m?s/);
        assert.match(await page.locator('.answer .output').innerText(), t.world.mock ? /FOUR BOARDS, ONE BRAMBLE/ : /1 4 25/);
        await page.click('text=Response headers');
        assert.match(await page.locator('.answer table').innerText(), /x-call-id/);
        await t.shot('invoke', false);
        /* the same with an error */
        await page.fill('.invoke input', t.world.mock ? 'boom' : 'a');
        await page.selectOption('.invoke select >> nth=0', 'GET');
        assert.equal(await page.locator('.invoke textarea').count(), 0, 'GET has no body');
        if (t.world.mock) {
                await page.click('.invoke button[type=submit]');
                await t.says('.answer-head', /Status 500/);
                assert.match(await page.locator('.answer .output').innerText(), /exit status 1/);
        }
});

spec('plots have real tables behind them, and logs follow', { seconds: 180 }, async (t) => {
        const page = await t.open();
        await ready(t, 'wordcount');
        await panel(page, 'wordcount');
        await page.click('text=Follow');
        await page.waitForSelector('.logs');
        if (t.world.mock) await until('a reader', () => t.world.mock.readers.size > 0);
        const call = async () => {
                await page.click('.invoke button[type=submit]');
                await until('its answer', async () => (await page.locator('.invoke button[type=submit]').innerText()) === 'Invoke', 30000);
        };
        for (let i = 0; i < 6; i++) await call();
        if (t.world.mock) {
                t.world.mock.log('Forking fprocess.');
                t.world.mock.log('Wrote 11 Bytes - Duration: 0.011s');
        }
        await t.says('.logs', /Wrote \d+ Bytes/, 30000);
        const lines = await page.locator('.logs p').count();
        await call();
        if (t.world.mock) t.world.mock.log('one more');
        await until('a line more', async () => await page.locator('.logs p').count() > lines, 30000);
        if (t.world.mock) t.world.mock.change('functions', 'wordcount', { calls_per_s: 7.5, latency_ms: { p50: 3.25, p99: 81 } });
        await until('two plots', async () => await page.locator('.plot canvas').count() === 2, 30000);
        assert.match(await page.locator('.plot-box').first().getAttribute('aria-label'), /Calls per second over the last \d+ seconds; now: calls\/s/);
        await page.click('text=The same as a table');
        await until('numbers', async () => (await page.locator('.scroll tbody tr').allInnerTexts()).some((r) => (t.world.mock ? /7\.5\s+3\.3 ms\s+81\.0 ms/ : /\d+(\.\d+)?\s+\d+(\.\d+)? ms\s+\d+(\.\d+)? m?s/).test(r)), 30000);
        assert.deepEqual(await page.locator('.scroll thead th').allInnerTexts(), ['Time', 'Calls/s', 'p50', 'p99']);
        await t.shot('plots', false);
        await page.click('text=Stop following');
        if (t.world.mock) await until('nobody reads on', () => t.world.mock.readers.size === 0);
});

spec('scale, and see where the replicas run', { seconds: 150 }, async (t) => {
        const page = await t.open();
        await ready(t, 'wordcount');
        await panel(page, 'wordcount');
        await page.fill('.scale input', '2');
        await page.click('.scale button');
        await t.says('.scale-said', /2 replicas wanted/);
        if (t.world.mock) {
                assert.deepEqual(t.world.mock.system.at(-1), ['POST', '/system/scale-function/wordcount.openfaas-fn', { serviceName: 'wordcount', namespace: 'openfaas-fn', replicas: 2 }]);
                t.world.mock.change('functions', 'wordcount', { available_replicas: 2, placements: [{ id: 1, node: 'w3', state: 'ready', address: '' }, { id: 2, node: 'm1', state: 'ready', address: '' }] });
        }
        await until('two replicas in the table', async () => (await page.locator('[aria-labelledby=panel-where] tbody tr').allInnerTexts()).filter((r) => /[mw]\d+\s+ready/.test(r)).length === 2, 60000);
        await page.fill('.scale input', '-1');
        assert.ok(await page.locator('.scale button').isDisabled(), 'what is no number is not sent');
        await page.keyboard.press('Escape');
        await ready(t, 'wordcount', /2 of 2/);
});

spec('deploy by image: wrong fields are said, right ones are sent; an error of the gateway is shown', { seconds: 150 }, async (t) => {
        const page = await t.open();
        await gone(t, 'shout');
        await page.click('text=Deploy');
        await page.click('text=By image');
        const field = (label) => page.getByLabel(label, { exact: true });
        await field('Name').fill('No Good');
        await field('Environment').fill('no value');
        await page.click('.by-image button[type=submit]');
        assert.equal(await page.locator('.by-image [aria-invalid=true]').count(), 3, 'name, image, environment');
        await until('the focus is on the first', () => page.evaluate(() => document.activeElement.getAttribute('aria-invalid') === 'true'));
        const list = await (await page.request.get(`${t.world.url}/store`)).json();
        await field('Name').fill('shout');
        await field('Image').fill(list.functions.find((f) => f.name === 'env').images.armhf);
        await field('Environment').fill('COLOUR=blue\nMODE=a=b');
        await field('Command that reads its input, if it is no server').fill(list.functions.find((f) => f.name === 'env').fprocess);
        await field('Memory at most').fill('32Mi');
        await field('Most replicas').fill('3');
        if (t.world.mock) t.world.mock.fail = { path: '/system/functions', status: 507, text: 'all deployments together are larger than 256 KB' };
        if (t.world.mock) {
                await page.click('.by-image button[type=submit]');
                await t.says('.dialog-panel .failure', /all deployments together are larger/);
        }
        await page.click('.by-image button[type=submit]');
        await page.waitForSelector('dialog', { state: 'detached' });
        await ready(t, 'shout');
        if (t.world.mock) {
                assert.deepEqual(t.world.mock.system.at(-1)[2], { service: 'shout', image: 'bramble.local/env:0.1.0', envVars: { COLOUR: 'blue', MODE: 'a=b' }, labels: { 'com.openfaas.scale.max': '3' }, envProcess: '/bin/env', limits: { memory: '32Mi' } });
        } else {
                await panel(page, 'shout');
                await page.click('.invoke button[type=submit]');
                await t.says('.answer .output', /COLOUR=blue/i, 30000);
                await page.keyboard.press('Escape');
        }
        await gone(t, 'shout');
});

spec('remove asks first, and the focus is not lost', { seconds: 150 }, async (t) => {
        const page = await t.open();
        await ready(t, 'wordcount');
        await panel(page, 'wordcount');
        await page.click('text=Remove this function');
        await page.click('text=Keep it');
        assert.equal(await row(page, 'wordcount').count(), 1);
        await page.click('text=Remove this function');
        await page.keyboard.press('Enter'); /* the focus is on the button that confirms */
        await page.waitForSelector('dialog', { state: 'detached' });
        await until('it is gone', async () => await row(page, 'wordcount').count() === 0, 30000);
        assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
});
