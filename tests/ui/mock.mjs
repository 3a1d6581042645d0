/* mock - a gateway that is none: it speaks the page's side of the contract from what a test puts in, and keeps what it
 * was asked.  For developing the page and for what no real bramble does on demand; the same specs run
 * against the real gateway.  `node mock.mjs [PORT] [four|empty|alerting|many|hostile]` serves it for a look. */
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as bramble from './bramble.mjs';

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

const STORE = {
        version: '0.2.0',
        functions: ['figlet', 'env', 'wordcount', 'qr', 'load'].map((name) => ({ title: name, name, description: `What ${name} does, in a sentence.`, fprocess: `/bin/${name}`, images: { armhf: `bramble.local/${name}:0.1.0`, arm64: `bramble.local/${name}:0.1.0`, x86_64: `bramble.local/${name}:0.1.0` }, environment: {}, labels: {}, annotations: {}, readOnlyRootFilesystem: true })),
};

export class Mock {
        user = 'admin';
        password = 'secret';
        csrf = 'token-of-the-session';
        state = bramble.four();
        actions = [];        /* what /ui/act was asked */
        system = [];         /* [method, path, body] of the function API */
        viewers = new Set();
        readers = new Set(); /* of logs */
        sessions = new Set();
        seen = new Set();    /* ids that an action was asked with */
        past = [];           /* events, for who comes later */
        fail = null;         /* { path, status, text } for the next request of that path */

        constructor(dir) {
                this.page = readFileSync(join(dir, 'index.html'));
                this.assets = new Map(readdirSync(join(dir, 'assets')).filter((f) => !f.endsWith('.gz')).map((f) => [f, readFileSync(join(dir, 'assets', f))]));
                this.server = createServer((q, a) => this.answer(q, a).catch((e) => a.destroy(e)));
        }

        async listen(port = 0) {
                await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
                this.beat = setInterval(() => this.viewers.forEach((v) => v.write(':\n\n')), 5000);
                return `http://127.0.0.1:${this.server.address().port}`;
        }

        close() {
                clearInterval(this.beat);
                this.server.closeAllConnections();
                this.server.close();
        }

