/* actions - the questions that are asked before something is done to a board. */
import { useState } from 'preact/hooks';
import { act } from './api.js';
import { Button, Dialog, Failure, Field, useAction } from './parts.jsx';

const QUESTIONS = {
        drain: {
                title: (n) => `Drain ${n}?`, button: 'Drain', kind: 'primary',
                text: () => 'Its functions start on other boards first, then end here; calls in flight finish. It stays on and takes no new work until you uncordon it.',
        },
        reboot: {
                title: (n) => `Reboot ${n}?`, button: 'Reboot', kind: 'danger',
                text: (b) => `Calls in flight finish, ${b.leader ? 'it hands the lead to another board, ' : ''}then it starts again. It is away for a minute or two.`,
        },
        shutdown: {
                title: (n) => `Shut down ${n}?`, button: 'Shut down', kind: 'danger',
                text: (b) => `Calls in flight finish, ${b.leader ? 'it hands the lead to another board, ' : ''}then it switches off. Someone has to unplug it and plug it in again to bring it back.${
                        b.role === 'master' ? ' It is the master: Kubernetes cannot be changed while it is off.' : ''}`,
        },
};

export function Confirm({ verb, board, csrf, onClose, onDone }) {
        const q = QUESTIONS[verb], [busy, error, run] = useAction();
        const go = async () => {
                if (await run(async () => onDone((await act(csrf, { verb, board: board.name })).text || `${q.button}: ${board.name}`))) onClose();
        };
        return (
                <Dialog title={q.title(board.name)} onClose={onClose}>
                        <p>{q.text(board)}</p>
                        <Failure text={error} />
                        <div class="dialog-buttons">
                                <Button onClick={onClose} data-first>Cancel</Button>
                                <Button kind={q.kind} onClick={go} aria-disabled={busy}>{busy ? 'One moment…' : q.button}</Button>
                        </div>
                </Dialog>
        );
}

/* A host name as the agents take it; they have the last word. */
const NAME = /^(?!\d+$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function Rename({ board, csrf, onClose, onDone }) {
        const [name, setName] = useState(board.name), [tried, setTried] = useState(false), [busy, error, run] = useAction();
        const wrong = !NAME.test(name) ? 'Small letters, digits and inner hyphens, at most 63, and not a number alone.' : name === board.name ? 'That is its name already.' : '';
        const go = async (e) => {
                e.preventDefault();
                setTried(true);
                if (wrong) return;
                if (await run(async () => onDone((await act(csrf, { verb: 'rename', board: board.name, name })).text || `${board.name} is ${name} now.`))) onClose();
        };
        return (
                <Dialog title={`Rename ${board.name}`} onClose={onClose}>
                        <form onSubmit={go} noValidate>
                                <Field label="New name" hint="Its host name changes too; functions run on." error={tried ? wrong : ''}>
                                        {(p) => <input {...p} data-first type="text" value={name} maxLength={63} autoComplete="off" spellcheck={false} onInput={(e) => setName(e.currentTarget.value)} />}
                                </Field>
                                <Failure text={error} />
                                <div class="dialog-buttons">
                                        <Button onClick={onClose}>Cancel</Button>
                                        <button type="submit" class="button button-primary" aria-disabled={busy}>{busy ? 'One moment…' : 'Rename'}</button>
                                </div>
                        </form>
                </Dialog>
        );
}
