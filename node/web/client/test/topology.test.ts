import { expect, test } from 'vitest';
import { readMessage } from '../src/bridge/messages';
import { topologyRequest } from '../src/bridge/topology';

const read = (value: object) => {
  const message = readMessage(JSON.stringify({ colibriClass: 'AtollTopology', ...value }));
  return message?.class === 'topology' ? message.topology : undefined;
};

test('what the node tells of the network is read', () => {
  expect(
    read({
      self: 'us-node',
      nodes: [
        { name: 'us-node', region: 'us', state: 'alive' },
        { name: 'eu-node', region: 'eu', state: 'dead', new: 1 },
      ],
      links: [{ from: 'us-node', to: 'eu-node', up: true, rtt_ms: 80.25, loss: 0.01 }],
      participants: [{ endpoint: 'aaaaaaaa', node: 'eu-node' }],
      sources: [
        { name: 'aaaaaaaa-v0', path: ['eu-node', 'us-node'] },
        { name: 'aaaaaaaa-v1', path: [] },
      ],
    }),
  ).toEqual({
    self: 'us-node',
    nodes: [
      { name: 'us-node', region: 'us', alive: true },
      { name: 'eu-node', region: 'eu', alive: false },
    ],
    links: [{ from: 'us-node', to: 'eu-node', up: true, roundTrip: 80.25, loss: 0.01 }],
    homes: new Map([['aaaaaaaa', 'eu-node']]),
    paths: new Map([
      ['aaaaaaaa-v0', ['eu-node', 'us-node']],
      ['aaaaaaaa-v1', []],
    ]),
  });
});

test('what is malformed is left out, and nothing is read without the own node', () => {
  expect(
    read({
      self: 'a',
      nodes: [null, 3, {}, { name: 'x'.repeat(65) }, { name: 'a' }],
      links: [{ from: 'a' }, { from: 'a', to: 'b', up: 'yes', rtt_ms: '80', loss: -1 }, { from: 'a', to: 'c', up: true, rtt_ms: 1e999, loss: 7 }],
      participants: [{ endpoint: 'aaaaaaaa' }, ['aaaaaaaa', 'a']],
      sources: [{ name: 'aaaaaaaa-v0', path: ['a', 4] }, { path: ['a'] }, { name: 'bbbbbbbb-v0' }],
    }),
  ).toEqual({
    self: 'a',
    nodes: [{ name: 'a', region: '', alive: false }],
    links: [
      { from: 'a', to: 'b', up: false, roundTrip: 0, loss: 0 },
      { from: 'a', to: 'c', up: true, roundTrip: 0, loss: 1 },
    ],
    homes: new Map(),
    paths: new Map([['bbbbbbbb-v0', []]]),
  });
  expect(read({ self: 'a' })).toMatchObject({ nodes: [], links: [] });
  expect(read({ self: 'a', nodes: Array.from({ length: 5000 }, (_, k) => ({ name: `n${k}` })) })?.nodes).toHaveLength(1000);
  for (const bad of [{}, { self: '' }, { self: 7 }]) expect(read(bad)).toBeUndefined();
});

test('the node is asked, and told when nobody looks any more', () => {
  expect(topologyRequest(true)).toEqual({ colibriClass: 'AtollTopologyRequest' });
  expect(topologyRequest(false)).toEqual({ colibriClass: 'AtollTopologyRequest', active: false });
});
