// ReDoc over the server's own OpenAPI document.
const address = '/openapi.json';

const fonts = {
  text: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  code: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
};

// One colour for one method, as in docs/docs.css.
const methods = {
  get: '#1f66b3', post: '#1a7449', put: '#96590a', patch: '#11746a', delete: '#c22f2f',
};

const light = {
  colors: { primary: { main: '#2f5bd7' }, http: methods },
  extensionsHook: (name) => (name === 'Markdown' ? 'blockquote { color: #565d6d; }' : ''),
};

const night = {
  colors: {
    primary: { main: '#8fb0ff' },
    success: { main: '#5fca8e' },
    warning: { main: '#e0b252' },
    error: { main: '#ff8f85' },
    gray: { 50: '#23282b', 100: '#2c3236' },
    border: { light: '#363d42', dark: '#4a5359' },
    text: { primary: '#e4e6e6', secondary: '#a9b0b8' },
    responses: { info: { color: '#7cc4de' } },
    http: methods,
  },
  schema: { linesColor: '#52648f', nestedBackground: '#23282b', typeNameColor: '#a9b0b8', typeTitleColor: '#a9b0b8' },
  typography: {
    code: { color: '#ff9d94', backgroundColor: '#2c3236' },
    links: { hover: '#b5caff' },
  },
  sidebar: {
    backgroundColor: '#181b1d',
    textColor: '#e4e6e6',
    activeTextColor: '#8fb0ff',
    level1Items: { activeBackgroundColor: '#262b2e' },
    groupItems: { activeBackgroundColor: '#262b2e' },
  },
  rightPanel: {
    backgroundColor: '#15181a',
    textColor: '#e4e6e6',
    servers: { overlay: { backgroundColor: '#262b2e', textColor: '#e4e6e6' }, url: { backgroundColor: '#1c2022' } },
  },
  codeBlock: { backgroundColor: '#0e1011' },
  fab: { backgroundColor: '#2c3236', color: '#8fb0ff' },
  // Colours that ReDoc does not take from its theme.
  extensionsHook(name) {
    switch (name) {
      case 'UnderlinedHeader':
        return 'color: #a9b0b8; border-color: #363d42; span { color: #e4e6e6; }';
      case 'PropertyDetailsCell':
        return 'border-color: #363d42;';
      case 'Markdown':
        return 'blockquote { color: #a9b0b8; border-color: #4a5359; }'
          + 'table tr { background-color: transparent; }'
          + 'table tr, table th, table td { border-color: #4a5359; }'
          + '.share-link:before { filter: invert(1); }';
      case 'H1':
      case 'H2':
        return '.share-link:before { filter: invert(1); }';
    }
    return '';
  },
};

function theme(colors) {
  return {
    ...colors,
    typography: {
      ...colors.typography,
      fontFamily: fonts.text,
      headings: { fontFamily: fonts.text, fontWeight: '600' },
      code: { ...colors.typography?.code, fontFamily: fonts.code },
    },
  };
}

// ReDoc cannot change its theme, so each change draws the page anew.
function draw(api) {
  const root = document.createElement('div');
  document.querySelector('#api').replaceChildren(root);
  Redoc.init(api, {
    theme: theme(dark.matches ? night : light),
    scrollYOffset: '.bar',
    // The search would run in a worker made from a blob, which the page's
    // Content-Security-Policy forbids; the browser's own search does as well.
    disableSearch: true,
    hideDownloadButtons: true,
  }, root);
}

function fail(reason) {
  const text = document.createElement('p');
  text.className = 'notice';
  text.textContent = `${address} could not be read: ${reason}`;
  document.querySelector('#api').replaceChildren(text);
}

async function start() {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const api = await answer.json();
  document.title = `${api.info.title} - ReDoc`;
  draw(api);
  dark.addEventListener('change', () => draw(api));
}

start().catch((err) => fail(err.message));
