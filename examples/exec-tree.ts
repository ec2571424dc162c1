// Draws which process started which program.   node --import tsx examples/exec-tree.ts bash -c 'date; ls | wc -l'
import { readFileSync } from 'node:fs';
import { Tracer, type Stop } from 'linux-ptrace';

interface Node {
  readonly pid: number;
  readonly programs: string[];
  readonly children: Node[];
  end: string;
}

const [file = 'true', ...args] = process.argv.slice(2);
await using tracer = new Tracer();
const root = await tracer.spawn(file, args, { stdio: ['inherit', 'null', 'inherit'] });

const nodes = new Map<number, Node>();
const nodeOf = (pid: number): Node => {
  const node = nodes.get(pid) ?? { pid, programs: [], children: [], end: '' };
  nodes.set(pid, node);
  return node;
};
const commandLine = (pid: number): string =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');

function note(stop: Stop): void {
  const { pid } = stop.tracee;
  if (stop.kind === 'exec') nodeOf(pid).programs.push(commandLine(pid));
  // A clone is a new thread of the same process, or a process of its own.
  if ((stop.kind === 'fork' || stop.kind === 'vfork' || stop.kind === 'clone') && stop.child.pid !== pid) {
    nodeOf(pid).children.push(nodeOf(stop.child.pid));
  }
  if (stop.kind === 'exited' && stop.tracee.isLeader) nodeOf(pid).end = `exit ${stop.code}`;
  if (stop.kind === 'killed' && stop.tracee.isLeader) nodeOf(pid).end = stop.signalName;
}

if (root.stop !== null) note(root.stop);
for await (const stop of tracer) note(stop);

function draw(node: Node, indent: string): void {
  console.log(`${indent}${node.pid} ${node.programs.join(' -> ') || '(no exec)'} [${node.end}]`);
  for (const child of node.children) draw(child, `${indent}  `);
}
draw(nodeOf(root.pid), '');
