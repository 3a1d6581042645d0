/* logs - what a function writes, as it writes it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { logs } from './api.js';
import { backoff } from './sse.js';
import { text } from './format.js';
import { Button } from './parts.jsx';

const LIMIT_LINES = 1000;

function time(stamp) {
        const d = new Date(stamp);
        return Number.isNaN(d.getTime()) ? '' : d.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

export function Logs({ f, csrf }) {
        const [on, setOn] = useState(false), [lines, setLines] = useState([]), [says, setSays] = useState('');
        const box = useRef(null), stick = useRef(true), next = useRef(0);
        useEffect(() => {
                if (!on) return undefined;
                const abort = new AbortController();
                let pending = [], frame = 0, timer = 0, attempt = 0, tail = 200;
                const flush = () => {
                        frame = 0;
                        const fresh = pending;
                        pending = [];
                        setLines((old) => [...old, ...fresh].slice(-LIMIT_LINES));
                };
                const onLine = (l) => {
                        attempt = 0;
                        pending.push({ id: next.current++, when: time(l?.timestamp), instance: text(l?.instance, 100), text: text(l?.text, 4000) });
                        if (pending.length > LIMIT_LINES) pending = pending.slice(-LIMIT_LINES);
                        if (!frame) frame = requestAnimationFrame(flush);
                };
                const read = async () => {
                        let why = 'The log has ended.';
                        setSays('');
                        try {
                                await logs(csrf, f, { tail, signal: abort.signal, onLine });
                        } catch (e) {
                                why = e instanceof TypeError ? 'The log was cut off.' : e.message;
                        }
                        if (abort.signal.aborted) return;
                        const ms = backoff(attempt++, 0, Math.random());
                        setSays(`${why} Next try in ${Math.ceil(ms / 1000)} s.`);
                        tail = 1;
                        timer = setTimeout(read, ms);
                };
                setLines([]);
                read();
                return () => {
                        abort.abort();
                        clearTimeout(timer);
                        cancelAnimationFrame(frame);
                };
        }, [on, f.key, csrf]);
        useEffect(() => {
                if (stick.current && box.current) box.current.scrollTop = box.current.scrollHeight;
        }, [lines]);
        const scrolled = () => {
                const b = box.current;
                stick.current = b.scrollHeight - b.scrollTop - b.clientHeight < 24;
        };
        return (
                <section class="panel-part" aria-labelledby="panel-logs">
                        <h3 id="panel-logs">Logs</h3>
                        <div class="buttons">
                                <Button onClick={() => setOn(!on)} aria-pressed={on}>{on ? 'Stop following' : 'Follow'}</Button>
                                {lines.length > 0 && <Button kind="quiet" onClick={() => setLines([])}>Clear</Button>}
                        </div>
                        {says && <p class="sub" role="status">{says}</p>}
                        {(on || lines.length > 0) && (
                                <div class="output logs" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={`Log of ${f.name}`}>
                                        {lines.length === 0 && <p class="sub">No lines yet.</p>}
                                        {lines.map((l) => <p key={l.id}><span class="sub">{l.when} {l.instance}</span> {l.text}</p>)}
                                </div>
                        )}
                </section>
        );
}
