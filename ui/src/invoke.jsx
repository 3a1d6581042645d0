/* invoke - a box that calls a function: request, response, status and round trip. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { invoke } from './api.js';
import { bytes, millis, text } from './format.js';
import { Badge, Button, Failure, Field } from './parts.jsx';

const LIMIT_SHOWN = 64 * 1024;
const METHODS = ['POST', 'GET', 'PUT', 'DELETE', 'PATCH'];
const TYPES = ['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'application/octet-stream'];

/* What is no text is shown as its first bytes. */
function shown(data) {
        const some = data.subarray(0, LIMIT_SHOWN);
        const plain = new TextDecoder().decode(some);
        /* eslint-disable-next-line no-control-regex */
        const odd = (plain.slice(0, 2000).match(/[\u0000-\u0008\u000e-\u001a\ufffd]/g) ?? []).length;
        if (odd > 20) return [...some.subarray(0, 1024)].map((b, i) => b.toString(16).padStart(2, '0') + (i % 16 === 15 ? '\n' : ' ')).join('');
        return text(plain.replace(/\r\n/g, '\n'), LIMIT_SHOWN);
}

function Answer({ answer }) {
        const good = answer.status >= 200 && answer.status < 400;
        return (
                <div class="answer">
                        <p class="answer-head" role="status">
                                <Badge kind={answer.redirected || good ? 'good' : 'bad'} icon={answer.redirected || good ? 'ok' : 'error'}>{answer.redirected ? 'Redirect' : `Status ${answer.status}`}</Badge>
                                <span>Round trip <strong>{millis(answer.ms)}</strong></span>
                                <span class="sub">{bytes(answer.bytes.length)}</span>
                        </p>
                        <h4>Response</h4>
                        <pre class="output" tabIndex={0} aria-label="Response body">{answer.bytes.length ? shown(answer.bytes) : '(empty)'}</pre>
                        {answer.bytes.length > LIMIT_SHOWN && <p class="sub">The first {bytes(LIMIT_SHOWN)} are shown.</p>}
                        <details class="details"><summary>Response headers</summary>
                                <table class="table"><caption class="hidden">Response headers</caption><thead><tr><th scope="col">Header</th><th scope="col">Value</th></tr></thead>
                                        <tbody>{answer.headers.map(([k, v]) => <tr key={k}><th scope="row">{text(k, 100)}</th><td class="breaks">{text(v, 500)}</td></tr>)}</tbody></table>
                        </details>
                </div>
        );
}

export function Invoke({ f, csrf }) {
        const [method, setMethod] = useState('POST'), [path, setPath] = useState(''), [type, setType] = useState(TYPES[0]), [body, setBody] = useState('');
        const [answer, setAnswer] = useState(null), [error, setError] = useState(''), [busy, setBusy] = useState(false);
        const abort = useRef(null);
        useEffect(() => () => abort.current?.abort(), []);
        const go = async (e) => {
                e.preventDefault();
                if (abort.current) return;
                abort.current = new AbortController();
                setBusy(true);
                setError('');
                try {
                        setAnswer(await invoke(csrf, f, { method, path, type, body, signal: abort.current.signal }));
                } catch (x) {
                        setAnswer(null);
                        setError(abort.current.signal.aborted ? 'Stopped: the function may still be at work.' : 'The call did not come through; is the link there?');
                } finally {
                        abort.current = null;
                        setBusy(false);
                }
        };
        const bodied = method !== 'GET';
        return (
                <section class="panel-part" aria-labelledby="panel-invoke">
                        <h3 id="panel-invoke">Invoke</h3>
                        <form onSubmit={go} class="invoke">
                                <div class="invoke-line">
                                        <Field label="Method">{(p) => <select {...p} value={method} onChange={(e) => setMethod(e.currentTarget.value)}>{METHODS.map((m) => <option key={m}>{m}</option>)}</select>}</Field>
                                        <Field label="Path and query, if any">{(p) => <input {...p} type="text" placeholder="/" value={path} autoComplete="off" spellcheck={false} onInput={(e) => setPath(e.currentTarget.value)} />}</Field>
                                        {bodied && <Field label="Content type">{(p) => <select {...p} value={type} onChange={(e) => setType(e.currentTarget.value)}>{TYPES.map((t) => <option key={t}>{t}</option>)}</select>}</Field>}
                                </div>
                                {bodied && <Field label="Request body">{(p) => <textarea {...p} rows={3} value={body} spellcheck={false} onInput={(e) => setBody(e.currentTarget.value)} />}</Field>}
                                <div class="buttons">
                                        <button type="submit" class="button button-primary" aria-disabled={busy}>{busy ? 'Calling…' : 'Invoke'}</button>
                                        {busy && <Button onClick={() => abort.current?.abort()}>Stop</Button>}
                                </div>
                        </form>
                        <Failure text={error} />
                        {answer && <Answer answer={answer} />}
                </section>
        );
}
