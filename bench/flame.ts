// Flame graphs of V8's CPU profiles, callers above what they call: the widths are time with callees, the colours tell
// ours from libraries and from what V8 does itself.

import { draw } from './charts.ts';

export interface Frame {
  readonly name: string;
  /** Where the function stands: a module of ours, a library, or V8. */
  readonly kind: 'ours' | 'library' | 'native';
}

export interface Block {
  readonly frame: Frame;
  readonly depth: number;
  /** Microseconds from the left edge, and how long. */
  readonly from: number;
  readonly us: number;
}

interface Node {
  readonly frame: Frame;
  us: number;
  readonly children: Map<string, Node>;
}

/** A stack, outermost first, and how long it was seen. */
export interface Stack {
  readonly frames: readonly Frame[];
  readonly us: number;
}

const WIDTH = 1_600;
const ROW = 17;
const MARGIN = 10;
const TOP = 60;
/** Narrower than this nothing can be read or pointed at. */
const SHARE_MIN = 0.002;
const CHARACTER = 6.2;

const COLOURS: Readonly<Record<Frame['kind'], string>> = {
  ours: '#f59e0b',
  library: '#60a5fa',
  native: '#d1d5db',
};

/** Merges stacks into blocks, siblings by name so that two graphs can be compared. */
export function blocksOf(stacks: readonly Stack[]): { blocks: Block[]; totalUs: number } {
  const root: Node = { frame: { name: 'all', kind: 'native' }, us: 0, children: new Map() };
  for (const { frames, us } of stacks) {
    root.us += us;
    let node = root;
    for (const frame of frames) {
      let child = node.children.get(frame.name);
      if (child === undefined) {
        child = { frame, us: 0, children: new Map() };
        node.children.set(frame.name, child);
      }
      child.us += us;
      node = child;
    }
  }
  const blocks: Block[] = [];
  const place = (node: Node, depth: number, from: number): void => {
    blocks.push({ frame: node.frame, depth, from, us: node.us });
    let at = from;
    const children = [...node.children.values()];
    children.sort((left, right) => (left.frame.name < right.frame.name ? -1 : 1));
    for (const child of children) {
      if (child.us >= root.us * SHARE_MIN) place(child, depth + 1, at);
      at += child.us;
    }
  };
  if (root.us > 0) place(root, 0, 0);
  return { blocks, totalUs: root.us };
}

export function drawFlames(title: string, stacks: readonly Stack[]): string {
  const { blocks, totalUs } = blocksOf(stacks);
  const depth = Math.max(0, ...blocks.map((block) => block.depth)) + 1;
  const height = TOP + depth * ROW + MARGIN;
  const scale = (WIDTH - 2 * MARGIN) / Math.max(1, totalUs);
  return draw(
    { width: WIDTH, height },
    {
      title: {
        text: title,
        subtext: 'amber: the switch · blue: libraries · grey: Node.js and V8',
        left: MARGIN,
        top: 6,
        itemGap: 4,
        textStyle: { fontSize: 15 },
      },
      xAxis: { show: false, min: 0, max: 1 },
      yAxis: { show: false, min: 0, max: 1 },
      series: [
        {
          type: 'custom',
          coordinateSystem: undefined,
          data: blocks.map((_, i) => i),
          renderItem: (params: { dataIndex: number }) => {
            const block = blocks[params.dataIndex];
            return block === undefined ? null : shapeOf(block, scale, totalUs);
          },
        },
      ],
    },
  );
}

function shapeOf(block: Block, scale: number, totalUs: number): object {
  const { frame, depth, from, us } = block;
  const x = MARGIN + from * scale;
  const width = Math.max(0.5, us * scale - 0.5);
  const y = TOP + depth * ROW;
  const share = ((us / totalUs) * 100).toFixed(1);
  const room = Math.floor((width - 6) / CHARACTER);
  const label = `${frame.name} ${share} %`;
  return {
    type: 'group',
    children: [
      {
        type: 'rect',
        shape: { x, y, width, height: ROW - 1 },
        style: { fill: COLOURS[frame.kind] },
      },
      ...(room < 4
        ? []
        : [
            {
              type: 'text',
              style: {
                x: x + 3,
                y: y + 3,
                text: label.length > room ? `${label.slice(0, room - 1)}…` : label,
                fontSize: 10.5,
                fill: '#111827',
              },
            },
          ]),
    ],
  };
}
