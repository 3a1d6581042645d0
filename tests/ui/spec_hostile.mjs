/* Hostile names and texts: shown as text, nothing runs, nothing breaks; and the pure parts by themselves. */
import assert from 'node:assert/strict';
import { spec, until } from './harness.mjs';
import { HOSTILE, four, hostile } from './bramble.mjs';
import { backoff, parser } from '../../ui/src/sse.js';
import { initial, overlay, step } from '../../ui/src/state.js';
import { board } from '../../ui/src/model.js';
import { bytes, duration, mbit, text } from '../../ui/src/format.js';

spec('hostile names and lies are shown as text', { only: 'mock' }, async (t) => {
        t.world.mock.state = hostile();
        for (const width of [320, 1280]) {
                const page = await t.open({ width });
                HOSTILE.forEach((h) => t.world.mock.event({ kind: h, text: h, board: h }));
                await until('all events', async () => await page.locator('.event').count() >= HOSTILE.length);
                assert.equal(await page.evaluate(() => window.pwned), undefined);
                assert.equal(await page.locator('main img, main script, main iframe').count(), 0);
                const seen = await page.locator('main').innerText();
                assert.ok(seen.includes('<img src=x onerror="window.pwned=1">'), 'it is there, as text');
                assert.doesNotMatch(seen, /[\u202a-\u202e\u2066-\u2069\u0000\u001b]/, 'no control characters');
                await t.fits();
                await t.axe('hostile');
                await t.shot('hostile');
                await page.locator('.functions th button').first().click();
                await page.waitForSelector('.dialog-panel');
                await page.click('text=Follow');
                await until('a reader', () => t.world.mock.readers.size > 0);
                HOSTILE.forEach((h) => t.world.mock.log(h));
                t.world.mock.readers.forEach((r) => r.write('no json\n{"text":{}}\nnull\n'));
                await t.says('.logs', /onerror="window\.pwned=1"/);
                assert.equal(await page.locator('dialog img, dialog script').count(), 0);
                assert.equal(await page.evaluate(() => window.pwned), undefined);
                await page.context().close();
        }
});

spec('a stream that talks nonsense does not end the page', { only: 'mock' }, async (t) => {
        const page = await t.open(), { mock } = t.world;
        for (const raw of ['event: state\ndata: {"boards"', 'event: state\ndata: null', 'event: change\ndata: {"boards":{"length":5},"gone":7,"functions":[[[]]]}', 'event: shutdown\ndata: []', 'event: hello\ndata: 3', 'event: what\ndata: {}', 'data', ': x']) mock.viewers.forEach((v) => v.write(`${raw}\n\n`));
        mock.send('hello', { csrf: mock.csrf });
        mock.become(four());
        mock.change('boards', 'w1', { cpu_percent: 33 });
        await until('it goes on', async () => /33 %/.test(await page.locator('.board[data-board=w1]').innerText()));
});

spec('sse: events come out however the bytes were cut', { only: 'mock' }, async () => {
        const whole = ': beat\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata:x\n\nevent: b\ndata\n\nid: 7\n\nevent: c\ndata:  y\n\n';
        const want = [['a', '1\n2'], ['message', 'x'], ['b', ''], ['c', ' y']];
        for (let size = 1; size <= whole.length; size++) {
                const got = [], feed = parser((type, data) => got.push([type, data]));
                for (let i = 0; i < whole.length; i += size) feed(whole.slice(i, i + size));
                assert.deepEqual(got, want, `pieces of ${size}`);
        }
        const feed = parser(() => {});
        assert.throws(() => { for (let i = 0; i < 100; i++) feed(`data: ${'x'.repeat(1 << 17)}\n`); }, /too large/);
});

spec('back-off: doubles, has an end, keeps what the server asks', { only: 'mock' }, async () => {
        assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((n) => backoff(n, 0, 1)), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert.equal(backoff(0, 5000, 0), 5000);
        assert.equal(backoff(0, 1e9, 0), 60000);
        assert.ok(backoff(3, 0, 0) < backoff(3, 0, 1));
});

