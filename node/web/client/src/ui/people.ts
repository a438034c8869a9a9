/** How somebody is called who may have given no name. */
export function callName(name: string, endpoint: string): string {
  if (name !== '') return name;
  return endpoint === '' ? 'Meeting' : `Guest ${endpoint.slice(0, 4)}`;
}
