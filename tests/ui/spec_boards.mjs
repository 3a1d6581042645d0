/* What can be done with a board, and what its card says. */
import assert from 'node:assert/strict';
import { spec, until } from './harness.mjs';
import * as bramble from './bramble.mjs';

const card = (page, name) => page.locator(`.board[data-board="${name}"]`);
const pick = async (page, name, action) => {
        await card(page, name).locator('.icon-button').click();
        await card(page, name).locator('.menu button', { hasText: action }).click();
};
/* A worker where there is one. */
const worker = async (page) => {
        const names = await page.$$eval('.board', (all) => all.filter((b) => !/leader/.test(b.innerText) && /\bUp\b/.test(b.innerText)).map((b) => b.dataset.board));
        return names.find((n) => /^w/.test(n)) ?? names[0];
};

spec('locate', async (t) => {
        const page = await t.open(), name = await worker(page);
        await pick(page, name, 'Locate');
        await t.says('.toast', t.world.mock ? /locate/ : new RegExp(name), 20000);
        if (t.world.mock) assert.equal(t.world.mock.actions[0].verb, 'locate');
        else assert.equal(await page.locator('.toast-error').count(), 0, await page.locator('.toasts').innerText());
});

spec('drain asks, and uncordon takes it back', { seconds: 150 }, async (t) => {
        const page = await t.open(), name = await worker(page);
        await pick(page, name, 'Drain');
        assert.match(await page.locator('dialog').innerText(), /start on other boards first/);
        assert.equal(await t.focus(), 'Cancel', 'Enter by habit does nothing');
        await page.locator('dialog .button-primary').click();
        await until('the card says so', async () => /Draining|Cordoned/.test(await card(page, name).innerText()), 60000);
        await t.shot('drained', false);
        await pick(page, name, 'Uncordon');
        await until('it is back', async () => !/Draining|Cordoned/.test(await card(page, name).innerText()), 30000);
});

spec('a drain that takes long says why', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world, name = await worker(page);
        mock.change('boards', name, { cordoned: true, drained: false, drain: '2 replicas have to move; figlet: no board has room' });
        await until('the card says so', async () => /Draining: 2 replicas have to move; figlet: no board has room/.test(await card(page, name).innerText()));
        mock.change('boards', name, { drained: true, drain: 'it carries no functions' });
        await until('and no more when it is', async () => /Cordoned/.test(await card(page, name).innerText()) && !/Draining/.test(await card(page, name).innerText()));
});

spec('rename, and back', { seconds: 150 }, async (t) => {
        const page = await t.open(), name = await worker(page);
        const rename = async (from, to) => {
                await pick(page, from, 'Rename');
                await page.fill('dialog input', to);
                await page.keyboard.press('Enter');
        };
        await rename(name, 'Not A Name');
        await t.says('dialog .field-error', /Small letters/);
        await page.keyboard.press('Escape');
        await rename(name, 'kitchen');
        await until('its new name', async () => await card(page, 'kitchen').count() === 1 && await card(page, name).count() === 0, 60000);
        await page.waitForSelector('dialog', { state: 'detached' });
        await rename('kitchen', name);
        await until('its old name', async () => await card(page, name).count() === 1, 60000);
});

spec('an action that is refused is said in the words of the gateway, and a double click asks once', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.fail = { path: '/ui/act', status: 409, text: 'w1 is the only board that could take its functions: add memory elsewhere first' };
        await pick(page, 'w1', 'Drain');
        await page.locator('dialog .button-primary').click();
        await t.says('dialog .failure', /the only board that could take/);
        await page.locator('dialog .button-primary').dblclick();
        await page.waitForSelector('dialog', { state: 'detached' });
        assert.equal(mock.actions.filter((a) => a.verb === 'drain').length, 1);
        mock.fail = { path: '/ui/act', status: 503, text: 'nobody leads this bramble right now: try again in a moment' };
        await pick(page, 'w2', 'Locate');
        await t.says('.toast-error', /nobody leads/);
        await page.click('.toast-error [aria-label=Dismiss]');
        assert.equal(await page.locator('.toast-error').count(), 0);
});

