/* bramble - boards and functions for the mock: shaped as `agentctl status -o json` has them. */

const MODELS = {
        '3B+': { id: '3B+', model: 'Raspberry Pi 3 Model B Plus Rev 1.3', cores: 4, clock_mhz: 1400, bits_kernel: 64, bits_user: 32, soft_temp_c: 60, throttle_c: 80, hard_c: 85, mbps: 300 },
        '3B': { id: '3B', model: 'Raspberry Pi 3 Model B Rev 1.2', cores: 4, clock_mhz: 1200, bits_kernel: 64, bits_user: 32, throttle_c: 80, hard_c: 85, mbps: 100 },
        '2B': { id: '2B', model: 'Raspberry Pi 2 Model B Rev 1.1', cores: 4, clock_mhz: 900, bits_kernel: 32, bits_user: 32, throttle_c: 80, hard_c: 85, mbps: 100, kubernetes_max: '1.20' },
};

export function board(name, model, more = {}) {
        const { mbps, ...profile } = MODELS[model];
        const id = [...`${name}${model}`].reduce((a, c) => (a * 31n + BigInt(c.charCodeAt(0))) % (1n << 64n), 7n).toString(16).padStart(16, '0');
        return {
                name, id, role: name.startsWith('m') ? 'master' : 'worker', leader: false, voter: true, state: 'up', address: '10.77.0.11', board: profile,
                memory: { total_bytes: 948 * 2 ** 20, available_bytes: 610 * 2 ** 20 }, disk: { total_bytes: 7.3e9, free_bytes: 4.1e9, written_bytes: 3.2e8 },
                network: { interface: 'eth0', mbps, rx_bytes_per_second: 81000, tx_bytes_per_second: 154000 },
                cpu_percent: 18.4, cpu_cores_percent: [31.2, 12.5, 19.1, 10.8], temperature_c: 51.5,
                power: { under_voltage: false, throttled: false, words: 'ok' }, uptime_seconds: 187400, problems: '',
                kubernetes: { state: 'ready', text: 'ready', version: '1.20.2', api: name.startsWith('m'), epoch: 1, snapshot: null },
                functions: 1, cordoned: false, drained: false, ...more,
        };
}

export function func(name, nodes, more = {}) {
        return {
                name, namespace: 'openfaas-fn', image: `bramble.local/${name}:0.1.0`, replicas: nodes.length, available_replicas: nodes.length, invocations: 12843, reason: '',
                placements: nodes.map((node, i) => ({ id: 7 + i, node, state: 'ready', address: `10.78.${i + 1}.4` })),
                calls_per_s: 4.2, latency_ms: { p50: 11.4, p99: 48.9 }, ...more,
        };
}

const frame = (boards, functions, more = {}) => ({
        cluster: 'home', master: 'm1', leader: 'm1', quorum: { voters: 3, up: 3, have: true }, boards_up: boards.filter((b) => b.state === 'up').length,
        boards, functions, alerts: [], watts: { low: boards.length * 2, high: boards.length * 5 }, shutdown: null, ...more,
});

export const four = () => frame([
        board('m1', '3B+', { leader: true, address: '10.77.0.11' }), board('w1', '3B', { address: '10.77.0.12', temperature_c: 58.2, cpu_percent: 64, cpu_cores_percent: [88, 71, 54, 43] }),
        board('w2', '3B+', { address: '10.77.0.13', temperature_c: 47 }),
        board('w3', '2B', { address: '10.77.0.14', voter: false, temperature_c: 44.4, kubernetes: { state: 'not possible', text: '1.27 does not run on a 2B', version: '' } }),
], [func('figlet', ['w1', 'w2', 'w2']), func('env', ['m1'], { calls_per_s: 0, latency_ms: { p50: null, p99: null } }), func('wordcount', ['w3'], { calls_per_s: 0.6 })]);

export const empty = () => frame([], [], { master: '', leader: '', quorum: { voters: 0, up: 0, have: false }, watts: null });

