/* api - what the page asks of its gateway.  Every function throws an Error whose message can be shown. */
import { text } from './format.js';

const once = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');

async function said(answer) {
        const body = await answer.text();
        try {
                return JSON.parse(body);
        } catch {
                return body;
        }
}

function sentence(answer, body) {
        const words = text(typeof body === 'string' ? body.trim() : body?.error ?? '', 400);
        if (words && !words.startsWith('<')) return words;
        if (answer.status === 401 || answer.status === 403) return 'Your session has ended: log in again.';
        return `The gateway answered ${answer.status}.`;
}

async function ask(path, options = {}) {
        let answer;
        try {
                answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...options });
        } catch (e) {
                if (options.signal?.aborted) throw e;
                throw new Error('The gateway cannot be reached; try again when the connection is back.');
        }
        const body = await said(answer);
        if (!answer.ok) throw Object.assign(new Error(sentence(answer, body)), { status: answer.status });
        return body;
}

const json = (method, csrf, body) => ({
        method, headers: { 'Content-Type': 'application/json', 'X-Bramble-CSRF': csrf }, body: JSON.stringify(body),
});

export const act = (csrf, action) => ask('/ui/act', json('POST', csrf, { ...action, once: once() }));
export const store = () => ask('/store');
export const deploy = (csrf, spec) => ask('/system/functions', json('POST', csrf, spec));
export const remove = (csrf, f) => ask('/system/functions', json('DELETE', csrf, { functionName: f.name, namespace: f.namespace }));
export const scale = (csrf, f, replicas) =>
        ask(`/system/scale-function/${encodeURIComponent(f.key)}`, json('POST', csrf, { serviceName: f.name, namespace: f.namespace, replicas }));

/* Calls a function as anybody would, and measures the way there and back. */
export async function invoke(csrf, f, { method, path, type, body, signal }) {
        const rest = path ? `/${path.replace(/^\/+/, '')}` : '';
        const begun = performance.now();
        const answer = await fetch(`/function/${encodeURIComponent(f.key)}${rest}`, {
                method, signal, cache: 'no-store', credentials: 'omit', redirect: 'manual',
                headers: method === 'GET' || method === 'HEAD' ? {} : { 'Content-Type': type },
                body: method === 'GET' || method === 'HEAD' ? undefined : body,
        });
        const bytes = new Uint8Array(await answer.arrayBuffer());
        return { status: answer.status, words: answer.statusText, ms: performance.now() - begun, bytes, redirected: answer.type === 'opaqueredirect',
                headers: [...answer.headers].slice(0, 60) };
}

/* Reads the lines of a function's log until 'signal' ends it. */
export async function logs(csrf, f, { tail, signal, onLine }) {
        const query = new URLSearchParams({ name: f.name, namespace: f.namespace, tail: String(tail), follow: 'true' });
        const answer = await fetch(`/system/logs?${query}`, { signal, cache: 'no-store', credentials: 'same-origin', headers: { 'X-Bramble-CSRF': csrf } });
        if (!answer.ok) throw new Error(sentence(answer, await said(answer)));
        const decoder = new TextDecoder(), reader = answer.body.getReader();
        let rest = '';
        for (;;) {
                const { done, value } = await reader.read();
                if (done) return;
                rest += decoder.decode(value, { stream: true });
                const lines = rest.split('\n');
                rest = lines.pop().slice(0, 1 << 20);
                for (const line of lines) {
                        try {
                                if (line) onLine(JSON.parse(line));
                        } catch {
                                onLine({ text: line });
                        }
                }
        }
}

export async function logout(csrf) {
        await fetch('/ui/logout', { method: 'POST', credentials: 'same-origin', redirect: 'manual',
                headers: { 'X-Bramble-CSRF': csrf, 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ csrf }) });
        location.assign('/ui/');
}
