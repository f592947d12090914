// https://profiles.ihe.net/ITI/BALP/ — a row of the trail as an AuditEvent, made when it is read.
import type { Resource } from '@limen/fhir-model';
import type { AuditRow } from './chain.ts';

export type AuditEvent = Extract<Resource, { resourceType: 'AuditEvent' }>;
type Agent = AuditEvent['agent'][number];
type Entity = NonNullable<AuditEvent['entity']>[number];
export type Action = 'C' | 'R' | 'U' | 'D' | 'E';

export interface StoredRow {
  readonly lane: string;
  readonly n: number;
  readonly at: Date;
  readonly row: AuditRow;
}

/** Whether resources of this type are the server's own trail. Under `synthetic` they are as they were sent, for conformance runs. */
export const isTrailType = ({ clientIds }: { readonly clientIds: boolean }, type: string | undefined): boolean =>
  !clientIds && type === 'AuditEvent';

const terminology = 'http://terminology.hl7.org/CodeSystem';
const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const restful = 'http://hl7.org/fhir/restful-interaction';
const balp = 'https://profiles.ihe.net/ITI/BALP';

const read = ['read', 'vread', 'history-instance'];
const query = ['search-type', 'search-system', 'search-compartment', 'history-type', 'history-system'];
const update = ['update', 'patch'];
/** What people do with their accounts: it is about who they are, not about a resource. */
export const accountEvents = (
  'sign-in sign-in-refused account-locked sign-out step-up step-up-refused password-changed factor-added factor-removed backup-codes-made ' +
  'session-ended account-created role-changed account-disabled account-enabled account-reset'
).split(' ');

/** Interactions of an action; all others are E. */
export const interactionsOf: { readonly [action in Exclude<Action, 'E'>]: readonly string[] } = {
  C: ['create'],
  R: read,
  U: update,
  D: ['delete'],
};
/** Methods of refused requests by action; a refused POST may be anything. */
export const methodsOf: { readonly [action in Exclude<Action, 'E' | 'C'>]: readonly string[] } = {
  R: ['GET', 'HEAD'],
  U: ['PUT', 'PATCH'],
  D: ['DELETE'],
};
const named = Object.entries(interactionsOf) as [Action, readonly string[]][];
const ofMethods = Object.entries(methodsOf) as [Action, readonly string[]][];

function actionOf({ interaction, method }: AuditRow): Action {
  const found = named.find(([, names]) => names.includes(interaction)) ?? ofMethods.find(([, names]) => names.includes(method ?? ''));
  return found?.[0] ?? 'E';
}

/** The BALP profile of a row; none where IHE has none for it. */
function profileOf({ id, interaction, patients, resources, status, type }: AuditRow): string | undefined {
  const kinds: [string, readonly string[]][] = [
    ['Read', read],
    ['Query', query],
    ['Create', ['create']],
    ['Update', update],
    ['Delete', ['delete']],
  ];
  const kind = kinds.find(([, names]) => names.includes(interaction))?.[0];
  if (kind === undefined || status >= 400) return undefined;
  // Each names one resource; a conditional delete may have touched several.
  if (kind !== 'Query' && (resources ? resources.length !== 1 : type === undefined || id === undefined)) return undefined;
  return `${balp}/StructureDefinition/IHE.BasicAudit.${patients?.length === 1 ? 'Patient' : ''}${kind}`;
}

function subtypesOf({ interaction }: AuditRow, base: string): NonNullable<AuditEvent['subtype']> {
  const ours = { system: `${base}/CodeSystem/audit-interaction`, code: interaction };
  if (interaction === 'sign-in') return [{ system: dicom, code: '110122', display: 'Login' }, ours];
  if (interaction === 'sign-out') return [{ system: dicom, code: '110123', display: 'Logout' }, ours];
  if (interaction === 'vread' || interaction === 'history-instance')
    return [
      { system: restful, code: 'read' },
      { system: restful, code: interaction },
    ];
  if (interaction === 'search-compartment') return [{ system: restful, code: 'search' }, ours];
  if (interaction.startsWith('search-'))
    return [
      { system: restful, code: 'search' },
      { system: restful, code: interaction },
    ];
  if (interaction.startsWith('history-'))
    return [
      { system: restful, code: 'search' },
      { system: restful, code: interaction },
    ];
  if (interaction.startsWith('$')) return [{ system: restful, code: 'operation' }, ours];
  const isOfSpec = ['read', 'create', 'update', 'patch', 'delete', 'transaction', 'capabilities'].includes(interaction);
  return [isOfSpec ? { system: restful, code: interaction } : ours];
}

