/* parts - the small things that views are made of. */
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

/* Each is another shape, so that none is told by its colour alone. */
const SHAPES = {
        ok: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm3.3 5L7.4 10.9a.8.8 0 0 1-1.2 0L4.4 9l1.1-1.1 1.3 1.3 3.3-3.8z',
        warning: 'M8.9 1.9a1 1 0 0 0-1.8 0L.9 13a1 1 0 0 0 .9 1.5h12.4a1 1 0 0 0 .9-1.5zM7.2 5.5h1.6v4.4H7.2zm0 5.6h1.6v1.6H7.2z',
        error: 'M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5zM5.2 6.3 6.9 8 5.2 9.7l1.1 1.1L8 9.1l1.7 1.7 1.1-1.1L9.1 8l1.7-1.7-1.1-1.1L8 6.9 6.3 5.2z',
        info: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM7.2 4h1.6v1.6H7.2zm0 3h1.6v5H7.2z',
        unknown: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.6a4.9 4.9 0 1 1 0 9.8 4.9 4.9 0 0 1 0-9.8zM5 7.2h6v1.6H5z',
        close: 'M4.2 3 8 6.8 11.8 3 13 4.2 9.2 8l3.8 3.8-1.2 1.2L8 9.2 4.2 13 3 11.8 6.8 8 3 4.2z',
        more: 'M8 2.2a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8zm0 4.4a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8zm0 4.4a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8z',
        power: 'M7.2 1h1.6v7H7.2zM4.3 3.3l1.1 1.1a4.4 4.4 0 1 0 5.2 0l1.1-1.1a6 6 0 1 1-7.4 0z',
        plus: 'M7.2 2.5h1.6v4.7h4.7v1.6H8.8v4.7H7.2V8.8H2.5V7.2h4.7z',
};

export const Icon = ({ name }) => (
        <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
                <path d={SHAPES[name] ?? SHAPES.unknown} fill-rule="evenodd" />
        </svg>
);

export const Badge = ({ kind = 'plain', icon, children }) => (
        <span class={`badge badge-${kind}`}>
                {icon && <Icon name={icon} />}
                {children}
        </span>
);

/* A thin bar with marks; what it says stands beside it as text, so it is hidden from screen readers. */
export const Bar = ({ share, level = 'plain', marks = [] }) => (
        <span class={`bar bar-${level}`} aria-hidden="true">
                <span class="bar-fill" style={{ width: `${Math.min(100, Math.max(0, (share ?? 0) * 100)).toFixed(1)}%` }} />
                {marks.filter((m) => m > 0 && m < 1).map((m) => <span class="bar-mark" style={{ left: `${(m * 100).toFixed(1)}%` }} />)}
        </span>
);

export const Button = ({ kind = 'plain', icon, children, ...rest }) => (
        <button type="button" class={`button button-${kind}`} {...rest}>
                {icon && <Icon name={icon} />}
                {children}
        </button>
);

/* A field with its label; 'hint' and 'error' are read out with it. */
export function Field({ label, hint, error, children }) {
        const id = useId();
        const said = error || hint;
        const props = { id, 'aria-describedby': said ? `${id}-hint` : undefined, 'aria-invalid': error ? 'true' : undefined };
        return (
                <div class="field">
                        <label for={id}>{label}</label>
                        {children(props)}
                        {said && <p id={`${id}-hint`} class={error ? 'field-error' : 'field-hint'}>{error && <Icon name="error" />}{said}</p>}
                </div>
        );
}

/* A modal dialog: the browser keeps the focus inside and ends it with Esc; where it was opened from gets the
 * focus back, or what the selector 'backTo.current' finds (where the opener is about to go). */
export function Dialog({ title, kind = 'plain', onClose, children, closable = true, backTo }) {
        const ref = useRef(null), id = useId(), heading = useRef(null);
        useLayoutEffect(() => {
                const dialog = ref.current, opener = document.activeElement;
                dialog.showModal();
                (dialog.querySelector('[data-first]') ?? heading.current).focus();
                return () => {
                        if (dialog.open) dialog.close();
                        const there = backTo?.current && document.querySelector(backTo.current);
                        const back = there || (opener?.isConnected && opener !== document.body ? opener : document.querySelector('main'));
                        back?.focus();
                };
        }, []);
        const cancel = (e) => {
                e.preventDefault();
                if (closable) onClose();
        };
        return (
                <dialog ref={ref} class={`dialog dialog-${kind}`} aria-labelledby={id} onCancel={cancel}>
                        <header class="dialog-head">
                                <h2 id={id} ref={heading} tabIndex={-1}>{title}</h2>
                                {closable && <button type="button" class="icon-button" aria-label="Close" onClick={onClose}><Icon name="close" /></button>}
                        </header>
                        {children}
                </dialog>
        );
}

