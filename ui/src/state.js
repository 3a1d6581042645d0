/* state - the page's state as a value; step(state, input) gives the next one.  Pure: no clock, no network.
 * The objects of boards and functions that did not change stay the same objects, so cards are drawn again only
 * where something did. */
import { alerts, board, boards, event, func, functionKey, functions, list, object } from './model.js';
import { num, text } from './format.js';

const LIMIT_EVENTS = 300, LIMIT_PROGRESS = 600, LIMIT_HISTORY = 900;

export const initial = {
        agentLost: 0, /* since when the gateway does not hear its agent, monotonic ms; 0: it does */
        link: 'connecting', /* connecting, live, lost, refused */
        reason: '', retryAt: 0, lastGood: 0, /* monotonic ms */
        csrf: '', user: '', node: '', version: '',
        clock: null, /* what our monotonic ms are ahead of the gateway's */
        known: false, /* a whole state was seen */
        head: {}, boards: [], functions: [], alerts: [], events: [],
        raw: { boards: new Map(), functions: new Map() },
        history: new Map(), /* function key -> [{ t, calls, p50, p99 }] */
        shutdown: null,
};

/* What changed is laid over what was, field by field; a field comes whole.  (Spreading defines properties and
 * calls no setter: a field of the name __proto__ is one like any other.) */
export const overlay = (old, fresh) => ({ ...old, ...fresh });

const boardKey = (b) => text(b.id, 32) || text(b.name, 64);

/* A member without an id (it lies, or a field is missing) is found by its name. */
function findBoard(map, b) {
        const key = boardKey(b);
        if (map.has(key) || b.id !== undefined) return key;
        for (const [k, v] of map) if (v.name === b.name) return k;
        return key;
}

function merge(map, items, keyOf, view, old) {
        const changed = new Set();
        for (const item of items) {
                const key = keyOf(map, item);
                if (!key) continue;
                map.set(key, overlay(map.get(key) ?? {}, item));
                changed.add(key);
        }
        const seen = new Map(old.map((v) => [v.mapKey, v]));
        return [...map].map(([key, raw]) => (!changed.has(key) && seen.get(key)) || { ...view(raw), mapKey: key });
}

