/* format - numbers as words.  Everything that comes in may be of any type: a board may lie. */

export const NONE = '–';

export const num = (v, low = 0, high = 1e15) =>
        typeof v === 'number' && Number.isFinite(v) ? Math.min(high, Math.max(low, v)) : null;

/* Text of others: cut, control characters made visible, nothing that turns the direction of writing. */
export function text(v, max = 200) {
        if (typeof v === 'number' || typeof v === 'boolean') v = String(v);
        if (typeof v !== 'string') return '';
        /* eslint-disable-next-line no-control-regex */
        const clean = v.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '\ufffd');
        return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}

const digits = (v) => v.toFixed(v >= 99.95 || v === 0 ? 0 : 1);

export function bytes(v) {
        const n = num(v);
        if (n === null) return NONE;
        const units = ['B', 'KB', 'MB', 'GB', 'TB'];
        let i = 0, x = n;
        for (; x >= 1024 && i < units.length - 1; i++) x /= 1024;
        return `${i && x < 9.95 ? x.toFixed(1) : x.toFixed(0)} ${units[i]}`;
}

export const percent = (v) => (num(v) === null ? NONE : `${Math.round(num(v, 0, 100))} %`);
export const celsius = (v) => (num(v, -99, 999) === null ? NONE : `${num(v, -99, 999).toFixed(1)} °C`);
export const rate = (v) => (num(v) === null ? NONE : num(v) === 0 ? '0' : num(v) < 0.1 ? '< 0.1' : digits(num(v)));

export function mbit(bytesPerSecond) {
        const n = num(bytesPerSecond);
        if (n === null) return NONE;
        const m = (n * 8) / 1e6;
        return m < 0.05 ? '0' : digits(m);
}

export function millis(v) {
        const n = num(v);
        if (n === null) return NONE;
        return n >= 10000 ? `${(n / 1000).toFixed(1)} s` : n >= 100 ? `${n.toFixed(0)} ms` : `${digits(n)} ms`;
}

export function duration(seconds) {
        const s = num(seconds);
        if (s === null) return NONE;
        if (s < 60) return `${Math.floor(s)} s`;
        if (s < 3600) return `${Math.floor(s / 60)} min`;
        if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
        return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

export const clock = (unix) => {
        const n = num(unix, 0, 4e9);
        if (!n) return NONE;
        return new Date(n * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
};