spec('changes come in place: only what changed is drawn, and the focus stays', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        await card(page, 'w1').locator('.icon-button').focus();
        await page.evaluate(() => { document.querySelectorAll('.board').forEach((b) => { b.marked = true; }); });
        mock.change('boards', 'w1', { cpu_percent: 97, temperature_c: 79.4, power: { under_voltage: true, throttled: false, words: 'under-voltage now' } });
        await until('new numbers', async () => /97 %/.test(await card(page, 'w1').innerText()));
        assert.match(await card(page, 'w1').innerText(), /under-voltage now/);
        assert.match(await card(page, 'w1').innerText(), /Raspberry Pi 3 Model B/, 'what did not change is still there');
        assert.equal(await t.focus(), 'Actions for w1');
        assert.ok(await page.evaluate(() => [...document.querySelectorAll('.board')].every((b) => b.marked)), 'the same elements');
        const { id } = mock.state.boards.find((b) => b.name === 'w3');
        mock.send('change', { gone: { boards: [id], functions: ['wordcount.openfaas-fn'] }, boards_up: 3 });
        await until('a board and a function are gone', async () => await page.locator('.board').count() === 3 && await page.locator('[data-function]').count() === 2);
        mock.send('change', { boards: [bramble.board('w9', '3B')] });
        await until('a board came', async () => await page.locator('.board').count() === 4);
});

spec('alerts, limits and faults are said in words and shapes, not by colour alone', { only: 'mock' }, async (t) => {
        t.world.mock.state = bramble.alerting();
        for (const scheme of ['light', 'dark']) {
                const page = await t.open({ scheme });
                assert.equal(await page.locator('.alert').count(), 3);
                assert.match(await page.locator('.alerts').innerText(), /Warning.*too little voltage[\s\S]*Error.*w3 does not answer/);
                assert.match(await page.locator('.alerts').innerText(), /too little voltage.* for 2 min[\s\S]*does not answer.* for 12 min/);
                assert.match(await card(page, 'w1').innerText(), /82\.1 °C[\s\S]*slow 80, max 85[\s\S]*under-voltage now, throttled now/);
                assert.match(await card(page, 'w2').innerText(), /card is nearly full[\s\S]*throttled since boot/);
                assert.match(await card(page, 'w3').innerText(), /Down/);
                const bare = await page.$$eval('.warn, .bad, .badge-bad, .badge-warn, .note-bad, .alert', (all) => all.filter((e) => !e.querySelector('svg')).map((e) => e.textContent));
                assert.deepEqual(bare, [], 'each has a sign beside its colour');
                await t.axe(`alerts, ${scheme}`);
                await t.shot(`alerts-${scheme}`);
        }
});

spec('events are told, newest first, once each', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.event({ kind: 'elected', text: 'm1 was elected: it has the most memory.' });
        mock.event({ kind: 'moved', severity: 'warning', text: 'figlet moved from w3 to w2: w3 does not answer.' });
        mock.send('event', mock.past[0]);
        await until('two', async () => await page.locator('.event').count() === 2);
        assert.match(await page.locator('.event').first().innerText(), /figlet moved/);
        await page.getByLabel('Only warnings and errors').check();
        assert.equal(await page.locator('.event').count(), 1);
});

spec('96 boards: found, sorted, only those with a problem; live', { only: 'mock' }, async (t) => {
        t.world.mock.state = bramble.many();
        const page = await t.open();
        assert.equal(await page.locator('.board').count(), 96);
        await t.fits();
        await t.axe('96 boards');
        await t.shot('96-boards', false);
        await page.fill('[aria-label="Find a board"]', 'w42');
        assert.equal(await page.locator('.board').count(), 1);
        await page.fill('[aria-label="Find a board"]', '');
        await page.selectOption('.inline select', 'cpu');
        const cpu = (await page.$$eval('.rows-short .row:first-child dd', (all) => all.map((e) => parseInt(e.textContent, 10)))).slice(0, 20);
        assert.deepEqual(cpu, [...cpu].sort((a, b) => b - a));
        await page.getByLabel('Only with a problem').check();
        assert.equal(await page.locator('.board').count(), 3);
        await page.getByLabel('Only with a problem').uncheck();
        const ms = await page.evaluate(async () => {
                const begun = performance.now();
                await new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
                return performance.now() - begun;
        });
        for (let i = 0; i < 20; i++) t.world.mock.send('change', { boards: t.world.mock.state.boards.map((b) => ({ id: b.id, cpu_percent: (i * 7) % 100 })) });
        await until('the last of twenty changes of all boards', async () => (await page.locator('.rows-short .row:first-child dd').first().innerText()) === '33 %');
        console.log(`      two frames took ${ms.toFixed(0)} ms`);
});

spec('an empty bramble says what to do', { only: 'mock' }, async (t) => {
        t.world.mock.state = bramble.empty();
        for (const width of [320, 1280]) {
                await t.open({ width });
                await t.says('main', /No boards yet[\s\S]*No functions yet/);
                await t.axe('empty');
                await t.shot('empty');
        }
});