/* Buttons that fold out of a button.  Closes with Esc, by a click elsewhere, and when the focus leaves. */
export function Menu({ label, items, disabled }) {
        const [open, setOpen] = useState(false);
        const box = useRef(null), toggle = useRef(null), id = useId();
        useEffect(() => {
                if (!open) return undefined;
                const outside = (e) => !box.current?.contains(e.target) && setOpen(false);
                document.addEventListener('pointerdown', outside);
                return () => document.removeEventListener('pointerdown', outside);
        }, [open]);
        const key = (e) => {
                if (!open) return;
                const all = [...box.current.querySelectorAll('.menu button')], at = all.indexOf(document.activeElement);
                if (e.key === 'Escape') {
                        e.stopPropagation();
                        setOpen(false);
                        toggle.current.focus();
                } else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
                        e.preventDefault();
                        all[(at + (e.key === 'ArrowDown' ? 1 : all.length - (at < 0 ? 0 : 1))) % all.length]?.focus();
                }
        };
        const left = (e) => e.relatedTarget && !box.current.contains(e.relatedTarget) && setOpen(false);
        const pick = (item) => {
                toggle.current.focus(); /* a dialog gives the focus back to here */
                setOpen(false);
                item.run();
        };
        return (
                <div class="menu-box" ref={box} onKeyDown={key} onFocusOut={left}>
                        <button type="button" class="icon-button" ref={toggle} aria-label={label} aria-expanded={open} aria-controls={id}
                                disabled={disabled} onClick={() => setOpen(!open)}><Icon name="more" /></button>
                        <ul class="menu" id={id} hidden={!open}>
                                {items.map((i) => (
                                        <li key={i.label}><button type="button" class={i.danger ? 'danger' : ''} onClick={() => pick(i)}>{i.label}</button></li>
                                ))}
                        </ul>
                </div>
        );
}

/* What just happened.  Good news goes by itself, an error stays until it is taken away. */
export function Toasts({ items, onDismiss }) {
        return (
                <div class="toasts">
                        <div role="status" aria-live="polite">
                                {items.filter((t) => t.kind !== 'error').map((t) => <Toast key={t.id} toast={t} onDismiss={onDismiss} />)}
                        </div>
                        <div role="alert">
                                {items.filter((t) => t.kind === 'error').map((t) => <Toast key={t.id} toast={t} onDismiss={onDismiss} />)}
                        </div>
                </div>
        );
}

function Toast({ toast, onDismiss }) {
        useEffect(() => {
                if (toast.kind === 'error') return undefined;
                const timer = setTimeout(() => onDismiss(toast.id), 8000);
                return () => clearTimeout(timer);
        }, []);
        return (
                <p class={`toast toast-${toast.kind}`}>
                        <Icon name={toast.kind === 'error' ? 'error' : 'ok'} />
                        <span>{toast.text}</span>
                        <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => onDismiss(toast.id)}><Icon name="close" /></button>
                </p>
        );
}

/* The seconds that went by since 'since' (monotonic ms), drawn once a second. */
export function useNow(period = 1000) {
        const [now, setNow] = useState(performance.now());
        useEffect(() => {
                const timer = setInterval(() => setNow(performance.now()), period);
                return () => clearInterval(timer);
        }, [period]);
        return now;
}

/* Runs one action at a time: [busy, error, run]. */
export function useAction() {
        const [busy, setBusy] = useState(false), [error, setError] = useState('');
        const running = useRef(false);
        const run = async (what) => {
                if (running.current) return false; /* two clicks in one moment are one */
                running.current = true;
                setBusy(true);
                setError('');
                try {
                        await what();
                        return true;
                } catch (e) {
                        setError(e.message || String(e));
                        return false;
                } finally {
                        running.current = false;
                        setBusy(false);
                }
        };
        return [busy, error, run];
}

export const Failure = ({ text }) => (text ? <p class="failure" role="alert"><Icon name="error" /><span>{text}</span></p> : null);
