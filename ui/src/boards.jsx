/* boards - a card for each board, and what can be done with it. */
import { Component } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { bytes, celsius, duration, mbit, NONE, percent, plural } from './format.js';
import { Badge, Bar, Icon, Menu } from './parts.jsx';

const Row = ({ label, children, bar }) => (
        <div class="row">
                <dt>{label}</dt>
                <dd>{children}</dd>
                {bar}
        </div>
);

const level = (share, warn, bad) => (share === null || share === undefined ? 'plain' : share >= bad ? 'bad' : share >= warn ? 'warn' : 'ok');

const LEVEL_ICON = { warn: 'warning', bad: 'error' };
const Level = ({ of, children }) => (LEVEL_ICON[of] ? <span class={of}><Icon name={LEVEL_ICON[of]} /> {children}</span> : <>{children}</>);

function Cpu({ b }) {
        const cores = b.cores.map((c) => (c === null ? NONE : Math.round(c)));
        return (
                <div class="row">
                        <dt>CPU</dt>
                        <dd>{percent(b.cpu)}{cores.length > 0 && <span class="sub"> cores {cores.join(' · ')}</span>}</dd>
                        {cores.length > 0 && (
                                <span class="cores" aria-hidden="true">
                                        {b.cores.map((c, i) => <span class="core" key={i}><span style={{ height: `${Math.max(4, c ?? 0).toFixed(0)}%` }} /></span>)}
                                </span>
                        )}
                </div>
        );
}

function Temperature({ t }) {
        if (!t) return <Row label="Temperature">{NONE}</Row>;
        const limits = [t.slow !== null && `slow ${t.slow}`, t.hard !== null && `max ${t.hard}`].filter(Boolean).join(', ');
        const top = t.hard ?? t.slow ?? 100;
        return (
                <Row label="Temperature" bar={<Bar share={t.share} level={t.level} marks={[t.soft, t.slow].filter(Boolean).map((m) => m / top)} />}>
                        <Level of={t.level}>{celsius(t.now)}</Level>
                        {limits && <span class="sub"> {limits}</span>}
                </Row>
        );
}

function Network({ n }) {
        if (!n) return <Row label="Network">{NONE}</Row>;
        return (
                <Row label="Network" bar={<Bar share={n.share} level={level(n.share, 0.8, 0.97)} />}>
                        <span class="nowrap">↓ {mbit(n.rx)}</span> <span class="nowrap">↑ {mbit(n.tx)}</span>
                        <span class="sub nowrap"> {n.ceiling ? `of ${n.ceiling} Mbit/s` : 'Mbit/s'}</span>
                </Row>
        );
}

const Space = ({ label, part }) => (
        <Row label={label} bar={part && <Bar share={part.share} level={level(part.share, 0.85, 0.95)} />}>
                {part ? <><Level of={level(part.share, 0.85, 0.95)}>{bytes(part.used)}</Level><span class="sub"> of {bytes(part.total)}</span></> : NONE}
        </Row>
);

const KUBE_GOOD = ['ready'], KUBE_BAD = ['failed', 'fenced'];

function Kubernetes({ k }) {
        const of = KUBE_BAD.includes(k.state) ? 'bad' : 'ok';
        return (
                <Row label="Kubernetes">
                        {KUBE_GOOD.includes(k.state) && <span class="good"><Icon name="ok" /> </span>}
                        <Level of={of}>{k.state}</Level>
                        {(k.version || (k.text && k.text !== k.state)) && <span class="sub"> {k.version}{k.version && k.text && k.text !== k.state ? ' · ' : ''}{k.text !== k.state ? k.text : ''}</span>}
                </Row>
        );
}

function Running({ functions, onOpen }) {
        if (!functions.length) return <Row label="Functions"><span class="sub">none here</span></Row>;
        return (
                <Row label="Functions">
                        <span class="chips">
                                {functions.slice(0, 12).map((f) => (
                                        <button type="button" class="chip" key={f.key} onClick={() => onOpen(f.key)}>
                                                <bdi>{f.name}</bdi>{f.count > 1 ? ` × ${f.count}` : ''}{f.ready < f.count ? <span class="sub"> ({f.ready} ready)</span> : ''}
                                        </button>
                                ))}
                                {functions.length > 12 && <span class="sub">and {functions.length - 12} more</span>}
                        </span>
                </Row>
        );
}

