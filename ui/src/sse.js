/* sse - one stream of server-sent events over fetch: unlike EventSource it tells the status of a refusal, sees
 * heartbeats (a pulled cable sends nothing, not even an end), and lets us choose when to try again. */

const LIMIT_EVENT = 4 << 20; /* characters of one event; 96 boards are about 200 kB */

/* Cuts a stream of text into events; feed() may get any pieces.  Lines end with \n, \r\n or \r. */
export function parser(onEvent) {
        let rest = '', type = '', data = [], size = 0;
        const line = (l) => {
                if (l === '') {
                        if (data.length) onEvent(type || 'message', data.join('\n'));
                        type = '';
                        data = [];
                        size = 0;
                        return;
                }
                const colon = l.indexOf(':');
                if (colon === 0) return;
                const field = colon < 0 ? l : l.slice(0, colon);
                let value = colon < 0 ? '' : l.slice(colon + 1);
                if (value.startsWith(' ')) value = value.slice(1);
                if (field === 'event') type = value;
                if (field === 'data') {
                        size += value.length;
                        data.push(value);
                }
        };
        return (text) => {
                rest += text;
                const lines = rest.split(/\r\n|\n|\r(?!$)/);
                rest = lines.pop();
                lines.forEach(line);
                if (rest.length + size > LIMIT_EVENT) throw new Error('an event is too large');
        };
}

/* Milliseconds until the next attempt: doubles up to half a minute; 'random' (0..1) spreads viewers that
 * were cut off at the same moment; what the server asks for is the least. */
export function backoff(attempt, leastMs, random) {
        const ms = Math.min(30000, 1000 * 2 ** Math.min(attempt, 5));
        return Math.max(Math.min(leastMs || 0, 60000), Math.round(ms * (0.7 + 0.3 * random)));
}

/* Keeps the stream of 'url' open.  Calls on.open(), on.event(type, data), on.byte() at any sign of life,
 * on.lost({ reason, retryMs }), on.refused() where nobody is logged in any more.  Returns { now(), stop() }. */
export function stream(url, on, silenceMs = 40000) {
        let attempt = 0, least = 0, timer = 0, stopped = false, abort = null;

        async function once() {
                abort = new AbortController();
                const { signal } = abort;
                let watch = 0;
                const alive = () => {
                        clearTimeout(watch);
                        watch = setTimeout(() => abort.abort(), silenceMs);
                };
                try {
                        alive();
                        const answer = await fetch(url, {
                                signal, cache: 'no-store', credentials: 'same-origin', redirect: 'error',
                                headers: { Accept: 'text/event-stream' },
                        });
                        if (answer.status === 401 || answer.status === 403) return 'refused';
                        if (!answer.ok) {
                                least = Number(answer.headers.get('Retry-After')) * 1000 || 0;
                                return answer.status === 503 ? 'The gateway has too many viewers.'
                                        : `The gateway answered ${answer.status}.`;
                        }
                        const feed = parser((type, data) => {
                                attempt = 0;
                                on.event(type, data);
                        });
                        const decoder = new TextDecoder();
                        const reader = answer.body.getReader();
                        on.open();
                        for (;;) {
                                const { done, value } = await reader.read();
                                if (done) return 'The gateway ended the connection.';
                                alive();
                                on.byte();
                                feed(decoder.decode(value, { stream: true }));
                        }
                } catch (e) {
                        if (signal.aborted) return 'The gateway has not been heard for a while.';
                        return e instanceof TypeError ? 'The gateway cannot be reached.' : String(e.message || e);
                } finally {
                        clearTimeout(watch);
                        abort.abort();
                }
        }

        async function run() {
                timer = 0; /* now() is for who waits: a second stream beside this one would never end */
                const reason = await once();
                if (stopped) return;
                if (reason === 'refused') {
                        on.refused();
                        return;
                }
                const retryMs = backoff(attempt++, least, Math.random());
                least = 0;
                on.lost({ reason, retryMs });
                timer = setTimeout(run, retryMs);
        }
        run();
        return {
                now() { /* only while waiting */
                        if (!timer) return;
                        clearTimeout(timer);
                        timer = 0;
                        run();
                },
                least(ms) { least = ms; },
                stop() {
                        stopped = true;
                        clearTimeout(timer);
                        abort?.abort();
                },
        };
}
