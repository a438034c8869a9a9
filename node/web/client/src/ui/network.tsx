/** The nodes behind the meeting: how far they are from each other, and which way everybody's picture comes. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Meeting } from '../meeting/meeting';
import { overview, type LinkLine, type NodeLine, type PersonLine } from '../meeting/network';
import { Icon } from './icons';
import { callName } from './people';

/** @param measured what the page knows of nodes near the person */
export function NetworkButton({ meeting, measured }: { meeting: Meeting; measured: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  useEffect(() => (open ? meeting.media.watchNetwork() : undefined), [meeting, open]);
  return (
    <>
      <button
        type="button"
        class="plain network-button"
        data-testid="network"
        aria-label="Network"
        title="Network"
        aria-haspopup="dialog"
        onClick={() => {
          dialog.current?.showModal();
          setOpen(true);
        }}
      >
        <Icon name="network" />
      </button>
      <dialog ref={dialog} class="card network" aria-labelledby="network-title" onClose={() => setOpen(false)}>
        <h2 id="network-title">Network</h2>
        <div class="network-body" role="region" aria-labelledby="network-title" tabIndex={0}>
          {measured !== '' && (
            <p data-testid="network-home">
              {measured}
            </p>
          )}
          {open && <Body meeting={meeting} />}
        </div>
        <form method="dialog">
          <button type="submit" class="primary" data-testid="network-done">
            Done
          </button>
        </form>
      </dialog>
    </>
  );
}

function Body({ meeting: { state } }: { meeting: Meeting }) {
  const topology = state.topology.value;
  if (!topology) return <p>Asking your node …</p>;
  const ids = [state.endpoint.value, ...state.participants.value.map(({ id }) => id)];
  const { nodes, links, people } = overview(topology, ids);
  const nameOf = (endpoint: string): string =>
    endpoint === state.endpoint.value ? 'You' : callName(state.name(endpoint), endpoint);
  return (
    <>
      <Table caption="Nodes" heads={['Node', 'People']}>
        {nodes.map((node) => (
          <NodeRow key={node.name} node={node} />
        ))}
      </Table>
      {links.length > 0 && (
        <Table caption="Links" heads={['Between', 'Round trip', 'Loss']}>
          {links.map((link) => (
            <LinkRow key={link.key} link={link} />
          ))}
        </Table>
      )}
      <Table caption="People" heads={['Name', 'Node', 'Picture comes by']}>
        {people.map((person) => (
          <PersonRow key={person.endpoint} person={person} name={nameOf(person.endpoint)} />
        ))}
      </Table>
    </>
  );
}

function Table({ caption, heads, children }: { caption: string; heads: readonly string[]; children: ComponentChildren }) {
  return (
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

function NodeRow({ node: { name, label, own, alive, people } }: { node: NodeLine }) {
  return (
    <tr data-testid="network-node" data-node={name}>
      <th scope="row">
        {label}
        {own && ' (yours)'}
        {!alive && ' (lost)'}
      </th>
      <td>{people}</td>
    </tr>
  );
}

function LinkRow({ link: { from, to, roundTrip, loss } }: { link: LinkLine }) {
  return (
    <tr data-testid="network-link">
      <th scope="row">
        {from} – {to}
      </th>
      <td>{roundTrip === '' ? 'down' : roundTrip}</td>
      <td>{loss}</td>
    </tr>
  );
}

function PersonRow({ person: { endpoint, node, picture, screen }, name }: { person: PersonLine; name: string }) {
  return (
    <tr data-testid="network-person" data-of={endpoint}>
      <th scope="row">{name}</th>
      <td>{node}</td>
      <td>
        {picture}
        {screen !== '' && <div>Screen: {screen}</div>}
      </td>
    </tr>
  );
}
