// Checks docker-compose.yml without an engine: by the Compose client where there is one, and always by the rules below.
// By hand: `node deploy/check-compose.ts`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '..');
const file = path.join(root, 'docker-compose.yml');
const profiles = ['cpu', 'gpu'];

/** The part of the Compose specification that we use. @see https://github.com/compose-spec/compose-spec/blob/main/05-services.md */
interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly networks?: { readonly [network: string]: { readonly aliases?: readonly string[] } };
  readonly command?: readonly string[];
  readonly environment?: { readonly [name: string]: string };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: { readonly [service: string]: { readonly condition: string } };
  readonly profiles?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: { readonly [name: string]: Service };
  readonly volumes?: { readonly [name: string]: unknown };
}

const topLevelKeys = new Set(['services', 'volumes']);
const serviceKeys = new Set(
  'image build command environment volumes ports depends_on profiles healthcheck networks deploy restart stop_signal stop_grace_period'.split(
    ' ',
  ),
);

/** @returns one sentence for each fault; none when the text is sound */
export function composeFaults(text: string): string[] {
  const compose = parse(text) as Compose;
  const unknown = Object.keys(compose).filter((key) => !topLevelKeys.has(key));
  return [
    ...unknown.map((key) => `${key} is not a top-level key that we use.`),
    ...Object.entries(compose.services).flatMap(([name, service]) =>
      serviceFaults(compose, name, service).map((fault) => `${name}: ${fault}`),
    ),
  ];
}

function serviceFaults(compose: Compose, name: string, service: Service): string[] {
  return [
    ...Object.keys(service)
      .filter((key) => !serviceKeys.has(key))
      .map((key) => `${key} is not a key that we use.`),
    ...((service.image === undefined) === (service.build === undefined) ? ['needs either an image or a build.'] : []),
    ...(service.build ? dockerfileFaults(path.join(root, service.build.context, service.build.dockerfile)) : []),
    ...(service.ports ?? []).filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)).map((port) => `port ${port} is not bound to loopback.`),
    ...(service.volumes ?? []).flatMap((volume) => volumeFaults(compose, volume)),
    ...Object.keys(service.depends_on ?? {}).flatMap((other) => dependencyFaults(compose, other)),
    ...Object.entries(service.environment ?? {}).flatMap(([key, value]) => [
      ...secretFaults(key, value),
      ...hostFaults(compose, key, value),
    ]),
    ...(service.profiles ?? []).filter((profile) => !profiles.includes(profile)).map((profile) => `profile ${profile} is not one of ours.`),
    ...(name === 'postgres' && service.image !== undefined && !/^postgres:(1[5-9]|[2-9]\d)/.test(service.image)
      ? ['needs the official image, 15 or newer.']
      : []),
  ];
}

function volumeFaults(compose: Compose, volume: string): string[] {
  const source = volume.split(':')[0] ?? '';
  if (source.startsWith('.')) return existsSync(path.join(root, source)) ? [] : [`${source} does not exist.`];
  return compose.volumes && source in compose.volumes ? [] : [`volume ${source} is not declared.`];
}

function dependencyFaults({ services }: Compose, other: string): string[] {
  if (!services[other]) return [`depends on ${other}, which does not exist.`];
  return services[other].healthcheck ? [] : [`waits for ${other}, which has no health check.`];
}

/** Addresses lead to a service by its name or by an alias of it; what clients use (PUBLIC_URL) leads outside. */
function hostFaults({ services }: Compose, key: string, value: string): string[] {
  const host = /:\/\/(?:[^/@]*@)?([^/:@]+)(?::\d+)?(?:\/|$)/.exec(value.replaceAll(/\$\{[^}]*\}/g, 'x'))?.[1];
  if (host === undefined || !key.endsWith('_URL') || key === 'PUBLIC_URL') return [];
  const aliases = Object.values(services).flatMap((service) =>
    Object.values(service.networks ?? {}).flatMap((network) => network.aliases ?? []),
  );
  return services[host] || aliases.includes(host) ? [] : [`${key} leads to ${host}, which is no service.`];
}

function secretFaults(key: string, value: string): string[] {
  const isSecret = /PASSWORD|SECRET|TOKEN/.test(key) || /:\/\/[^/]*:[^/]*@/.test(value);
  return isSecret && !value.includes('${') ? [`${key} has its secret in the file.`] : [];
}

function dockerfileFaults(dockerfile: string): string[] {
  if (!existsSync(dockerfile)) return [`${path.basename(dockerfile)} does not exist.`];
  const program = entryPoint(readFileSync(dockerfile, 'utf8'))?.[1];
  return program && existsSync(path.join(root, program))
    ? []
    : [`${path.basename(dockerfile)} starts ${program ?? 'nothing'}, which does not exist.`];
}

/** The words of a Dockerfile's last CMD in exec form. */
export function entryPoint(dockerfile: string): string[] | undefined {
  const line = dockerfile.split('\n').findLast((each) => each.startsWith('CMD ['));
  return line ? (JSON.parse(line.slice('CMD '.length)) as string[]) : undefined;
}

/** @returns what the Compose client says against the file, or undefined when there is no client */
export function clientFaults(): string[] | undefined {
  const client = [['docker', 'compose'], ['docker-compose']].find(
    ([command = '', ...words]) => spawnSync(command, [...words, 'version']).status === 0,
  );
  if (!client) return undefined;
  const [command = '', ...words] = client;
  const env = { ...process.env, POSTGRES_PASSWORD: 'checked' };
  return profiles.flatMap((profile) => {
    const answer = spawnSync(command, [...words, '--file', file, '--profile', profile, 'config', '--quiet'], {
      env,
      encoding: 'utf8',
      cwd: root,
    });
    return answer.status === 0 ? [] : [answer.stderr.trim()];
  });
}

if (import.meta.main) {
  const byClient = clientFaults();
  const faults = [...composeFaults(readFileSync(file, 'utf8')), ...(byClient ?? [])];
  for (const fault of faults) process.stdout.write(`${fault}\n`);
  process.stdout.write(
    `docker-compose.yml: ${faults.length} faults (${byClient ? 'the Compose client and' : 'no Compose client here;'} our own rules)\n`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}
