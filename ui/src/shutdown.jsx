/* shutdown - all boards off: the order first, then the cluster's name, then how far it is.  Everything that the
 * last screen needs is here and in memory: the gateway that it came from is off by then. */
import { useEffect, useState } from 'preact/hooks';
import { act } from './api.js';
import { text } from './format.js';
import { list, object } from './model.js';
import { Button, Dialog, Failure, Field, Icon, useAction } from './parts.jsx';

/* The dry run's answer: boards with their order, or the lines that a shutdown would tell, a board a line. */
function orderOf(answer) {
        const told = list(answer.boards ?? answer.steps, 256).filter((b) => object(b).name || object(b).board);
        const boards = told.map(object).map((b, i) => ({ name: text(b.name ?? b.board, 64), role: text(b.role, 16), order: Number(b.order) || i + 1, text: text(b.text, 200) }));
        if (!boards.length) throw new Error('The gateway did not tell the order; the master is always the last.');
        return boards.sort((a, b) => a.order - b.order);
}

export function ShutdownAll({ cluster, csrf, onClose, onBegun }) {
        const [order, setOrder] = useState(null), [typed, setTyped] = useState('');
        const [, dryError, dry] = useAction(), [busy, error, run] = useAction();
        const look = () => dry(async () => setOrder(orderOf(object(await act(csrf, { verb: 'shutdown-all', dry_run: true })))));
        useEffect(() => {
                look();
        }, []);
        const fits = cluster !== '' && typed === cluster;
        const go = async (e) => {
                e.preventDefault();
                if (!fits) return;
                if (await run(async () => onBegun(text((await act(csrf, { verb: 'shutdown-all', confirm: typed, dry_run: false })).text, 300), order ?? []))) onClose();
        };
        return (
                <Dialog title="Shut down all boards" kind="danger" onClose={onClose}>
                        <p>Functions end with grace, Kubernetes is saved to other boards, then each board switches off, the master last. After power returns everything comes back by itself.</p>
                        <h3>The order</h3>
                        {!order && !dryError && <p class="sub" role="status">Asking for the order…</p>}
                        <Failure text={dryError} />
                        {order && <ol class="order">{order.map((b) => <li key={`${b.order} ${b.name}`}><bdi>{b.name}</bdi>{b.role && <span class="sub"> {b.role}</span>}{b.text && <span class="sub"> {b.text}</span>}</li>)}</ol>}
                        <form onSubmit={go} noValidate>
                                <Field label={<>Type the cluster’s name, <strong>{cluster || '(not known)'}</strong>, to confirm</>} error={typed && !fits ? 'This is not the name of the cluster.' : ''}>
                                        {(p) => <input {...p} data-first type="text" value={typed} autoComplete="off" autoCapitalize="none" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />}
                                </Field>
                                <Failure text={error} />
                                <div class="dialog-buttons">
                                        <Button onClick={onClose}>Cancel</Button>
                                        <button type="submit" class="button button-danger" disabled={!fits} aria-disabled={busy}>{busy ? 'One moment…' : 'Shut down all boards'}</button>
                                </div>
                        </form>
                </Dialog>
        );
}

const STATE = {
        waiting: ['unknown', 'waiting'], stopping: ['info', 'stopping'], silent: ['warning', 'silent; it did not say that it goes off'], back: ['ok', 'on again'], off: ['ok', 'off'], hung: ['error', 'does not switch off'],
};

const PHASE = {
        freeze: 'The bramble is frozen: nobody elects or restarts anything now.', functions: 'Functions are ending.', snapshot: 'Kubernetes is being saved.',
        boards: 'The workers switch off.', master: 'The master switches off, as the last one.',
};

const isOff = (b) => b.state === 'off' || b.state === 'silent';

/* What is true now.  Where the gateway went with the master nobody can say "off" any more: then this says what
 * was seen last, and what to look at. */
function verdict(s, linked) {
        const others = s.boards.filter((b) => !isOff(b)), hung = s.boards.filter((b) => b.state === 'hung');
        if (s.failed || hung.length) {
                const names = hung.map((b) => b.name).join(', ');
                return { kind: 'bad', icon: 'error', title: names ? `${names} is not off` : 'Not all boards are off', text: s.text || 'Do not pull the plug yet: look at the board, or try again.' };
        }
        if (s.reboot) return { kind: 'plain', icon: 'power', title: s.done || !linked ? 'All boards start again' : 'Restarting', text: linked ? s.text || PHASE[s.phase] || '' : 'This page goes on by itself when its board is back.' };
        if (s.done || (s.boards.length && !others.length)) {
                return { kind: 'good', icon: 'ok', title: 'All boards are off', text: s.last ? `You can pull the plug as soon as the green light of ${s.last}, the last one, is out.` : 'You can pull the plug.' };
        }
        if (!linked && others.length <= 1 && s.boards.length) {
                const last = others[0]?.name || s.last || 'The last board';
                return { kind: 'good', icon: 'ok', title: 'All boards are off or about to be', text: `${last} was the last one and does not answer any more. When its green LED has stopped blinking you can pull the plug.` };
        }
        if (!linked) {
                return { kind: 'warn', icon: 'warning', title: 'This gateway is gone', text: `It went before the others were seen off. Wait until the green LEDs of ${others.map((b) => b.name).join(', ') || 'all boards'} have stopped blinking before you pull the plug.` };
        }
        return { kind: 'plain', icon: 'power', title: 'Shutting down', text: s.text || PHASE[s.phase] || '' };
}

export function ShutdownScreen({ shutdown, link, onSeen }) {
        const linked = link === 'live', v = verdict(shutdown, linked);
        const over = shutdown.done || shutdown.failed || !linked;
        return (
                <Dialog title="Shutting down all boards" kind="screen" closable={over && linked} onClose={onSeen}>
                        <div class={`verdict verdict-${v.kind}`} role="status">
                                <Icon name={v.icon} />
                                <div><p class="verdict-title">{v.title}</p><p>{v.text}</p></div>
                        </div>
                        <table class="table">
                                <caption class="hidden">The boards and how far each is</caption>
                                <thead><tr><th scope="col">Order</th><th scope="col">Board</th><th scope="col">State</th></tr></thead>
                                <tbody>
                                        {shutdown.boards.map((b) => {
                                                const [icon, words] = STATE[b.state] ?? ['unknown', b.state];
                                                return (
                                                        <tr key={b.name}>
                                                                <td>{b.order}</td>
                                                                <th scope="row"><bdi>{b.name}</bdi>{b.role && <span class="sub"> {b.role}</span>}</th>
                                                                <td class={b.state === 'hung' ? 'bad' : b.state === 'silent' ? 'warn' : b.state === 'off' ? 'good' : ''}><Icon name={icon} /> {words}{b.text && !b.text.startsWith(`${b.name} `) && <span class="sub"> {b.text}</span>}</td>
                                                        </tr>
                                                );
                                        })}
                                </tbody>
                        </table>
                        {shutdown.lines.length > 0 && <details class="details"><summary>What was said</summary><ol class="said">{shutdown.lines.map((l, i) => <li key={i}>{l}</li>)}</ol></details>}
                        {linked && over && <div class="dialog-buttons"><Button onClick={onSeen}>Back to the boards</Button></div>}
                </Dialog>
        );
}