spec('state: changes are laid over, lists are whole, prototypes stay clean', { only: 'mock' }, async () => {
        const feed = (s, name, data) => step(s, { type: 'message', name, data });
        let s = feed(initial, 'change', { boards: [{ id: '1', name: 'w1' }] });
        assert.equal(s.boards.length, 0, 'a change before the whole says nothing');
        s = feed(s, 'state', { boards: [{ id: '1', name: 'w1', state: 'up', memory: { total_bytes: 100, available_bytes: 40 } }, { id: '2', name: 'm1', role: 'master' }] });
        assert.deepEqual(s.boards.map((b) => b.name), ['m1', 'w1'], 'the master comes first');
        const m1 = s.boards[0];
        s = feed(s, 'change', { boards: [{ id: '1', memory: { total_bytes: 100, available_bytes: 10 }, cpu_cores_percent: [1, 2] }] });
        assert.deepEqual([s.boards[1].memory.used, s.boards[1].cores, s.boards[1].up], [90, [1, 2], true]);
        assert.equal(s.boards[0], m1, 'who did not change is the same object');
        s = feed(s, 'change', { boards: [{ id: '1', name: 'kitchen', cpu_cores_percent: [3] }] });
        assert.deepEqual([s.boards.length, s.boards[1].name, s.boards[1].cores], [2, 'kitchen', [3]]);
        s = feed(s, 'change', JSON.parse('{"boards":[{"id":"__proto__","__proto__":{"polluted":1},"name":"x"}]}'));
        assert.equal({}.polluted, undefined);
        assert.equal(overlay({}, JSON.parse('{"__proto__":{"a":1}}')).a, undefined);
        s = step(s, { type: 'message', name: 'change', data: { agent_ok: false }, now: 5 });
        assert.equal(step(s, { type: 'message', name: 'change', data: {}, now: 9 }).agentLost, 5, 'since when the agent is silent');
        assert.equal(step(s, { type: 'message', name: 'change', data: { agent_ok: true }, now: 9 }).agentLost, 0);
        for (let i = 0; i < 1000; i++) s = feed(s, 'event', { id: i, text: `${i}`, kind: 'x' });
        assert.deepEqual([s.events.length, s.events[0].id], [300, 999]);
        s = feed(s, 'state', { functions: [{ name: 'f' }] });
        for (let i = 0; i < 2000; i++) s = step(step(s, { type: 'open', now: 0 }), { type: 'sample', unix: i });
        assert.equal(s.history.get('f.openfaas-fn').length, 900);
});

spec('model: a limit of 0 is one that is not known', { only: 'mock' }, async () => {
        const b = board({ temperature_c: 48, board: { soft_temp_c: 0, throttle_c: 80, hard_c: 0, bits_kernel: 0 }, network: { mbps: 0, rx_bytes_per_second: 1 } });
        assert.deepEqual([b.temperature.soft, b.temperature.slow, b.temperature.hard, b.kernelBits, b.network.ceiling, b.network.share], [null, 80, null, null, null, null]);
        assert.deepEqual([board({ temperature_c: 79, board: { throttle_c: 80 } }).temperature.level, board({ temperature_c: 86, board: { hard_c: 85 } }).temperature.level, board({ temperature_c: 99 }).temperature.level], ['warn', 'bad', 'ok']);
});

spec('format: words for numbers, and for what is none', { only: 'mock' }, async () => {
        assert.deepEqual([0, 1023, 1024, 948 * 2 ** 20, 7.3e9, -1, NaN, '7', null, 1e308].map(bytes), ['0 B', '1023 B', '1.0 KB', '948 MB', '6.8 GB', '0 B', '–', '–', '–', '909 TB']);
        assert.deepEqual([59, 3599, 3661, 187400].map(duration), ['59 s', '59 min', '1 h 1 min', '2 d 4 h']);
        assert.deepEqual([0, 81000, 37.5e6].map(mbit), ['0', '0.6', '300']);
        assert.equal(text('a\u202eb\u0007c'), 'a\ufffdb\ufffdc');
        assert.equal(text('x'.repeat(300)).length, 200);
        assert.deepEqual([text({}), text(null), text(7)], ['', '', '7']);
});
