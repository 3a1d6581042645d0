/* plots - calls a second and latency over time, with the same numbers as tables behind them. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { millis, NONE, rate } from './format.js';

/* Colours are the stylesheet's, in the light and in the dark. */
function colours() {
        const css = getComputedStyle(document.documentElement);
        return (name) => css.getPropertyValue(name).trim();
}

function useScheme() {
        const [n, setN] = useState(0);
        useEffect(() => {
                const dark = matchMedia('(prefers-color-scheme: dark)'), again = () => setN((x) => x + 1);
                dark.addEventListener('change', again);
                return () => dark.removeEventListener('change', again);
        }, []);
        return n;
}

/* One line is whole and the other dashed, so that they are told apart without colour too. */
function options(width, series, unit) {
        const c = colours();
        const clock = (t) => new Date(t * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
        const axis = { stroke: c('--soft'), grid: { stroke: c('--line'), width: 1 }, ticks: { stroke: c('--line'), width: 1, size: 4 }, font: '12px system-ui, sans-serif' };
        return {
                width, height: 160, padding: [10, 30, 0, 0], legend: { show: false },
                cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
                scales: { x: { time: true }, y: { range: (u, min, max) => [0, Math.max(max || 0, unit.least) * 1.1] } },
                axes: [{ ...axis, space: 90, size: 28, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600], values: (u, ticks) => ticks.map(clock) }, { ...axis, size: 58, space: 34, values: (u, ticks) => ticks.map(unit.format) }],
                series: [{}, ...series.map((s) => ({ label: s.label, stroke: c(s.colour), width: 2, dash: s.dash, spanGaps: true, points: { show: false } }))],
        };
}

function Plot({ title, series, data, unit }) {
        const box = useRef(null), plot = useRef(null), scheme = useScheme();
        useLayoutEffect(() => {
                const width = () => Math.max(160, Math.floor(box.current?.clientWidth ?? 0));
                const here = box.current;
                plot.current = new uPlot(options(width(), series, unit), data, here);
                const size = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: 160 }));
                size.observe(here);
                return () => {
                        size.disconnect();
                        plot.current.destroy();
                        plot.current = null;
                };
        }, [scheme]);
        useEffect(() => {
                plot.current?.setData(data);
        }, [data]);
        const last = series.map((s, i) => `${s.label} ${s.format(data[i + 1].at(-1) ?? null)}`).join(', ');
        return (
                <figure class="plot">
                        <figcaption><span class="plot-title">{title}</span>
                                <span class="legend">{series.map((s, i) => <span class="key" key={s.label}><svg viewBox="0 0 20 4" width="20" height="4" aria-hidden="true"><path d="M0 2h20" class={`key-${s.colour.slice(2)}`} stroke-dasharray={s.dash ? s.dash.join(' ') : undefined} /></svg>{s.label} <strong>{s.format(data[i + 1].at(-1) ?? null)}</strong></span>)}</span>
                        </figcaption>
                        <div class="plot-box" ref={box} role="img" aria-label={`${title} over the last ${data[0].length} seconds; now: ${last}. The numbers are in the table below.`} />
                </figure>
        );
}

const CALLS = [{ label: 'calls/s', colour: '--plot-a', format: rate }];
const LATENCY = [{ label: 'p50', colour: '--plot-a', format: millis }, { label: 'p99', colour: '--plot-b', dash: [6, 4], format: millis }];

/* At most 60 rows: the newest first, each the last sample of its stretch. */
function rows(history) {
        const every = Math.max(1, Math.ceil(history.length / 60));
        return history.filter((_, i) => (history.length - 1 - i) % every === 0).reverse();
}

export function Plots({ f, history }) {
        const data = useMemo(() => {
                const t = history.map((h) => h.t);
                return { calls: [t, history.map((h) => h.calls)], latency: [t, history.map((h) => h.p50), history.map((h) => h.p99)] };
        }, [history]);
        const measured = history.some((h) => h.calls !== null || h.p50 !== null);
        return (
                <section class="panel-part" aria-labelledby="panel-plots">
                        <h3 id="panel-plots">Calls and latency</h3>
                        {!measured ? <p class="sub">Nothing is measured yet: the plots begin when this page sees the first numbers.</p> : <>
                                <Plot title="Calls per second" series={CALLS} data={data.calls} unit={{ least: 1, format: (v) => String(+v.toFixed(2)) }} />
                                <Plot title="Latency" series={LATENCY} data={data.latency} unit={{ least: 5, format: (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)} s` : `${+v.toFixed(2)} ms`) }} />
                                <details class="details"><summary>The same as a table</summary>
                                        <div class="scroll" tabIndex={0} role="region" aria-label="Table of calls and latency">
                                                <table class="table">
                                                        <caption class="hidden">Calls and latency of {f.name}, newest first</caption>
                                                        <thead><tr><th scope="col">Time</th><th scope="col" class="right">Calls/s</th><th scope="col" class="right">p50</th><th scope="col" class="right">p99</th></tr></thead>
                                                        <tbody>{rows(history).map((h) => <tr key={h.t}><th scope="row">{new Date(h.t * 1000).toLocaleTimeString()}</th><td class="right">{h.calls === null ? NONE : rate(h.calls)}</td><td class="right">{millis(h.p50)}</td><td class="right">{millis(h.p99)}</td></tr>)}</tbody>
                                                </table>
                                        </div>
                                </details>
                        </>}
                </section>
        );
}
