// Plots as SVG, drawn by ECharts without a browser. A chart that is not disposed of keeps the process alive.

import * as echarts from 'echarts';

const COLOURS = [
  '#2563eb',
  '#dc2626',
  '#059669',
  '#d97706',
  '#7c3aed',
  '#0891b2',
  '#be185d',
  '#4b5563',
];
const FONT = 'system-ui, sans-serif';

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly name: string;
  readonly kind?: 'value' | 'log';
  /** For people, of a value on the axis. */
  readonly label?: (value: number) => string;
}

/** Draws an ECharts option; the background is white, so that it reads on any page. */
export function draw(size: { width: number; height: number }, option: object): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      color: COLOURS,
      textStyle: { fontFamily: FONT },
      ...option,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

export function lineChart(title: string, x: Axis, y: Axis, lines: readonly Line[]): string {
  return draw(
    { width: 900, height: 480 },
    {
      title: { text: title, left: 16, top: 12, textStyle: { fontSize: 16 } },
      legend: { top: 44, left: 16, type: 'plain' },
      grid: { left: 76, right: 40, top: 110, bottom: 60 },
      xAxis: axis(x, 34),
      yAxis: axis(y, 54),
      series: lines.map(({ name, points }) => ({
        name,
        type: 'line',
        symbolSize: 6,
        data: points,
      })),
    },
  );
}

function axis({ name, kind, label }: Axis, gap: number): object {
  return {
    type: kind ?? 'value',
    name,
    nameLocation: 'middle',
    nameGap: gap,
    minorSplitLine: { show: false },
    ...(label !== undefined && { axisLabel: { formatter: label } }),
  };
}

export interface Bar {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Medians as bars, with a line from the least to the most of all rounds. */
export function spreadChart(title: string, unit: string, bars: readonly Bar[]): string {
  const names = bars.map(({ name }) => name);
  return draw(
    { width: 900, height: 110 + 34 * bars.length },
    {
      title: { text: title, left: 16, top: 12, textStyle: { fontSize: 16 } },
      grid: { left: 370, right: 80, top: 50, bottom: 50 },
      xAxis: { type: 'value', name: unit, nameLocation: 'middle', nameGap: 30 },
      yAxis: {
        type: 'category',
        data: names,
        inverse: true,
        axisLabel: { width: 350, overflow: 'truncate' },
      },
      series: [
        {
          type: 'bar',
          barWidth: 16,
          data: bars.map(({ median }) => median),
        },
        {
          type: 'custom',
          data: bars.map(({ min, max, median }, i) => [min, max, i, median]),
          encode: { x: [0, 1], y: 2 },
          renderItem: whisker,
        },
      ],
    },
  );
}

function whisker(
  _params: unknown,
  api: { value(i: number): number; coord(point: number[]): number[] },
): object {
  const [left = 0, y = 0] = api.coord([api.value(0), api.value(2)]);
  const [right = 0] = api.coord([api.value(1), api.value(2)]);
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: '#111827', lineWidth: 1.5 },
  });
  return {
    type: 'group',
    children: [
      line(left, y, right, y),
      line(left, y - 5, left, y + 5),
      line(right, y - 5, right, y + 5),
      {
        type: 'text',
        style: {
          x: right + 6,
          y: y - 6,
          text: shownValue(api.value(3)),
          fontSize: 12,
          fill: '#111827',
        },
      },
    ],
  };
}

function shownValue(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
