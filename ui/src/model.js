/* model - what came over the stream, as the page shows it.  Reads every field with care: wrong types become
 * "unknown", lists are cut, text is text. */
import { num, text } from './format.js';

const LIMIT_BOARDS = 256, LIMIT_FUNCTIONS = 2000, LIMIT_CORES = 64, LIMIT_PLACEMENTS = 500, LIMIT_ALERTS = 500;

export const object = (v) => (v && typeof v === 'object' && !Array.isArray(v) ? v : {});
export const list = (v, max) => (Array.isArray(v) ? v.slice(0, max) : []);
const first = (...values) => values.find((v) => v !== null) ?? null;
/* What cannot be 0: there that means "not known". */
const positive = (v, high) => (num(v) > 0 ? num(v, 0, high) : null);

function part(total, left) {
        const t = num(total), l = num(left);
        if (!t || l === null) return null;
        const used = Math.max(0, t - l);
        return { used, total: t, free: Math.min(l, t), share: used / t };
}

function temperature(b, profile) {
        const now = num(b.temperature_c, -99, 999);
        const limits = object(b.limits);
        const soft = first(positive(profile.soft_temp_c, 200), positive(limits.soft_temp_c, 200));
        const slow = first(positive(profile.throttle_c, 200), positive(limits.throttle_c, 200));
        const hard = first(positive(profile.hard_c, 200), positive(limits.hard_c, 200));
        if (now === null) return null;
        /* Where the board's own limits are not known, no colour claims to know them. */
        const level = hard !== null && now >= hard ? 'bad' : slow !== null && now >= slow - 5 ? 'warn' : 'ok';
        return { now, soft, slow, hard, level, share: now / (hard ?? slow ?? 100) };
}

function network(v) {
        const n = object(v);
        const rx = num(n.rx_bytes_per_second), tx = num(n.tx_bytes_per_second), ceiling = positive(n.mbps, 1e6);
        if (rx === null && tx === null) return null;
        const busier = Math.max(rx ?? 0, tx ?? 0);
        return { name: text(n.interface, 16), rx, tx, ceiling, share: ceiling ? (busier * 8) / 1e6 / ceiling : null };
}

function power(v) {
        const p = object(v), words = text(p.words, 160);
        const now = p.under_voltage === true || p.throttled === true || / now\b/.test(words);
        return { words: words || 'unknown', level: now ? 'bad' : /since boot/.test(words) ? 'warn' : 'ok', known: p.under_voltage != null || (words !== '' && words !== 'unknown') };
}

export const STATES = { up: 'up', down: 'down', unknown: 'unknown' };

export function board(b) {
        const profile = object(b.board), k = object(b.kubernetes);
        const up = b.state === 'up';
        return {
                id: text(b.id, 32), name: text(b.name, 64) || '(no name yet)', role: text(b.role, 16) || 'unknown',
                leader: b.leader === true, voter: b.voter === true, up,
                state: text(b.state, 24) || 'unknown', address: text(b.address, 64),
                model: text(profile.model, 80) || text(profile.id, 32) || 'unknown model',
                short: text(profile.id, 16),
                kernelBits: positive(profile.bits_kernel, 128), userBits: positive(profile.bits_user, 128),
                cpu: num(b.cpu_percent, 0, 100),
                cores: list(b.cpu_cores_percent, LIMIT_CORES).map((c) => num(c, 0, 100)),
                memory: part(object(b.memory).total_bytes, object(b.memory).available_bytes),
                disk: part(object(b.disk).total_bytes, object(b.disk).free_bytes),
                temperature: temperature(b, profile), network: network(b.network), power: power(b.power),
                uptime: num(b.uptime_seconds), problems: text(b.problems, 400),
                kubernetes: { state: text(k.state, 40) || 'unknown', text: text(k.text, 300), version: text(k.version, 24) },
                cordoned: b.cordoned === true, drained: b.drained === true, drain: text(b.drain, 300),
        };
}

export function func(f) {
        const latency = object(f.latency_ms);
        const name = text(f.name, 128), namespace = text(f.namespace, 128) || 'openfaas-fn';
        return {
                key: `${name}.${namespace}`, name, namespace, image: text(f.image, 300),
                replicas: num(f.replicas, 0, 1e5) ?? 0, available: num(f.available_replicas, 0, 1e5) ?? 0,
                invocations: num(f.invocations), reason: text(f.reason, 400),
                calls: num(f.calls_per_s), p50: num(latency.p50), p99: num(latency.p99),
                placements: list(f.placements, LIMIT_PLACEMENTS).map((p) => ({
                        id: num(object(p).id), node: text(object(p).node, 64), state: text(object(p).state, 32), address: text(object(p).address, 48),
                })),
        };
}

export function alert(a) {
        return {
                name: text(a.name, 48), board: text(a.board, 64), text: text(a.text, 300), at: num(a.at_ms, -1e15),
                severity: a.severity === 'error' || a.severity === 'info' ? a.severity : 'warning',
        };
}

export function event(e) {
        return {
                id: num(e.id), unix: num(e.unix, 0, 4e9), kind: text(e.kind, 32), board: text(e.board, 64), function: text(e.function, 128),
                severity: e.severity === 'error' || e.severity === 'warning' ? e.severity : 'info', text: text(e.text, 400),
        };
}

export const boards = (v) => list(v, LIMIT_BOARDS).map(object);
export const functions = (v) => list(v, LIMIT_FUNCTIONS).map(object);
export const alerts = (v) => list(v, LIMIT_ALERTS).map((a) => alert(object(a)));
/* '' for one without a name, which is none. */
export const functionKey = (f) => (text(f.name, 128) ? `${text(f.name, 128)}.${text(f.namespace, 128) || 'openfaas-fn'}` : '');
