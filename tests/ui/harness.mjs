/* harness - runs specs one after the other in one Chromium, each in a context of its own, and sums up as the other tests
 * of this project do.  A spec waits with a deadline for what it wants to see. */
import net from 'node:net';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const specs = [];
/* options: only: 'mock' | 'real', last: true for what ends a board */
export const spec = (name, options, run) => specs.push({ name, ...(run ? options : {}), run: run ?? options });

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DEADLINE = 15000;

/* The way between browser and gateway, which can be cut (refused), or be a cable that was pulled (silence). */
export class Link {
        state = 'up';
        sockets = new Set();

        async listen(target) {
                const { hostname, port } = new URL(target);
                this.server = net.createServer({ pauseOnConnect: true }, (near) => {
                        if (this.state === 'cut') return near.destroy();
                        const far = net.connect(Number(port), hostname);
                        const both = { near, far };
                        this.sockets.add(both);
                        const end = () => { near.destroy(); far.destroy(); this.sockets.delete(both); };
                        for (const s of [near, far]) s.on('error', end).on('close', end);
                        near.on('data', (d) => this.state === 'up' && far.write(d));
                        far.on('data', (d) => this.state === 'up' && near.write(d));
                        near.resume();
                        return undefined;
                });
                await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
                return `http://127.0.0.1:${this.server.address().port}`;
        }

        cut() { this.state = 'cut'; for (const s of [...this.sockets]) s.near.destroy(); }
        pull() { this.state = 'silent'; }
        heal() {
                if (this.state === 'silent') for (const s of [...this.sockets]) s.near.destroy();
                this.state = 'up';
        }
        close() { this.heal(); this.server.close(); for (const s of [...this.sockets]) s.near.destroy(); }
}

export async function until(what, check, ms = DEADLINE) {
        const end = Date.now() + ms;
        for (;;) {
                const got = await check();
                if (got) return got;
                if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
                await new Promise((done) => setTimeout(done, 100));
        }
}

export const browserPath = () => process.env.CHROMIUM ?? ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);

/* What a spec has: a page that is logged in, and the world around it. */
class Test {
        constructor(world, name) { Object.assign(this, { world, name, faults: [], contexts: [] }); }

        async open({ width = 1280, scheme = 'light', login = true, ...more } = {}) {
                const context = await this.world.browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce', ...more });
                this.contexts.push(context);
                context.setDefaultTimeout(DEADLINE);
                if (login) await context.addCookies(await this.world.cookies());
                const page = await context.newPage();
                page.on('pageerror', (e) => this.faults.push(`error in the page: ${e.message}`));
                page.on('console', (m) => /content security policy/i.test(m.text()) && this.faults.push(m.text()));
                page.on('request', (q) => { if (!q.url().startsWith(this.world.url) && !q.url().startsWith('data:')) this.faults.push(`asks ${q.url()}`); });
                page.on('dialog', (d) => { this.faults.push('a dialog of a script'); d.dismiss(); });
                await page.goto(`${this.world.url}/ui/`);
                if (login && more.javaScriptEnabled !== false) await page.waitForSelector('.facts');
                this.page = page;
                return page;
        }

        async shot(name, full = true) {
                const { width } = this.page.viewportSize();
                await this.page.screenshot({ path: `${this.world.shots}/${name}-${width}.png`, fullPage: full });
        }

        /* No violation of axe's rules for WCAG 2.2 A and AA, colour contrast among them. */
        async axe(where, least = 16) {
                /* by the debugger: the page's policy lets no script of ours in */
                if (!await this.page.evaluate('Boolean(globalThis.axe)')) await this.page.evaluate(`${AXE}; true`);
                const found = await this.page.evaluate(async () => {
                        /* what still moves has no colour that could be told: it comes to rest first */
                        await Promise.all(document.getAnimations().filter((a) => a.effect.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => null)));
                        const r = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
                        return { passes: r.passes.length, contrast: r.passes.some((p) => p.id === 'color-contrast'), unsure: r.incomplete.map((v) => `${v.id}: ${v.nodes.slice(0, 2).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join('; ')}`), violations: r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join('; ')}`) };
                });
                assert.deepEqual(found.violations, [], `axe, ${where}`);
                /* On a narrow page that is scrolled axe takes a dialog's words for overlapped ones; at 1280 px it
                   sees the same colours. */
                const looked = found.contrast || (this.page.viewportSize().width < 400 && found.unsure.some((u) => u.startsWith('color-contrast:')));
                assert.ok(found.passes >= least && looked, `axe looked at too little, ${where}: ${JSON.stringify(found)}`);
        }

        async fits() {
                const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
                assert.ok(wide <= 0, `the page is ${wide} px wider than its window of ${this.page.viewportSize().width}`);
        }

        focus() { return this.page.evaluate(() => { const e = document.activeElement; return (e.getAttribute('aria-label') ?? e.textContent ?? '').trim() || e.tagName; }); }

        /* Tab until the focus is on what is called 'name'. */
        async tab(name, limit = 120) {
                for (let i = 0; i < limit; i++) {
                        await this.page.keyboard.press('Tab');
                        const is = await this.focus();
                        if (typeof name === 'string' ? is === name : name.test(is)) return;
                }
                throw new Error(`${limit} times Tab did not reach ${name}`);
        }

        says(selector, pattern, ms) { return until(`${selector} says ${pattern}`, async () => pattern.test((await this.page.locator(selector).allInnerTexts()).join('\n')), ms); }
}

export async function run(world, filter) {
        mkdirSync(world.shots, { recursive: true });
        for (const f of readdirSync(world.shots)) if (f.startsWith('FAIL-')) rmSync(`${world.shots}/${f}`);
        world.browser = await chromium.launch({ executablePath: browserPath(), args: process.getuid() === 0 ? ['--no-sandbox'] : [], timeout: 120000 });
        let passed = 0, failed = 0;
        const kind = world.mock ? 'mock' : 'real';
        for (const s of specs.filter((x) => (!x.only || x.only === kind) && (!x.needs || world[x.needs]) && (!filter || new RegExp(filter).test(x.name)))) {
                const t = new Test(world, s.name), begun = Date.now();
                let timer;
                try {
                        await world.fresh?.();
                        await Promise.race([s.run(t), new Promise((_, no) => { timer = setTimeout(() => no(new Error('took too long')), s.seconds ? s.seconds * 1000 : 90000); })]);
                        assert.deepEqual(t.faults, []);
                        passed++;
                        console.log(`ok    ${s.name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
                } catch (e) {
                        failed++;
                        console.log(`FAIL  ${s.name}\n      ${String(e.stack ?? e).split('\n').slice(0, 14).join('\n      ')}${t.faults.length ? `\n      ${t.faults.join('\n      ')}` : ''}`);
                        await t.page?.screenshot({ path: `${world.shots}/FAIL-${s.name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}.png` }).catch(() => {});
                } finally {
                        clearTimeout(timer);
                        world.link.heal();
                        for (const c of t.contexts) await c.close().catch(() => {});
                }
        }
        await world.browser.close();
        console.log(`${passed} passed, ${failed} failed`);
        return failed === 0 && passed > 0;
}
