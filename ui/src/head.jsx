/* head - the line above everything: which bramble, who leads, how well it stands, and the state of the link. */
import { num, NONE, plural, text } from './format.js';
import { object } from './model.js';
import { Badge, Button, Icon, useNow } from './parts.jsx';
import { logout } from './api.js';

const Fact = ({ label, children, title }) => (
        <div class="fact" title={title}>
                <dt>{label}</dt>
                <dd>{children}</dd>
        </div>
);

function Quorum({ head }) {
        const q = object(head.quorum), voters = num(q.voters, 0, 99), up = num(q.up, 0, 99);
        if (voters === null) return <>{NONE}</>;
        const count = up === null ? plural(voters, 'voter') : `${up} of ${plural(voters, 'voter')}`;
        return q.have === false
                ? <span class="bad"><Icon name="error" /> lost, {count}</span>
                : <span class="good"><Icon name="ok" /> {count}</span>;
}

function Boards({ state }) {
        const all = state.boards.length, up = num(state.head.boards_up, 0, 1e4) ?? state.boards.filter((b) => b.up).length;
        return up < all ? <span class="warn"><Icon name="warning" /> {up} of {all}</span> : <>{up} of {all}</>;
}

function watts(head) {
        const w = object(head.watts), low = num(w.low), high = num(w.high);
        if (low === null || high === null) return NONE;
        return `${Math.round(low)}–${Math.round(high)} W`;
}

export function Facts({ state }) {
        const { head } = state;
        return (
                <dl class="facts" aria-label="The bramble">
                        <Fact label="Cluster"><bdi>{text(head.cluster, 64) || NONE}</bdi></Fact>
                        <Fact label="Master"><bdi>{text(head.master, 64) || NONE}</bdi></Fact>
                        <Fact label="Leader">{text(head.leader, 64) ? <bdi>{text(head.leader, 64)}</bdi> : <span class="bad"><Icon name="error" /> nobody</span>}</Fact>
                        <Fact label="Quorum"><Quorum head={head} /></Fact>
                        <Fact label="Boards up"><Boards state={state} /></Fact>
                        <Fact label="Power, estimated" title="From the boards' data sheets and how busy they are; nothing measures it">{watts(head)}</Fact>
                </dl>
        );
}

function Link({ state }) {
        if (state.link === 'live') return <Badge kind="good" icon="ok">Live</Badge>;
        if (state.link === 'lost') return <Badge kind="bad" icon="error">No link</Badge>;
        if (state.link === 'refused') return <Badge kind="bad" icon="error">Logged out</Badge>;
        return <Badge icon="unknown">Connecting</Badge>;
}

export function Top({ state, onShutdown }) {
        const live = state.link === 'live';
        return (
                <header class="top">
                        <a class="brand" href="/ui/">
                                <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
                                        <g class="berry"><circle cx="12" cy="13" r="4.6" /><circle cx="20" cy="13" r="4.6" /><circle cx="8.6" cy="19.6" r="4.2" /><circle cx="16" cy="20" r="4.6" /><circle cx="23.4" cy="19.6" r="4.2" /><circle cx="12.4" cy="26" r="4" /><circle cx="19.6" cy="26" r="4" /></g>
                                        <path class="leaf" d="M16 9C15 5 11 3 7 4c1 4 5 6 9 5zm0 0c1-4 5-6 9-5-1 4-5 6-9 5z" />
                                </svg>
                                <span>bramble</span>
                        </a>
                        <div class="top-state" role="status"><Link state={state} /></div>
                        <div class="top-actions">
                                <Button icon="power" onClick={onShutdown} disabled={!live}>Shut down all…</Button>
                                <Button kind="quiet" onClick={() => logout(state.csrf)} disabled={!state.csrf} title={state.user && `You are ${state.user}`}>Log out</Button>
                        </div>
                </header>
        );
}

/* The link stands, but this board's agent says nothing: numbers stand still. */
export function LostAgent({ state }) {
        const now = useNow(1000);
        if (!state.agentLost || state.link !== 'live') return null;
        return (
                <section class="banner banner-warn" aria-label="The agent">
                        <Icon name="warning" />
                        <div><p role="status"><strong>The agent of this board does not answer.</strong></p>
                                <p class="banner-age">What you see is <span class="age">{Math.max(0, Math.round((now - state.agentLost) / 1000))} s</span> old.</p></div>
                </section>
        );
}

/* Shown while the link is lost: what is on the page is old, and how old. */
export function LostLink({ state, onRetry }) {
        const now = useNow(500);
        if (state.link === 'refused') {
                return (
                        <section class="banner banner-bad" aria-label="The link">
                                <Icon name="error" />
                                <p role="alert"><strong>Your session has ended.</strong> <a href="/ui/">Log in again</a> to go on.</p>
                        </section>
                );
        }
        if (state.link === 'live' || (state.link === 'connecting' && !state.reason)) return null;
        const age = Math.max(0, Math.round((now - state.lastGood) / 1000)), wait = Math.max(0, Math.ceil((state.retryAt - now) / 1000));
        return (
                <section class="banner banner-bad" aria-label="The link">
                        <Icon name="error" />
                        <div>
                                <p role="alert"><strong>{state.known ? 'The link to the gateway is lost.' : 'The gateway does not answer yet.'}</strong> {state.reason}</p>
                                <p class="banner-age">
                                        {state.known && <>What you see is <span class="age">{age} s</span> old. </>}
                                        {wait ? `Next try in ${wait} s.` : 'Trying…'}
                                </p>
                        </div>
                        <Button onClick={onRetry}>Try now</Button>
                </section>
        );
}
