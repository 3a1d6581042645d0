/* events - what happened and why; and what is wrong now. */
import { useState } from 'preact/hooks';
import { clock, duration } from './format.js';
import { Badge, Icon, useNow } from './parts.jsx';

const WORDS = { error: 'Error', warning: 'Warning', info: 'Note' };

/* 'clock': what our clock is ahead of the one that says when an alert began. */
export function Alerts({ alerts, clock: ahead }) {
        const now = useNow();
        const age = (a) => (a.at === null || ahead === null ? null : Math.max(0, now - ahead - a.at) / 1000);
        if (!alerts.length) return null;
        return (
                <section class="alerts" aria-labelledby="alerts-title">
                        <h2 id="alerts-title">Alerts <span class="count">{alerts.length}</span></h2>
                        <ul>
                                {alerts.map((a) => (
                                        <li key={`${a.name} ${a.board}`} class={`alert alert-${a.severity}`}>
                                                <Icon name={a.severity} />
                                                <p><strong>{WORDS[a.severity]}{a.board && !a.text.includes(a.board) && <>: <bdi>{a.board}</bdi></>}</strong> {a.text || a.name}{age(a) !== null && <span class="sub"> for {duration(age(a))}</span>}</p>
                                        </li>
                                ))}
                        </ul>
                </section>
        );
}

export function Events({ events }) {
        const [all, setAll] = useState(false), [only, setOnly] = useState(false);
        const fit = only ? events.filter((e) => e.severity !== 'info') : events;
        const shown = all ? fit : fit.slice(0, 12);
        return (
                <section aria-labelledby="events-title">
                        <div class="section-head">
                                <h2 id="events-title">Events</h2>
                                {events.length > 0 && <div class="tools"><label class="check"><input type="checkbox" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} /> Only warnings and errors</label></div>}
                        </div>
                        {!fit.length ? <p class="empty">Nothing happened since this page was opened.</p> : (
                                <ol class="card events" aria-label="Events, newest first">
                                        {shown.map((e) => (
                                                <li key={e.id ?? `${e.unix} ${e.text}`} class="event">
                                                        <time>{clock(e.unix)}</time>
                                                        <Icon name={e.severity} />
                                                        <span class="event-text">{e.severity !== 'info' && <span class="hidden">{WORDS[e.severity]}: </span>}{e.text || e.kind}</span>
                                                        {e.kind && <Badge>{e.kind}</Badge>}
                                                </li>
                                        ))}
                                </ol>
                        )}
                        {fit.length > 12 && <button type="button" class="link more" onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${fit.length}`}</button>}
                </section>
        );
}
