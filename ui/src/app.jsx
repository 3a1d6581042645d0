/* app - the whole page: one state, one stream, and at most one dialog. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { act } from './api.js';
import { Confirm, Rename } from './actions.jsx';
import { Boards } from './boards.jsx';
import { Deploy } from './deploy.jsx';
import { Alerts, Events } from './events.jsx';
import { text } from './format.js';
import { Functions, Panel } from './functions.jsx';
import { Facts, LostAgent, LostLink, Top } from './head.jsx';
import { Button, Toasts } from './parts.jsx';
import { ShutdownAll, ShutdownScreen } from './shutdown.jsx';
import { stream } from './sse.js';
import { initial, step } from './state.js';

const LOCATE_SECONDS = 30, LIMIT_TOASTS = 4;

function useBramble() {
        const [state, feed] = useReducer(step, initial), link = useRef(null);
        useEffect(() => {
                let beat = 0;
                link.current = stream('/ui/stream', {
                        open: () => feed({ type: 'open', now: performance.now() }),
                        byte: () => { beat = performance.now(); },
                        event: (name, data) => {
                                let parsed;
                                try {
                                        parsed = JSON.parse(data);
                                } catch {
                                        return; /* the next one may be right */
                                }
                                if (name === 'hello') link.current?.least(Number(parsed?.retry_ms) || 0);
                                feed({ type: 'message', name, data: parsed, now: performance.now() });
                        },
                        lost: ({ reason, retryMs }) => {
                                if (beat) feed({ type: 'byte', now: beat });
                                feed({ type: 'lost', reason, retryMs, now: performance.now() });
                        },
                        refused: () => feed({ type: 'refused' }),
                });
                const timer = setInterval(() => feed({ type: 'sample', unix: Math.round(Date.now() / 1000) }), 1000);
                const online = () => link.current?.now();
                addEventListener('online', online);
                return () => {
                        clearInterval(timer);
                        removeEventListener('online', online);
                        link.current.stop();
                };
        }, []);
        return [state, feed, () => link.current?.now()];
}

function useToasts() {
        const [items, setItems] = useState([]), id = useRef(0);
        const say = useCallback((words, kind = 'good') => {
                const t = { id: id.current++, kind, text: text(words, 400) };
                setItems((old) => [...old.slice(1 - LIMIT_TOASTS), t]);
        }, []);
        const dismiss = useCallback((which) => setItems((old) => old.filter((t) => t.id !== which)), []);
        return [items, say, dismiss];
}

/* Going off or starting again, but not the whole shelf: a line, and no screen.  The first lines name no board yet. */
const isAll = ({ shutdown, boards }) => shutdown && (shutdown.all || shutdown.boards.length > 1 || (shutdown.boards.length === 1 && boards.length <= 1));

function OneBoard({ shutdown, onSeen }) {
        const board = shutdown.boards[0], words = shutdown.text || board?.text || shutdown.phase;
        return (
                <p class="note" role="status">
                        <span>{board && `${board.name}: `}{words}</span>
                        {(shutdown.done || shutdown.failed) && <Button kind="quiet" onClick={onSeen}>Dismiss</Button>}
                </p>
        );
}

function Dialogs({ state, dialog, close, say, feed }) {
        const { csrf } = state, live = state.link === 'live';
        if (isAll(state)) return <ShutdownScreen key="screen" shutdown={state.shutdown} link={state.link} onSeen={() => feed({ type: 'shutdown-seen' })} />;
        switch (dialog?.kind) {
        case 'function': {
                const f = state.functions.find((x) => x.key === dialog.key);
                return <Panel key={dialog.key} f={f} history={state.history.get(dialog.key) ?? []} csrf={csrf} live={live} onClose={close} onSay={say} />;
        }
        case 'deploy':
                return <Deploy key="deploy" csrf={csrf} functions={state.functions} onClose={close} onSay={say} />;
        case 'rename':
                return <Rename key="rename" board={dialog.board} csrf={csrf} onClose={close} onDone={say} />;
        case 'shutdown-all':
                return <ShutdownAll key="all" cluster={text(state.head.cluster, 64)} csrf={csrf} onClose={close} onBegun={(words, boards) => feed({ type: 'shutdown-begun', text: words, boards })} />;
        case 'confirm':
                return <Confirm key="confirm" verb={dialog.verb} board={dialog.board} csrf={csrf} onClose={close} onDone={say} />;
        default:
                return null;
        }
}

export function App() {
        const [state, feed, retry] = useBramble(), [dialog, setDialog] = useState(null), [toasts, say, dismiss] = useToasts();
        const csrf = useRef('');
        csrf.current = state.csrf;
        const live = state.link === 'live';
        const openFunction = useCallback((key) => setDialog({ kind: 'function', key }), []);
        const onAction = useCallback(async (verb, b) => {
                if (verb === 'rename') return setDialog({ kind: 'rename', board: b });
                if (verb !== 'locate' && verb !== 'uncordon') return setDialog({ kind: 'confirm', verb, board: b });
                try {
                        const done = await act(csrf.current, { verb, board: b.name, ...(verb === 'locate' ? { seconds: LOCATE_SECONDS } : {}) });
                        say(done.text || `${b.name}: done.`);
                } catch (e) {
                        say(`${b.name}: ${e.message}`, 'error');
                }
                return undefined;
        }, []);
        useEffect(() => {
                document.title = `${state.link === 'lost' ? '(no link) ' : ''}${text(state.head.cluster, 64) || 'bramble'} · bramble`;
        }, [state.head.cluster, state.link]);
        const single = state.shutdown && !isAll(state) ? state.shutdown : null;
        return (
                <>
                        <a class="skip" href="#main">Skip to the boards</a>
                        <Top state={state} onShutdown={() => setDialog({ kind: 'shutdown-all' })} />
                        <LostLink state={state} onRetry={retry} />
                        <LostAgent state={state} />
                        <main id="main" tabIndex={-1} class={state.link === 'lost' || state.link === 'refused' ? 'stale' : ''}>
                                <h1 class="hidden">The bramble {text(state.head.cluster, 64)}</h1>
                                {state.known ? <Facts state={state} /> : <p class="empty" role="status">Connecting to the gateway…</p>}
                                {single && <OneBoard shutdown={single} onSeen={() => feed({ type: 'shutdown-seen' })} />}
                                {text(state.head.note, 300) && <p class="note note-warn"><span>{text(state.head.note, 300)}</span></p>}
                                <Alerts alerts={state.alerts} clock={state.clock} />
                                <Boards state={state} live={live} onAction={onAction} onOpen={openFunction} />
                                <Functions state={state} live={live} onOpen={openFunction} onDeploy={() => setDialog({ kind: 'deploy' })} />
                                <Events events={state.events} />
                        </main>
                        <footer class="foot">
                                <p>{state.version && `bramble ${state.version}`}{state.node && <> on <bdi>{state.node}</bdi></>} · <a href="/ui/status">as plain tables</a></p>
                        </footer>
                        <Dialogs state={state} dialog={dialog} close={() => setDialog(null)} say={say} feed={feed} />
                        <Toasts items={toasts} onDismiss={dismiss} />
                </>
        );
}
