/* Boards that switch off.  Against a real gateway only with POWER=1, and then at the very end. */
import assert from 'node:assert/strict';
import { spec, until } from './harness.mjs';

spec('shut down all: the order first, only with the name of the cluster', { needs: 'power' }, async (t) => {
        const page = await t.open(), cluster = await page.locator('.fact dd').first().innerText();
        await page.click('text=Shut down all');
        await page.waitForSelector('.order li');
        const order = await page.locator('.order li').allInnerTexts(), master = await page.locator('.fact dd').nth(1).innerText();
        assert.equal(order.length, await page.locator('.board').count(), 'a board a line');
        assert.ok(order.at(-1).includes(master), `the master last: ${order}`);
        const go = page.locator('dialog .button-danger');
        assert.ok(await go.isDisabled());
        await page.fill('dialog input', `${cluster}x`);
        assert.ok(await go.isDisabled());
        await t.says('dialog .field-error', /not the name/);
        await page.keyboard.press('Enter');
        assert.equal(await page.locator('dialog .order').count(), 1, 'Enter does not go round it');
        await page.fill('dialog input', cluster);
        assert.ok(!await go.isDisabled());
        await t.shot('shutdown-confirm', false);
        await page.keyboard.press('Escape');
        if (t.world.mock) assert.deepEqual(t.world.mock.actions.map((a) => [a.verb, a.dry_run]), [['shutdown-all', true]]);
});

spec('the screen of a shutdown shows its progress, and outlives the gateway', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock, link } = t.world;
        await page.click('text=Shut down all');
        await page.waitForSelector('.order li');
        await page.fill('dialog input', 'home');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.dialog-screen');
        assert.equal(mock.actions.at(-1).confirm, 'home');
        const say = (phase, board, state, words) => mock.send('shutdown', { id: 'a1', phase, board, state, text: words });
        say('freeze', undefined, undefined, 'The bramble is frozen.');
        await t.says('.verdict', /frozen/);
        for (const w of ['w1', 'w2', 'w3']) say('boards', w, 'stopping', '');
        await until('three are stopping', async () => await page.locator('.dialog-screen td:has-text("stopping")').count() === 3);
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('.dialog-screen').count(), 1, 'it cannot be lost by Esc');
        await t.axe('a shutdown');
        await t.shot('shutdown-running', false);
        for (const w of ['w1', 'w2', 'w3']) say('boards', w, 'off', '');
        say('master', 'm1', 'stopping', 'm1 is the last one.');
        await until('m1 is stopping', async () => /m1[\s\S]*stopping/.test(await page.locator('.dialog-screen').innerText()));
        link.cut();
        await t.says('.verdict', /All boards are off or about to be[\s\S]*m1 was the last one/, 20000);
        await t.axe('after the gateway');
        await t.shot('shutdown-over', false);
        link.heal();
        mock.become({ ...mock.state, shutdown: null });
        await page.waitForSelector('.dialog-screen', { state: 'detached', timeout: 40000 });
        await t.says('.top-state', /Live/);
});

spec('a shutdown that is done says so, one that hangs names the board', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.send('shutdown', { id: 'b', phase: 'boards', board: 'w1', state: 'off' });
        mock.send('shutdown', { id: 'b', phase: 'boards', board: 'w2', state: 'hung', text: 'it still answers after 60 s' });
        await t.says('.verdict-title', /w2 is not off/);
        mock.send('shutdown', { id: 'b', phase: 'failed', text: 'w2 does not switch off: look at it.' });
        await t.says('.verdict', /look at it/);
        await page.click('text=Back to the boards');
        await page.waitForSelector('.dialog-screen', { state: 'detached' });
        for (const b of ['w1', 'm1']) mock.send('shutdown', { id: 'c', phase: 'boards', board: b, state: 'off' });
        mock.send('shutdown', { id: 'c', phase: 'done', board: '', state: '', last: 'm1', text: 'all boards are off, you can pull the plug' });
        await t.says('.verdict', /All boards are off[\s\S]*You can pull the plug as soon as the green light of m1/);
});

