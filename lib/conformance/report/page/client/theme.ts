/** Dark and light: as the system has it, until the reader chooses. */

const KEY = 'linux-ptrace-theme';

/** Pages from files may have no storage. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(theme: string): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It lasts as long as the page, then.
  }
}

export function themes(button: HTMLButtonElement): void {
  const root = document.documentElement;
  const dark = (): boolean =>
    root.dataset['theme'] === undefined
      ? matchMedia('(prefers-color-scheme: dark)').matches
      : root.dataset['theme'] === 'dark';
  const kept = stored();
  if (kept === 'dark' || kept === 'light') root.dataset['theme'] = kept;
  const label = (): void => {
    const other = dark() ? 'light' : 'dark';
    button.textContent = dark() ? '☀' : '☾';
    button.title = `${other} theme`;
    button.setAttribute('aria-label', `${other} theme`);
  };
  label();
  button.addEventListener('click', () => {
    root.dataset['theme'] = dark() ? 'light' : 'dark';
    store(root.dataset['theme']);
    label();
  });
}