        /* As it was in the beginning, for the next spec. */
        reset(state) { Object.assign(this, { state, actions: [], system: [], seen: new Set(), past: [], fail: null }); }
        send(type, data) { this.viewers.forEach((v) => v.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)); }
        become(state) { this.state = state; this.send('state', state); }
        event(e) { const all = { id: this.past.length + 1, unix: Date.now() / 1000, severity: 'info', board: '', function: '', kind: 'joined', ...e }; this.past.push(all); this.send('event', all); }
        log(line) { this.readers.forEach((r) => r.write(`${JSON.stringify({ name: 'figlet', namespace: 'openfaas-fn', instance: 'figlet-7', timestamp: new Date().toISOString(), text: line })}\n`)); }

        /* Changes fields of one board or function here and on the page. */
        change(kind, name, fields) {
                const item = this.state[kind].find((x) => x.name === name);
                Object.assign(item, fields);
                this.send('change', { [kind]: [kind === 'boards' ? { id: item.id, ...fields } : { name, namespace: item.namespace, ...fields }] });
        }

        async answer(q, a) {
                const url = new URL(q.url, 'http://mock'), path = url.pathname;
                const body = await new Promise((done) => { const all = []; q.on('data', (d) => all.push(d)); q.on('end', () => done(Buffer.concat(all).toString())); });
                const session = /bramble_session=([0-9a-f]+)/.exec(q.headers.cookie ?? '')?.[1], inside = this.sessions.has(session);
                const head = { 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
                const say = (status, text, more = {}) => { a.writeHead(status, { ...head, ...more }); a.end(text); };
                const json = (status, o) => say(status, JSON.stringify(o), { 'Content-Type': 'application/json' });
                if (this.fail?.path === path) {
                        const { status, text } = this.fail;
                        this.fail = null;
                        return json(status, { error: text });
                }
                if (path.startsWith('/ui/assets/')) return this.asset(q, say, path.slice(11));
                if (path === '/ui/login' && q.method === 'POST') return this.login(new URLSearchParams(body), say);
                if (path === '/ui/' || path === '/') return inside ? say(200, this.page, { 'Content-Type': TYPES.html }) : say(200, this.form(''), { 'Content-Type': TYPES.html });
                if (path === '/store') return json(200, STORE);
                if (path.startsWith('/function/')) return this.invoke(q, say, path, body);
                if (!inside) return say(401, 'not logged in');
                if (path === '/ui/status') return say(200, '<!DOCTYPE html><html lang="en"><title>Status</title><main><h1>Status</h1><table><tr><th scope="col">Board<tr><td>m1</table></main>', { 'Content-Type': TYPES.html });
                if (path === '/ui/stream') return this.view(a, head);
                if (q.headers['x-bramble-csrf'] !== this.csrf) return json(403, { error: 'the token is missing' });
                if (path === '/ui/logout') { this.sessions.delete(session); return say(303, '', { Location: '/ui/' }); }
                if (path === '/ui/act') return this.act(JSON.parse(body), json);
                if (path === '/system/logs') { a.writeHead(200, { ...head, 'Content-Type': 'application/x-ndjson' }); a.flushHeaders(); this.readers.add(a); a.on('close', () => this.readers.delete(a)); return undefined; }
                if (path.startsWith('/system/')) return this.api(q.method, path, JSON.parse(body), say);
                return say(404, 'nothing there');
        }

        asset(q, say, name) {
                const bytes = this.assets.get(name);
                if (!bytes) return say(404, 'nothing there');
                return say(200, gzipSync(bytes), { 'Content-Type': TYPES[name.split('.').pop()], 'Content-Encoding': 'gzip', 'Cache-Control': 'public, max-age=31536000, immutable' });
        }

        form(error) { return `<!DOCTYPE html><html lang="en"><title>Log in</title><main><h1>Log in</h1><form method="post" action="/ui/login"><input type="hidden" name="csrf" value="x"><p role="alert">${error}</p><label>User <input name="user"></label><label>Password <input name="password" type="password"></label><button>Log in</button></form></main></html>`; }

        login(form, say) {
                if (form.get('user') !== this.user || form.get('password') !== this.password) return say(401, this.form('wrong user or password'), { 'Content-Type': TYPES.html });
                const id = randomBytes(16).toString('hex');
                this.sessions.add(id);
                return say(303, '', { Location: '/ui/', 'Set-Cookie': `bramble_session=${id}; HttpOnly; SameSite=Strict; Path=/` });
        }

        view(a, head) {
                a.writeHead(200, { ...head, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
                const write = (type, data) => a.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
                write('hello', { csrf: this.csrf, user: this.user, node: 'm1', version: '0.1.0', now_ms: 60000, retry_ms: 500 });
                write('state', this.state);
                this.past.forEach((e) => write('event', e));
                this.viewers.add(a);
                a.on('close', () => this.viewers.delete(a));
        }

        act(o, json) {
                if (!o.once || this.seen.has(o.once)) return json(409, { error: 'this was asked before' });
                this.seen.add(o.once);
                this.actions.push(o);
                if (o.verb === 'shutdown-all' && o.dry_run) {
                        const order = [...this.state.boards].sort((x, y) => (x.role === 'master') - (y.role === 'master'));
                        return json(200, { ok: true, text: 'This is what would happen; nothing was done.', boards: order.map((b, i) => ({ name: b.name, role: b.role, order: i + 1, state: 'waiting' })) });
                }
                if (o.verb === 'shutdown-all' && o.confirm !== this.state.cluster) return json(400, { error: 'confirm with the name of the cluster' });
                if (o.verb === 'drain' || o.verb === 'uncordon') this.change('boards', o.board, { cordoned: o.verb === 'drain', drained: o.verb === 'drain' });
                if (o.verb === 'rename') {
                        const item = this.state.boards.find((b) => b.name === o.board);
                        item.name = o.name;
                        this.send('change', { boards: [{ id: item.id, name: o.name }] });
                }
                return json(200, { ok: true, text: `${o.verb} ${o.board ?? 'all'}: on its way` });
        }

        invoke(q, say, path, body) {
                if (path.includes('/boom')) return say(500, 'exit status 1', { 'Content-Type': 'text/plain' });
                return say(200, body.toUpperCase(), { 'Content-Type': 'text/plain', 'X-Call-Id': 'a-b-c', 'X-Duration-Seconds': '0.011' });
        }

        api(method, path, body, say) {
                this.system.push([method, path, body]);
                const name = body.functionName ?? body.serviceName ?? body.service;
                if (path === '/system/functions' && method === 'POST') this.state.functions.push(bramble.func(name, ['w1'], { image: body.image }));
                if (path === '/system/functions' && method === 'DELETE') { this.state.functions = this.state.functions.filter((f) => f.name !== name); this.send('change', { gone: { functions: [`${name}.openfaas-fn`] } }); return say(202, ''); }
                if (path.startsWith('/system/scale-function/')) this.change('functions', name, { replicas: body.replicas });
                else this.send('change', { functions: this.state.functions.filter((f) => f.name === name) });
                return say(202, '');
        }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
        const mock = new Mock(new URL('../../ui/dist', import.meta.url).pathname);
        mock.state = bramble[process.argv[3] ?? 'four']();
        console.log(`${await mock.listen(Number(process.argv[2] ?? 8090))}/ui/  user ${mock.user}, password ${mock.password}`);
}
