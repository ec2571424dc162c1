/** How the page looks. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --quiet: #59636e; --line: #d5dae0; --raised: #f4f6f8; --focus: #0969da; --link: #0757b3;
  --pass: #d8f3df; --pass-text: #0a5a26; --fail: #ffdcd9; --fail-text: #8f1410; --skip: #eceff2; --skip-text: #4b545e;
  --recorded: #dceafc; --recorded-text: #17498a; --differs: #fff3c4;
  --row: 36px; --first: clamp(20rem, 38vw, 44rem); --cell: 5rem;
}
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) {
  --page: #0f1318; --text: #e3e8ee; --quiet: #98a3af; --line: #2b333c; --raised: #181e25; --focus: #58a6ff; --link: #7cb8ff;
  --pass: #12361f; --pass-text: #8fe3a6; --fail: #4d1816; --fail-text: #ffb4ae; --skip: #232a32; --skip-text: #a3adb8;
  --recorded: #152f50; --recorded-text: #a8cdfa; --differs: #4a3c08;
} }
:root[data-theme='dark'] {
  color-scheme: dark;
  --page: #0f1318; --text: #e3e8ee; --quiet: #98a3af; --line: #2b333c; --raised: #181e25; --focus: #58a6ff; --link: #7cb8ff;
  --pass: #12361f; --pass-text: #8fe3a6; --fail: #4d1816; --fail-text: #ffb4ae; --skip: #232a32; --skip-text: #a3adb8;
  --recorded: #152f50; --recorded-text: #a8cdfa; --differs: #4a3c08;
}
:root[data-theme='light'] { color-scheme: light; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; height: 100dvh; display: flex; flex-direction: column; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif;
}
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 0.93em; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
button, select, input {
  font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 0.25rem 0.5rem;
  min-height: 2.1rem;
}
button { cursor: pointer; min-width: 2.1rem; }
a { color: var(--link); }
body > header { display: flex; gap: 0.75rem; align-items: center; padding: 0.6rem 1rem 0; }
h1 { font-size: 1.1rem; margin: 0; }
#about { color: var(--quiet); flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; margin: 0; }
#filters { display: flex; gap: 0.5rem; align-items: center; padding: 0.6rem 1rem; overflow-x: auto; scrollbar-width: thin; }
#filters > * { flex: none; }
#search { flex: 1 1 14rem; min-width: 11rem; max-width: 32rem; }
#filters select { max-width: 11rem; }
#filters label { display: flex; gap: 0.3rem; align-items: center; white-space: nowrap; }
#differing { min-height: 0; }
#count { color: var(--quiet); white-space: nowrap; }
#grid { flex: 1; min-height: 0; overflow: auto; border-top: 1px solid var(--line); position: relative; overscroll-behavior: contain; }
.line { display: grid; grid-template-columns: minmax(var(--first), 1fr) repeat(var(--kernels), var(--cell)); width: max(100%, calc(var(--first) + var(--kernels) * var(--cell))); }
.body { position: relative; }
.body .line { position: absolute; top: 0; left: 0; height: var(--row); border-bottom: 1px solid var(--line); }
.body .line:not(.group) { cursor: pointer; }
.body.empty::before { content: 'nothing fits'; display: block; padding: 2rem 1rem; color: var(--quiet); }
.head { position: sticky; top: 0; z-index: 2; background: var(--raised); border-bottom: 1px solid var(--line); }
.name {
  position: sticky; left: 0; z-index: 1; background: var(--page); padding: 0 0.5rem 0 1rem; display: flex; gap: 0.75rem; align-items: center;
  min-width: 0; white-space: nowrap; border-right: 1px solid var(--line);
}
.head .name, .group .name { background: var(--raised); color: var(--quiet); }
.group { background: var(--raised); }
.group .name { gap: 0.4rem; }
.group .cell { color: var(--quiet); font-size: 0.8rem; border-color: transparent; }
.why { color: var(--quiet); font-style: italic; overflow: hidden; text-overflow: ellipsis; max-width: 45%; }
.group strong { color: var(--text); }
.name code, .title { overflow: hidden; text-overflow: ellipsis; }
.name code { flex: none; max-width: 60%; }
.title { color: var(--quiet); flex: 1 1 0; min-width: 0; }
.line:hover .name, .line:hover { background: var(--raised); }
.active .name { background: var(--raised); box-shadow: inset 4px 0 var(--focus); }
#grid:focus-visible .active { outline: 2px solid var(--focus); outline-offset: -2px; z-index: 1; }
.cell { display: flex; align-items: center; justify-content: center; gap: 2px; border-right: 1px solid var(--page); min-width: 0; }
.cell sub { font-size: 0.7rem; align-self: end; line-height: 1.4; }
.head .cell { flex-direction: column; gap: 0; padding: 0.3rem 0.2rem; line-height: 1.2; font-size: 0.85rem; }
.head .cell > * { max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.head small { color: var(--quiet); font-size: 0.75rem; }
.single { --first: minmax(0, 1fr); --cell: 7rem; }
.single .line { width: 100%; }
.pass { background: var(--pass); color: var(--pass-text); }
.fail { background: var(--fail); color: var(--fail-text); font-weight: 600; }
.skip { background: var(--skip); color: var(--skip-text); }
.recorded { background: var(--recorded); color: var(--recorded-text); }
.missing { color: var(--quiet); }
#keys { color: var(--quiet); font-size: 0.8rem; padding: 0.3rem 1rem; margin: 0; border-top: 1px solid var(--line); }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 0.3rem; font-family: inherit; }
dialog {
  margin: 0 0 0 auto; height: 100dvh; max-height: none; width: min(72rem, 92vw); max-width: none; border: 0; padding: 0;
  border-left: 1px solid var(--line); background: var(--page); color: var(--text);
}
dialog[open] { display: flex; flex-direction: column; }
dialog::backdrop { background: rgb(0 0 0 / 35%); }
dialog header { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding: 0.75rem 1rem; border-bottom: 1px solid var(--line); background: var(--raised); }
dialog h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; align-self: center; }
dialog header p { grid-column: 1 / -1; margin: 0.2rem 0 0; }
dialog nav { display: flex; gap: 0.35rem; align-items: start; }
.content { overflow-y: auto; padding: 0 1rem 2rem; flex: 1; }
.content:focus { outline: none; }
.rule { max-width: 48rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.verdicts { list-style: none; padding: 0; margin: 0 0 1rem; display: grid; gap: 0.35rem; }
.verdicts li { display: flex; flex-wrap: wrap; gap: 0.2rem 0.6rem; align-items: baseline; }
.badge { border-radius: 5px; padding: 0.05rem 0.5rem; white-space: nowrap; }
.kernels { font-weight: 500; }
.reason { color: var(--quiet); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.logs { border-collapse: collapse; width: 100%; font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 0.85rem; }
.logs th { text-align: left; vertical-align: bottom; background: var(--raised); padding: 0.4rem 0.7rem; font-family: system-ui, sans-serif; }
.logs th small { display: block; font-weight: 400; color: var(--quiet); max-width: 26rem; }
.logs td { padding: 0.15rem 0.7rem; vertical-align: top; min-width: 9rem; overflow-wrap: anywhere; border-left: 1px solid var(--line); }
.logs .sign { min-width: 0; width: 1.2rem; border: 0; text-align: center; color: var(--fail-text); }
.logs .wrong { background: var(--fail); color: var(--fail-text); }
.logs .differs { background: var(--differs); }
@media (max-width: 45rem) {
  :root { --row: 52px; --first: 56vw; --cell: 4rem; }
  .single { --cell: 6rem; }
  body > header { padding: 0.4rem 0.6rem 0; }
  #filters { padding: 0.4rem 0.6rem; }
  #keys { display: none; }
  .body .line:not(.group) .name { flex-direction: column; align-items: stretch; justify-content: center; gap: 0; padding-left: 0.6rem; }
  .name code { max-width: 100%; flex: 0 0 auto; font-size: 0.85rem; }
  .title, .why { font-size: 0.8rem; flex: 0 0 auto; max-width: 100%; }
  .why { display: none; }
  dialog { width: 100vw; border: 0; }
  dialog header { padding: 0.5rem 0.75rem; }
  .content { padding: 0 0.75rem 2rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.4rem; }
}
`.trim();
