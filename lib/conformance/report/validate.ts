/** As much of JSON Schema as the schema of reports uses: tells the first place where a value is not what it should be. */

export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  readonly const?: string | number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
}

type Type = NonNullable<Schema['type']>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasType(value: unknown, type: Type): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function problemIn(value: object, schema: Schema, path: string): string | undefined {
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) return `${path} is empty`;
    if (schema.items === undefined) return undefined;
    for (const [index, item] of (value as unknown[]).entries()) {
      const problem = problemOf(item, schema.items, `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  const members = new Map<string, unknown>(Object.entries(value));
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`);
  for (const name of schema.required ?? []) if (!members.has(name)) return `${inside(name)} is missing`;
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (!members.has(name)) continue;
    const problem = problemOf(members.get(name), member, inside(name));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What is wrong with a value, or undefined when nothing is. */
export function problemOf(value: unknown, schema: Schema, path = ''): string | undefined {
  const name = path === '' ? 'the document' : path;
  if (schema.type !== undefined && !hasType(value, schema.type)) return `${name} is no ${schema.type}`;
  if (schema.const !== undefined && value !== schema.const) return `${name} is not ${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined && !schema.enum.some((each) => each === value)) {
    return `${name} is none of ${schema.enum.join(', ')}`;
  }
  if (schema.minimum !== undefined && typeof value === 'number' && value < schema.minimum) {
    return `${name} is less than ${schema.minimum}`;
  }
  if (schema.anyOf?.every((each) => problemOf(value, each, path) !== undefined) === true) {
    return `${name} is nothing that could stand there`;
  }
  return typeof value === 'object' && value !== null ? problemIn(value, schema, path) : undefined;
}
