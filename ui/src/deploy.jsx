/* deploy - a function from the store, or from any image. */
import { useEffect, useState } from 'preact/hooks';
import { deploy, store } from './api.js';
import { text } from './format.js';
import { list, object } from './model.js';
import { Button, Dialog, Failure, Field, useAction } from './parts.jsx';

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/* "KEY=value" a line -> { env } or { error }. */
export function variables(lines) {
        const env = {};
        for (const line of lines.split('\n').map((l) => l.trim()).filter(Boolean)) {
                const at = line.indexOf('=');
                const key = line.slice(0, at);
                if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(key) || key === '__proto__') return { error: `“${text(line, 40)}” is not NAME=value.` };
                env[key] = line.slice(at + 1);
        }
        return { env };
}

const ARCHES = ['armhf', 'arm64', 'x86_64'];

function entry(v) {
        const f = object(v), images = object(f.images);
        return {
                name: text(f.name, 63), title: text(f.title, 80) || text(f.name, 63), description: text(f.description, 200),
                spec: {
                        image: ARCHES.map((a) => images[a]).find((i) => typeof i === 'string') ?? '', envProcess: text(f.fprocess, 400),
                        envVars: object(f.environment), labels: object(f.labels), annotations: object(f.annotations), readOnlyRootFilesystem: f.readOnlyRootFilesystem === true,
                },
        };
}

function FromStore({ csrf, taken, onClose, onDone }) {
        const [items, setItems] = useState(null), [picked, setPicked] = useState(''), [name, setName] = useState('');
        const [, loadError, load] = useAction(), [busy, error, run] = useAction();
        useEffect(() => {
                load(async () => setItems(list(object(await store()).functions, 500).map(entry).filter((e) => e.name && e.spec.image)));
        }, []);
        const one = items?.find((i) => i.name === picked);
        const wrong = one && !NAME.test(name) ? 'Small letters, digits and hyphens.' : '';
        const go = async (e) => {
                e.preventDefault();
                if (!one || wrong) return;
                if (await run(() => deploy(csrf, { ...one.spec, service: name }))) onDone(`${name} is being deployed.`);
        };
        if (loadError) return <Failure text={loadError} />;
        if (!items) return <p class="sub" role="status">Asking the store…</p>;
        return (
                <form onSubmit={go} noValidate>
                        <fieldset class="store">
                                <legend>A function that comes with bramble</legend>
                                {items.map((i) => (
                                        <label class={`store-item ${picked === i.name ? 'picked' : ''}`} key={i.name}>
                                                <input type="radio" name="store" value={i.name} checked={picked === i.name} onChange={() => { setPicked(i.name); setName(i.name); }} />
                                                <span><strong><bdi>{i.title}</bdi></strong><span class="sub">{i.description}</span></span>
                                        </label>
                                ))}
                                {!items.length && <p class="sub">The store is empty.</p>}
                        </fieldset>
                        {one && <Field label="Name" error={wrong} hint={taken.has(`${name}.openfaas-fn`) ? 'There is one of this name: it is replaced.' : ''}>
                                {(p) => <input {...p} type="text" value={name} maxLength={63} autoComplete="off" spellcheck={false} onInput={(e) => setName(e.currentTarget.value)} />}
                        </Field>}
                        <Failure text={error} />
                        <div class="dialog-buttons"><Button onClick={onClose}>Cancel</Button><button type="submit" class="button button-primary" disabled={!one || wrong !== ''} aria-disabled={busy}>{busy ? 'One moment…' : 'Deploy'}</button></div>
                </form>
        );
}

const EMPTY = { service: '', image: '', namespace: '', fprocess: '', env: '', min: '', max: '', memory: '' };

function problems(v) {
        const whole = (t) => t === '' || /^\d{1,4}$/.test(t);
        return {
                service: NAME.test(v.service) ? '' : 'Small letters, digits and hyphens.',
                image: /^\S+$/.test(v.image) ? '' : 'The name of an image, such as alpine or nas.local:5000/shout:1.',
                env: variables(v.env).error ?? '',
                min: whole(v.min) ? '' : 'A whole number.', max: whole(v.max) ? '' : 'A whole number.',
                memory: v.memory === '' || /^\d+(\.\d+)?\s*(Ki|Mi|Gi|k|M|G)?$/.test(v.memory) ? '' : 'Such as 64Mi.',
        };
}

