import { expect, test } from 'vitest';
import type { Topology } from '../src/bridge/topology';
import { overview } from '../src/meeting/network';

const node = (name: string, region: string, alive = true) => ({ name, region, alive });
const link = (from: string, to: string, roundTrip: number, loss = 0, up = true) => ({ from, to, up, roundTrip, loss });
const topology = (of: Partial<Topology>): Topology => ({ self: 'n2', nodes: [], links: [], homes: new Map(), paths: new Map(), ...of });

test('nodes go by their regions, with how many people are there', () => {
  const { nodes } = overview(
    topology({
      nodes: [node('n1', 'eu'), node('n2', 'us'), node('n3', 'ap', false), node('n4', '')],
      homes: new Map([
        ['own', 'n2'],
        ['ann', 'n1'],
        ['bob', 'n1'],
        ['stranger', 'n1'],
      ]),
    }),
    ['own', 'ann', 'bob'],
  );
  expect(nodes).toEqual([
    { name: 'n1', label: 'eu', own: false, alive: true, people: 2 },
    { name: 'n2', label: 'us', own: true, alive: true, people: 1 },
    { name: 'n3', label: 'ap', own: false, alive: false, people: 0 },
    { name: 'n4', label: 'n4', own: false, alive: true, people: 0 },
  ]);
});

test('two nodes of one region have their names too', () => {
  const { nodes } = overview(topology({ nodes: [node('n1', 'eu'), node('n2', 'eu'), node('n3', 'us')] }), []);
  expect(nodes.map(({ label }) => label)).toEqual(['eu (n1)', 'eu (n2)', 'us']);
});

test('a link that both ends tell of is one, ours first and as our node sees it', () => {
  const { links } = overview(
    topology({
      nodes: [node('n1', 'eu'), node('n2', 'us'), node('n3', 'ap')],
      links: [link('n1', 'n3', 220.4, 0.0149), link('n1', 'n2', 99), link('n2', 'n1', 80.6), link('n3', 'n1', 5), link('n2', 'n3', 1.26, 0, false)],
    }),
    [],
  );
  expect(links).toEqual([
    { key: 'n2 n1', from: 'us', to: 'eu', roundTrip: '81 ms', loss: '0.0 %' },
    { key: 'n2 n3', from: 'us', to: 'ap', roundTrip: '', loss: '' },
    { key: 'n1 n3', from: 'eu', to: 'ap', roundTrip: '220 ms', loss: '1.5 %' },
  ]);
});

test('everybody has a node, and their pictures a way', () => {
  const { people } = overview(
    topology({
      nodes: [node('n1', 'eu'), node('n2', 'us'), node('n3', 'ap')],
      homes: new Map([
        ['own', 'n2'],
        ['ann', 'n1'],
        ['bob', 'n2'],
        ['cid', 'n3'],
      ]),
      paths: new Map([
        ['own-v0', ['n2']],
        ['ann-v0', ['n1', 'n3', 'n2']],
        ['bob-v0', ['n2']],
        ['ann-v1', ['n1', 'n2']],
        ['cid-v0', []],
      ]),
    }),
    ['own', 'ann', 'bob', 'cid', 'dee'],
  );
  expect(people).toEqual([
    { endpoint: 'own', node: 'us', picture: 'from you', screen: '' },
    { endpoint: 'ann', node: 'eu', picture: 'eu → ap → us', screen: 'eu → us' },
    { endpoint: 'bob', node: 'us', picture: 'your node', screen: '' },
    { endpoint: 'cid', node: 'ap', picture: 'not asked for', screen: '' },
    { endpoint: 'dee', node: '', picture: 'not asked for', screen: '' },
  ]);
});
