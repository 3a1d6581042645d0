/* shots.mjs DIR - pictures of the page in many states, against the mock: for a person's eyes. */
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import * as bramble from './bramble.mjs';
import { Mock } from './mock.mjs';

const dir = process.argv[2] ?? '../../build/ui-screenshots/mock', only = process.argv[3];
mkdirSync(dir, { recursive: true });
const mock = new Mock(new URL('../../ui/dist', import.meta.url).pathname), url = await mock.listen();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function shot(name, width, scheme, state, then, full = true) {
        const key = `${name}-${width}-${scheme}`;
        if (only && !key.includes(only)) return;
        mock.state = state();
        mock.past = [];
        ['m1 was elected as the leader: it has the most memory.', 'w1 joined.', 'figlet was deployed by admin.', 'A replica of figlet moved from w3 to w2: w3 does not answer.'].forEach((text, i) => mock.past.push({ id: i + 1, unix: 1796058000 + i * 61, kind: ['elected', 'joined', 'deployed', 'moved'][i], severity: i === 3 ? 'warning' : 'info', board: 'm1', text }));
        const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, reducedMotion: 'reduce' });
        const page = await context.newPage();
        page.on('console', (m) => m.type() === 'error' && console.log(`${key}: ${m.text()}`));
        page.on('pageerror', (e) => console.log(`${key}: ${e}`));
        await page.goto(`${url}/ui/`);
        await page.fill('input[name=user]', mock.user);
        await page.fill('input[name=password]', mock.password);
        await page.click('button');
        await page.waitForSelector('.facts');
        if (then) await then(page);
        await page.screenshot({ path: `${dir}/${key}.png`, fullPage: full });
        await context.close();
}

const panel = async (page) => {
        await page.click('tr[data-function="figlet.openfaas-fn"] button');
        for (let i = 0; i < 6; i++) {
                mock.change('functions', 'figlet', { calls_per_s: 3 + i * 1.3, latency_ms: { p50: 10 + i, p99: 44 + ((i * 17) % 30) } });
                await page.waitForTimeout(1000);
        }
        await page.fill('.invoke textarea', 'four boards');
        await page.click('.invoke button[type=submit]');
        await page.waitForSelector('.answer');
};
const lost = async (page) => { mock.server.closeAllConnections(); await page.waitForSelector('.banner'); };
const off = async (page) => {
        const names = ['w1', 'w2', 'w3', 'm1'];
        mock.send('shutdown', { id: 'x', phase: 'boards', text: 'The workers switch off, three at once.' });
        names.forEach((board, i) => mock.send('shutdown', { id: 'x', phase: 'boards', board, state: ['off', 'silent', 'stopping', 'waiting'][i], text: '' }));
        await page.waitForSelector('.verdict');
};
for (const scheme of ['light', 'dark']) {
        for (const width of [320, 768, 1280]) {
                await shot('four', width, scheme, bramble.four);
                await shot('alerts', width, scheme, bramble.alerting);
                await shot('lost', width, scheme, bramble.four, lost, false);
                await shot('panel', width, scheme, bramble.four, panel, false);
                await shot('deploy', width, scheme, bramble.four, (p) => p.click('text=Deploy').then(() => p.waitForSelector('.store-item')), false);
                await shot('all', width, scheme, bramble.four, (p) => p.click('text=Shut down all').then(() => p.waitForSelector('.order li')), false);
                await shot('off', width, scheme, bramble.four, off, false);
                await shot('menu', width, scheme, bramble.four, (p) => p.click('[aria-label="Actions for m1"]'), false);
                await shot('empty', width, scheme, bramble.empty);
                await shot('many', width, scheme, bramble.many, null, false);
        }
}
await browser.close();
mock.close();
