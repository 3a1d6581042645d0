/* functions - the list of functions, and the panel of one. */
import { useRef, useState } from 'preact/hooks';
import { remove, scale } from './api.js';
import { millis, NONE, num, plural, rate } from './format.js';
import { Badge, Button, Dialog, Failure, Field, Icon, useAction } from './parts.jsx';
import { Invoke } from './invoke.jsx';
import { Logs } from './logs.jsx';
import { Plots } from './plots.jsx';

function Ready({ f }) {
        if (f.replicas === 0) return <Badge icon="unknown">At zero</Badge>;
        if (f.available >= f.replicas) return <Badge kind="good" icon="ok">{f.available} of {f.replicas}</Badge>;
        return <Badge kind={f.available === 0 ? 'bad' : 'warn'} icon={f.available === 0 ? 'error' : 'warning'}>{f.available} of {f.replicas}</Badge>;
}

function where(f) {
        const of = new Map();
        for (const p of f.placements) if (p.node) of.set(p.node, (of.get(p.node) ?? 0) + 1);
        return [...of].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([n, c]) => (c > 1 ? `${n} × ${c}` : n)).join(', ');
}

const latency = (f) => (f.p50 === null && f.p99 === null ? NONE : `${millis(f.p50)} / ${millis(f.p99)}`);

export function Functions({ state, live, onOpen, onDeploy }) {
        const [filter, setFilter] = useState('');
        const words = filter.trim().toLowerCase(), many = state.functions.length > 12;
        const shown = words ? state.functions.filter((f) => f.key.toLowerCase().includes(words)) : state.functions;
        return (
                <section aria-labelledby="functions-title">
                        <div class="section-head">
                                <h2 id="functions-title" tabIndex={-1}>Functions <span class="count">{state.functions.length}</span></h2>
                                <div class="tools">
                                        {many && <input type="search" placeholder="Find a function" aria-label="Find a function" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />}
                                        <Button kind="primary" icon="plus" onClick={onDeploy} disabled={!live}>Deploy</Button>
                                </div>
                        </div>
                        {state.known && !state.functions.length && <p class="empty">No functions yet. Deploy one from the store: it needs no Internet.</p>}
                        {state.functions.length > 0 && (
                                <div class="card table-card">
                                        <table class="table functions">
                                                <caption class="hidden">Functions</caption>
                                                <thead><tr><th scope="col">Function</th><th scope="col">Replicas</th><th scope="col">Runs on</th><th scope="col" class="right">Calls/s</th><th scope="col" class="right">Latency p50 / p99</th></tr></thead>
                                                <tbody>
                                                        {shown.map((f) => (
                                                                <tr key={f.key} data-function={f.key}>
                                                                        <th scope="row">
                                                                                <button type="button" class="link" onClick={() => onOpen(f.key)}><bdi>{f.name}</bdi></button>
                                                                                {f.namespace !== 'openfaas-fn' && <span class="sub"> in <bdi>{f.namespace}</bdi></span>}
                                                                                {f.reason && f.available < f.replicas && <p class="reason"><Icon name="warning" /><span>{f.reason}</span></p>}
                                                                        </th>
                                                                        <td data-label="Replicas"><Ready f={f} /></td>
                                                                        <td data-label="Runs on"><bdi>{where(f) || NONE}</bdi></td>
                                                                        <td data-label="Calls/s" class="right">{rate(f.calls)}</td>
                                                                        <td data-label="p50 / p99" class="right">{latency(f)}</td>
                                                                </tr>
                                                        ))}
                                                </tbody>
                                        </table>
                                </div>
                        )}
                        {words && !shown.length && <p class="empty">No function fits.</p>}
                </section>
        );
}

function Placements({ f }) {
        return (
                <section class="panel-part" aria-labelledby="panel-where">
                        <h3 id="panel-where">Replicas</h3>
                        {f.placements.length === 0 ? <p class="sub">None runs now{f.replicas === 0 ? ': it is at zero, and the next call starts it' : ''}.</p> : (
                                <table class="table">
                                        <caption class="hidden">Replicas and where they run</caption>
                                        <thead><tr><th scope="col">Replica</th><th scope="col">Board</th><th scope="col">State</th><th scope="col">Address</th></tr></thead>
                                        <tbody>{f.placements.map((p, i) => <tr key={p.id ?? i}><th scope="row">{p.id ?? NONE}</th><td><bdi>{p.node || NONE}</bdi></td><td>{p.state === 'ready' && <span class="good"><Icon name="ok" /> </span>}{p.state}</td><td>{p.address || NONE}</td></tr>)}</tbody>
                                </table>
                        )}
                        {f.reason && f.available < f.replicas && <p class="note note-warn"><Icon name="warning" /><span>{f.reason}</span></p>}
                </section>
        );
}

