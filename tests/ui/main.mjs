/* main.mjs [URL] - the specs of the page: against the mock, or the gateway at URL (its credentials in BRAMBLE_USER and
 * BRAMBLE_PASSWORD).  ONLY=REGEX picks specs, POWER=1 also those that switch boards off. */
import { Link, run } from './harness.mjs';
import * as bramble from './bramble.mjs';
import { Mock } from './mock.mjs';
import './spec_page.mjs';
import './spec_functions.mjs';
import './spec_boards.mjs';
import './spec_link.mjs';
import './spec_hostile.mjs';
import './spec_power.mjs';

const link = new Link(), top = new URL('../..', import.meta.url).pathname;
const target = process.argv[2]?.replace(/\/+$/, '');
const world = { link, user: process.env.BRAMBLE_USER ?? 'admin', password: process.env.BRAMBLE_PASSWORD ?? '', power: Boolean(process.env.POWER) || !target };

if (target) {
        world.shots = `${top}build/ui-screenshots`;
        world.target = target;
} else {
        world.mock = new Mock(`${top}ui/dist`);
        world.target = await world.mock.listen();
        world.password = world.mock.password;
        world.shots = `${top}build/ui-screenshots/mock`;
        world.fresh = () => { world.mock.reset(bramble.four()); };
}
world.url = await link.listen(world.target);

/* One session for all specs: a gateway counts who logs in. */
let jar = null;
world.cookies = async () => {
        if (jar && (await fetch(`${world.target}/ui/status`, { headers: { cookie: `bramble_session=${jar[0].value}` }, redirect: 'manual' })).status === 200) return jar;
        const form = await fetch(`${world.target}/ui/`);
        const pre = (form.headers.getSetCookie?.() ?? []).map((c) => c.split(';')[0]).join('; ');
        const csrf = /name="?csrf"?[^>]*value="([^"]*)"/.exec(await form.text())?.[1] ?? '';
        const answer = await fetch(`${world.target}/ui/login`, { method: 'POST', redirect: 'manual', headers: { cookie: pre, origin: world.target, 'content-type': 'application/x-www-form-urlencoded' },
                body: new URLSearchParams({ user: world.user, password: world.password, csrf }) });
        const value = (answer.headers.getSetCookie?.() ?? []).map((c) => /^bramble_session=([^;]+)/.exec(c)?.[1]).find(Boolean);
        if (!value) throw new Error(`cannot log in: ${answer.status}`);
        jar = [{ name: 'bramble_session', value, url: world.url, httpOnly: true, sameSite: 'Strict' }];
        return jar;
};

const good = await run(world, process.env.ONLY);
link.close();
world.mock?.close();
process.exit(good ? 0 : 1);
