/** Elements. */

type Child = Node | string;

/** Attributes, as in HTML. */
type Properties = Readonly<Record<string, string | undefined>>;

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An element of the page by its id. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${id}`);
}