function specOf(v) {
        const labels = {};
        if (v.min) labels['com.openfaas.scale.min'] = v.min;
        if (v.max) labels['com.openfaas.scale.max'] = v.max;
        const spec = { service: v.service, image: v.image, envVars: variables(v.env).env, labels };
        if (v.namespace) spec.namespace = v.namespace;
        if (v.fprocess) spec.envProcess = v.fprocess;
        if (v.memory) spec.limits = { memory: v.memory };
        return spec;
}

function ByImage({ csrf, taken, onClose, onDone }) {
        const [v, setV] = useState(EMPTY), [tried, setTried] = useState(false), [busy, error, run] = useAction();
        const wrong = problems(v), bad = Object.values(wrong).some(Boolean);
        const input = (key, label, more = {}) => (
                <Field label={label} hint={more.hint} error={tried ? wrong[key] : ''}>
                        {(p) => <input {...p} type="text" value={v[key]} placeholder={more.placeholder} autoComplete="off" autoCapitalize="none" spellcheck={false} required={more.required} onInput={(e) => setV({ ...v, [key]: e.currentTarget.value.trim() === '' ? '' : e.currentTarget.value })} />}
                </Field>
        );
        const go = async (e) => {
                e.preventDefault();
                setTried(true);
                if (bad) {
                        requestAnimationFrame(() => e.target.querySelector('[aria-invalid="true"]')?.focus());
                        return;
                }
                if (await run(() => deploy(csrf, specOf(v)))) onDone(`${v.service} is being deployed.`);
        };
        return (
                <form onSubmit={go} noValidate class="by-image">
                        {input('service', 'Name', { required: true, hint: taken.has(`${v.service}.${v.namespace || 'openfaas-fn'}`) ? 'There is one of this name: it is replaced.' : '' })}
                        {input('image', 'Image', { required: true, hint: 'From a registry, or one that is on the boards.' })}
                        {input('fprocess', 'Command that reads its input, if it is no server', { placeholder: 'tr a-z A-Z' })}
                        <Field label="Environment" hint="NAME=value, a line each. Secrets do not belong here." error={tried ? wrong.env : ''}>
                                {(p) => <textarea {...p} rows={2} value={v.env} spellcheck={false} onInput={(e) => setV({ ...v, env: e.currentTarget.value })} />}
                        </Field>
                        <div class="field-row">{input('min', 'Fewest replicas', { placeholder: '1' })}{input('max', 'Most replicas', { placeholder: '20' })}</div>
                        <div class="field-row">{input('memory', 'Memory at most', { placeholder: '64Mi' })}{input('namespace', 'Namespace', { placeholder: 'openfaas-fn' })}</div>
                        <Failure text={error} />
                        <div class="dialog-buttons"><Button onClick={onClose}>Cancel</Button><button type="submit" class="button button-primary" aria-disabled={busy}>{busy ? 'One moment…' : 'Deploy'}</button></div>
                </form>
        );
}

export function Deploy({ csrf, functions, onClose, onSay }) {
        const [way, setWay] = useState('store');
        const taken = new Set(functions.map((f) => f.key));
        const done = (t) => {
                onSay(t);
                onClose();
        };
        return (
                <Dialog title="Deploy a function" kind="panel" onClose={onClose}>
                        <div class="segments" role="group" aria-label="From where">
                                <button type="button" aria-pressed={way === 'store'} data-first onClick={() => setWay('store')}>From the store</button>
                                <button type="button" aria-pressed={way === 'image'} onClick={() => setWay('image')}>By image</button>
                        </div>
                        {way === 'store' ? <FromStore csrf={csrf} taken={taken} onClose={onClose} onDone={done} /> : <ByImage csrf={csrf} taken={taken} onClose={onClose} onDone={done} />}
                </Dialog>
        );
}