function State({ b }) {
        if (b.up && (b.drained || b.cordoned)) return <Badge kind="warn" icon="warning">{b.drained ? 'Cordoned' : 'Draining'}</Badge>;
        if (b.up) return <Badge kind="good" icon="ok">Up</Badge>;
        if (b.state === 'down') return <Badge kind="bad" icon="error">Down</Badge>;
        return <Badge icon="unknown">{b.state}</Badge>;
}

const actions = (b, onAction) => [
        { label: 'Locate: blink its LED', run: () => onAction('locate', b) },
        b.cordoned || b.drained ? { label: 'Uncordon: take work again', run: () => onAction('uncordon', b) }
                : { label: 'Drain: move its work away…', run: () => onAction('drain', b) },
        { label: 'Rename…', run: () => onAction('rename', b) },
        { label: 'Reboot…', run: () => onAction('reboot', b), danger: true },
        { label: 'Shut down…', run: () => onAction('shutdown', b), danger: true },
];

function bits(b) {
        if (b.kernelBits === null) return '';
        if (b.userBits === null || b.userBits === b.kernelBits) return ` · ${b.kernelBits}-bit`;
        return ` · ${b.kernelBits}-bit kernel, ${b.userBits}-bit programs`;
}

/* Drawn again only when its own board, its functions or the link changed. */
class Card extends Component {
        shouldComponentUpdate(next) {
                const { props } = this;
                return next.b !== props.b || next.live !== props.live || next.compact !== props.compact || next.runs !== props.runs;
        }

        render({ b, live, compact, functions, onAction, onOpen }) {
                return (
                        <li class={`card board ${b.up ? '' : 'board-away'}`} data-board={b.name}>
                                <header class="card-head">
                                        <h3><bdi>{b.name}</bdi></h3>
                                        <State b={b} />
                                        <Menu label={`Actions for ${b.name}`} items={actions(b, onAction)} disabled={!live} />
                                </header>
                                <p class="badges">
                                        <Badge kind={b.role === 'master' ? 'accent' : 'plain'}>{b.role}</Badge>
                                        {b.leader && <Badge kind="accent">leader</Badge>}
                                        {b.voter && !compact && <Badge>voter</Badge>}
                                        {compact && b.short && <Badge>{b.short}</Badge>}
                                </p>
                                {!compact && <p class="model">{b.model}{bits(b)}{b.cores.length ? ` · ${plural(b.cores.length, 'core')}` : ''}</p>}
                                {b.problems && <p class="note note-bad"><Icon name="error" /><span>{b.problems}</span></p>}
                                {b.cordoned && !b.drained && b.drain && <p class="note"><span>Draining: {b.drain}</span></p>}
                                {compact && b.power.level !== 'ok' && <p class={`note note-${b.power.level}`}><Icon name={b.power.level === 'bad' ? 'error' : 'warning'} /><span>{b.power.words}</span></p>}
                                {b.up && !compact && <Whole b={b} functions={functions} onOpen={onOpen} />}
                                {b.up && compact && <Short b={b} />}
                                {!b.up && <p class="note"><span>{b.state === 'down' ? 'Does not answer. Its functions run on other boards.' : 'Nothing is known of it now.'}</span></p>}
                        </li>
                );
        }
}

const Whole = ({ b, functions, onOpen }) => (
        <dl class="rows">
                <Cpu b={b} />
                <Space label="Memory" part={b.memory} />
                <Temperature t={b.temperature} />
                <Row label="Supply">{b.power.level === 'ok' ? (b.power.known ? `${b.power.words}` : <span class="sub">no sensor on this board</span>) : <Level of={b.power.level}>{b.power.words}</Level>}</Row>
                <Space label="Disk" part={b.disk} />
                <Network n={b.network} />
                <Row label="Up for">{duration(b.uptime)}{b.address && <span class="sub"> at {b.address}</span>}</Row>
                <Kubernetes k={b.kubernetes} />
                <Running functions={functions} onOpen={onOpen} />
        </dl>
);