const byRoleThenName = (a, b) => (a.role === 'master' ? 0 : 1) - (b.role === 'master' ? 0 : 1) || a.name.localeCompare(b.name, 'en', { numeric: true }) || a.mapKey.localeCompare(b.mapKey);
const byName = (a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.namespace.localeCompare(b.namespace);

const HEAD = ['agent_ok', 'cluster', 'master', 'leader', 'quorum', 'boards_up', 'watts', 'kubernetes', 'note', 'term'];

function picture(s, data, whole) {
        const raw = whole ? { boards: new Map(), functions: new Map() }
                : { boards: new Map(s.raw.boards), functions: new Map(s.raw.functions) };
        const gone = object(data.gone);
        for (const id of list(gone.boards, 1000)) raw.boards.delete(text(id, 32));
        for (const key of list(gone.functions, 5000)) raw.functions.delete(text(key, 260));
        const head = whole ? {} : { ...s.head };
        for (const k of HEAD) if (data[k] !== undefined) head[k] = data[k];
        const next = { ...s, raw, head, known: true };
        next.boards = merge(raw.boards, boards(data.boards), findBoard, board, whole ? [] : s.boards).sort(byRoleThenName);
        next.functions = merge(raw.functions, functions(data.functions), (_, f) => functionKey(f), func, whole ? [] : s.functions).sort(byName);
        if (data.alerts !== undefined || whole) next.alerts = alerts(data.alerts);
        if (data.shutdown !== undefined) next.shutdown = stood(s.shutdown, data.shutdown);
        return next;
}

/* ---- the end of the bramble, as far as it was told ----------------------------------------------------------- */

const blank = { active: true, id: '', phase: '', text: '', last: '', reboot: false, boards: [], lines: [], done: false, failed: false };

/* Is this more of the one that is known?  What is over goes on under its own id alone: of another one nothing
 * that was said of it is true. */
const goesOn = (old, id) => (old ? (id && old.id ? id === old.id : !old.done && !old.failed) : false);

/* 'shutdown' of a state: where it is now, for a page that came later. */
function stood(old, v) {
        if (!v || typeof v !== 'object' || v.active === false) return old?.done || old?.failed ? old : null;
        const id = text(v.id, 64), base = goesOn(old, id) ? old : blank;
        const s = { ...base, active: true, id: id || base.id };
        if (v.text) s.text = text(v.text, 300);
        if (v.phase) s.phase = text(v.phase, 24);
        if (v.last) s.last = text(v.last, 64);
        s.reboot = v.reboot === true;
        for (const b of list(v.boards, 256).map(object)) s.boards = setBoard(s.boards, b);
        return s;
}

function setBoard(all, b) {
        const name = text(b.name ?? b.board, 64);
        if (!name) return all;
        const old = all.find((x) => x.name === name) ?? { name, role: '', order: all.length + 1, state: 'waiting', text: '' };
        const fresh = { ...old, state: text(b.state, 24) || old.state, role: text(b.role, 16) || old.role,
                order: num(b.order, 0, 1e4) ?? old.order, text: b.board ? text(b.text, 200) || old.text : old.text };
        return (all.includes(old) ? all.map((x) => (x === old ? fresh : x)) : [...all, fresh]).sort((a, c) => a.order - c.order);
}

function progress(old, v) {
        const id = text(v.id, 64);
        const base = goesOn(old, id) ? old : { ...blank, id };
        const phase = text(v.phase, 24) || base.phase;
        const said = text(v.text, 300);
        return {
                ...base, id: id || base.id, phase, active: phase !== 'done' && phase !== 'failed',
                text: said && !v.board ? said : base.text, last: text(v.last, 64) || base.last, done: phase === 'done', failed: phase === 'failed',
                boards: setBoard(base.boards, v),
                lines: said ? [...base.lines.slice(1 - LIMIT_PROGRESS), said] : base.lines,
        };
}

/* This page asked for it; its first lines may have come before the answer. */
function begun(old, { text: words, boards: order }) {
        const base = goesOn(old, '') ? old : { ...blank, text: words };
        return { ...base, all: true, boards: order.reduce((all, b) => setBoard(all, { name: b.name, role: b.role, order: b.order }), base.boards) };
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

function addEvent(s, data) {
        const e = event(data);
        if (!e.text && !e.kind) return s;
        if (e.id !== null && s.events.some((x) => x.id === e.id)) return s;
        const all = [e, ...s.events];
        if (e.id !== null) all.sort((a, b) => (b.id ?? 0) - (a.id ?? 0));
        return { ...s, events: all.slice(0, LIMIT_EVENTS) };
}

function message(s, type, data, now) {
        switch (type) {
        case 'hello':
                return { ...s, clock: num(data.now_ms) === null ? null : now - num(data.now_ms), csrf: text(data.csrf, 200), user: text(data.user, 64), node: text(data.node, 64), version: text(data.version, 40) };
        case 'state':
                return picture(s, data, true);
        case 'change':
                return s.known ? picture(s, data, false) : s;
        case 'event':
                return addEvent(s, data);
        case 'shutdown':
                return { ...s, shutdown: progress(s.shutdown, data) };
        default:
                return s;
        }
}

/* One sample of every function, a second apart; "no calls" is a zero and not a gap. */
function sample(s, t) {
        const history = new Map();
        for (const f of s.functions) {
                const old = s.history.get(f.key) ?? [];
                history.set(f.key, [...old.slice(1 - LIMIT_HISTORY), { t, calls: f.calls, p50: f.p50, p99: f.p99 }]);
        }
        return { ...s, history };
}

export function step(s, input) {
        switch (input.type) {
        case 'open':
                return { ...s, link: s.known ? 'live' : 'connecting', reason: '', lastGood: input.now };
        case 'byte':
                return { ...s, lastGood: input.now };
        case 'message': {
                const next = { ...message(s, input.name, object(input.data), input.now) };
                if (input.name === 'state' || input.name === 'change') next.agentLost = next.head.agent_ok === false ? s.agentLost || input.now : 0;
                if (input.name === 'state' && next.known) next.link = 'live';
                return next;
        }
        case 'lost':
                return { ...s, link: s.known ? 'lost' : 'connecting', reason: input.reason, retryAt: input.now + input.retryMs };
        case 'refused':
                return { ...s, link: 'refused' };
        case 'sample':
                return s.link === 'live' ? sample(s, input.unix) : s;
        case 'shutdown-seen':
                return { ...s, shutdown: null };
        case 'shutdown-begun':
                return { ...s, shutdown: begun(s.shutdown, input) };
        default:
                return s;
        }
}