function Scale({ f, csrf, live }) {
        const [said, setSaid] = useState(''), [value, setValue] = useState(String(f.replicas)), [busy, error, run] = useAction();
        const wanted = /^\d{1,4}$/.test(value.trim()) ? Number(value) : null;
        const go = (e) => {
                e.preventDefault();
                if (wanted !== null) run(async () => { setSaid(''); await scale(csrf, f, wanted); setSaid(`${plural(wanted, 'replica')} wanted now.`); });
        };
        return (
                <form class="scale" onSubmit={go} noValidate>
                        <Field label="Replicas wanted" error={wanted === null ? 'A number from 0 up.' : ''}>
                                {(p) => <input {...p} type="number" min="0" max="9999" inputMode="numeric" value={value} onInput={(e) => setValue(e.currentTarget.value)} />}
                        </Field>
                        <button type="submit" class="button" disabled={!live || wanted === null} aria-disabled={busy}>{busy ? 'One moment…' : 'Scale'}</button>
                        <p class="scale-said sub" role="status">{said}</p>
                        <Failure text={error} />
                </form>
        );
}

function Remove({ f, csrf, live, onDone }) {
        const [asked, setAsked] = useState(false), [busy, error, run] = useAction();
        const go = () => run(async () => { await remove(csrf, f); onDone(`${f.name} is removed.`); });
        return (
                <section class="panel-part" aria-labelledby="panel-remove">
                        <h3 id="panel-remove">Remove</h3>
                        {!asked && <Button kind="danger-quiet" onClick={() => setAsked(true)} disabled={!live}>Remove this function…</Button>}
                        {asked && (
                                <div role="group" aria-label="Confirm the removal">
                                        <p>Its replicas end and callers get 404. Its image stays.</p>
                                        <div class="buttons">
                                                <Button onClick={() => setAsked(false)}>Keep it</Button>
                                                <Button kind="danger" onClick={go} aria-disabled={busy} ref={(el) => el && !el.dataset.seen && ((el.dataset.seen = 1), el.focus())}>{busy ? 'One moment…' : `Remove ${f.name}`}</Button>
                                        </div>
                                </div>
                        )}
                        <Failure text={error} />
                </section>
        );
}

export function Panel({ f, history, csrf, live, onClose, onSay }) {
        const backTo = useRef('');
        if (!f) {
                return (
                        <Dialog title="This function is gone" kind="panel" onClose={onClose}>
                                <p>It was removed. Its logs went with it.</p>
                                <div class="dialog-buttons"><Button onClick={onClose}>Close</Button></div>
                        </Dialog>
                );
        }
        return (
                <Dialog title={<bdi>{f.name}</bdi>} kind="panel" onClose={onClose} backTo={backTo}>
                        <dl class="facts facts-small">
                                <div class="fact"><dt>Ready</dt><dd><Ready f={f} /></dd></div>
                                <div class="fact"><dt>Calls, all in all</dt><dd>{num(f.invocations) === null ? NONE : num(f.invocations).toLocaleString('en')}</dd></div>
                                <div class="fact"><dt>Namespace</dt><dd><bdi>{f.namespace}</bdi></dd></div>
                                <div class="fact fact-wide"><dt>Image</dt><dd class="breaks"><bdi>{f.image || NONE}</bdi></dd></div>
                        </dl>
                        <Scale f={f} csrf={csrf} live={live} />
                        <Invoke f={f} csrf={csrf} />
                        <Plots f={f} history={history} />
                        <Placements f={f} />
                        <Logs f={f} csrf={csrf} />
                        <Remove f={f} csrf={csrf} live={live} onDone={(t) => { backTo.current = '#functions-title'; onSay(t); onClose(); }} />
                </Dialog>
        );
}