const Short = ({ b }) => (
        <dl class="rows rows-short">
                <Row label="CPU" bar={<Bar share={(b.cpu ?? 0) / 100} level="ok" />}>{percent(b.cpu)}</Row>
                <Row label="Memory" bar={b.memory && <Bar share={b.memory.share} level={level(b.memory.share, 0.85, 0.95)} />}>{b.memory ? percent(b.memory.share * 100) : NONE}</Row>
                <Row label="Temperature" bar={b.temperature && <Bar share={b.temperature.share} level={b.temperature.level} />}>{b.temperature ? <Level of={b.temperature.level}>{celsius(b.temperature.now)}</Level> : NONE}</Row>
        </dl>
);

/* Which functions run on which board: name -> [{ key, name, count, ready }], and the same as a text to compare. */
function placed(functions) {
        const of = new Map();
        for (const f of functions) {
                for (const p of f.placements) {
                        if (!p.node) continue;
                        const mine = of.get(p.node) ?? new Map();
                        const e = mine.get(f.key) ?? { key: f.key, name: f.name, count: 0, ready: 0 };
                        e.count++;
                        e.ready += p.state === 'ready' || p.state === 'frozen' ? 1 : 0;
                        of.set(p.node, mine.set(f.key, e));
                }
        }
        return of;
}

const ORDERS = {
        name: null,
        cpu: (b) => -(b.cpu ?? -1),
        memory: (b) => -(b.memory?.share ?? -1),
        temperature: (b) => -(b.temperature?.now ?? -1000),
};

const troubled = (b) => !b.up || b.problems || b.power.level !== 'ok' || ['warn', 'bad'].includes(b.temperature?.level) || b.cordoned || b.drained;

export function Boards({ state, live, onAction, onOpen }) {
        const [filter, setFilter] = useState(''), [order, setOrder] = useState('name'), [only, setOnly] = useState(false), [dense, setDense] = useState(null);
        const many = state.boards.length > 12, compact = dense ?? state.boards.length > 24;
        const runs = useMemo(() => placed(state.functions), [state.functions]);
        const words = filter.trim().toLowerCase();
        let shown = state.boards.filter((b) => (!words || `${b.name} ${b.model} ${b.role} ${b.address}`.toLowerCase().includes(words)) && (!only || troubled(b)));
        if (ORDERS[order]) shown = [...shown].sort((a, b) => ORDERS[order](a) - ORDERS[order](b));
        return (
                <section aria-labelledby="boards-title">
                        <div class="section-head">
                                <h2 id="boards-title">Boards <span class="count">{state.boards.length}</span></h2>
                                {many && (
                                        <div class="tools">
                                                <input type="search" placeholder="Find a board" aria-label="Find a board" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
                                                <label class="inline">Sort by <select value={order} onChange={(e) => setOrder(e.currentTarget.value)}>
                                                        <option value="name">name</option><option value="cpu">CPU</option><option value="memory">memory</option><option value="temperature">temperature</option>
                                                </select></label>
                                                <label class="check"><input type="checkbox" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} /> Only with a problem</label>
                                                <label class="check"><input type="checkbox" checked={compact} onChange={(e) => setDense(e.currentTarget.checked)} /> Short cards</label>
                                        </div>
                                )}
                        </div>
                        {state.known && !state.boards.length && <p class="empty">No boards yet. Power one on: it appears here by itself.</p>}
                        {state.boards.length > 0 && !shown.length && <p class="empty">No board fits.</p>}
                        <ul class={`cards ${compact ? 'cards-short' : ''}`}>
                                {shown.map((b) => {
                                        const mine = [...(runs.get(b.name)?.values() ?? [])];
                                        const said = mine.map((f) => `${f.key}/${f.count}/${f.ready}`).join(' ');
                                        return <Card key={b.mapKey} b={b} live={live} compact={compact} functions={mine} runs={said} onAction={onAction} onOpen={onOpen} />;
                                })}
                        </ul>
                </section>
        );
}
