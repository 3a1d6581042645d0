/* The link: cut and healed, silent, refused. */
import assert from 'node:assert/strict';
import { spec, until } from './harness.mjs';

const age = async (page) => parseInt(await page.locator('.age').innerText(), 10);

spec('link cut: the last good state stays with its age, nothing can be done; healed: it goes on by itself', { seconds: 120 }, async (t) => {
        const page = await t.open(), { link } = t.world, boards = await page.locator('.board').count();
        link.cut();
        await t.says('.banner', /link to the gateway is lost/);
        assert.equal(await page.locator('.board').count(), boards, 'the boards are still there');
        await until('its age grows', async () => await age(page) >= 3);
        assert.match(await page.locator('.banner').innerText(), /Next try in \d+ s|Trying/);
        assert.match(await page.title(), /no link/);
        assert.ok(await page.locator('text=Deploy').first().isDisabled());
        assert.ok(await page.locator('.board .icon-button').first().isDisabled());
        await t.axe('no link');
        await t.shot('lost', false);
        link.heal();
        await page.waitForSelector('.banner', { state: 'detached', timeout: 40000 });
        await t.says('.top-state', /Live/);
        assert.ok(!await page.locator('.board .icon-button').first().isDisabled());
        assert.equal(await page.locator('.board').count(), boards);
});

spec('attempts back off, and "Try now" does', async (t) => {
        const page = await t.open(), { link } = t.world;
        let tries = 0;
        page.on('request', (q) => { if (q.url().endsWith('/ui/stream')) tries++; });
        link.cut();
        await until('a longer wait', async () => /Next try in ([4-9]|[1-3]\d) s/.test(await page.locator('.banner').innerText().catch(() => '')), 30000);
        assert.ok(tries >= 2 && tries <= 5, `${tries} attempts`);
        link.heal();
        await page.click('text=Try now');
        await page.waitForSelector('.banner', { state: 'detached', timeout: 3000 });
});

spec('a pulled cable, which says nothing, is noticed', { seconds: 120 }, async (t) => {
        const page = await t.open({ before: true }), { link } = t.world;
        link.pull();
        await t.says('.banner', /lost/, 70000);
        assert.ok(await age(page) >= 30, 'the age counts from the last sign of life');
        link.heal();
        await page.waitForSelector('.banner', { state: 'detached', timeout: 60000 });
});

spec('a session that ended leads to the login', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.sessions.clear();
        mock.viewers.forEach((v) => v.end());
        await t.says('.banner', /session has ended/, 20000);
        await t.axe('session ended');
        await page.click('text=Log in again');
        await page.waitForSelector('input[name=password]');
});

spec('a gateway with too many viewers is asked again when it says', { only: 'mock' }, async (t) => {
        const page = await t.open({ login: true }), { mock } = t.world;
        mock.fail = { path: '/ui/stream', status: 503, text: 'too many' };
        mock.viewers.forEach((v) => v.end());
        await t.says('.banner', /lost/);
        await page.waitForSelector('.banner', { state: 'detached', timeout: 20000 });
});

spec('a computer that is in the network again waits no longer, and never holds two streams', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world, online = () => page.evaluate(() => { dispatchEvent(new Event('online')); });
        let tries = 0;
        page.on('request', (q) => { if (q.url().endsWith('/ui/stream')) tries++; });
        mock.fail = { path: '/ui/stream', status: 503, text: 'too many' };
        mock.viewers.forEach((v) => v.end());
        await page.waitForSelector('.banner', { state: 'detached', timeout: 20000 });
        await until('it goes on by itself', () => mock.viewers.size === 1);
        const before = tries;
        await online();
        mock.change('boards', 'w1', { cordoned: true });
        await page.waitForSelector('.board[data-board=w1] .badge:has-text("Draining")');
        assert.deepEqual([tries, mock.viewers.size], [before, 1], 'one stream is enough');
        mock.fail = { path: '/ui/stream', status: 503, text: 'too many' };
        mock.viewers.forEach((v) => v.end());
        await until('it waits', async () => /Next try/.test(await page.locator('.banner').innerText().catch(() => '')));
        await online();
        await until('who waits is asked again', () => tries > before + 1);
});

spec('an agent that does not answer its gateway is said, with the age', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.send('change', { agent_ok: false });
        await t.says('.banner', /agent of this board does not answer/);
        await until('its age grows', async () => await age(page) >= 2);
        await t.axe('no agent');
        mock.send('change', { agent_ok: true });
        await page.waitForSelector('.banner', { state: 'detached' });
});