spec('one board that reboots is a line, not a screen', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        mock.send('shutdown', { id: 'r', phase: 'boards', board: 'w1', state: 'stopping', text: 'w1 ends its functions' });
        await t.says('main > .note', /w1: .*ends its functions/);
        assert.equal(await page.locator('.dialog-screen').count(), 0);
});

/* As the agent tells it: the first lines name no board, and its own id is all that parts one shutdown from the next. */
spec('what is over is not said of the next shutdown', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world, screen = page.locator('.dialog-screen'), note = page.locator('main > .note');
        mock.send('shutdown', { id: 'r', phase: 'freeze', board: '', state: '', text: 'nothing is started or moved any more', last: '' });
        await t.says('main > .note', /^nothing is started/);
        assert.equal(await screen.count(), 0, 'one board, which is not named yet, is not all of them');
        mock.send('shutdown', { id: 'r', phase: 'boards', board: 'w1', state: 'off', text: 'w1 is off', last: '' });
        mock.send('shutdown', { id: 'r', phase: 'done', board: '', state: '', text: 'w1 is off', last: '' });
        await t.says('main > .note', /^w1: w1 is off/);
        const rows = mock.state.boards.map((b, i) => ({ name: b.name, role: b.role, order: i + 1, state: 'waiting' }));
        mock.send('change', { shutdown: { active: true, id: 'all', reboot: false, phase: 'freeze', last: '', text: 'nothing is started or moved any more', boards: rows } });
        await t.says('.verdict', /Shutting down/);
        assert.ok(!/pull the plug/.test(await screen.innerText()), 'they are all on');
        mock.send('change', { shutdown: null });
        await page.waitForSelector('.dialog-screen', { state: 'detached' });
        mock.send('shutdown', { id: 's', phase: 'done', board: 'w1', state: 'back', text: 'w1 is back', last: '' });
        await note.getByText('Dismiss').click();
        await note.waitFor({ state: 'detached' });
        mock.send('shutdown', { id: 's', phase: 'done', board: 'w1', state: 'back', text: 'w1 is back', last: '' });
        await page.click('text=Shut down all');
        await page.waitForSelector('.order li');
        await page.fill('dialog input', 'home');
        await page.keyboard.press('Enter');
        await t.says('.verdict', /Shutting down/);
        assert.equal(await screen.locator('td:has-text("waiting")').count(), rows.length);
});

spec('reboot a board', { needs: 'power', seconds: 240 }, async (t) => {
        const page = await t.open();
        const name = await page.$$eval('.board', (all) => all.map((b) => b.dataset.board).filter((n) => /^w/.test(n)).pop());
        const card = page.locator(`.board[data-board="${name}"]`);
        /* how long it is up tells that it was away: a board of the lab is back before it is missed */
        if (!t.world.mock) await until('it is up for a minute', async () => /Up for\s+\d+ (min|h|d)/.test(await card.innerText()), 90000);
        await card.locator('.icon-button').click();
        await card.locator('.menu button', { hasText: 'Reboot' }).click();
        await page.locator('dialog .button-danger').click();
        await page.waitForSelector('dialog', { state: 'detached', timeout: 60000 });
        if (t.world.mock) {
                assert.deepEqual({ ...t.world.mock.actions.at(-1), once: '' }, { verb: 'reboot', board: name, once: '' });
                return;
        }
        await until(`${name} has started again`, async () => /\bUp\b[\s\S]*Up for\s+\d+ s/.test(await card.innerText()), 120000);
});

spec('shut down all, to the end', { only: 'real', needs: 'power', seconds: 180 }, async (t) => {
        const page = await t.open(), cluster = await page.locator('.fact dd').first().innerText();
        await page.click('text=Shut down all');
        await page.waitForSelector('.order li');
        await page.fill('dialog input', cluster);
        await page.keyboard.press('Enter');
        await page.waitForSelector('.dialog-screen');
        await t.shot('shutdown-begun', false);
        await t.says('.verdict', /All boards are off/, 120000);
        await t.shot('shutdown-end', false);
});