export const alerting = () => {
        const s = four();
        s.boards[1] = { ...s.boards[1], temperature_c: 82.1, power: { under_voltage: true, throttled: true, words: 'under-voltage now, throttled now' } };
        s.boards[2] = { ...s.boards[2], disk: { total_bytes: 7.3e9, free_bytes: 2e8, written_bytes: 9e9 }, problems: 'card is nearly full', power: { under_voltage: false, throttled: false, words: 'throttled since boot' } };
        s.boards[3] = { ...s.boards[3], state: 'down' };
        s.boards_up = 3;
        s.quorum.up = 3;
        s.functions[0] = { ...s.functions[0], available_replicas: 1, reason: 'figlet-8 on w1: the image bramble.local/figlet:0.1.0 could not be unpacked: no space left on device' };
        s.alerts = [
                { name: 'under-voltage', board: 'w1', severity: 'warning', at_ms: -65000, text: 'The supply of w1 gives too little voltage: use a better power supply or a shorter cable.' },
                { name: 'hot', board: 'w1', severity: 'warning', at_ms: -1000, text: 'w1 has 82 °C and slows down at 80 °C.' },
                { name: 'board-lost', board: 'w3', severity: 'error', at_ms: -662000, text: 'w3 does not answer.' },
        ];
        return s;
};

export function many(n = 96) {
        const names = Object.keys(MODELS), boards = [];
        for (let i = 0; i < n; i++) {
                const name = i ? `w${i}` : 'm1';
                boards.push(board(name, names[i % 3], { leader: !i, voter: i < 5, cpu_percent: (i * 37) % 100, temperature_c: 40 + ((i * 13) % 35), state: i % 31 === 30 ? 'down' : 'up', address: `10.77.0.${i + 1}`,
                        memory: { total_bytes: 948 * 2 ** 20, available_bytes: (900 - ((i * 53) % 800)) * 2 ** 20 } }));
        }
        return frame(boards, Array.from({ length: 40 }, (_, i) => func(`job-${i}`, [`w${i + 1}`, `w${i + 41}`])), { quorum: { voters: 5, up: 5, have: true } });
}

/* Names and texts of people who would like to run a script, to be read as someone else, or to break the layout. */
export const HOSTILE = ['<img src=x onerror="window.pwned=1">', '"><script>window.pwned=1</script>', '\u202egnp.exe', '\u0000\u001b[31mred', `${'W'.repeat(400)}`, '__proto__', 'constructor', "'; DROP TABLE boards; --", '{{7*7}}', '𝕬\u0300\u0301\u0302\u0303\u0304'];

export function hostile() {
        const s = four();
        s.boards = HOSTILE.map((h, i) => ({ ...board(`w${i}`, '3B'), name: h, id: `${i}`, role: h, address: h, problems: h, board: { id: h, model: h, bits_kernel: h, cores: 1e9 },
                power: { words: h }, kubernetes: { state: h, text: h, version: h } }));
        s.boards.push({ name: 'liar', id: 'liar', state: 'up', cpu_percent: 1e308, cpu_cores_percent: Array(100000).fill(-5), memory: { total_bytes: -1, available_bytes: 1e300 }, temperature_c: 'hot', disk: [], network: 'none', power: null, kubernetes: 7, uptime_seconds: NaN, board: null },
                { name: {}, id: [], role: 9 }, null, 17, 'text');
        s.functions = [...HOSTILE.map((h) => func(h, [h, 'w1'], { image: h, reason: h, available_replicas: 0, namespace: 'openfaas-fn' })), { name: 'odd', placements: 'x', replicas: 'many', latency_ms: [] }, null];
        s.alerts = HOSTILE.map((h) => ({ name: h, board: h, text: h, severity: h, at_ms: h }));
        s.cluster = HOSTILE[0];
        s.master = HOSTILE[1];
        return s;
}