/** Sends or gets the data: IHE names both ends by the direction in which the data go. */
function agentsOf(row: AuditRow, base: string): Agent[] {
  const { agent, client, purpose, user } = row;
  const isToClient = read.includes(row.interaction);
  const role = (code: '110152' | '110153'): NonNullable<Agent['type']> => ({
    coding: [{ system: dicom, code, display: code === '110152' ? 'Destination Role ID' : 'Source Role ID' }],
  });
  const purposeOfUse = purpose ? { purposeOfUse: [{ coding: [{ system: `${terminology}/v3-ActReason`, code: purpose }] }] } : {};
  const clientAgent: Agent = {
    type: role(isToClient ? '110152' : '110153'),
    who: { identifier: { system: `${base}/clients`, value: client } },
    requestor: user === undefined,
    network: { address: `${base}/clients/${encodeURIComponent(client)}`, type: '5' },
    ...(user === undefined ? purposeOfUse : {}),
  };
  const serverAgent: Agent = {
    type: role(isToClient ? '110153' : '110152'),
    who: { identifier: { system: 'urn:ietf:rfc:3986', value: base } },
    requestor: false,
    network: { address: base, type: '5' },
  };
  if (user === undefined) return [clientAgent, serverAgent];
  const userAgent: Agent = {
    type: { coding: [{ system: `${terminology}/v3-ParticipationType`, code: 'IRCP', display: 'information recipient' }] },
    who: { ...(agent ? { reference: agent } : {}), identifier: { system: `${base}/accounts`, value: user } },
    altId: user,
    requestor: true,
    ...purposeOfUse,
  };
  return [clientAgent, serverAgent, userAgent];
}

const kind = (code: string): { type: { system: string; code: string } } => ({ type: { system: `${terminology}/audit-entity-type`, code } });
const role = (code: string): { role: { system: string; code: string } } => ({ role: { system: `${terminology}/object-role`, code } });

/** Names of the parameters without their values: values may identify. */
function queryEntity({ parameters = [], type }: AuditRow): Entity {
  const text = `${type ?? ''}?${parameters.map((name) => `${name}=`).join('&')}`;
  return {
    ...kind('2'),
    ...role('24'),
    description: 'Names of the parameters; their values are not kept.',
    query: Buffer.from(text).toString('base64'),
  };
}

function entitiesOf(row: AuditRow, onlyPatient: string | undefined): Entity[] {
  const { id, inner, interaction, patients = [], requestId, resources, type } = row;
  const touched =
    resources?.map((each) => each.replace(/^([^/]*\/[^/]*)\/(\d+)$/, '$1/_history/$2')) ?? (type && id ? [`${type}/${id}`] : []);
  const shown = onlyPatient === undefined ? patients : patients.filter((each) => each === onlyPatient);
  // What else a request touched is not for a patient to see.
  const data = onlyPatient === undefined ? touched : touched.slice(0, 1).filter(() => patients.length <= 1);
  return [
    ...(query.includes(interaction) ? [queryEntity(row)] : []),
    ...data.map((reference) => ({ ...kind('2'), ...role('4'), what: { reference } })),
    ...(type && data.length === 0 && !query.includes(interaction) ? [{ ...kind('2'), ...role('4'), what: { display: type } }] : []),
    ...shown.map((each) => ({ ...kind('1'), ...role('1'), what: { reference: `Patient/${each}` } })),
    {
      type: { system: `${balp}/CodeSystem/BasicAuditEntityType`, code: 'XrequestId' },
      what: { identifier: { value: requestId } },
    },
    ...(inner && inner.length > 0
      ? [
          {
            ...kind('4'),
            description: 'Interactions that were run for the answer.',
            detail: inner.map((valueString) => ({ type: 'interaction', valueString })),
          },
        ]
      : []),
  ];
}

const outcomeOf = (status: number): '0' | '4' | '8' => (status < 400 ? '0' : status < 500 ? '4' : '8');

/** @param onlyPatient for a patient who sees the own trail: other patients stay out */
export function auditEvent({ lane, n, at, row }: StoredRow, base: string, onlyPatient?: string): AuditEvent {
  const profile = profileOf(row);
  const isAccount = accountEvents.includes(row.interaction);
  return {
    resourceType: 'AuditEvent',
    id: `${lane}-${n}`,
    meta: { versionId: '1', lastUpdated: at.toISOString(), ...(profile ? { profile: [profile] } : {}) },
    type: isAccount
      ? { system: dicom, code: '110114', display: 'User Authentication' }
      : { system: `${terminology}/audit-event-type`, code: 'rest', display: 'RESTful Operation' },
    subtype: subtypesOf(row, base),
    action: actionOf(row),
    recorded: at.toISOString(),
    outcome: outcomeOf(row.status),
    agent: agentsOf(row, base),
    source: {
      observer: { identifier: { system: 'urn:ietf:rfc:3986', value: base } },
      type: [{ system: `${terminology}/security-source-type`, code: '4', display: 'Application Server' }],
    },
    entity: entitiesOf(row, onlyPatient),
  };
}
