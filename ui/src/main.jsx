import { render } from 'preact';
import { App } from './app.jsx';
import './style.css';

const root = document.getElementById('app');
root.replaceChildren();
render(<App />, root);
