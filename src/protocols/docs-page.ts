// The contract as one page, drawn from the OpenAPI document when the gateway starts: no script, nothing from outside.

import { escapeHtml, htmlPage, prose } from './html.ts';
import { openApiDocument } from './openapi.ts';

type Node = Readonly<Record<string, unknown>>;

const INTRODUCTIONS: Readonly<Record<string, string>> = {
  terminal: 'Terminal API',
  paychannel: 'Paychannel API',
  operator: 'Operator API',
  everyone: 'For everyone',
};

/** The whole page. */
export function docsPage(): string {
  const document = openApiDocument('');
  const operations = operationsOf(document);
  const sections = Object.entries(INTRODUCTIONS).map(([tag, title]) => {
    const those = operations.filter((operation) => operation.tag === tag);
    return `<h2 id="${tag}">${escapeHtml(title)}</h2>${those.map(operationHtml).join('')}`;
  });
  const { schemas } = child(document, 'components') as { schemas: Node };
  return htmlPage(
    'qrswitch: the calls',
    `<h1>qrswitch</h1><p>${prose(String(child(document, 'info').description))}</p>
<p><a href="#terminal">Terminal API</a> · <a href="#paychannel">Paychannel API</a> · <a href="#operator">Operator API</a> · <a href="#everyone">For everyone</a> · <a href="#websocket">WebSocket</a> · <a href="#schemas">Schemas</a> · <a href="/docs/errors">Problems</a> · <a href="/openapi.json">OpenAPI 3.1</a></p>
${sections.join('')}${webSocketHtml(child(document, 'x-websocket'))}
<h2 id="schemas">Schemas</h2>${Object.entries(schemas).map(schemaHtml).join('')}`,
  );
}

interface Operation {
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly node: Node;
}

function operationsOf(document: Node): Operation[] {
  return Object.entries(child(document, 'paths')).flatMap(([path, item]) =>
    Object.entries(item as Node).map(([method, node]) => ({
      tag: String((node as { tags: string[] }).tags[0]),
      method: method.toUpperCase(),
      path,
      node: node as Node,
    })),
  );
}

function operationHtml({ method, path, node }: Operation): string {
  const parameters = (node.parameters as Node[]).filter(
    (parameter) => parameter.name !== undefined,
  );
  const body = node.requestBody as Node | undefined;
  return `<details><summary><span class="method">${method}</span><code>${escapeHtml(path)}</code> ${escapeHtml(String(node.summary))}</summary>
${node.description === undefined ? '' : `<p>${prose(String(node.description))}</p>`}
${parameters.length === 0 ? '' : `<h4>Parameters</h4>${table(parameters.map(parameterRow))}`}
${body === undefined ? '' : `<h4>Body</h4><p>${typeHtml(contentSchema(body))}${body.required === true ? '' : ', may be left out'}</p>`}
<h4>Answers</h4>${table(Object.entries(child(node, 'responses')).map(responseRow))}</details>`;
}

function parameterRow(parameter: Node): string[] {
  const required = parameter.required === true ? ' <strong>needed</strong>' : '';
  return [
    `<code>${escapeHtml(String(parameter.name))}</code>`,
    `${escapeHtml(String(parameter.in))}${required}`,
    typeHtml(parameter.schema as Node),
    prose(String(parameter.description ?? '')),
  ];
}

function responseRow([status, response]: [string, unknown]): string[] {
  const node = response as Node;
  const schema = contentSchema(node);
  return [
    status,
    prose(String(node.description)),
    schema === undefined ? 'no body' : typeHtml(schema),
  ];
}

function schemaHtml([name, schema]: [string, unknown]): string {
  const node = schema as Node;
  const description =
    node.description === undefined ? '' : `<p>${prose(String(node.description))}</p>`;
  return `<details id="schema-${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${description}${fieldsHtml(node)}</details>`;
}

function fieldsHtml(node: Node): string {
  const properties = node.properties as Node | undefined;
  if (properties === undefined) return `<p>${typeHtml(node)}</p>`;
  const required = new Set((node.required as string[] | undefined) ?? []);
  return table(
    Object.entries(properties).map(([field, schema]) => [
      `<code>${escapeHtml(field)}</code>${required.has(field) ? '' : ' <span class="soft">may be absent</span>'}`,
      typeHtml(schema as Node),
      prose(descriptionOf(schema as Node)),
    ]),
  );
}

function webSocketHtml(node: Node): string {
  const operations = Object.entries(node.operations as Node).map(
    ([op, schema]) =>
      `<details><summary><code>${escapeHtml(op)}</code></summary>${fieldsHtml(schema as Node)}</details>`,
  );
  return `<h2 id="websocket">WebSocket</h2>
<table><tr><th>Addresses</th><td>${codes(node.addresses)}</td></tr><tr><th>Subprotocols</th><td>${codes(node.subprotocols)}: text or binary frames</td></tr>
<tr><th>Key</th><td>${escapeHtml(String(node.authentication))}</td></tr>
<tr><th>Request</th><td><code>${escapeHtml(String(node.request))}</code></td></tr><tr><th>Answer</th><td><code>${escapeHtml(String(node.answer))}</code></td></tr>
<tr><th>Event</th><td><code>{ event }</code>: ${codes(node.eventTypes)}; acknowledge by <code>event.ack</code></td></tr></table>
<h4>Operations and their bodies</h4>${operations.join('')}`;
}

/** A type in a few words; named ones are links. */
function typeHtml(schema: Node | undefined): string {
  if (schema === undefined) return '';
  const reference = schema.$ref;
  if (typeof reference === 'string') {
    const name = escapeHtml(reference.slice(reference.lastIndexOf('/') + 1));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  const choices = schema.anyOf as Node[] | undefined;
  if (choices !== undefined) return choices.map(typeHtml).join(' or ');
  const words = schema.enum as unknown[] | undefined;
  if (words !== undefined) return codes(words);
  if (schema.const !== undefined) return codes([schema.const]);
  if (schema.type === 'array') return `list of ${typeHtml(schema.items as Node)}`;
  const properties = schema.properties as Node | undefined;
  if (properties !== undefined && Object.keys(properties).length > 0) {
    const fields = Object.entries(properties).map(
      ([name, item]) => `${escapeHtml(name)}: ${typeHtml(item as Node)}`,
    );
    return `{ ${fields.join(', ')} }`;
  }
  return escapeHtml(String(schema.type ?? 'any')) + boundsHtml(schema);
}

const BOUNDS = [
  'minimum',
  'exclusiveMinimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'default',
] as const;

function boundsHtml(schema: Node): string {
  const bounds = BOUNDS.filter((bound) => schema[bound] !== undefined);
  if (bounds.length === 0) return '';
  const list = bounds.map((bound) => `${bound} ${escapeHtml(String(schema[bound]))}`);
  return ` <span class="soft">(${list.join(', ')})</span>`;
}

function descriptionOf(schema: Node): string {
  if (typeof schema.description === 'string') return schema.description;
  const choices = schema.anyOf as Node[] | undefined;
  return choices?.map(descriptionOf).find((description) => description !== '') ?? '';
}

function codes(values: unknown): string {
  return (values as unknown[])
    .map((value) => `<code>${escapeHtml(String(value))}</code>`)
    .join(' ');
}

function table(rows: readonly (readonly string[])[]): string {
  return `<table>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`;
}

function contentSchema(node: Node): Node | undefined {
  const content = node.content as Node | undefined;
  const first = content === undefined ? undefined : Object.values(content)[0];
  return (first as { schema: Node } | undefined)?.schema;
}

function child(node: Node, name: string): Node {
  return node[name] as Node;
}
