import { render } from 'preact';
import { openSession } from './api';
import { App } from './app';
import './styles/base.css';
import './styles/frame.css';
import './styles/tables.css';
import './styles/panels.css';
import './styles/json.css';
import './styles/states.css';
import './styles/forms.css';
import './styles/events.css';
import './styles/audiences.css';
import './styles/decisions.css';
import './styles/destinations.css';

const root = document.getElementById('console');
if (root) render(<App />, root);
void openSession();
